"""POST /v2/products

A merchant adds a product, with its variants and their first stock.
"""

from commerce.catalog import use_cases
from commerce.catalog.contracts import ProductIn, ProductOut
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/products", scope="products:write", status=201)
def create_product(tx: Transaction, caller: Caller, body: ProductIn) -> ProductOut:
    return ProductOut.of(use_cases.create(tx, caller, body.to_command(caller.tenant.currency)))


handler = app.handler
