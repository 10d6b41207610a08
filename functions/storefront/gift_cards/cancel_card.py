"""PUT /storefront/giftcards/{serial}/cancel

A merchant ends a gift card for good, and says where its balance goes.

`refund_original` books that the money went back the way it came, which is done outside, and is for cards that were paid
for outside of an order; `write_off` keeps it; `transfer` moves it to a new card for `toEmail`. An empty card needs no
disposition.
"""

from commerce.gift_cards import lifecycle
from commerce.gift_cards.storefront_contracts import CancelIn, CardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.put("/storefront/giftcards/{serial}/cancel", scope="gift_cards:write")
@app.put("/api/storefront/giftcards/{serial}/cancel", scope="gift_cards:write", name="cancel_card_by_alias")
def cancel_card(tx: Transaction, caller: Caller, serial: str, body: CancelIn | None = None) -> CardOut:
    return CardOut.of(lifecycle.cancel(tx, caller, (body or CancelIn()).to_command(serial)))


handler = app.handler
