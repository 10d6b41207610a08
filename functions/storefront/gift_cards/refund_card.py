"""POST /storefront/giftcards/{serial}/refund

A merchant refunds onto a gift card what it paid for an order.

At most what the card paid for that order goes back. A suspended card takes it; a card that was cancelled or has expired
is replaced by a new one, mailed to its owner.
"""

from commerce.gift_cards import queries
from commerce.gift_cards.storefront_contracts import RefundedOut, RefundIn
from commerce.http.api import Caller, GiftCardsApi, Transaction
from commerce.refunds import use_cases

app = GiftCardsApi()


@app.post("/storefront/giftcards/{serial}/refund", scope="gift_cards:write", status=201)
@app.post(
    "/api/storefront/giftcards/{serial}/refund", scope="gift_cards:write", status=201, name="refund_card_by_alias"
)
def refund_card(tx: Transaction, caller: Caller, serial: str, body: RefundIn) -> RefundedOut:
    redemption = queries.refundable(caller, serial, body.order_id, body.redemption_id)
    amount = body.money(redemption.amount.currency)
    onto = use_cases.refund_onto_card(tx, caller, redemption, amount, body.reason)
    return RefundedOut.of(onto, redemption, amount)


handler = app.handler
