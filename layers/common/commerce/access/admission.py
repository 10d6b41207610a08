"""Whether a call of somebody known may go on: from where it comes, and how often (contract AUTH-05, RL-03)."""

from dataclasses import dataclass

from commerce.access.authentication import Identity
from commerce.kernel.caller import MERCHANT_ROLES, Tenant
from commerce.limits import use_cases as limits
from commerce.limits.model import Standing
from commerce.table import keys


@dataclass(frozen=True, slots=True)
class Admission:
    """``standing`` tells of the caller's limit, and refuses where it has a ``retry_after``."""

    address_allowed: bool
    standing: Standing


def admit(identity: Identity, named: str | None, address: str) -> Admission:
    """Count a call of ``identity`` for the tenant that it names.

    A shop's customers come from everywhere, so only merchants' credentials are bound to its networks. A call from
    elsewhere is not counted: whoever stole a key must not use up its limit too. A call for a tenant out of reach is
    counted for the credential's first one. When it cannot be counted the call passes.
    """
    tenant = identity.tenant(named)
    allowed = tenant is None or identity.role not in MERCHANT_ROLES or tenant.admits(address)
    counted_for = tenant or identity.tenants[0]
    quota, known = counted_for.quota(identity.own_limit), identity.usage_of(counted_for)
    if not allowed:
        return Admission(False, limits.standing(quota, known, counted_for.timezone))
    key = keys.caller_limit(Tenant(counted_for.tenant_id, identity.mode), identity.principal_id)
    return Admission(True, limits.charge_or_let_pass(key, quota, known, counted_for.timezone))
