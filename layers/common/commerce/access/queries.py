"""Reading tenants, for work that no request asked for."""

from commerce.access import store
from commerce.access.model import TenantAccount
from commerce.kernel.caller import Caller, Mode, Tenant


def reachable_tenants(caller: Caller) -> list[TenantAccount]:
    """The tenants that the caller's credential reaches, from this address, in the order it names them (TN-01)."""
    return [account for account in store.find_tenants(caller.tenant_ids) if account.admits(caller.address)]


def find_tenant(tenant_id: str, mode: Mode) -> Tenant | None:
    """A tenant with its settings, for work that no request of the tenant's asked for."""
    account = store.find_tenant(tenant_id)
    if account is None:
        return None
    return Tenant(
        tenant_id=tenant_id,
        mode=mode,
        currency=account.currency,
        timezone=account.timezone,
        country=account.country,
        warehouses=account.warehouses,
        payment_window_minutes=account.payment_window_minutes,
        customers_may_cancel=account.customers_may_cancel,
        plan=str(account.plan),
    )
