"""GET /orders/{order_id}/returns

A customer lists the returns of one of their own orders, newest first.
"""

from commerce.http.api import Caller, Page, PortalApi
from commerce.http.pages import OffsetQuery
from commerce.returns import queries
from commerce.returns.contracts import ReturnRowOut

app = PortalApi()


@app.get("/orders/{order_id}/returns", scope="my_orders")
def list_my_returns(caller: Caller, order_id: str, query: OffsetQuery) -> Page[ReturnRowOut]:
    page = queries.of_own_order(caller.tenant, query.page_request(), order_id, caller.own_customer_id)
    return page.over(tuple(ReturnRowOut.of(ret) for ret in page.items))


handler = app.handler
