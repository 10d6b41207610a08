"""PATCH /admin/preorders/{id}

A merchant promises another date for a preorder, of which the customer is told, or serves it before others.

Backorders are named here alike. Products keep their own date, which is what new orders are promised.
"""

from commerce.backorders import use_cases
from commerce.backorders.contracts import BackorderChangesIn, BackorderOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.patch("/admin/preorders/{id}", scope="orders:write")
def change_preorder(
    tx: Transaction, caller: Caller, id: str, body: BackorderChangesIn, if_match: int | None
) -> BackorderOut:
    return BackorderOut.of(use_cases.change(tx, caller, body.to_command(id), if_match))


handler = app.handler
