"""GET /api/track-order

Anybody who knows an order's id and its buyer's e-mail sees where it is; so does whoever has a link to it.

A wrong id, a wrong e-mail, and a link that is none or has ended give the same answer. An address asks 30 times a
minute; after ten misses about one order id within an hour, be there such an order or not, it rests for a while. A
link's `token` names the shop, too: it needs no header.
"""

from commerce.http.api import PUBLIC_SCOPE, Caller, PublicApi
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota
from commerce.orders.contracts import TrackedOut, TrackQuery
from commerce.orders.tracking import follow_link, track

app = PublicApi()
budgets = Budgets(
    "track-order",
    calls=Quota(30, seconds=60),
    misses=Quota(10),
    subject=lambda arguments: arguments["query"].subject,
)


@app.get("/api/track-order", scope=PUBLIC_SCOPE, budgets=budgets, tenant_in="token")
def track_order(caller: Caller, query: TrackQuery) -> TrackedOut:
    if query.token is not None:
        return TrackedOut.of(follow_link(query.token))
    return TrackedOut.of(track(caller.tenant.tenant_id, str(query.order_id), str(query.email)))


handler = app.handler
