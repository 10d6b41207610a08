"""POST /v2/customers

A merchant adds a customer, with addresses and tags.

The e-mail address is unique in the shop, whatever its case.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import CustomerIn, CustomerProfileOut
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/customers", scope="customers:write", status=201)
def create_customer(tx: Transaction, caller: Caller, body: CustomerIn) -> CustomerProfileOut:
    return CustomerProfileOut.of(use_cases.create(tx, caller, body.to_command()))


handler = app.handler
