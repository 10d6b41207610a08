"""POST /admin/orders

A merchant places an order for a customer.

Stock is reserved at once. The order waits as `pending` for as long as it takes to be paid.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders.intake import OrderPlaced, PlaceOrderIn
from commerce.orders.placing import place

app = AdminApi()


@app.post("/admin/orders", scope="orders:write", status=201)
def create_order(tx: Transaction, caller: Caller, body: PlaceOrderIn) -> OrderPlaced:
    command = body.to_command(body.customer_id, caller.tenant.country, awaits_payment=False)
    return OrderPlaced.of(place(tx, caller, command))


handler = app.handler
