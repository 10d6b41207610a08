"""GET /admin/returns

A merchant lists returns, newest first.

Filter by status, or find the one that a parcel belongs to by the RMA number on its label.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.returns import queries
from commerce.returns.contracts import ReturnRowOut, ReturnsQuery

app = AdminApi()


@app.get("/admin/returns", scope="returns:read")
def list_returns(caller: Caller, query: ReturnsQuery) -> Page[ReturnRowOut]:
    page = queries.find(caller.tenant, query.page_request(), query.status, query.rma_number)
    return page.over(tuple(ReturnRowOut.of(ret) for ret in page.items))


handler = app.handler
