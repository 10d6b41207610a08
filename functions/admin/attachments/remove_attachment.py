"""DELETE /admin/orders/{order_id}/attachments/{attachment_id}

A merchant removes a file from an order; the timeline keeps that it was there.
"""

from commerce.attachments import use_cases
from commerce.attachments.contracts import RemovedOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.delete("/admin/orders/{order_id}/attachments/{attachment_id}", scope="orders:write")
def remove_attachment(tx: Transaction, caller: Caller, order_id: str, attachment_id: str) -> RemovedOut:
    return RemovedOut(id=use_cases.remove(tx, caller, order_id, attachment_id).attachment_id)


handler = app.handler
