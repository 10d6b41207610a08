"""POST /v2/payments/{id}/cancel

A merchant voids an authorised payment, or cancels one that is still open.

The order stays as it is and can be paid anew. Money that was collected is not given back here: the answer is a 409. A
payment that is cancelled already is answered as it is.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.payments import cancelling
from commerce.payments.contracts import PaymentOut

app = V2Api()


@app.post("/v2/payments/{id}/cancel", scope="payments:write", status=201)
def cancel_payment(tx: Transaction, caller: Caller, id: str) -> PaymentOut:
    return PaymentOut.of(cancelling.void(tx, caller, id))


handler = app.handler
