"""POST /admin/orders/{order_id}/attachments

A merchant attaches a file to an order: a design proof, a receipt.

The file comes along as form data; or JSON announces it, it is sent to where the answer says, and then completed. Taken
are PNG, JPEG, GIF and WebP pictures, PDF, UTF-8 text and CSV, Word and Excel files without macros; the content decides,
and the type that is claimed and the ending of the name must agree with it. An order has at most 50 attachments.
Customers see none of them.
"""

from commerce.attachments import use_cases
from commerce.attachments.contracts import AttachedOut, AttachmentIn
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/orders/{order_id}/attachments", scope="orders:write", status=201)
def add_attachment(
    tx: Transaction, caller: Caller, order_id: str, body: AttachmentIn, upload: bytes | None
) -> AttachedOut:
    if upload is not None:
        attached = use_cases.attach(tx, caller, order_id, body.to_file(), upload)
        return AttachedOut.added(caller.tenant, attached, None)
    announced = use_cases.announce(tx, caller, order_id, body.to_file())
    return AttachedOut.added(caller.tenant, announced.attachment, announced.form)


handler = app.handler
