"""PUT /v2/customers/{id}/addresses/{address_id}

A merchant changes an address of a customer.

What is left out stays as it is. Orders keep the address that they were placed with.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import ChangedAddressOut, CustomerAddressChangesIn
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.put("/v2/customers/{id}/addresses/{address_id}", scope="customers:write")
def update_address(
    tx: Transaction, caller: Caller, id: str, address_id: str, body: CustomerAddressChangesIn, if_match: int | None
) -> ChangedAddressOut:
    return ChangedAddressOut.of_changed(use_cases.change_address(tx, caller, id, address_id, body.sent, if_match))


handler = app.handler
