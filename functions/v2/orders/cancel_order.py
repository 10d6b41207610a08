"""POST /v2/orders/{id}/cancel

A merchant cancels an order of which nothing is shipped.

Its stock goes back, an open payment is called off, and what gift cards and store credit paid goes back to them. Money
that was collected goes back if `refund` is true: the answer shows that refund, which is `pending` until the payment
provider has made it. A shipped order is refused with a 409: it comes back by a return.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.orders.changes import CancelledOut, CancelOrderIn
from commerce.payments import cancelling

app = V2Api()


@app.post("/v2/orders/{id}/cancel", scope="orders:write", status=201)
def cancel_order(
    tx: Transaction, caller: Caller, id: str, if_match: int | None, body: CancelOrderIn | None = None
) -> CancelledOut:
    wanted = (body or CancelOrderIn()).to_command(id)
    return CancelledOut.of(cancelling.cancel(tx, caller, wanted, if_match))


handler = app.handler
