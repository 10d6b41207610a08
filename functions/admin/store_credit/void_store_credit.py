"""POST /admin/store-credit/{credit_id}/void

A merchant takes back what is left of store credit that should not have been given.

What was spent of it stays spent. The ledger gets an entry of its own, with the reason.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.store_credit import use_cases
from commerce.store_credit.contracts import CreditOut, VoidCreditIn

app = AdminApi()


@app.post("/admin/store-credit/{credit_id}/void", scope="store_credit:write")
def void_store_credit(tx: Transaction, caller: Caller, credit_id: str, body: VoidCreditIn) -> CreditOut:
    return CreditOut.of(use_cases.void(tx, caller, credit_id, body.reason))


handler = app.handler
