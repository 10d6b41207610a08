"""GET /admin/gift-cards/batches/{batch_id}

A merchant asks how far a batch of gift cards is.
"""

from commerce.gift_cards import batch_jobs
from commerce.gift_cards.contracts import BatchOut
from commerce.http.api import AdminApi, Caller

app = AdminApi()


@app.get("/admin/gift-cards/batches/{batch_id}", scope="gift_cards:read")
def get_gift_card_batch(caller: Caller, batch_id: str) -> BatchOut:
    progress = batch_jobs.progress(caller.tenant, batch_id)
    return BatchOut.of(progress.batch, progress.cards_created)


handler = app.handler
