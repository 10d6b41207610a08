"""GET /v2/payments/disputes/{id}

A merchant reads one dispute, with the evidence that Stripe holds and the draft of a response.

The draft is what the order, its parcel and its timeline say, under Stripe's names; it is there as long as the dispute
can be answered. The staff's notes are not in it.
"""

from commerce.disputes import queries
from commerce.disputes.contracts import DisputeDetailOut
from commerce.http.api import Caller, V2Api

app = V2Api()


@app.get("/v2/payments/disputes/{id}", scope="payments:read")
def get_dispute(caller: Caller, id: str) -> DisputeDetailOut:
    return DisputeDetailOut.of_detailed(queries.get_detailed(caller.tenant, id))


handler = app.handler
