"""GET /orders/{order_id}/returns/{return_id}

A customer reads one of their own returns: what it is worth, its label, and how far it is.

Where a refund fails, `failure_reason` says why.
"""

from commerce.http.api import Caller, PortalApi
from commerce.returns import queries
from commerce.returns.contracts import MyReturnOut

app = PortalApi()


@app.get("/orders/{order_id}/returns/{return_id}", scope="my_orders")
def get_my_return(caller: Caller, order_id: str, return_id: str) -> MyReturnOut:
    found = queries.get_own(caller.tenant, order_id, return_id, caller.own_customer_id)
    return MyReturnOut.detailed(caller.tenant, found)


handler = app.handler
