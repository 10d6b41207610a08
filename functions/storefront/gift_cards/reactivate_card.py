"""PUT /storefront/giftcards/{serial}/reactivate

A merchant lets a suspended gift card pay again.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.put("/storefront/giftcards/{serial}/reactivate", scope="gift_cards:write")
@app.put("/api/storefront/giftcards/{serial}/reactivate", scope="gift_cards:write", name="reactivate_card_by_alias")
def reactivate_card(tx: Transaction, caller: Caller, serial: str) -> CardOut:
    return CardOut.of(lifecycle.reactivate(tx, caller, serial))


handler = app.handler
