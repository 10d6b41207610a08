"""POST /admin/store-credit/redeem

A merchant pays for a customer's waiting order with their store credit, all of the amount or nothing.

The lots that expire soonest are spent first. A payment that is under way at Stripe is called off, because it would
collect too much.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders import tendering
from commerce.store_credit.redeem_contracts import CreditRedeemedOut, RedeemCreditIn

app = AdminApi()


@app.post("/admin/store-credit/redeem", scope="store_credit:write", status=201)
def redeem_store_credit(tx: Transaction, caller: Caller, body: RedeemCreditIn) -> CreditRedeemedOut:
    command = body.to_command(caller.tenant.currency)
    return CreditRedeemedOut.of(tendering.redeem_store_credit(tx, caller, command, body.customer_id))


handler = app.handler
