"""POST /admin/orders/{order_id}/notes

A merchant adds a note to an order.

Notes are never changed and never deleted. A note is no change of the order: the order's version stays as it is, and no
change of status is in its way.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders import use_cases
from commerce.orders.changes import NoteIn, NoteOut

app = AdminApi()


@app.post("/admin/orders/{order_id}/notes", scope="orders:write", status=201)
def add_note(tx: Transaction, caller: Caller, order_id: str, body: NoteIn) -> NoteOut:
    return NoteOut.of(use_cases.add_note(tx, caller, order_id, body.content))


handler = app.handler
