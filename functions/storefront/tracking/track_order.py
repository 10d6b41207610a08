"""GET /api/track-order

Anybody who knows an order's id and its buyer's e-mail sees where it is.

A wrong id and a wrong e-mail give the same answer. An address asks 30 times a minute; after ten misses about one order
id within an hour, be there such an order or not, it rests for a while.
"""

from commerce.http.api import PUBLIC_SCOPE, Caller, PublicApi
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota
from commerce.orders.contracts import TrackedOut, TrackQuery
from commerce.orders.tracking import track

app = PublicApi()
budgets = Budgets(
    "track-order",
    calls=Quota(30, seconds=60),
    misses=Quota(10),
    subject=lambda arguments: arguments["query"].order_id,
)


@app.get("/api/track-order", scope=PUBLIC_SCOPE, budgets=budgets)
def track_order(caller: Caller, query: TrackQuery) -> TrackedOut:
    return TrackedOut.of(track(caller.tenant.tenant_id, query.order_id, query.email))


handler = app.handler
