"""POST /v2/orders

A merchant places an order for a customer.

Prices are the catalogue's: a price that differs is refused, unless the credential may set prices
(`orders:price_override`). Stock is reserved at once. The order waits as `pending` for as long as it takes to be paid.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.orders.placing import place
from commerce.orders.v2_contracts import V2OrderOut
from commerce.orders.v2_intake import V2PlaceOrderIn

app = V2Api()


@app.post("/v2/orders", scope="orders:write", status=201)
def create_order(tx: Transaction, caller: Caller, body: V2PlaceOrderIn) -> V2OrderOut:
    return V2OrderOut.of(place(tx, caller, body.to_command(caller.tenant)))


handler = app.handler
