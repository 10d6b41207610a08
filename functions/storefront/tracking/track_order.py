"""GET /api/track-order

Anybody who knows an order's id and its buyer's e-mail sees where it is.

A wrong id and a wrong e-mail give the same answer.
"""

from commerce.http.api import PUBLIC_SCOPE, Caller, PublicApi
from commerce.orders.contracts import TrackedOut, TrackQuery
from commerce.orders.tracking import track

app = PublicApi()


@app.get("/api/track-order", scope=PUBLIC_SCOPE)
def track_order(caller: Caller, query: TrackQuery) -> TrackedOut:
    return TrackedOut.of(track(caller.tenant.tenant_id, query.order_id, query.email))


handler = app.handler
