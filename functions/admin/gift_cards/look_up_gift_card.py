"""GET /admin/gift-cards/lookup

A merchant looks up a gift card by its code.

The code is read as people type it. `POST` with the code in its body is the same, for those who keep codes out of
addresses.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.contracts import CardFound, LookUpIn, LookUpQuery
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/gift-cards/lookup", scope="gift_cards:read")
def look_up_gift_card(caller: Caller, query: LookUpQuery) -> CardFound:
    return CardFound.of(lifecycle.get(caller.tenant, query.code))


@app.post("/admin/gift-cards/lookup", scope="gift_cards:read")
def post_look_up_gift_card(caller: Caller, body: LookUpIn) -> CardFound:
    return CardFound.of(lifecycle.get(caller.tenant, body.code))


handler = app.handler
