"""POST /v2/payments/intents

A merchant starts the payment of an order and gets what the buyer's browser needs to complete it.

`amount` is in minor units and must be what the order still owes. An order has one open intent: asking again gives the
same one, whatever payment method the request names; another `capture_method` than the open intent's is a 409.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.payments import use_cases
from commerce.payments.contracts import IntentOut, V2StartPaymentIn

app = V2Api()


@app.post("/v2/payments/intents", scope="payments:write", status=201, secret=True)
def create_payment_intent(tx: Transaction, caller: Caller, body: V2StartPaymentIn) -> IntentOut:
    return IntentOut.of(use_cases.start(tx, caller, body.to_v2_command(caller.tenant)))


handler = app.handler
