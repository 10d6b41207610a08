"""GET /v2/products

A merchant lists products, filtered and in order.

Without a status the list holds active and draft products; archived ones are listed only when asked for.

`filter[category][in]`, `filter[status][eq]` and `metadata[key]` find through lists that are kept for them, and a range
of the field that the list is in order of (`price`, `name`, `created_at`, `updated_at`) through that order; a list
without a `sort` takes the order of the range that is asked for. Every other filter narrows what these find: a page may
then come out short with more to follow, and has no number. A comma in a value of `in` is written `%252C`.
"""

from commerce.catalog import finding
from commerce.catalog.contracts import ProductOut
from commerce.catalog.finding_contracts import ProductsQuery
from commerce.catalog.use_cases import Stocked
from commerce.http.api import Caller, Page, V2Api
from commerce.http.caching import CATALOGUE
from commerce.kernel.criteria import Criteria

app = V2Api()


@app.get("/v2/products", scope="products:read", cache=CATALOGUE)
def list_products(caller: Caller, query: ProductsQuery, criteria: Criteria) -> Page[ProductOut]:
    found = finding.find(caller.tenant, query.to_command(criteria), caller.locale.timezone)
    return found.over(tuple(ProductOut.of(Stocked(product, None), caller.locale) for product in found.items))


handler = app.handler
