"""POST /admin/gift-cards/liability-exports/{date}

A merchant has a day's liability exported, again or for the first time.

A day that is exported already gives the same bytes once more. A day that waits for the one before it does so for ten
minutes.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.liability import queries, workflow
from commerce.liability.contracts import LiabilityExportStarted, day_in

app = AdminApi()


@app.post("/admin/gift-cards/liability-exports/{date}", scope="gift_cards:report", status=202)
def export_liability(tx: Transaction, caller: Caller, date: str) -> LiabilityExportStarted:
    day = day_in(date)
    queries.require_closable(caller.tenant, day)
    tx.outside("the liability export")
    workflow.start(caller.tenant, day, tx.operation_id[:16])
    return LiabilityExportStarted(date=date, status="started")


handler = app.handler
