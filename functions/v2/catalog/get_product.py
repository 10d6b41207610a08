"""GET /v2/products/{id}

A merchant reads one product by its id, its SKU or a variant's SKU, with variants and their stock.

With `Accept-Language` texts come by language, in every one that they are stored in. With `X-Currency` prices come as
integer minor units, in the shop's own currency only.
"""

from commerce.catalog import use_cases
from commerce.catalog.contracts import ProductOut
from commerce.http.api import Caller, V2Api
from commerce.http.caching import CATALOGUE

app = V2Api()


@app.get("/v2/products/{id}", scope="products:read", cache=CATALOGUE)
def get_product(caller: Caller, id: str) -> ProductOut:
    return ProductOut.of(use_cases.get(caller.tenant, id), caller.locale)


handler = app.handler
