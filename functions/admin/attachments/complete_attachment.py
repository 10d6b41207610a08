"""POST /admin/orders/{order_id}/attachments/{attachment_id}/complete

A merchant says that an announced file was sent.

Its size and its content are held against what was announced; a file that is something else is deleted and refused, and
another one can be sent until the form expires. Completing again changes nothing.
"""

from commerce.attachments import use_cases
from commerce.attachments.contracts import AttachmentOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/orders/{order_id}/attachments/{attachment_id}/complete", scope="orders:write")
def complete_attachment(tx: Transaction, caller: Caller, order_id: str, attachment_id: str) -> AttachmentOut:
    return AttachmentOut.linked(caller.tenant, use_cases.complete(tx, caller, order_id, attachment_id))


handler = app.handler
