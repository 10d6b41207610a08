"""GET /admin/orders/{order_id}/attachments/{attachment_id}

A merchant reads what a file attached to an order is, and gets a link to it that is good for 10 to 15 minutes.
"""

from commerce.attachments import queries
from commerce.attachments.contracts import AttachmentOut
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/orders/{order_id}/attachments/{attachment_id}", scope="orders:read")
def get_attachment(caller: Caller, order_id: str, attachment_id: str) -> AttachmentOut:
    return AttachmentOut.linked(caller.tenant, queries.get(caller.tenant, order_id, attachment_id))


handler = app.handler
