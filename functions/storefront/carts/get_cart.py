"""GET /cart

A customer looks into the cart, at today's prices.
"""

from commerce.carts import use_cases
from commerce.carts.contracts import CartOut
from commerce.http.api import Caller, PortalApi

app = PortalApi()


@app.get("/cart", scope="cart")
def get_cart(caller: Caller) -> CartOut:
    return CartOut.of(use_cases.look(caller))


handler = app.handler
