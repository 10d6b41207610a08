"""PUT /admin/coupons/{id}

A merchant changes a coupon's terms, or whether it is active.

What is left out stays as it is, null takes a limit away. Orders keep what they were given.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.promotions import use_cases
from commerce.promotions.contracts import CouponChangesIn, CouponOut

app = AdminApi()


@app.put("/admin/coupons/{id}", scope="promotions:write")
@app.patch("/admin/coupons/{id}", scope="promotions:write", name="patch_coupon")
def change_coupon(tx: Transaction, caller: Caller, id: str, body: CouponChangesIn, if_match: int | None) -> CouponOut:
    return CouponOut.of(use_cases.change(tx, caller, id, body.to_changes(caller.tenant.currency), if_match))


handler = app.handler
