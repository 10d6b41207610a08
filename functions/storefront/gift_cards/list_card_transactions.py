"""GET /api/data/giftcard-transaction

Staff read everything that happened to a gift card's value, customers that of their own, oldest first.

Nothing here is ever changed or deleted.
"""

from commerce.gift_cards import queries, transactions
from commerce.gift_cards.transaction_contracts import TransactionOut, TransactionsQuery
from commerce.http.api import Caller, GiftCardsApi, Page
from commerce.kernel.caller import Role

app = GiftCardsApi()


@app.get("/api/data/giftcard-transaction", scope="gift_cards:read")
def list_card_transactions(caller: Caller, query: TransactionsQuery) -> Page[TransactionOut]:
    card = queries.visible(caller, query.serial)
    page = transactions.page_of(caller.tenant, card, query.page_request())
    is_staff = caller.role is not Role.CUSTOMER
    return page.over(tuple(TransactionOut.of(record, is_staff=is_staff) for record in page.items))


handler = app.handler
