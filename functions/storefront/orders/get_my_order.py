"""GET /orders/{order_id}

A customer reads one of their own orders.
"""

from commerce.http.api import Caller, PortalApi
from commerce.orders import queries
from commerce.orders.contracts import MyOrderOut

app = PortalApi()


@app.get("/orders/{order_id}", scope="my_orders")
def get_my_order(caller: Caller, order_id: str) -> MyOrderOut:
    return MyOrderOut.of(queries.get_own(caller.tenant, order_id, caller.own_customer_id))


handler = app.handler
