"""GET /v2/customers

A merchant lists customers, newest first, filtered by e-mail address, name, registration date and tags.

A search by name comes in alphabetical order. Where several filters meet, a page can be shorter than limit while more
follow: go on with next_cursor until it is null. Page numbers do not go with a name or with several tags.
"""

from commerce.customers import use_cases
from commerce.customers.contracts import CustomerRowOut, CustomersQuery
from commerce.http.api import Caller, Page, V2Api

app = V2Api()


@app.get("/v2/customers", scope="customers:read")
def list_customers(caller: Caller, query: CustomersQuery) -> Page[CustomerRowOut]:
    found = use_cases.find(caller.tenant, query.to_command())
    return found.over(tuple(CustomerRowOut.of(customer) for customer in found.items))


handler = app.handler
