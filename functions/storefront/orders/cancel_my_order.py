"""POST /orders/{order_id}/cancel

A customer cancels one of their own orders while nothing of it is shipped.

An open payment is called off, the stock goes back, and so does all that was paid: `refund` shows it, `pending` until
the payment provider has made it. Where the payment goes through at this very moment the answer is a 409; trying again
refunds it. Shops can keep cancelling to themselves, with a 403 here. An order that is cancelled already is answered as
it is.
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
