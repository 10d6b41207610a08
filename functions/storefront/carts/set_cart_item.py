"""PATCH /cart/items/{item_id}

A customer sets how many of an item the cart holds; 0 takes it out.

The item is named by its own id or by its product's.
"""

from commerce.carts import use_cases
from commerce.carts.contracts import CartOut, SetQuantityIn
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.patch("/cart/items/{item_id}", scope="cart")
@app.put("/cart/items/{item_id}", scope="cart", name="replace_cart_item")
def set_cart_item(tx: Transaction, caller: Caller, item_id: str, body: SetQuantityIn) -> CartOut:
    return CartOut.of(use_cases.set_quantity(tx, caller, item_id, body.quantity))


handler = app.handler
