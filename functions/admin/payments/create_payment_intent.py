"""POST /admin/payments/intent

A merchant starts the payment of an order and gets what the buyer's browser needs to complete it.

`amount` is in minor units and must be what the order still owes. An order has one open intent: asking again gives the
same one.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.payments import use_cases
from commerce.payments.contracts import PaymentStarted, StartPaymentIn

app = AdminApi()


@app.post("/admin/payments/intent", scope="payments:write", status=201, secret=True)
def create_payment_intent(tx: Transaction, caller: Caller, body: StartPaymentIn) -> PaymentStarted:
    return PaymentStarted.of(use_cases.start(tx, caller, body.to_command()))


handler = app.handler
