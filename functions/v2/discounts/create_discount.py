"""POST /v2/discounts/automatic

A merchant adds a discount that comes by itself: buy some units, get more of them free.

It counts as often as the units go into the cart, and the cheapest of them are free. Its dates are days of the shop,
the last one included. At most 50 are live or to come.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import DiscountIn, DiscountOut

app = V2Api()


@app.post("/v2/discounts/automatic", scope="promotions:write", status=201)
def create_discount(tx: Transaction, caller: Caller, body: DiscountIn) -> DiscountOut:
    return DiscountOut.of(use_cases.create_discount(tx, caller, body.to_command()))


handler = app.handler
