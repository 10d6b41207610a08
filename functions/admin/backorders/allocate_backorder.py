"""POST /admin/backorders/{item_id}/allocate

A merchant sets the stock that is there aside for one backorder, as far as it goes.

It need not be the first in the queue: which one it is, is the merchant's decision. Preorders are named here alike.
"""

from commerce.backorders import allocating
from commerce.backorders.contracts import AllocationOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/backorders/{item_id}/allocate", scope="orders:write")
def allocate_backorder(tx: Transaction, caller: Caller, item_id: str) -> AllocationOut:
    return AllocationOut.of(allocating.allocate(tx, caller, item_id))


handler = app.handler
