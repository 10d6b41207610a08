"""GET /admin/gift-cards/liability-exports

A merchant lists the days whose liability is exported, the newest first.

Of each day: what was owed in gift cards and store credit before and after it, and what changed it.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.http.pages import OffsetQuery
from commerce.liability import queries
from commerce.liability.contracts import LiabilityExportRowOut

app = AdminApi()


@app.get("/admin/gift-cards/liability-exports", scope="gift_cards:report")
def list_liability_exports(caller: Caller, query: OffsetQuery) -> Page[LiabilityExportRowOut]:
    page = queries.page_of(caller.tenant, query.page_request())
    return page.over(tuple(LiabilityExportRowOut.of(caller.tenant, each) for each in page.items))


handler = app.handler
