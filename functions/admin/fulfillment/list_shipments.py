"""GET /admin/orders/{order_id}/shipments

A merchant reads what has left of an order, oldest first.
"""

from commerce.fulfillment import queries
from commerce.fulfillment.contracts import ShipmentOut
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/orders/{order_id}/shipments", scope="orders:read")
def list_shipments(caller: Caller, order_id: str) -> list[ShipmentOut]:
    return [ShipmentOut.of(each) for each in queries.of_order(caller.tenant, order_id)]


handler = app.handler
