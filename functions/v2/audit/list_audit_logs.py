"""GET /v2/audit-logs

A merchant reads who changed what, newest first, by actor, action, resource and date.

Entries appear within about a second of their change. They hold no secret, and of people only their ids: that a name or
an address changed is told, with `***` in place of both values. Entries are kept for 90 days on the plans free and
starter, a year on professional and business, and seven years on enterprise. Where several filters meet, a page can be
shorter than limit while more follow: go on with next_cursor until it is null.
"""

from commerce.audit import queries
from commerce.audit.contracts import AuditQuery, LogsOut
from commerce.http.api import Caller, V2Api

app = V2Api()


@app.get("/v2/audit-logs", scope="audit:read")
def list_audit_logs(caller: Caller, query: AuditQuery) -> LogsOut:
    return LogsOut.of(queries.find(caller.tenant, query.to_command()))


handler = app.handler
