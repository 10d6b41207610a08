"""POST /admin/orders/{order_id}/cancel

A merchant cancels an order of which nothing is shipped.

Its stock goes back, an open payment is called off, and what gift cards and store credit paid goes back to them. Money
that was collected goes back if `refund` is true: the answer shows that refund, which is `pending` until the payment
provider has made it. A shipped order is refused with a 409: it comes back by a return.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders.changes import CancelledOut, CancelOrderIn
from commerce.payments import cancelling

app = AdminApi()


@app.post("/admin/orders/{order_id}/cancel", scope="orders:write")
def cancel_order(
    tx: Transaction, caller: Caller, order_id: str, if_match: int | None, body: CancelOrderIn | None = None
) -> CancelledOut:
    wanted = (body or CancelOrderIn()).to_command(order_id)
    return CancelledOut.of(cancelling.cancel(tx, caller, wanted, if_match))


handler = app.handler
