"""GET /v2/inventory/{product_id}

A merchant reads what each warehouse has of a product, available and reserved.
"""

from commerce.http.api import Caller, V2Api
from commerce.inventory import use_cases
from commerce.inventory.contracts import LevelsOut, LevelsQuery

app = V2Api()


@app.get("/v2/inventory/{product_id}", scope="inventory:read")
def get_inventory(caller: Caller, product_id: str, query: LevelsQuery) -> LevelsOut:
    return LevelsOut.of(use_cases.levels(caller.tenant, product_id, query.variant_id))


handler = app.handler
