"""POST /api/storefront/checkouts/{checkout_id}/store-credit

A customer lets all available store credit pay, up to what the checkout comes to.

No amount is named: what it pays follows every change of the checkout, until it is removed. Credit in another currency
than the shop's pays nothing; `isStoreCreditApplied` is false where none pays.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/checkouts/{checkout_id}/store-credit", scope="cart")
def apply_store_credit(tx: Transaction, caller: Caller, checkout_id: str, query: IncludeQuery) -> CheckoutOut:
    return CheckoutOut.of(use_cases.apply_store_credit(tx, caller, checkout_id))


handler = app.handler
