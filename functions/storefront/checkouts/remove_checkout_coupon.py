"""DELETE /api/storefront/checkouts/{checkout_id}/coupons/{code}

A customer takes a coupon off a checkout.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.delete("/api/storefront/checkouts/{checkout_id}/coupons/{code}", scope="cart")
def remove_checkout_coupon(
    tx: Transaction, caller: Caller, checkout_id: str, code: str, query: IncludeQuery
) -> CheckoutOut:
    return CheckoutOut.of(use_cases.remove_coupon(tx, caller, checkout_id, code))


handler = app.handler
