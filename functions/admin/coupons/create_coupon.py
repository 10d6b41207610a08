"""POST /admin/coupons

A merchant adds a coupon that customers take something off their order with.

Codes are unique in the shop, whatever their case. `discount_value` is per cent or an amount in major units.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.promotions import use_cases
from commerce.promotions.contracts import CouponIn, CouponOut

app = AdminApi()


@app.post("/admin/coupons", scope="promotions:write", status=201)
def create_coupon(tx: Transaction, caller: Caller, body: CouponIn) -> CouponOut:
    return CouponOut.of(use_cases.create(tx, caller, body.to_command(caller.tenant.currency)))


handler = app.handler
