"""GET /admin/gift-cards/liability-exports/{date}

A merchant reads the liability export of a day, with links to its files.

The links open to whoever has them, for ten minutes at least.
"""

from commerce.http.api import AdminApi, Caller
from commerce.liability import queries
from commerce.liability.contracts import LiabilityExportOut, day_in

app = AdminApi()


@app.get("/admin/gift-cards/liability-exports/{date}", scope="gift_cards:report")
def get_liability_export(caller: Caller, date: str) -> LiabilityExportOut:
    return LiabilityExportOut.of(caller.tenant, queries.get(caller.tenant, day_in(date)))


handler = app.handler
