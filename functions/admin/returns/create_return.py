"""POST /admin/returns

A merchant asks for units of a shipped order to be taken back, for its customer.

The units are claimed: no other return can name them. The shop's return window is for customers; its staff may always.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import RequestReturnIn, ReturnRowOut

app = AdminApi()


@app.post("/admin/returns", scope="returns:write", status=201)
def create_return(tx: Transaction, caller: Caller, body: RequestReturnIn) -> ReturnRowOut:
    return ReturnRowOut.of(use_cases.create(tx, caller, body.to_command()))


handler = app.handler
