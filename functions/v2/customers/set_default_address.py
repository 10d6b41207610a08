"""POST /v2/customers/{id}/addresses/{address_id}/set-default

A merchant makes an address the customer's default, for shipping, for billing or for both.

The address that was the default until then is none any more.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import ChangedAddressOut, DefaultAddressQuery
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/customers/{id}/addresses/{address_id}/set-default", scope="customers:write", status=201)
def set_default_address(
    tx: Transaction, caller: Caller, id: str, address_id: str, query: DefaultAddressQuery, if_match: int | None
) -> ChangedAddressOut:
    changed = use_cases.set_default_address(tx, caller, id, address_id, query.purposes, if_match)
    return ChangedAddressOut.of_changed(changed)


handler = app.handler
