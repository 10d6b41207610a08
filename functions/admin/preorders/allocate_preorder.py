"""POST /admin/preorders/allocate

A merchant sets units that are there aside for a preorder.

It need not be the first in the queue: which one it is, is the merchant's decision. Backorders are named here alike.
"""

from commerce.backorders import allocating
from commerce.backorders.contracts import AllocateIn, AllocationOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/preorders/allocate", scope="orders:write")
def allocate_preorder(tx: Transaction, caller: Caller, body: AllocateIn) -> AllocationOut:
    return AllocationOut.of(allocating.allocate(tx, caller, body.backorder_id, body.quantity))


handler = app.handler
