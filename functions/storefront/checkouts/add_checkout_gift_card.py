"""POST /api/storefront/checkouts/{checkout_id}/gift-certificates

A customer lets a gift card pay for a checkout, as much as it can.

Serial and PIN that do not belong together are 404; after five misses about one serial it rests for a while.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import CheckoutOut
from commerce.checkouts.intake import GiftCertificateIn
from commerce.gift_cards.guessing import BUDGETS
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/checkouts/{checkout_id}/gift-certificates", scope="cart", budgets=BUDGETS)
def add_checkout_gift_card(tx: Transaction, caller: Caller, checkout_id: str, body: GiftCertificateIn) -> CheckoutOut:
    return CheckoutOut.of(use_cases.apply_gift_card(tx, caller, checkout_id, body.to_command()))


handler = app.handler
