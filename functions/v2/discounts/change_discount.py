"""PUT /v2/discounts/automatic/{id}

A merchant changes an automatic discount, or whether it is active.

What is left out stays as it is; `conditions` are replaced as a whole. Orders keep what they were given.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import DiscountChangesIn, DiscountOut

app = V2Api()


@app.put("/v2/discounts/automatic/{id}", scope="promotions:write")
def change_discount(
    tx: Transaction, caller: Caller, id: str, body: DiscountChangesIn, if_match: int | None
) -> DiscountOut:
    return DiscountOut.of(use_cases.change_discount(tx, caller, id, body.to_changes(), if_match))


handler = app.handler
