"""POST /admin/orders/{order_id}/close-rest

A merchant gives up the rest of an order of which some has left.

The units that will never be sent stay with the order as `given_up`; their stock is free again, and their places in the
queues for stock are. What was paid for them goes back, less what was refunded without a return already: the answer
shows that refund, which is `pending` until the payment provider has made it. The order is `shipped` with what has left.
An order of which nothing has left is refused with a 409: it is cancelled instead.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders.closing import close_rest
from commerce.orders.closing_contracts import ClosedOut, CloseRestIn

app = AdminApi()


@app.post("/admin/orders/{order_id}/close-rest", scope="orders:write")
def close(
    tx: Transaction, caller: Caller, order_id: str, if_match: int | None, body: CloseRestIn | None = None
) -> ClosedOut:
    return ClosedOut.of(close_rest(tx, caller, order_id, (body or CloseRestIn()).reason, if_match))


handler = app.handler
