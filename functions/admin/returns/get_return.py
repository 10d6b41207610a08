"""GET /admin/returns/{return_id}

A merchant reads one return with its items, receipts, refunds and history.
"""

from commerce.http.api import AdminApi, Caller
from commerce.returns import queries
from commerce.returns.contracts import ReturnOut

app = AdminApi()


@app.get("/admin/returns/{return_id}", scope="returns:read")
def get_return(caller: Caller, return_id: str) -> ReturnOut:
    return ReturnOut.detailed(caller.tenant, queries.get_detailed(caller.tenant, return_id))


handler = app.handler
