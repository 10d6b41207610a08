"""DELETE /cart

A customer empties the cart.
"""

from commerce.carts import use_cases
from commerce.carts.contracts import CartOut
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.delete("/cart", scope="cart")
def clear_cart(tx: Transaction, caller: Caller) -> CartOut:
    return CartOut.of(use_cases.clear(tx, caller))


handler = app.handler
