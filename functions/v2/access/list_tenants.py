"""GET /v2/tenants

A merchant lists the tenants that the credential reaches.

Any of them is chosen for a request with `X-Tenant-ID`. Tenants that do not admit your address are left out.
"""

from commerce.access.authentication import MAX_TENANTS
from commerce.access.contracts import TenantOut
from commerce.access.queries import reachable_tenants
from commerce.http.api import Caller, Page, V2Api
from commerce.kernel.paging import PageRequest

app = V2Api()


@app.get("/v2/tenants", scope="settings:read", tenant_header=False)
def list_tenants(caller: Caller) -> Page[TenantOut]:
    found = tuple(TenantOut.of(account, caller.tenant.mode) for account in reachable_tenants(caller))
    return Page(found, PageRequest(limit=MAX_TENANTS), total=len(found))


handler = app.handler
