"""GET /v2/orders/{id}

A merchant reads one order with its items, customer and newest timeline events.
"""

from commerce.http.api import Caller, V2Api
from commerce.orders import queries
from commerce.orders.v2_contracts import V2DetailedOrderOut

app = V2Api()


@app.get("/v2/orders/{id}", scope="orders:read")
def get_order(caller: Caller, id: str) -> V2DetailedOrderOut:
    return V2DetailedOrderOut.of_detailed(queries.get_detailed(caller.tenant, id))


handler = app.handler
