"""POST /v2/payments/{id}/capture

A merchant collects an authorised payment, all of it or a part; the rest is let go.

`amount` is in minor units, at most what was authorised, and all of it when left out. A payment is captured once: what
was not captured becomes a discount of its order's. Captured already with the same amount, it is answered as it is.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.payments import capturing
from commerce.payments.contracts import CapturePaymentIn, PaymentOut

app = V2Api()


@app.post("/v2/payments/{id}/capture", scope="payments:write", status=201)
def capture_payment(tx: Transaction, caller: Caller, id: str, body: CapturePaymentIn | None = None) -> PaymentOut:
    return PaymentOut.of(capturing.capture(tx, caller, id, None if body is None else body.amount))


handler = app.handler
