"""GET /v2/purchase-orders

A merchant lists purchase orders, newest first, all or those in one status.

Drafts are made when stock falls below an alert that is set to reorder. Follow next_cursor until it is null.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.purchasing import use_cases
from commerce.purchasing.contracts import PurchaseOrderOut, PurchaseOrdersQuery

app = V2Api()


@app.get("/v2/purchase-orders", scope="inventory:read")
def list_purchase_orders(caller: Caller, query: PurchaseOrdersQuery) -> Page[PurchaseOrderOut]:
    found = use_cases.list_purchase_orders(caller.tenant, query.page_request(), query.status)
    return found.over(tuple(PurchaseOrderOut.of(order) for order in found.items))


handler = app.handler
