"""DELETE /admin/coupons/{id}

A merchant takes a coupon out of use; it stays readable, for the orders that used it.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.promotions import use_cases
from commerce.promotions.contracts import CouponOut

app = AdminApi()


@app.delete("/admin/coupons/{id}", scope="promotions:write")
def deactivate_coupon(tx: Transaction, caller: Caller, id: str, if_match: int | None) -> CouponOut:
    return CouponOut.of(use_cases.deactivate(tx, caller, id, if_match))


handler = app.handler
