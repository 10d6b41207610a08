"""PUT /storefront/giftcards/{serial}/suspend

A merchant stops a gift card from paying; what carts hold of it is free again.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.put("/storefront/giftcards/{serial}/suspend", scope="gift_cards:write")
@app.put("/api/storefront/giftcards/{serial}/suspend", scope="gift_cards:write", name="suspend_card_by_alias")
def suspend_card(tx: Transaction, caller: Caller, serial: str) -> CardOut:
    return CardOut.of(lifecycle.suspend(tx, caller, serial))


handler = app.handler
