"""PUT /admin/orders/{order_id}/status

A merchant moves an order on, or cancels it.

The moves are those of an order: pending → processing → shipped → delivered, and pending → shipped; any other is a 409.
An order is shipped once it is paid: all that is set aside for it leaves the warehouses as one shipment, and units that
wait for stock are left, so that the order is `processing` until they follow. `cancelled` gives the stock back,
and what gift cards and store credit paid, and calls an open payment off; money that was collected stays with the
payment provider until it is refunded.
`note` becomes a note for the merchant's staff. With `notify_customer` the customer is mailed, once for each status and
shipment.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders import moving
from commerce.orders.changes import SetStatusIn, StatusOut

app = AdminApi()


@app.put("/admin/orders/{order_id}/status", scope="orders:write")
@app.patch("/admin/orders/{order_id}/status", scope="orders:write", name="patch_order_status")
def set_order_status(
    tx: Transaction, caller: Caller, order_id: str, body: SetStatusIn, if_match: int | None
) -> StatusOut:
    return StatusOut.of(moving.set_status(tx, caller, body.to_command(order_id), if_match))


handler = app.handler
