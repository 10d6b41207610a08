"""PUT /v2/products/{id}

A merchant changes a product in what the request names; the rest stays as it is.

`variants`, `categories`, `images` and `metadata` are given whole. A variant is the one with its `id`, else the one
with its `sku`, else a new one; one that is left out goes, unless it has stock or is set aside for orders. An archived
product comes back by another `status`. `If-Match`, or `version` in the body, guards against changes in between.
"""

from commerce.catalog import use_cases
from commerce.catalog.contracts import ProductChangeIn, ProductOut
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.put("/v2/products/{id}", scope="products:write")
def update_product(tx: Transaction, caller: Caller, id: str, body: ProductChangeIn, if_match: int | None) -> ProductOut:
    return ProductOut.of(use_cases.update(tx, caller, id, body.to_command(caller.tenant.currency), if_match))


handler = app.handler
