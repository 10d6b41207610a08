"""POST /v2/api-keys/{id}/rotate

A merchant replaces an API key's secret; the new text appears in this answer and nowhere else.

The present secret works until the overlap ends (an hour unless told), secrets before it stop at once.
"""

from commerce.access import use_cases
from commerce.access.contracts import ApiKeyIssued, RotateIn
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/api-keys/{id}/rotate", scope="api_keys:write", status=201, secret=True)
def rotate_api_key(tx: Transaction, caller: Caller, id: str, body: RotateIn | None = None) -> ApiKeyIssued:
    wanted = body or RotateIn()
    return ApiKeyIssued.of_issued(use_cases.rotate_key(tx, caller, id, wanted.overlap_seconds))


handler = app.handler
