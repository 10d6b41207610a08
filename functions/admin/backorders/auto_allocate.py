"""POST /admin/backorders/auto-allocate

A merchant has the stock that is there set aside for all who wait, in the order in which they ordered.

The same happens by itself whenever stock arrives. Two calls at once share the work; one that is repeated with its
Idempotency-Key goes on where it stopped, and tells of all that was done.
"""

import time

from commerce.access.queries import allows_partial_allocation
from commerce.backorders import allocating
from commerce.backorders.contracts import AllocatedOut
from commerce.http.api import AdminApi, Caller, Transaction

SECONDS = 20  # the gateway waits 29

app = AdminApi()


@app.post("/admin/backorders/auto-allocate", scope="orders:write")
def auto_allocate(tx: Transaction, caller: Caller) -> AllocatedOut:
    tx.outside("the allocations")
    end = time.monotonic() + SECONDS
    whole = not allows_partial_allocation(caller.tenant.tenant_id)
    served = allocating.serve_once(caller, tx.operation_id, whole=whole, has_time=lambda: time.monotonic() < end)
    return AllocatedOut.of(served)


handler = app.handler
