"""Reading tenants, for work that no request asked for."""

from collections.abc import Iterator

from commerce.access import store
from commerce.access.model import TenantAccount
from commerce.kernel.caller import Caller, Mode, Tenant
from commerce.kernel.document_policy import DEFAULT_DOCUMENTS, DocumentPolicy


def reachable_tenants(caller: Caller) -> list[TenantAccount]:
    """The tenants that the caller's credential reaches, from this address, in the order it names them (TN-01)."""
    return [account for account in store.find_tenants(caller.tenant_ids) if account.admits(caller.address)]


def find_tenant(tenant_id: str, mode: Mode) -> Tenant | None:
    """A tenant with its settings, for work that no request of the tenant's asked for."""
    account = store.find_tenant(tenant_id)
    return None if account is None else account.in_mode(mode)


def all_tenants() -> Iterator[Tenant]:
    """All shops with their settings, live and test, for schedules that serve each of them."""
    for account in store.all_tenants():
        for mode in Mode:
            yield account.in_mode(mode)


def currency_of(tenant_id: str) -> str:
    """What a shop's prices are in; of a shop that there is not, what they would be in."""
    account = store.find_tenant(tenant_id)
    return account.currency if account is not None else Tenant(tenant_id).currency


def find_shop(tenant_id: str) -> str:
    """What a tenant's shop is called, for letters to its customers."""
    account = store.find_tenant(tenant_id)
    return account.name if account is not None else ""


def find_letterhead(tenant_id: str) -> tuple[str, DocumentPolicy]:
    """What a tenant's shop is called, and how its documents look."""
    account = store.find_tenant(tenant_id)
    return ("", DEFAULT_DOCUMENTS) if account is None else (account.name, account.documents)


def allows_partial_allocation(tenant_id: str) -> bool:
    """Whether a shop serves part of what somebody waits for; asked for where stock is allocated, and nowhere else."""
    account = store.find_tenant(tenant_id)
    return account is None or account.allows_partial_allocation
