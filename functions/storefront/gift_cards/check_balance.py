"""GET /storefront/giftcards/balance

Anybody who has a gift card's serial and PIN sees its balance.

An unknown serial, another PIN and a card that cannot pay give the same answer. An address asks 30 times a minute; after
five misses about one serial, be there such a card or not, it rests for a while.
"""

from commerce.gift_cards import redeeming
from commerce.gift_cards.guessing import BUDGETS
from commerce.gift_cards.possession_contracts import BalanceOut, PossessionQuery
from commerce.http.api import PUBLIC_SCOPE, Caller, GiftCardsPublicApi

app = GiftCardsPublicApi()


@app.get("/storefront/giftcards/balance", scope=PUBLIC_SCOPE, budgets=BUDGETS)
@app.get("/api/storefront/giftcards/balance", scope=PUBLIC_SCOPE, budgets=BUDGETS, name="check_balance_by_alias")
def check_balance(caller: Caller, query: PossessionQuery) -> BalanceOut:
    return BalanceOut.of(redeeming.possessed(caller.tenant.tenant_id, query.serial, query.pin)[1])


handler = app.handler
