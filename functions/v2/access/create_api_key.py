"""POST /v2/api-keys

A merchant issues an API key, whose text appears in this answer and nowhere else.

A key can do no more than the credential that makes it. A retry with the same Idempotency-Key shows the text again for
15 minutes.
"""

from commerce.access import use_cases
from commerce.access.contracts import ApiKeyIn, ApiKeyIssued
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.post("/v2/api-keys", scope="api_keys:write", status=201, secret=True)
def create_api_key(tx: Transaction, caller: Caller, body: ApiKeyIn) -> ApiKeyIssued:
    return ApiKeyIssued.of_issued(use_cases.create_key(tx, caller, body.to_command()))


handler = app.handler
