"""PATCH /v2/orders/{id}/status

A merchant moves an order on, or cancels it.

The moves are those of an order: pending → processing → shipped → delivered, and pending → shipped; any other is a 409.
An order is shipped once it is paid: all that is set aside for it leaves the warehouses as one shipment, and units that
wait for stock are left, so that the order is `processing` until they follow. `cancelled` gives the stock back,
and what gift cards and store credit paid, and calls an open payment off; money that was collected stays with the
payment provider until it is refunded.
`note` becomes a note for the merchant's staff. With `notify_customer` the customer is mailed, once for each status and
shipment.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.orders import moving
from commerce.orders.changes import SetStatusIn
from commerce.orders.v2_contracts import V2OrderOut

app = V2Api()


@app.patch("/v2/orders/{id}/status", scope="orders:write")
@app.put("/v2/orders/{id}/status", scope="orders:write", name="put_order_status")
def set_order_status(tx: Transaction, caller: Caller, id: str, body: SetStatusIn, if_match: int | None) -> V2OrderOut:
    return V2OrderOut.of(moving.set_status(tx, caller, body.to_command(id), if_match))


handler = app.handler
