"""POST /admin/gift-cards

A merchant issues a gift card. Its PIN appears in this answer and nowhere else.

A retry with the same Idempotency-Key shows the PIN again for 15 minutes. With `deliver_email` the recipient gets code
and PIN by mail.
"""

from commerce.gift_cards import issuing
from commerce.gift_cards.contracts import CardIssued, IssueCardIn
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/gift-cards", scope="gift_cards:write", status=201, secret=True)
def issue_gift_card(tx: Transaction, caller: Caller, body: IssueCardIn) -> CardIssued:
    return CardIssued.of(issuing.issue(tx, caller, body.to_command(caller.tenant)))


handler = app.handler
