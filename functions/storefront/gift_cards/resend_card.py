"""POST /storefront/giftcards/{serial}/resend

A merchant has a gift card mailed again, with a new PIN; at most once a minute.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.post("/storefront/giftcards/{serial}/resend", scope="gift_cards:write")
@app.post("/api/storefront/giftcards/{serial}/resend", scope="gift_cards:write", name="resend_card_by_alias")
def resend_card(tx: Transaction, caller: Caller, serial: str) -> CardOut:
    return CardOut.of(lifecycle.resend(tx, caller, serial))


handler = app.handler
