"""POST /v2/coupons

A merchant adds a coupon that customers take something off their order with.

Codes are unique in the shop, whatever their case. `amount` is per cent or integer minor units, by the coupon's type;
`restrictions.minimum_amount` is integer minor units.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import V2CouponIn, V2CouponOut

app = V2Api()


@app.post("/v2/coupons", scope="promotions:write", status=201)
def create_coupon(tx: Transaction, caller: Caller, body: V2CouponIn) -> V2CouponOut:
    currency = caller.tenant.currency
    return V2CouponOut.of(use_cases.create(tx, caller, body.to_command(currency)), currency)


handler = app.handler
