"""DELETE /cart/gift-cards/{redemption_id}

A customer takes a gift card off the cart; what it held is free again.
"""

from commerce.carts import tenders
from commerce.carts.contracts import CartOut
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.delete("/cart/gift-cards/{redemption_id}", scope="cart")
def remove_cart_gift_card(tx: Transaction, caller: Caller, redemption_id: str) -> CartOut:
    return CartOut.of(tenders.remove_own(tx, caller, redemption_id))


handler = app.handler
