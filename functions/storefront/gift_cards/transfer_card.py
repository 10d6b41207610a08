"""POST /storefront/giftcards/transfer

A merchant gives a gift card to another owner, who gets it by mail.

Its PIN is replaced, so the one before opens nothing any more, and what carts hold of it is free again.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CardOut, TransferIn
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.post("/storefront/giftcards/transfer", scope="gift_cards:write")
@app.post("/api/storefront/giftcards/transfer", scope="gift_cards:write", name="transfer_card_by_alias")
def transfer_card(tx: Transaction, caller: Caller, body: TransferIn) -> CardOut:
    return CardOut.of(lifecycle.transfer(tx, caller, body.serial, body.to_email, body.from_email))


handler = app.handler
