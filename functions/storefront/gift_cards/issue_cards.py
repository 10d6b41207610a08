"""POST /storefront/giftcards/batch

A merchant's staff issues up to 100 gift cards at once, each as it says: for employees, winners, partners.

The body is an array of what issues one card, or an object with that array as `cards`. All are issued or, where one row
is refused, none; a retry with the same Idempotency-Key finishes what was interrupted, and shows the PINs again for 15
minutes.
"""

from commerce.gift_cards import batches
from commerce.gift_cards.storefront_contracts import NewCardsIn, NewCardsOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.post("/storefront/giftcards/batch", scope="gift_cards:write", status=201, secret=True)
@app.post(
    "/api/storefront/giftcards/batch", scope="gift_cards:write", status=201, secret=True, name="issue_cards_by_alias"
)
def issue_cards(tx: Transaction, caller: Caller, body: NewCardsIn) -> NewCardsOut:
    return NewCardsOut.of(*batches.issue(tx, caller, body.to_command(caller.tenant)))


handler = app.handler
