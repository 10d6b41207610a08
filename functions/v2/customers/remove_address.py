"""DELETE /v2/customers/{id}/addresses/{address_id}

A merchant removes an address of a customer.

Where it was a default, no other address takes its place. Orders keep the address that they were placed with.
"""

from commerce.customers import use_cases
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.delete("/v2/customers/{id}/addresses/{address_id}", scope="customers:write", status=204)
def remove_address(tx: Transaction, caller: Caller, id: str, address_id: str, if_match: int | None) -> None:
    use_cases.remove_address(tx, caller, id, address_id, if_match)


handler = app.handler
