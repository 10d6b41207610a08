"""POST /admin/inventory-history/bulk-adjust

A merchant changes the stock of many products, each by a number of units, and says why.

Each row is changed by itself, and refused by itself: more than there are cannot be taken away. Up to 100 rows are dealt
with by the time of the answer; more, up to 10,000, by a job. Send an Idempotency-Key: a retried request without one
counts twice.
"""

from commerce.bulk import use_cases
from commerce.bulk.contracts import BulkAdjustIn, BulkOut
from commerce.http.api import AdminApi, Caller, Transaction
from commerce.jobs.model import JobType

app = AdminApi()


@app.post("/admin/inventory-history/bulk-adjust", scope="inventory:write")
def bulk_adjust_inventory(tx: Transaction, caller: Caller, body: BulkAdjustIn) -> BulkOut:
    return BulkOut.of(use_cases.change(tx, caller, JobType.STOCK_ADJUSTMENT, body.to_rows()))


handler = app.handler
