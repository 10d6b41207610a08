"""POST /v2/inventory/{product_id}/adjust

A merchant changes stock by a number of units and says why.

The answer holds the levels after the change. Send an Idempotency-Key: a retried change without one counts twice.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.inventory import use_cases
from commerce.inventory.contracts import AdjustIn, LevelsOut

app = V2Api()


@app.post("/v2/inventory/{product_id}/adjust", scope="inventory:write", status=201)
def adjust_inventory(tx: Transaction, caller: Caller, product_id: str, body: AdjustIn) -> LevelsOut:
    return LevelsOut.of(use_cases.adjust(tx, caller, body.to_command(product_id)))


handler = app.handler
