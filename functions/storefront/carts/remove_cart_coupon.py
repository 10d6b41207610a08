"""DELETE /cart/coupon/{code}

A customer takes a coupon off the cart.
"""

from commerce.carts import coupons
from commerce.carts.contracts import CartOut
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.delete("/cart/coupon/{code}", scope="cart")
def remove_cart_coupon(tx: Transaction, caller: Caller, code: str) -> CartOut:
    return CartOut.of(coupons.remove_own(tx, caller, code))


handler = app.handler
