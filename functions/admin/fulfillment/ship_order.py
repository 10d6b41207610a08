"""POST /admin/fulfillment/ship

A merchant ships an order, whole or in parts.

Without `items` everything leaves that is set aside for the order; units that wait for stock stay behind, and
`items_waiting` counts them. The order is `shipped` once its last unit has left, and `processing` until then. An order
that is not paid is refused with a 409. The same carrier and tracking number again are the same shipment: it is answered
as it is, nothing leaves twice, and nobody is mailed twice.
"""

from commerce.fulfillment.intake import ShipOrderIn, ShippedOut
from commerce.fulfillment.use_cases import ship
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/fulfillment/ship", scope="orders:write")
def ship_order(tx: Transaction, caller: Caller, body: ShipOrderIn) -> ShippedOut:
    return ShippedOut.of(ship(tx, caller, body.to_command()))


handler = app.handler
