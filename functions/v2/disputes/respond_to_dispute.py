"""POST /v2/payments/disputes/{id}/respond

A merchant answers a dispute with evidence: transaction details, shipping proof, communication with the customer.

What the request leaves out is filled from the draft, except where Stripe holds something already; null leaves a field
as it is. The bank listens once: with `submit` false the evidence waits at Stripe. After the date it was due by, or
once the dispute is decided, the answer is a 409.
"""

from commerce.disputes import use_cases
from commerce.disputes.contracts import DisputeDetailOut, RespondIn
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/payments/disputes/{id}/respond", scope="payments:write", status=201)
def respond_to_dispute(tx: Transaction, caller: Caller, id: str, body: RespondIn) -> DisputeDetailOut:
    return DisputeDetailOut.of_detailed(use_cases.respond(tx, caller, body.to_command(id)))


handler = app.handler
