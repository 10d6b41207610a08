"""DELETE /v2/discounts/automatic/{id}

A merchant ends an automatic discount; it stays readable, for the orders that were given it.
"""

from commerce.http.api import Caller, Transaction, V2Api
from commerce.promotions import use_cases

app = V2Api()


@app.delete("/v2/discounts/automatic/{id}", scope="promotions:write", status=204)
def end_discount(tx: Transaction, caller: Caller, id: str, if_match: int | None) -> None:
    use_cases.end_discount(tx, caller, id, if_match)


handler = app.handler
