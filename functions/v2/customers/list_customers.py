"""GET /v2/customers

A merchant lists customers, newest first, filtered by e-mail address, name, registration date, tags and metadata.

A search by name comes in alphabetical order. `metadata[key]`, `filter[email][eq]`, `filter[tags][eq]` and a range of
`created_at` find through lists that are kept for them; every other filter narrows what these, or `name`, find. Where
several filters meet, a page can be shorter than limit while more follow: go on with next_cursor until it is null. Page
numbers do not go with a name, metadata, several tags or filters that narrow.
"""

from commerce.customers import finding
from commerce.customers.contracts import CustomerRowOut
from commerce.customers.finding_contracts import CustomersQuery
from commerce.http.api import Caller, Page, V2Api
from commerce.http.caching import CUSTOMER
from commerce.kernel.criteria import Criteria

app = V2Api()


@app.get("/v2/customers", scope="customers:read", cache=CUSTOMER)
def list_customers(caller: Caller, query: CustomersQuery, criteria: Criteria) -> Page[CustomerRowOut]:
    found = finding.find(caller.tenant, query.to_command(criteria), caller.locale.timezone)
    return found.over(tuple(CustomerRowOut.of(customer) for customer in found.items))


handler = app.handler
