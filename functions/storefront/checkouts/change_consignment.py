"""PUT /api/storefront/checkouts/{checkout_id}/consignments/{consignment_id}

A customer chooses how a checkout is shipped, or sends it elsewhere.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut, consignment_of
from commerce.checkouts.intake import ConsignmentChangesIn, IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction
from commerce.kernel.errors import NotFound

app = CheckoutsApi()


@app.put("/api/storefront/checkouts/{checkout_id}/consignments/{consignment_id}", scope="cart")
def change_consignment(
    tx: Transaction,
    caller: Caller,
    checkout_id: str,
    consignment_id: str,
    query: IncludeQuery,
    body: ConsignmentChangesIn,
) -> CheckoutOut:
    if consignment_id != consignment_of(checkout_id):
        raise NotFound("consignment")
    command = body.to_command(caller.tenant.country)
    return CheckoutOut.of(use_cases.set_consignment(tx, caller, checkout_id, command))


handler = app.handler
