"""GET /v2/coupons/{id}

A merchant reads one coupon.
"""

from commerce.http.api import Caller, V2Api
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import V2CouponOut

app = V2Api()


@app.get("/v2/coupons/{id}", scope="promotions:read")
def get_coupon(caller: Caller, id: str) -> V2CouponOut:
    return V2CouponOut.of(use_cases.get(caller.tenant, id), caller.tenant.currency)


handler = app.handler
