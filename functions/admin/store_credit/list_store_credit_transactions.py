"""GET /admin/store-credit/transactions/{customer_id}

A merchant reads what happened to a customer's store credit, newest first.

Entries are never changed and never removed; a mistake is corrected by another entry.
"""

from commerce.http.api import AdminApi, Caller, Page
from commerce.http.pages import OffsetQuery
from commerce.store_credit import queries
from commerce.store_credit.contracts import CreditTransactionOut

app = AdminApi()


@app.get("/admin/store-credit/transactions/{customer_id}", scope="store_credit:read")
def list_store_credit_transactions(caller: Caller, customer_id: str, query: OffsetQuery) -> Page[CreditTransactionOut]:
    page = queries.transactions(caller.tenant, customer_id, query.page_request())
    return page.over(tuple(CreditTransactionOut.of(entry) for entry in page.items))


handler = app.handler
