"""GET /storefront/giftcards/stats

A merchant sees what was issued and redeemed, and what is owed on gift cards.

The figures are sums of ledger entries by currency, and by where the cards' value came from.
"""

from commerce.gift_cards import statistics
from commerce.gift_cards.statistics_contracts import StatisticsOut
from commerce.http.api import Caller, GiftCardsApi

app = GiftCardsApi()


@app.get("/storefront/giftcards/stats", scope="gift_cards:report")
@app.get("/api/storefront/giftcards/stats", scope="gift_cards:report", name="get_statistics_by_alias")
def get_statistics(caller: Caller) -> StatisticsOut:
    return StatisticsOut.of_all(*statistics.of(caller.tenant))


handler = app.handler
