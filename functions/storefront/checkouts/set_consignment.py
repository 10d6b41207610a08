"""POST /api/storefront/checkouts/{checkout_id}/consignments

A customer says where a checkout goes.

Everything goes to one address, so there is one consignment; a second request changes it.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import ConsignmentIn, IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/checkouts/{checkout_id}/consignments", scope="cart")
def set_consignment(
    tx: Transaction, caller: Caller, checkout_id: str, query: IncludeQuery, body: ConsignmentIn
) -> CheckoutOut:
    return CheckoutOut.of(use_cases.set_consignment(tx, caller, checkout_id, body.to_command(caller.tenant.country)))


handler = app.handler
