"""GET /v2/customers/{id}

A merchant reads one customer with a summary of the customer's orders.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import CustomerProfileOut
from commerce.http.api import Caller, V2Api
from commerce.http.caching import CUSTOMER

app = V2Api()


@app.get("/v2/customers/{id}", scope="customers:read", cache=CUSTOMER)
def get_customer(caller: Caller, id: str) -> CustomerProfileOut:
    return CustomerProfileOut.of(use_cases.get(caller.tenant, id))


handler = app.handler
