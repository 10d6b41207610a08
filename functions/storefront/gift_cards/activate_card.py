"""PUT /storefront/giftcards/{serial}/activate

A merchant lets a gift card pay that was issued inactive.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.put("/storefront/giftcards/{serial}/activate", scope="gift_cards:write")
@app.put("/api/storefront/giftcards/{serial}/activate", scope="gift_cards:write", name="activate_card_by_alias")
def activate_card(tx: Transaction, caller: Caller, serial: str) -> CardOut:
    return CardOut.of(lifecycle.activate(tx, caller, serial))


handler = app.handler
