"""DELETE /v2/api-keys/{id}

A merchant revokes an API key, which stops working at once.

Revoking it again answers the same.
"""

from commerce.access import use_cases
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.delete("/v2/api-keys/{id}", scope="api_keys:write", status=204)
def revoke_api_key(tx: Transaction, caller: Caller, id: str) -> None:
    use_cases.revoke_key(tx, caller, id)


handler = app.handler
