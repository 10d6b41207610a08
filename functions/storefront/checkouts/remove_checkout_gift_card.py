"""DELETE /api/storefront/checkouts/{checkout_id}/gift-certificates/{code}

A customer takes a gift card off the checkout, named by its serial; what it held is free again.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.delete("/api/storefront/checkouts/{checkout_id}/gift-certificates/{code}", scope="cart")
def remove_checkout_gift_card(
    tx: Transaction, caller: Caller, checkout_id: str, code: str, query: IncludeQuery
) -> CheckoutOut:
    return CheckoutOut.of(use_cases.remove_gift_card(tx, caller, checkout_id, code))


handler = app.handler
