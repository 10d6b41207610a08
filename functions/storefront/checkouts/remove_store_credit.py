"""DELETE /api/storefront/checkouts/{checkout_id}/store-credit

A customer uses no store credit for a checkout.

The answer is `{}`; with `include`, or with `Accept: application/vnd.bc.v1+json`, it is the checkout.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import RemoveQuery
from commerce.http.api import Caller, CheckoutsApi, Raw, Transaction

app = CheckoutsApi()
WHOLE = "application/vnd.bc.v1+json"


@app.delete("/api/storefront/checkouts/{checkout_id}/store-credit", scope="cart")
def remove_store_credit(
    tx: Transaction, caller: Caller, checkout_id: str, query: RemoveQuery, raw: Raw
) -> CheckoutOut | None:
    checkout = use_cases.remove_store_credit(tx, caller, checkout_id)
    shown = query.include is not None or WHOLE in raw.headers.get("accept", "")
    return CheckoutOut.of(checkout) if shown else None


handler = app.handler
