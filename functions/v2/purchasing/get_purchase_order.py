"""GET /v2/purchase-orders/{id}

A merchant reads what was drafted to be bought of a supplier.
"""

from commerce.http.api import Caller, V2Api
from commerce.purchasing import use_cases
from commerce.purchasing.contracts import PurchaseOrderOut

app = V2Api()


@app.get("/v2/purchase-orders/{id}", scope="inventory:read")
def get_purchase_order(caller: Caller, id: str) -> PurchaseOrderOut:
    return PurchaseOrderOut.of(use_cases.get(caller.tenant, id))


handler = app.handler
