"""GET /v2/payments/disputes

A merchant lists disputes, newest first, of all payments or of one order, and by status.

Each says until when evidence is awaited (`evidence_due_by`).
"""

from commerce.disputes import queries
from commerce.disputes.contracts import DisputeOut, DisputesQuery
from commerce.http.api import Caller, Page, V2Api

app = V2Api()


@app.get("/v2/payments/disputes", scope="payments:read")
def list_disputes(caller: Caller, query: DisputesQuery) -> Page[DisputeOut]:
    found = queries.find(caller.tenant, query.page_request(), order_id=query.order_id, status=query.status)
    return found.over(tuple(DisputeOut.of(dispute) for dispute in found.items))


handler = app.handler
