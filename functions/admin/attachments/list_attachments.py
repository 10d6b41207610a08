"""GET /admin/orders/{order_id}/attachments

A merchant lists all files attached to an order, the newest first.
"""

from commerce.attachments import queries
from commerce.attachments.contracts import AttachmentRowOut
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/orders/{order_id}/attachments", scope="orders:read")
def list_attachments(caller: Caller, order_id: str) -> list[AttachmentRowOut]:
    return [AttachmentRowOut.of(each) for each in queries.of_order(caller.tenant, order_id)]


handler = app.handler
