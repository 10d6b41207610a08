"""POST /cart/coupon

A customer applies a coupon to the cart.

A coupon that does not hold is refused, and the code of the detail says why. One coupon on the price and one on shipping
go together. No use is counted before the order is placed.
"""

from commerce.carts import coupons
from commerce.carts.contracts import CartOut, CouponCodeIn
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.post("/cart/coupon", scope="cart", status=201)
def apply_cart_coupon(tx: Transaction, caller: Caller, body: CouponCodeIn) -> CartOut:
    return CartOut.of(coupons.apply_own(tx, caller, body.code))


handler = app.handler
