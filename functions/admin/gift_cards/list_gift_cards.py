"""GET /admin/gift-cards

A merchant lists gift cards, newest first: all of them, or an owner's.
"""

from commerce.gift_cards import queries
from commerce.gift_cards.contracts import CardRowOut, CardsQuery
from commerce.http.api import AdminApi, Caller, Page
from commerce.kernel import clock

app = AdminApi()


@app.get("/admin/gift-cards", scope="gift_cards:read")
def list_gift_cards(caller: Caller, query: CardsQuery) -> Page[CardRowOut]:
    page, now = queries.page_of(caller, query.page_request(), query.owner_email), clock.now()
    return page.over(tuple(CardRowOut.of(card, now) for card in page.items))


handler = app.handler
