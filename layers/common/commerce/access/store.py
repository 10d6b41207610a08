"""Tenants and API keys in the table. They have no mode of their own: a key row carries its mode."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from commerce.access.model import ApiKey, TenantAccount, TenantStatus
from commerce.kernel.caller import CheckoutPolicy, Mode, Role, Tenant
from commerce.kernel.document_policy import DocumentPolicy
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.return_policy import ReturnPolicy
from commerce.limits.model import Plan, Usage
from commerce.limits.store import to_usage
from commerce.table import keys
from commerce.table.reading import get, get_all, page, stream
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction


class TenantRow(Row, discriminator="tenant"):
    audited: ClassVar[str] = "tenant"

    tenant_id = UnicodeAttribute()
    name = UnicodeAttribute()
    currency = UnicodeAttribute()
    timezone = UnicodeAttribute()
    country = UnicodeAttribute()
    warehouses = WordsAttribute()
    payment_window_minutes = NumberAttribute()
    status = UnicodeAttribute()
    created_at = InstantAttribute()
    plan = UnicodeAttribute(null=True)  # absent: opened before there were plans
    hourly_limit = NumberAttribute(null=True)
    daily_limit = NumberAttribute(null=True)
    customers_may_cancel = BooleanAttribute(null=True)
    allowed_networks = WordsAttribute(null=True)
    checkout = DocumentAttribute(null=True)
    returns = DocumentAttribute(null=True)
    documents = DocumentAttribute(null=True)
    allows_partial_allocation = BooleanAttribute(null=True)
    version = NumberAttribute()

    def to_account(self) -> TenantAccount:
        return TenantAccount(
            tenant_id=self.tenant_id,
            name=self.name,
            currency=self.currency,
            timezone=self.timezone,
            country=self.country,
            warehouses=tuple(self.warehouses),
            payment_window_minutes=int(self.payment_window_minutes),
            created_at=self.created_at,
            status=TenantStatus(self.status),
            plan=Plan(self.plan or Plan.PROFESSIONAL),
            hourly_limit=_whole(self.hourly_limit),
            daily_limit=_whole(self.daily_limit),
            customers_may_cancel=self.customers_may_cancel is not False,
            allowed_networks=tuple(self.allowed_networks or ()),
            checkout=CheckoutPolicy.from_document(self.checkout),
            returns=ReturnPolicy.from_document(self.returns),
            documents=DocumentPolicy.from_document(self.documents),
            allows_partial_allocation=self.allows_partial_allocation is not False,
            version=int(self.version),
        )


class ApiKeyRow(Row, discriminator="api_key"):
    audited: ClassVar[str] = "api_key"

    key_id = UnicodeAttribute()
    tenant_id = UnicodeAttribute()
    name = UnicodeAttribute()
    mode = UnicodeAttribute()
    role = UnicodeAttribute()
    scopes = WordsAttribute()
    secret_hash = UnicodeAttribute()  # SHA-256, hexadecimal
    last_four = UnicodeAttribute()
    created_at = InstantAttribute()
    created_by = UnicodeAttribute()
    expires_at = InstantAttribute(null=True)
    rotated_at = InstantAttribute(null=True)
    previous_hash = UnicodeAttribute(null=True)
    previous_valid_until = InstantAttribute(null=True)
    revoked_at = InstantAttribute(null=True)
    hourly_limit = NumberAttribute(null=True)
    version = NumberAttribute()

    def to_key(self) -> ApiKey:
        return ApiKey(
            key_id=self.key_id,
            tenant_id=self.tenant_id,
            name=self.name,
            mode=Mode(self.mode),
            role=Role(self.role),
            scopes=frozenset(self.scopes),
            secret_hash=self.secret_hash,
            last_four=self.last_four,
            created_at=self.created_at,
            created_by=self.created_by,
            expires_at=self.expires_at,
            rotated_at=self.rotated_at,
            previous_hash=self.previous_hash,
            previous_valid_until=self.previous_valid_until,
            revoked_at=self.revoked_at,
            hourly_limit=_whole(self.hourly_limit),
            version=int(self.version),
        )


def add_tenant(tx: Transaction, account: TenantAccount) -> None:
    """Write a new tenant (A1).

    Raises (at commit):
        Conflict: the id is taken.
    """
    tx.add(_tenant_row(account), _taken(account.tenant_id))


def save_tenant(tx: Transaction, account: TenantAccount) -> None:
    """Write a changed tenant (A1).

    Raises (at commit):
        StaleWrite: somebody else wrote the tenant since it was read.
    """
    tx.put(_tenant_row(account), TenantRow.version == account.version - 1, StaleWrite("tenant"))


def find_tenant(tenant_id: str) -> TenantAccount | None:
    """One tenant (A1)."""
    row = get(keys.tenant_row(tenant_id))
    return row.to_account() if isinstance(row, TenantRow) else None


def find_tenants(tenant_ids: Iterable[str]) -> list[TenantAccount]:
    """Those of the named tenants that exist, one call, in the order named (A1)."""
    wanted = [keys.tenant_row(tenant_id) for tenant_id in tenant_ids]
    rows = get_all(wanted)
    found = [rows.get(key) for key in wanted]
    return [row.to_account() for row in found if isinstance(row, TenantRow)]


def all_tenants() -> Iterator[TenantAccount]:
    """All tenants, streamed (A5)."""
    for row in stream(keys.all_tenants(), index="gsi1"):
        assert isinstance(row, TenantRow)
        yield row.to_account()


def find_tenants_with_usage(
    tenant_ids: Iterable[str], called: Tenant, principal_id: str
) -> tuple[list[TenantAccount], Usage]:
    """Those of the named tenants that exist, and how often the principal ``called`` one of them, one call (A1, R1)."""
    of_tenants = [keys.tenant_row(tenant_id) for tenant_id in tenant_ids]
    of_usage = keys.caller_limit(called, principal_id)
    rows = get_all([*of_tenants, of_usage])
    found = [rows.get(key) for key in of_tenants]
    return [row.to_account() for row in found if isinstance(row, TenantRow)], to_usage(rows.get(of_usage))


def find_with_tenant(tenant: Tenant, key_id: str) -> tuple[TenantAccount | None, ApiKey | None, Usage]:
    """A key with its tenant, and how often it has called, one call (A3, R1)."""
    of_tenant, of_key = keys.tenant_row(tenant.tenant_id), keys.api_key(tenant.tenant_id, key_id)
    of_usage = keys.caller_limit(tenant, key_id)
    rows = get_all([of_tenant, of_key, of_usage])
    account, key = rows.get(of_tenant), rows.get(of_key)
    return (
        account.to_account() if isinstance(account, TenantRow) else None,
        key.to_key() if isinstance(key, ApiKeyRow) else None,
        to_usage(rows.get(of_usage)),
    )


def add(tx: Transaction, key: ApiKey) -> None:
    """Write a new key (A2)."""
    tx.add(_key_row(key))


def save(tx: Transaction, key: ApiKey) -> None:
    """Write a changed key (A2).

    Raises (at commit):
        StaleWrite: somebody else wrote the key since it was read.
    """
    tx.put(_key_row(key), ApiKeyRow.version == key.version - 1, StaleWrite("API key"))


def find(tenant: Tenant, key_id: str) -> ApiKey | None:
    """One key (A2)."""
    row = get(keys.api_key(tenant.tenant_id, key_id))
    return row.to_key() if isinstance(row, ApiKeyRow) else None


def page_of(tenant: Tenant, request: PageRequest, mode: Mode | None) -> Page[ApiKey]:
    """One page of a tenant's keys, newest first, of one mode or of both (A4)."""
    return page(
        tenant,
        request,
        _to_key,
        pk=keys.api_key(tenant.tenant_id, "").pk,
        index=None,
        query_name=f"api_keys:{mode or 'all'}",
        keep=None if mode is None else ApiKeyRow.mode == str(mode),
    )


def _to_key(row: Row) -> ApiKey:
    assert isinstance(row, ApiKeyRow)
    return row.to_key()


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _taken(tenant_id: str) -> Conflict:
    return Conflict(f"The tenant {tenant_id} exists already", field="tenant", reason="duplicate_tenant")


def _tenant_row(account: TenantAccount) -> TenantRow:
    return TenantRow(
        *keys.tenant_row(account.tenant_id),
        tenant_id=account.tenant_id,
        name=account.name,
        currency=account.currency,
        timezone=account.timezone,
        country=account.country,
        warehouses=list(account.warehouses),
        payment_window_minutes=account.payment_window_minutes,
        status=str(account.status),
        created_at=account.created_at,
        plan=str(account.plan),
        hourly_limit=account.hourly_limit,
        daily_limit=account.daily_limit,
        allowed_networks=list(account.allowed_networks) or None,
        customers_may_cancel=account.customers_may_cancel,
        checkout=account.checkout.document,
        returns=account.returns.document,
        documents=account.documents.document,
        allows_partial_allocation=account.allows_partial_allocation,
        version=account.version,
        gsi1pk=keys.all_tenants(),
        gsi1sk=account.tenant_id,
    )


def _key_row(key: ApiKey) -> ApiKeyRow:
    return ApiKeyRow(
        *keys.api_key(key.tenant_id, key.key_id),
        key_id=key.key_id,
        tenant_id=key.tenant_id,
        name=key.name,
        mode=str(key.mode),
        role=str(key.role),
        scopes=sorted(key.scopes),
        secret_hash=key.secret_hash,
        last_four=key.last_four,
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        rotated_at=key.rotated_at,
        previous_hash=key.previous_hash,
        previous_valid_until=key.previous_valid_until,
        revoked_at=key.revoked_at,
        hourly_limit=key.hourly_limit,
        version=key.version,
    )
