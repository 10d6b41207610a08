"""GET /admin/orders/{order_id}

A merchant reads one order with its items, customer and newest timeline events.
"""

from commerce.http.api import AdminApi, Caller
from commerce.orders import queries
from commerce.orders.contracts import OrderOut

app = AdminApi()


@app.get("/admin/orders/{order_id}", scope="orders:read")
def get_order(caller: Caller, order_id: str) -> OrderOut:
    return OrderOut.of(queries.get_detailed(caller.tenant, order_id))


handler = app.handler
