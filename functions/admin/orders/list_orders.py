"""GET /admin/orders

A merchant lists orders, newest first.

Filter by status, by customer, or by both.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.orders import queries
from commerce.orders.contracts import OrderRowOut, OrdersQuery

app = AdminApi()


@app.get("/admin/orders", scope="orders:read")
def list_orders(caller: Caller, query: OrdersQuery) -> Page[OrderRowOut]:
    page = queries.find(caller.tenant, query.of_customer(query.customer_id))
    return page.over(tuple(OrderRowOut.of(order) for order in page.items))


handler = app.handler
