"""POST /admin/gift-cards/batches/{batch_id}/download

A merchant gets a link to the file with the codes and PINs of a batch of gift cards.

Each link is an entry of the audit log. Whoever has it needs no credential, so asking for one takes the scope that
issuing takes, and the link ends soon.
"""

from commerce.gift_cards import batch_jobs
from commerce.gift_cards.contracts import DownloadOut
from commerce.http.api import AdminApi, Caller, Transaction

app = AdminApi()


@app.post("/admin/gift-cards/batches/{batch_id}/download", scope="gift_cards:write", status=201, secret=True)
def download_gift_card_batch(tx: Transaction, caller: Caller, batch_id: str) -> DownloadOut:
    link = batch_jobs.download(tx, caller.tenant, batch_id)
    return DownloadOut(download_url=link.url, expires_at=link.expires_at)


handler = app.handler
