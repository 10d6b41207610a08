"""PATCH /v2/tenants/{id}

An owner changes the shop's name, how it ships and takes stored value, or from which networks its credentials work.

`id` is the tenant that the request is for: your only one, or the one that `X-Tenant-ID` names. Networks are part of the
enterprise plan; a list without your own address is refused. A shop's customers may call from everywhere.
"""

from commerce.access import use_cases
from commerce.access.contracts import TenantChangesIn, TenantOut
from commerce.http.api import Caller, Transaction, V2Api

app = V2Api()


@app.patch("/v2/tenants/{id}", scope="settings:write")
def update_tenant(tx: Transaction, caller: Caller, id: str, body: TenantChangesIn, if_match: int | None) -> TenantOut:
    changed = use_cases.change_tenant(tx, caller, body.to_command(caller.tenant, id, if_match))
    return TenantOut.of(changed, caller.tenant.mode)


handler = app.handler
