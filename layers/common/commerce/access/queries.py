"""Reading tenants, for work that no request asked for."""

from commerce.access import store
from commerce.kernel.caller import Mode, Tenant


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
    )
