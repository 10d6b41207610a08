"""POST /api/storefront/checkouts/{checkout_id}/orders

A customer turns a checkout into an order, exactly once.

The order, its stock reservations and what gift cards and store credit pay for it are one transaction. `orderId` is the
order; `outstandingBalance` is to be paid with money. Where no address was given, it is the customer's default one. What
was applied and is not there any more is a conflict; nothing is ordered then.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/checkouts/{checkout_id}/orders", scope="cart", status=201)
def place_checkout_order(tx: Transaction, caller: Caller, checkout_id: str, query: IncludeQuery) -> CheckoutOut:
    return CheckoutOut.of(use_cases.place(tx, caller, checkout_id))


handler = app.handler
