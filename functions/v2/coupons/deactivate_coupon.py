"""DELETE /v2/coupons/{id}

A merchant takes a coupon out of use; it stays readable, for the orders that used it.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.promotions import use_cases

app = V2Api()


@app.delete("/v2/coupons/{id}", scope="promotions:write", status=204)
def deactivate_coupon(tx: Transaction, caller: Caller, id: str, if_match: int | None) -> None:
    use_cases.deactivate(tx, caller, id, if_match)


handler = app.handler
