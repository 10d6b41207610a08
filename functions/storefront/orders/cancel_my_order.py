"""POST /orders/{order_id}/cancel

A customer cancels one of their own orders while nothing of it is shipped.

The payment is voided and the stock given back. Where the money was collected already the answer is a 409, also when
that happened in the meantime: the shop has to refund it. Shops can keep cancelling to themselves, with a 403 here. An
order that is cancelled already is answered as it is.
"""

from commerce.http.api import Caller, PortalApi, Transaction
from commerce.orders.changes import CancelIn, CancelledOut
from commerce.payments import cancelling

app = PortalApi()


@app.post("/orders/{order_id}/cancel", scope="my_orders")
def cancel_my_order(tx: Transaction, caller: Caller, order_id: str, body: CancelIn | None = None) -> CancelledOut:
    reason = body.reason if body is not None else None
    return CancelledOut.of(cancelling.cancel_own(tx, caller, order_id, reason))


handler = app.handler
