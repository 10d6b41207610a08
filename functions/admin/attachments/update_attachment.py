"""PUT /admin/orders/{order_id}/attachments/{attachment_id}

A merchant changes what a file attached to an order is called, what it is, or what is said of it.
"""

from commerce.attachments import use_cases
from commerce.attachments.contracts import AttachmentChanges, AttachmentOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.put("/admin/orders/{order_id}/attachments/{attachment_id}", scope="orders:write")
@app.patch("/admin/orders/{order_id}/attachments/{attachment_id}", scope="orders:write", name="patch_attachment")
def update_attachment(
    tx: Transaction, caller: Caller, order_id: str, attachment_id: str, body: AttachmentChanges, if_match: int | None
) -> AttachmentOut:
    changed = use_cases.change(tx, caller, order_id, attachment_id, body.sent, if_match)
    return AttachmentOut.linked(caller.tenant, changed)


handler = app.handler
