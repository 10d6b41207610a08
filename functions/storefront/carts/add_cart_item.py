"""POST /cart/items

A customer puts an item into the cart; the same item again adds to it.

Availability is checked, not reserved. With `gift_card` the item is a gift card to buy for somebody: it is issued and
mailed when the order is paid.
"""

from commerce.carts import use_cases
from commerce.carts.contracts import AddItemIn, CartOut
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.post("/cart/items", scope="cart", status=201)
def add_cart_item(tx: Transaction, caller: Caller, body: AddItemIn) -> CartOut:
    return CartOut.of(use_cases.add(tx, caller, body.to_command(caller.tenant.currency)))


handler = app.handler
