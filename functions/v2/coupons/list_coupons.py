"""GET /v2/coupons

A merchant lists all coupons, the newest first, with how often each is used.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.http.pages import PageQuery
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import V2CouponOut

app = V2Api()


@app.get("/v2/coupons", scope="promotions:read")
def list_coupons(caller: Caller, query: PageQuery) -> Page[V2CouponOut]:
    found = use_cases.find(caller.tenant, query.page_request())
    return found.over(tuple(V2CouponOut.of(coupon, caller.tenant.currency) for coupon in found.items))


handler = app.handler
