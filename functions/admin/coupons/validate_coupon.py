"""POST /admin/coupons/validate

A merchant asks what a coupon would take off an order's total; no use of it is counted.

It is 200 for a coupon that does not hold, too, and `reason` says why. With `items` its products are looked at, with
`customer_id` its limits for one customer; terms that nobody can judge are taken as met, and named in `conditional`.
"""

from commerce.http.api import AdminApi, Caller
from commerce.promotions import validating
from commerce.promotions.contracts import ValidateCouponIn, ValidatedOut

app = AdminApi()


@app.post("/admin/coupons/validate", scope="promotions:read")
def validate_coupon(caller: Caller, body: ValidateCouponIn) -> ValidatedOut:
    return ValidatedOut.of(validating.validate(caller.tenant, body.to_command(caller.tenant.currency)))


handler = app.handler
