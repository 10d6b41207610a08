"""GET /v2/payments

A merchant lists payments, newest first, of all orders, of one order or of one customer, and by status.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.payments import queries
from commerce.payments.contracts import PaymentOut, PaymentsQuery

app = V2Api()


@app.get("/v2/payments", scope="payments:read")
def list_payments(caller: Caller, query: PaymentsQuery) -> Page[PaymentOut]:
    found = queries.find(
        caller.tenant,
        query.page_request(),
        order_id=query.order_id,
        customer_id=query.customer_id,
        status=query.status,
    )
    return found.over(tuple(PaymentOut.of(payment) for payment in found.items))


handler = app.handler
