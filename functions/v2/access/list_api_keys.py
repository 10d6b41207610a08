"""GET /v2/api-keys

A merchant lists API keys, newest first, revoked ones included.

An owner sees the keys of both environments, everybody else those of their own. The keys' texts are not shown.
"""

from commerce.access import use_cases
from commerce.access.contracts import ApiKeyOut, ApiKeysQuery
from commerce.http.api import Caller, Page, V2Api

app = V2Api()


@app.get("/v2/api-keys", scope="api_keys:read")
def list_api_keys(caller: Caller, query: ApiKeysQuery) -> Page[ApiKeyOut]:
    found = use_cases.list_keys(caller, query.page_request())
    return found.over(tuple(ApiKeyOut.of(key) for key in found.items))


handler = app.handler
