"""GET /admin/coupons/{id}

A merchant reads one coupon.
"""

from commerce.http.api import AdminApi, Caller
from commerce.promotions import use_cases
from commerce.promotions.contracts import CouponOut

app = AdminApi()


@app.get("/admin/coupons/{id}", scope="promotions:read")
def get_coupon(caller: Caller, id: str) -> CouponOut:
    return CouponOut.of(use_cases.get(caller.tenant, id))


handler = app.handler
