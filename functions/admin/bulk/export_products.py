"""POST /admin/bulk/products/export

A merchant exports all products, active, draft and archived ones, as CSV or JSON.

A small shop's file is written by the time of the answer; a larger one is written by a job, and `url` is null until it
is: ask for the export by its id. GET gives the caller's export of the last five minutes, and makes one where there is
none. Files are kept for seven days.
"""

from commerce.bulk import use_cases
from commerce.bulk.contracts import ExportOut, ExportQuery
from commerce.http.api import AdminApi, Caller, Transaction
from commerce.jobs.model import JobType

app = AdminApi()


@app.post("/admin/bulk/products/export", scope="products:read", secret=True)
def export_products(tx: Transaction, caller: Caller, query: ExportQuery) -> ExportOut:
    return ExportOut.of(caller.tenant, use_cases.export(tx, caller, JobType.PRODUCT_EXPORT, query.format))


@app.get("/admin/bulk/products/export", scope="products:read")
def get_export_of_products(caller: Caller, query: ExportQuery) -> ExportOut:
    return ExportOut.of(caller.tenant, use_cases.recent_export(caller, JobType.PRODUCT_EXPORT, query.format))


handler = app.handler
