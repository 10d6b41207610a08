"""DELETE /cart/items/{item_id}

A customer takes an item out of the cart, named by its own id or by its product's.
"""

from commerce.carts import use_cases
from commerce.carts.contracts import CartOut
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.delete("/cart/items/{item_id}", scope="cart")
def remove_cart_item(tx: Transaction, caller: Caller, item_id: str) -> CartOut:
    return CartOut.of(use_cases.set_quantity(tx, caller, item_id, 0))


handler = app.handler
