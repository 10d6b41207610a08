"""POST /v2/purchase-orders/{id}/close

A merchant says that a draft was ordered from the supplier, or drops it.

Goods that arrive are received with POST /v2/inventory/{product_id}/adjust.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.purchasing import use_cases
from commerce.purchasing.contracts import CloseIn, PurchaseOrderOut

app = V2Api()


@app.post("/v2/purchase-orders/{id}/close", scope="inventory:write", status=201)
def close_purchase_order(
    tx: Transaction, caller: Caller, id: str, body: CloseIn, if_match: int | None
) -> PurchaseOrderOut:
    return PurchaseOrderOut.of(use_cases.close(tx, caller, id, body.status, if_match))


handler = app.handler
