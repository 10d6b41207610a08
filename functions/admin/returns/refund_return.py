"""POST /admin/returns/{return_id}/refund

A merchant refunds what came back of a return, less the shop's fees.

A return is refunded once. Where that fails at the payment provider, the same request gives what failed anew. Stored
value is back at once; what was paid with money is on its way until the provider has made it. Units that have not come
back by now are taken as missing.
"""

from commerce.http.api import AdminApi, Caller, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import RefundReturnIn, ReturnMovedOut

app = AdminApi()


@app.post("/admin/returns/{return_id}/refund", scope="returns:write")
def refund_return(
    tx: Transaction, caller: Caller, return_id: str, if_match: int | None, body: RefundReturnIn | None = None
) -> ReturnMovedOut:
    command = (body or RefundReturnIn()).to_command(return_id, caller.tenant.currency)
    return ReturnMovedOut.of(use_cases.refund(tx, caller, command, if_match))


handler = app.handler
