"""GET /v2/payments/{id}/refunds

A merchant lists what went back through a payment, or is on its way, newest first.

Refunds that somebody made in the payment provider's own dashboard are among them.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.http.pages import PageQuery
from commerce.refunds import queries
from commerce.refunds.contracts import PaymentRefundOut

app = V2Api()


@app.get("/v2/payments/{id}/refunds", scope="payments:read")
def list_refunds(caller: Caller, id: str, query: PageQuery) -> Page[PaymentRefundOut]:
    found = queries.of_payment(caller.tenant, query.page_request(), id)
    return found.over(tuple(PaymentRefundOut.of(refund) for refund in found.items))


handler = app.handler
