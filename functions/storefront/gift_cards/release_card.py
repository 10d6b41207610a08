"""DELETE /storefront/giftcards/redeem/{redemption_id}

Anybody who has a gift card's serial and PIN takes it off the cart that it is held for.

What was held is free again. A card that has paid for an order is given back with that order. Misses are answered and
limited as those of the balance are.
"""

from commerce.carts import tenders
from commerce.gift_cards.guessing import BUDGETS
from commerce.gift_cards.possession_contracts import PossessionQuery
from commerce.http.api import PUBLIC_SCOPE, Caller, GiftCardsPublicApi, Transaction

app = GiftCardsPublicApi()


@app.delete("/storefront/giftcards/redeem/{redemption_id}", scope=PUBLIC_SCOPE, status=204, budgets=BUDGETS)
@app.delete(
    "/api/storefront/giftcards/redeem/{redemption_id}",
    scope=PUBLIC_SCOPE,
    status=204,
    budgets=BUDGETS,
    name="release_card_by_alias",
)
def release_card(tx: Transaction, caller: Caller, redemption_id: str, query: PossessionQuery) -> None:
    tenders.remove_public(tx, caller.tenant.tenant_id, redemption_id, query.serial, query.pin)


handler = app.handler
