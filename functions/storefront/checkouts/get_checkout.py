"""GET /api/storefront/checkouts/{checkout_id}

A customer looks at a checkout, at today's prices.

Once it is an order, `orderId` names that, and the checkout shows what the order says.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import IncludeQuery
from commerce.http.api import Caller, CheckoutsApi

app = CheckoutsApi()


@app.get("/api/storefront/checkouts/{checkout_id}", scope="cart")
def get_checkout(caller: Caller, checkout_id: str, query: IncludeQuery) -> CheckoutOut:
    return CheckoutOut.of(use_cases.find(caller, checkout_id))


handler = app.handler
