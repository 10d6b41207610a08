"""GET /v2/discounts/automatic

A merchant lists all automatic discounts, the newest first.
"""

from commerce.http.api import Caller, Page, V2Api
from commerce.http.pages import PageQuery
from commerce.promotions import use_cases
from commerce.promotions.v2_contracts import DiscountOut

app = V2Api()


@app.get("/v2/discounts/automatic", scope="promotions:read")
def list_discounts(caller: Caller, query: PageQuery) -> Page[DiscountOut]:
    found = use_cases.find_discounts(caller.tenant, query.page_request())
    return found.over(tuple(DiscountOut.of(discount) for discount in found.items))


handler = app.handler
