"""POST /orders

A customer places an order for what they name, without a cart.

The order waits for its payment and expires when that does not come in time.
"""

from commerce.http.api import Caller, PortalApi, Transaction
from commerce.kernel.errors import Forbidden
from commerce.orders.intake import OrderPlaced, PlaceMyOrderIn
from commerce.orders.placing import place

app = PortalApi()


@app.post("/orders", scope="my_orders", status=201)
def place_my_order(tx: Transaction, caller: Caller, body: PlaceMyOrderIn) -> OrderPlaced:
    if body.customer_id not in (None, caller.own_customer_id):
        raise Forbidden("Orders can be placed for yourself only", field="customer_id", reason="wrong_customer")
    command = body.to_command(caller.own_customer_id, caller.tenant.country, awaits_payment=True)
    return OrderPlaced.of(place(tx, caller, command))


handler = app.handler
