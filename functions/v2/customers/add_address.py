"""POST /v2/customers/{id}/addresses

A merchant adds an address to a customer.

A customer's first address is the default for shipping and billing. A later one becomes a default where it says so.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import ChangedAddressOut, CustomerAddressIn
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/customers/{id}/addresses", scope="customers:write", status=201)
def add_address(
    tx: Transaction, caller: Caller, id: str, body: CustomerAddressIn, if_match: int | None
) -> ChangedAddressOut:
    return ChangedAddressOut.of_changed(use_cases.add_address(tx, caller, id, body.to_command(), if_match))


handler = app.handler
