"""POST /storefront/giftcards

A merchant's staff issues a gift card. Its PIN appears in this answer and, with `deliverEmail`, in the mail.

A retry with the same Idempotency-Key shows the PIN again for 15 minutes.
"""

from commerce.gift_cards import issuing
from commerce.gift_cards.storefront_contracts import NewCardIn, NewCardOut
from commerce.http.api import Caller, GiftCardsApi, Transaction

app = GiftCardsApi()


@app.post("/storefront/giftcards", scope="gift_cards:write", status=201, secret=True)
@app.post("/api/storefront/giftcards", scope="gift_cards:write", status=201, secret=True, name="issue_card_by_alias")
def issue_card(tx: Transaction, caller: Caller, body: NewCardIn) -> NewCardOut:
    return NewCardOut.of(issuing.issue(tx, caller, body.to_command(caller.tenant)))


handler = app.handler
