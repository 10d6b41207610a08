"""PUT /v2/customers/{id}

A merchant changes a customer's profile.

What is left out stays as it is; tags and metadata are replaced as a whole. A change that changes nothing answers with
the customer at the version it had. Addresses have endpoints of their own.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import CustomerChangesIn, CustomerProfileOut
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.put("/v2/customers/{id}", scope="customers:write")
def update_customer(
    tx: Transaction, caller: Caller, id: str, body: CustomerChangesIn, if_match: int | None
) -> CustomerProfileOut:
    return CustomerProfileOut.of(use_cases.update(tx, caller, body.to_command(id, if_match)))


handler = app.handler
