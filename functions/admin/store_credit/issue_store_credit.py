"""POST /admin/store-credit/issue

A merchant gives a customer store credit.

Each issue is a lot with a last day of its own; lots are spent soonest expiring first.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.store_credit import use_cases
from commerce.store_credit.contracts import CreditOut, IssueCreditIn

app = AdminApi()


@app.post("/admin/store-credit/issue", scope="store_credit:write", status=201)
def issue_store_credit(tx: Transaction, caller: Caller, body: IssueCreditIn) -> CreditOut:
    return CreditOut.of(use_cases.issue(tx, caller, body.to_command(caller.tenant.currency)))


handler = app.handler
