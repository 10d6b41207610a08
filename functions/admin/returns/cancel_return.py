"""POST /admin/returns/{return_id}/cancel

A merchant calls a return off of which nothing has come back; its units can be asked for anew.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import EndReturnIn, ReturnMovedOut

app = AdminApi()


@app.post("/admin/returns/{return_id}/cancel", scope="returns:write")
def cancel_return(
    tx: Transaction, caller: Caller, return_id: str, if_match: int | None, body: EndReturnIn | None = None
) -> ReturnMovedOut:
    command = (body or EndReturnIn()).to_command(return_id)
    return ReturnMovedOut.of(use_cases.cancel(tx, caller, command, if_match))


handler = app.handler
