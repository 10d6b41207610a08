"""POST /storefront/giftcards/redeem

Anybody who has a gift card's serial and PIN lets it pay for a cart.

The card pays the lesser of `amount`, what is on it and what the cart comes to; without `amount` as much as it can. That
is held for the cart for half an hour, and spent when its order is placed. Whoever shows serial and PIN takes over what
other carts hold where too little is free. Misses are answered and limited as those of the balance are.
"""

from commerce.access.queries import currency_of
from commerce.carts import tenders
from commerce.gift_cards.apply_contracts import ApplyCardIn, CardApplied
from commerce.gift_cards.guessing import BUDGETS
from commerce.http.api import PUBLIC_SCOPE, Caller, GiftCardsPublicApi, Transaction

app = GiftCardsPublicApi()


@app.post("/storefront/giftcards/redeem", scope=PUBLIC_SCOPE, budgets=BUDGETS)
@app.post("/api/storefront/giftcards/redeem", scope=PUBLIC_SCOPE, budgets=BUDGETS, name="redeem_card_by_alias")
def redeem_card(tx: Transaction, caller: Caller, body: ApplyCardIn) -> CardApplied:
    shop = caller.tenant.tenant_id
    return CardApplied.of(tenders.apply_public(tx, shop, body.cart_id, body.to_command(currency_of(shop))))


handler = app.handler
