"""POST /cart/checkout

A customer turns the cart into an order that waits for its payment.

The order, its stock reservations and the emptied cart are one transaction. The order expires, and gives the stock back,
when it is not paid within the shop's payment window.
"""

from commerce.carts.checkout import checkout
from commerce.carts.intake import CheckedOut, CheckoutIn
from commerce.http.api import Caller, PortalApi, Transaction

app = PortalApi()


@app.post("/cart/checkout", scope="cart", status=201)
def checkout_cart(tx: Transaction, caller: Caller, body: CheckoutIn | None = None) -> CheckedOut:
    command = (body or CheckoutIn()).to_command(caller.tenant.country)
    return CheckedOut.of(checkout(tx, caller, command))


handler = app.handler
