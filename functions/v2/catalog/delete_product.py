"""DELETE /v2/products/{id}

A merchant takes a product out of the shop: it is archived, and still readable by its id.

Once more is answered alike. Orders keep what they hold; carts that hold it cannot be checked out.
"""

from commerce.catalog import use_cases
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.delete("/v2/products/{id}", scope="products:write", status=204)
def delete_product(tx: Transaction, caller: Caller, id: str, if_match: int | None) -> None:
    use_cases.archive(tx, caller, id, if_match)


handler = app.handler
