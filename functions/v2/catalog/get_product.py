"""GET /v2/products/{id}

A merchant reads one product by its id, its SKU or a variant's SKU, with variants and their stock.
"""

from commerce.catalog import use_cases
from commerce.catalog.contracts import ProductOut
from commerce.http.api import Caller, V2Api

app = V2Api()


@app.get("/v2/products/{id}", scope="products:read")
def get_product(caller: Caller, id: str) -> ProductOut:
    return ProductOut.of(use_cases.get(caller.tenant, id))


handler = app.handler
