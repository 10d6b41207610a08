"""GET /admin/store-credit/balance/{customer_id}

A merchant sees how much store credit a customer has.
"""

from commerce.http.api import AdminApi, Caller
from commerce.store_credit import queries
from commerce.store_credit.contracts import CreditBalanceOut

app = AdminApi()


@app.get("/admin/store-credit/balance/{customer_id}", scope="store_credit:read")
def get_store_credit_balance(caller: Caller, customer_id: str) -> CreditBalanceOut:
    return CreditBalanceOut.of_customer(customer_id, queries.balances(caller.tenant, customer_id))


handler = app.handler
