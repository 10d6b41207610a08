"""POST /admin/returns/{return_id}/receive

A merchant says what came back of a return, and what becomes of each unit.

`restock` puts units back on sale; nothing else about returns does. A parcel may arrive in parts: the return is
`partially_received` until every approved unit is accounted for, if need be as `missing`. Where none came back at all,
the return is `cancelled`. Units beyond those approved are a 409: they need a return of their own.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import ReceiveIn, ReturnMovedOut

app = AdminApi()


@app.post("/admin/returns/{return_id}/receive", scope="returns:write")
def receive_return(
    tx: Transaction, caller: Caller, return_id: str, body: ReceiveIn, if_match: int | None
) -> ReturnMovedOut:
    return ReturnMovedOut.of(use_cases.receive(tx, caller, body.to_command(return_id), if_match))


handler = app.handler
