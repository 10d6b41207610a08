"""POST /api/storefront/carts

A customer puts things into the cart, which is a checkout of the same id from then on.

A customer has one cart; what is in it already stays. The answer's `checkoutId` leads on. Products and variants are
named by the catalogue's own ids.
"""

from commerce.checkouts import use_cases
from commerce.checkouts.contracts import StorefrontCartOut
from commerce.checkouts.intake import CartIn, IncludeQuery
from commerce.http.api import Caller, CheckoutsApi, Transaction

app = CheckoutsApi()


@app.post("/api/storefront/carts", scope="cart", status=201)
def fill_checkout(tx: Transaction, caller: Caller, query: IncludeQuery, body: CartIn) -> StorefrontCartOut:
    return StorefrontCartOut.of(use_cases.fill(tx, caller, body.to_commands(caller.tenant.currency)))


handler = app.handler
