"""POST /admin/bulk/products/import

A merchant brings in many products: one with a known SKU is changed, any other is made.

`stock` is what was counted: the available units at the shop's first warehouse are brought to it by one movement. Up to
100 rows are dealt with by the time of the answer; more, up to 10,000, by a job.
"""

from commerce.bulk import use_cases
from commerce.bulk.contracts import BulkOut, ImportProductsIn
from commerce.http.api import AdminApi, Caller, Transaction
from commerce.jobs.model import JobType

app = AdminApi()


@app.post("/admin/bulk/products/import", scope="products:write")
def import_products(tx: Transaction, caller: Caller, body: ImportProductsIn) -> BulkOut:
    rows = body.to_rows(caller.tenant.currency)
    if any("stock" in row for row in rows):
        caller.require("inventory:write")
    return BulkOut.of(use_cases.change(tx, caller, JobType.PRODUCT_IMPORT, rows))


handler = app.handler
