"""POST /cart/gift-cards

A customer lets a gift card pay for the cart.

The amount is held on the card for half an hour, and spent when the order is placed. The same card again holds another
amount. Serial and PIN that do not belong together are 404; after five misses about one serial it rests for a while.
"""

from commerce.carts import tenders
from commerce.carts.contracts import CartOut
from commerce.carts.paying_contracts import ApplyGiftCardIn
from commerce.gift_cards.guessing import BUDGETS
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.post("/cart/gift-cards", scope="cart", status=201, budgets=BUDGETS)
def add_cart_gift_card(tx: Transaction, caller: Caller, body: ApplyGiftCardIn) -> CartOut:
    return CartOut.of(tenders.apply_own(tx, caller, body.to_command(caller.tenant.currency)).priced)


handler = app.handler
