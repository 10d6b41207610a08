"""POST /admin/returns/{return_id}/approve

A merchant approves a pending return, which gives it its RMA number and label.

A return is approved once: a second time is a 409, unless it is the same request by its Idempotency-Key.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import ApprovedOut

app = AdminApi()


@app.post("/admin/returns/{return_id}/approve", scope="returns:write")
@app.put("/admin/returns/{return_id}/approve", scope="returns:write", name="put_approval")
def approve_return(tx: Transaction, caller: Caller, return_id: str, if_match: int | None) -> ApprovedOut:
    return ApprovedOut.approved(caller.tenant, use_cases.approve(tx, caller, return_id, if_match))


handler = app.handler
