"""GET /admin/bulk/exports/{export_id}

A merchant asks how far an export is, and gets a link to its file.

Besides the route's scope this takes the one that reads what was exported.
"""

from commerce.bulk.contracts import ExportOut
from commerce.http.api import AdminApi, Caller
from commerce.jobs import queries

app = AdminApi()


@app.get("/admin/bulk/exports/{export_id}", scope="jobs:read")
def get_export(caller: Caller, export_id: str) -> ExportOut:
    return ExportOut.of(caller.tenant, queries.get_export(caller, export_id))


handler = app.handler
