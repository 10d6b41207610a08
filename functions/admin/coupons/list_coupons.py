"""GET /admin/coupons

A merchant lists all coupons, the newest first, with how often each is used.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.http.pages import OffsetQuery
from commerce.promotions import use_cases
from commerce.promotions.contracts import CouponOut

app = AdminApi()


@app.get("/admin/coupons", scope="promotions:read")
def list_coupons(caller: Caller, query: OffsetQuery) -> Page[CouponOut]:
    found = use_cases.find(caller.tenant, query.page_request())
    return found.over(tuple(CouponOut.of(coupon) for coupon in found.items))


handler = app.handler
