"""POST /orders/{order_id}/returns

A customer asks to return items of one of their own orders.

The order must be shipped, and the shop's return window open. The shop decides on the request; one that is worth little
enough, as the shop has settled it, is approved at once.
"""

from commerce.http.api import Caller, PortalApi, Transaction
from commerce.returns import use_cases
from commerce.returns.contracts import RequestMyReturnIn, ReturnRowOut

app = PortalApi()


@app.post("/orders/{order_id}/returns", scope="my_orders", status=201)
def request_return(tx: Transaction, caller: Caller, order_id: str, body: RequestMyReturnIn) -> ReturnRowOut:
    return ReturnRowOut.of(use_cases.create(tx, caller, body.command_for(order_id)))


handler = app.handler
