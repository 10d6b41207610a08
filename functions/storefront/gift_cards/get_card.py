"""GET /storefront/giftcards/{serial}

Staff read a gift card, customers one of their own; the PIN is told to nobody.
"""

from commerce.gift_cards import queries
from commerce.gift_cards.storefront_contracts import CardOut
from commerce.http.api import Caller, GiftCardsApi

app = GiftCardsApi()


@app.get("/storefront/giftcards/{serial}", scope="gift_cards:read")
@app.get("/api/storefront/giftcards/{serial}", scope="gift_cards:read", name="get_card_by_alias")
def get_card(caller: Caller, serial: str) -> CardOut:
    return CardOut.of(queries.visible(caller, serial))


handler = app.handler
