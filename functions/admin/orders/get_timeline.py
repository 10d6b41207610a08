"""GET /admin/orders/{order_id}/timeline

A merchant reads everything that happened to an order, oldest first.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.http.pages import OffsetQuery
from commerce.orders import queries
from commerce.orders.contracts import TimelineOut

app = AdminApi()


@app.get("/admin/orders/{order_id}/timeline", scope="orders:read")
def get_timeline(caller: Caller, order_id: str, query: OffsetQuery) -> Page[TimelineOut]:
    page = queries.timeline(caller.tenant, order_id, query.page_request())
    return page.over(tuple(TimelineOut.of(event) for event in page.items))


handler = app.handler
