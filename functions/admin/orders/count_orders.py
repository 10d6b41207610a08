"""GET /admin/orders/counts

A merchant counts orders by status, for the dashboard's badges.
"""

from commerce.http.api import AdminApi, Caller
from commerce.orders import queries
from commerce.orders.contracts import CountsOut

app = AdminApi()


@app.get("/admin/orders/counts", scope="orders:read")
def count_orders(caller: Caller) -> CountsOut:
    return CountsOut(**queries.count(caller.tenant))


handler = app.handler
