"""POST /api/storefront/checkouts/{checkout_id}/coupons

A customer applies a coupon to a checkout.

A coupon that does not hold is refused, and the code of the detail says why. One coupon on the price and one on shipping
go together. No use is counted before the order is placed.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import CheckoutCouponIn
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/checkouts/{checkout_id}/coupons", scope="cart")
def add_checkout_coupon(tx: Transaction, caller: Caller, checkout_id: str, body: CheckoutCouponIn) -> CheckoutOut:
    return CheckoutOut.of(use_cases.apply_coupon(tx, caller, checkout_id, body.coupon_code))


handler = app.handler
