"""GET /orders

A customer lists their own orders, newest first.
"""

from commerce.http.api import Caller, Page, PortalApi
from commerce.orders import queries
from commerce.orders.contracts import MyOrdersQuery, OrderRowOut

app = PortalApi()


@app.get("/orders", scope="my_orders")
def list_my_orders(caller: Caller, query: MyOrdersQuery) -> Page[OrderRowOut]:
    page = queries.find(caller.tenant, query.of_customer(caller.own_customer_id))
    return page.over(tuple(OrderRowOut.of(order) for order in page.items))


handler = app.handler
