"""GET /admin/backorders

A merchant lists the backorders that wait for stock, the longest waiting first.

Preorders are in a list of their own.
"""

from commerce.backorders import queries
from commerce.backorders.contracts import BackorderOut, BackordersQuery
from commerce.http.api import AdminApi, Caller, Page

app = AdminApi()


@app.get("/admin/backorders", scope="orders:read")
def list_backorders(caller: Caller, query: BackordersQuery) -> Page[BackorderOut]:
    page = queries.waiting(caller.tenant, query.page_request())
    return page.over(tuple(BackorderOut.of(standing) for standing in page.items))


handler = app.handler
