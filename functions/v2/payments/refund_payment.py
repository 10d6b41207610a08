"""POST /v2/payments/{id}/refund

A merchant refunds a payment, all of it or a part.

What is on its way counts, so that never more than was collected goes back, however many refunds are asked for at once.
The refund is `pending` until the payment provider has made it; the money arrives after 5 to 10 business days. What
gift cards or store credit paid for the order is not touched here.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.refunds import payments
from commerce.refunds.contracts import PaymentRefundOut, RefundPaymentIn

app = V2Api()


@app.post("/v2/payments/{id}/refund", scope="payments:write", status=201)
def refund_payment(tx: Transaction, caller: Caller, id: str, body: RefundPaymentIn | None = None) -> PaymentRefundOut:
    asked = body or RefundPaymentIn()
    return PaymentRefundOut.of(payments.refund(tx, caller, id, asked.amount, asked.reason))


handler = app.handler
