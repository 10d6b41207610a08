"""GET /storefront/giftcards

Staff list all gift cards, customers their own, newest first.
"""

from commerce.gift_cards import queries
from commerce.gift_cards.storefront_contracts import CardOut, CursorQuery
from commerce.http.api import Caller, GiftCardsApi, Page

app = GiftCardsApi()


@app.get("/storefront/giftcards", scope="gift_cards:read")
@app.get("/api/storefront/giftcards", scope="gift_cards:read", name="list_cards_by_alias")
def list_cards(caller: Caller, query: CursorQuery) -> Page[CardOut]:
    page = queries.page_of_visible(caller, query.page_request())
    return page.over(tuple(CardOut.of(card) for card in page.items))


handler = app.handler
