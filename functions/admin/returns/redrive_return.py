"""POST /admin/returns/{return_id}/redrive

A merchant has the workflow of a return begin anew.

It stops where it is, and another one takes up the return where the table says that it stands; what is done is not done
again. While that one is still to begin, asking for it again gives the same one.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import driving
from commerce.returns.redrive_contracts import ReturnRedriven

app = AdminApi()


@app.post("/admin/returns/{return_id}/redrive", scope="returns:write", status=202)
def redrive_return(tx: Transaction, caller: Caller, return_id: str) -> ReturnRedriven:
    return ReturnRedriven.of(driving.redrive(tx, caller.tenant, return_id))


handler = app.handler
