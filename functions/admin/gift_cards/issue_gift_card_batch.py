"""POST /admin/gift-cards/batch

A merchant issues many gift cards that are all alike.

Up to a hundred are issued by the time of the answer. More are issued by a workflow; the batch's id asks how far it is.
"""

from commerce.gift_cards import batch_jobs
from commerce.gift_cards.contracts import IssueBatchIn, NewBatchOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/gift-cards/batch", scope="gift_cards:write", status=201, secret=True)
def issue_gift_card_batch(tx: Transaction, caller: Caller, body: IssueBatchIn) -> NewBatchOut:
    batch, link = batch_jobs.issue(tx, caller, body.to_command(caller.tenant))
    return NewBatchOut.told(batch, link.url if link else None)


handler = app.handler
