"""POST /admin/gift-cards/redeem

A merchant lets a gift card pay for an order that waits for its payment.

All of `amount_to_redeem` is redeemed, or nothing. An open payment of the order is called off, because it would collect
too much; what is left is paid with a new one.
"""

from commerce.gift_cards.redeem_contracts import RedeemedOut, RedeemIn
from commerce.http.api import AdminApi, Caller, Transaction
from commerce.orders import tendering

app = AdminApi()


@app.post("/admin/gift-cards/redeem", scope="gift_cards:write")
def redeem_gift_card(tx: Transaction, caller: Caller, body: RedeemIn) -> RedeemedOut:
    return RedeemedOut.of(*tendering.redeem_gift_card(tx, caller, body.to_command(caller.tenant)))


handler = app.handler
