"""GET /admin/orders/{order_id}/notes

A merchant reads the notes on an order, newest first.

Notes are for the merchant's staff: customers see them nowhere.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.http.pages import OffsetQuery
from commerce.orders import queries
from commerce.orders.changes import NoteOut

app = AdminApi()


@app.get("/admin/orders/{order_id}/notes", scope="orders:read")
def list_notes(caller: Caller, order_id: str, query: OffsetQuery) -> Page[NoteOut]:
    page = queries.notes(caller.tenant, order_id, query.page_request())
    return page.over(tuple(NoteOut.of(event) for event in page.items))


handler = app.handler
