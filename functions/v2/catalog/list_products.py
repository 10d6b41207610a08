"""GET /v2/products

A merchant lists products, filtered and in any of four orders.

Without a status the list holds active and draft products; archived ones are listed only when asked for.
"""

from commerce.catalog import use_cases
from commerce.catalog.contracts import ProductOut, ProductsQuery
from commerce.http.api import Caller, Page, V2Api

app = V2Api()


@app.get("/v2/products", scope="products:read")
def list_products(caller: Caller, query: ProductsQuery) -> Page[ProductOut]:
    found = use_cases.find(caller.tenant, query.to_command())
    return found.over(tuple(ProductOut.of(stocked) for stocked in found.items))


handler = app.handler
