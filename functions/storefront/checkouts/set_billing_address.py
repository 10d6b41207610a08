"""PUT /api/storefront/checkouts/{checkout_id}/billing-address

A customer says who is billed for a checkout.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import CheckoutAddressIn, IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.put("/api/storefront/checkouts/{checkout_id}/billing-address", scope="cart")
def set_billing_address(
    tx: Transaction, caller: Caller, checkout_id: str, query: IncludeQuery, body: CheckoutAddressIn
) -> CheckoutOut:
    return CheckoutOut.of(
        use_cases.set_billing_address(tx, caller, checkout_id, body.to_address(caller.tenant.country))
    )


handler = app.handler
