"""GET /v2/payments/{id}

A merchant reads one payment; its id is that of its intent, so both paths answer the same.
"""

from commerce.http.api import Caller, V2Api
from commerce.payments import queries
from commerce.payments.contracts import PaymentOut

app = V2Api()


@app.get("/v2/payments/{id}", scope="payments:read")
@app.get("/v2/payments/intents/{id}", scope="payments:read", name="get_payment_intent")
def get_payment(caller: Caller, id: str) -> PaymentOut:
    return PaymentOut.of(queries.get(caller.tenant, id))


handler = app.handler
