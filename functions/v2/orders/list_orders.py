"""GET /v2/orders

A merchant lists orders, newest first, filtered by their states, customer and date.

Dates are whole days in X-Timezone, or else in the shop's time zone, both ends included; instants are taken as they are.
Where several states are asked for without a customer, a page can be shorter than limit while more follow: go on with
next_cursor until it is null; page numbers do not go with that.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.orders import queries
from commerce.orders.v2_contracts import V2OrderRowOut, V2OrdersQuery

app = V2Api()


@app.get("/v2/orders", scope="orders:read")
def list_orders(caller: Caller, query: V2OrdersQuery) -> Page[V2OrderRowOut]:
    found = queries.find(caller.tenant, query.to_command(caller))
    return found.over(tuple(V2OrderRowOut.of(order) for order in found.items))


handler = app.handler
