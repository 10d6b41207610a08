"""GET /v2/discounts/automatic/{id}

A merchant reads one automatic discount.
"""

from commerce.http.api import Caller, V2Api
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import DiscountOut

app = V2Api()


@app.get("/v2/discounts/automatic/{id}", scope="promotions:read")
def get_discount(caller: Caller, id: str) -> DiscountOut:
    return DiscountOut.of(use_cases.get_discount(caller.tenant, id))


handler = app.handler
