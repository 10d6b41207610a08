"""POST /admin/fulfillment/bulk-dispatch

A merchant ships many orders at once.

Each row is shipped on its own, as `POST /admin/fulfillment/ship` does, and answered on its own: one that is refused
stops no other. A batch is safely sent again: rows that have left already are answered with `already`. Up to 100 are
shipped by the time of the answer; more, up to 10,000, by a job.
"""

from commerce.fulfillment.dispatching import dispatch
from commerce.fulfillment.intake import BulkDispatchIn, BulkDispatchOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/fulfillment/bulk-dispatch", scope="orders:write")
def dispatch_orders(tx: Transaction, caller: Caller, body: BulkDispatchIn) -> BulkDispatchOut:
    return BulkDispatchOut.of(dispatch(tx, caller, body.to_commands()))


handler = app.handler
