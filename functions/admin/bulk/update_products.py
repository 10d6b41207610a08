"""POST /admin/bulk/products/update

A merchant gives many products the same price, status or category.

Each product is changed by itself, and refused by itself. Up to 100 are changed by the time of the answer; more, up to
10,000, by a job.
"""

from commerce.bulk import use_cases
from commerce.bulk.contracts import BulkOut, UpdateProductsIn
from commerce.http.api import AdminApi, Caller, Transaction
from commerce.jobs.model import JobType

app = AdminApi()


@app.post("/admin/bulk/products/update", scope="products:write")
def update_products(tx: Transaction, caller: Caller, body: UpdateProductsIn) -> BulkOut:
    return BulkOut.of(use_cases.change(tx, caller, JobType.PRODUCT_UPDATE, body.to_rows(caller.tenant.currency)))


handler = app.handler
