"""GET /admin/preorders

A merchant lists preorders with how much of each has its stock, newest first.
"""

from commerce.backorders import queries
from commerce.backorders.contracts import BackorderOut, BackordersQuery
from commerce.http.api import AdminApi, Caller, Page

app = AdminApi()


@app.get("/admin/preorders", scope="orders:read")
def list_preorders(caller: Caller, query: BackordersQuery) -> Page[BackorderOut]:
    page = queries.preorders(caller.tenant, query.page_request())
    return page.over(tuple(BackorderOut.of(standing) for standing in page.items))


handler = app.handler
