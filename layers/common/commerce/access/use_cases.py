"""What the platform does with tenants, and a merchant with API keys."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from commerce.access import store
from commerce.access.model import (
    MAX_OVERLAP_SECONDS,
    MERCHANT_SCOPES,
    ApiKey,
    KeyState,
    KeyText,
    TenantAccount,
    TenantStatus,
    hash_of,
)
from commerce.kernel import clock, ids
from commerce.kernel.caller import DEFAULT_CHECKOUT, DEFAULT_RETURNS, Caller, CheckoutPolicy, Mode, Role
from commerce.kernel.errors import Forbidden, Invalid, NotFound, require_version
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.return_policy import ReturnPolicy
from commerce.limits.model import Plan
from commerce.table.transaction import Transaction

MAX_LIFETIME = timedelta(days=3650)
_PLATFORM = f"{Role.SYSTEM}:platform"


@dataclass(frozen=True, slots=True)
class CreateTenant:
    """``mode`` is that of the tenant's first owner key; limits are None where the plan's hold.

    Whoever opens a shop here runs the platform too, so the default plan is one to work with.
    """

    tenant_id: str
    name: str
    currency: str
    timezone: str
    country: str
    warehouses: tuple[str, ...]
    mode: Mode
    payment_window_minutes: int = 60
    customers_may_cancel: bool = True
    plan: Plan = Plan.PROFESSIONAL
    hourly_limit: int | None = None
    daily_limit: int | None = None
    checkout: CheckoutPolicy = DEFAULT_CHECKOUT
    returns: ReturnPolicy = DEFAULT_RETURNS


@dataclass(frozen=True, slots=True)
class CreateKey:
    """``mode`` is the caller's own when None; ``expires_at`` None: never; ``hourly_limit`` None: the tenant's."""

    name: str
    scopes: frozenset[str]
    mode: Mode | None = None
    expires_at: datetime | None = None
    hourly_limit: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeTenant:
    """What an owner changes; None stays as it is. Networks are written as CIDR; ``checkout`` and ``returns`` are new
    values of parts of the shop's ``CheckoutPolicy`` and ``ReturnPolicy``, by name, and so are ``documents`` of its
    ``DocumentPolicy``, for which ``logo`` is a new picture."""

    tenant_id: str
    name: str | None = None
    allowed_networks: tuple[str, ...] | None = None
    checkout: Mapping[str, Any] = field(default_factory=dict)
    returns: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    logo: bytes | None = None
    allows_partial_allocation: bool | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A key together with its text, which exists only here."""

    key: ApiKey
    text: str = field(repr=False)


def create_tenant(tx: Transaction, command: CreateTenant) -> tuple[TenantAccount, Issued]:
    """Open a shop and issue its first owner key, in one transaction.

    Raises:
        Invalid: a setting that cannot be.
        Conflict: the tenant exists.
    """
    account = TenantAccount(
        tenant_id=command.tenant_id,
        name=command.name,
        currency=command.currency,
        timezone=command.timezone,
        country=command.country,
        warehouses=command.warehouses,
        payment_window_minutes=command.payment_window_minutes,
        customers_may_cancel=command.customers_may_cancel,
        created_at=clock.now(),
        plan=command.plan,
        hourly_limit=command.hourly_limit,
        daily_limit=command.daily_limit,
        checkout=command.checkout,
        returns=command.returns,
    )
    account.require_valid()
    store.add_tenant(tx, account)
    return account, _issue_owner_key(tx, account, command.mode)


def issue_owner_key(tx: Transaction, tenant_id: str, mode: Mode) -> tuple[TenantAccount, Issued]:
    """Issue another owner key, when the one before is lost. It revokes nothing.

    Raises:
        NotFound: no such tenant.
    """
    account = _tenant(tenant_id)
    return account, _issue_owner_key(tx, account, mode)


def set_tenant_status(tx: Transaction, tenant_id: str, target: TenantStatus) -> TenantAccount:
    """Suspend a tenant, whose credentials then open nothing, or let it go on.

    Raises:
        NotFound: no such tenant.
        IllegalMove: the tenant has that status.
    """
    account = _tenant(tenant_id).move_to(target)
    store.save_tenant(tx, account)
    return account


def set_plan(
    tx: Transaction, tenant_id: str, plan: Plan, hourly_limit: int | None = None, daily_limit: int | None = None
) -> TenantAccount:
    """Put a tenant on a plan, from its next call on (contract X-22).

    Raises:
        NotFound: no such tenant.
        Invalid: limits that this plan cannot have.
    """
    account = _tenant(tenant_id).with_plan(plan, hourly_limit, daily_limit)
    store.save_tenant(tx, account)
    return account


def change_tenant(tx: Transaction, caller: Caller, command: ChangeTenant) -> TenantAccount:
    """An owner changes the shop's name, how it ships, takes stored value and takes goods back, how it serves those who
    wait for stock, or from where its credentials work (contract TN-01, AUTH-05).

    Raises:
        NotFound: another tenant than the one that the request is for.
        Forbidden: not an owner, or networks on a plan without them.
        VersionMismatch: the tenant is at another version.
        Invalid: not networks, or none of them holds the caller's own address; policies that cannot be.
    """
    if command.tenant_id != caller.tenant.tenant_id:
        raise NotFound("tenant")
    if caller.role is not Role.OWNER:
        raise Forbidden("Only an owner changes the shop's settings", field="role", reason="owner_only")
    account = _tenant(command.tenant_id)
    require_version(account.version, command.expected_version, "tenant")
    changed = account.with_settings(
        name=command.name,
        allowed_networks=command.allowed_networks,
        checkout=command.checkout,
        returns=command.returns,
        documents=_documents(tx, caller, command),
        allows_partial_allocation=command.allows_partial_allocation,
    )
    if not changed.admits(caller.address):
        raise Invalid(
            "These networks would lock out the address that you call from",
            field="allowed_networks",
            reason="locks_you_out",
        )
    if replace(changed, version=account.version) == account:
        return account
    store.save_tenant(tx, changed)
    return changed


def _documents(tx: Transaction, caller: Caller, command: ChangeTenant) -> Mapping[str, Any]:
    """What changes of how documents look; a new logo is kept by now, under the name that its content gives it."""
    if command.logo is None:
        return command.documents
    from commerce.documents import files, logos  # and with it what reads pictures, for those who send one

    picture = logos.clean(command.logo)
    tx.outside("S3: keep the logo")
    return {**command.documents, "logo": files.save_logo(caller.tenant, picture)}


def create_key(tx: Transaction, caller: Caller, command: CreateKey) -> Issued:
    """Issue an API key that can do no more than its maker (contract AU-03).

    Raises:
        Invalid: an unknown scope, an end that is past or too far away, or a limit above the tenant's.
        Forbidden: a scope that the caller lacks, or the other mode for anybody but an owner.
    """
    now = clock.now()
    unknown = command.scopes - MERCHANT_SCOPES
    if unknown:
        raise Invalid("No such scope", field="scopes", reason="unknown_scope")
    _require_scopes(caller, command.scopes)
    mode = command.mode or caller.tenant.mode
    if mode is not caller.tenant.mode and caller.role is not Role.OWNER:
        raise Forbidden(f"Only an owner issues {mode} keys from here", field="environment", reason="other_environment")
    if command.expires_at is not None and not now < command.expires_at <= now + MAX_LIFETIME:
        raise Invalid(
            "expires_at must lie in the future, at most ten years away", field="expires_at", reason="bad_expiry"
        )
    if command.hourly_limit is not None:
        most = _tenant(caller.tenant.tenant_id).quota().calls
        if not 1 <= command.hourly_limit <= most:
            raise Invalid(f"A key's limit is 1 to {most} calls an hour", field="rate_limit", reason="bad_limit")
    return _issue(
        tx,
        tenant_id=caller.tenant.tenant_id,
        name=command.name,
        mode=mode,
        role=Role.API_KEY,
        scopes=command.scopes,
        by=caller.actor,
        expires_at=command.expires_at,
        hourly_limit=command.hourly_limit,
    )


def list_keys(caller: Caller, request: PageRequest) -> Page[ApiKey]:
    """A page of keys, newest first, revoked ones included: of both modes for an owner, else of the caller's."""
    return store.page_of(caller.tenant, request, None if caller.role is Role.OWNER else caller.tenant.mode)


def revoke_key(tx: Transaction, caller: Caller, key_id: str) -> None:
    """End a key at once; ending it again changes nothing.

    Raises:
        NotFound: no such key within the caller's sight.
        Forbidden: an owner's key, by anybody but an owner.
    """
    key, now = _find(caller, key_id), clock.now()
    if key.state(now) is not KeyState.REVOKED:
        store.save(tx, key.revoke(now))


def rotate_key(tx: Transaction, caller: Caller, key_id: str, overlap_seconds: int) -> Issued:
    """Give a key another secret; the present one works for ``overlap_seconds`` longer.

    Raises:
        NotFound: no such key within the caller's sight.
        Forbidden: a key that can do more than the caller, who would come by its scopes.
        IllegalMove: the key is expired or revoked.
    """
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        raise Invalid(
            f"The overlap is 0 to {MAX_OVERLAP_SECONDS} seconds", field="overlap_seconds", reason="bad_overlap"
        )
    key = _find(caller, key_id)
    _require_scopes(caller, key.granted)
    secret = secrets.token_hex(16)
    rotated = key.rotate(secret, clock.now(), timedelta(seconds=overlap_seconds))
    store.save(tx, rotated)
    return _issued(rotated, secret)


def _find(caller: Caller, key_id: str) -> ApiKey:
    """The key, which the caller may see and change."""
    key = store.find(caller.tenant, key_id)
    owner = caller.role is Role.OWNER
    if key is None or not (owner or key.mode is caller.tenant.mode):
        raise NotFound("API key")
    if key.role is Role.OWNER and not owner:
        raise Forbidden("Only an owner changes an owner's key", field="id", reason="owner_key")
    return key


def _require_scopes(caller: Caller, scopes: frozenset[str]) -> None:
    missing = scopes - caller.scopes
    if missing:
        raise Forbidden(
            f"This credential lacks the scope {min(missing)} itself", field="scopes", reason="scope_not_held"
        )


def _tenant(tenant_id: str) -> TenantAccount:
    account = store.find_tenant(tenant_id) if ids.is_well_formed(tenant_id) else None
    if account is None:
        raise NotFound("tenant")
    return account


def _issue_owner_key(tx: Transaction, account: TenantAccount, mode: Mode) -> Issued:
    return _issue(
        tx,
        tenant_id=account.tenant_id,
        name="Owner",
        mode=mode,
        role=Role.OWNER,
        scopes=MERCHANT_SCOPES,
        by=_PLATFORM,
    )


def _issue(
    tx: Transaction,
    *,
    tenant_id: str,
    name: str,
    mode: Mode,
    role: Role,
    scopes: frozenset[str],
    by: str,
    expires_at: datetime | None = None,
    hourly_limit: int | None = None,
) -> Issued:
    secret = secrets.token_hex(16)
    key = ApiKey(
        key_id=ids.new("key"),
        tenant_id=tenant_id,
        name=name,
        mode=mode,
        role=role,
        scopes=scopes,
        secret_hash=hash_of(secret),
        last_four=secret[-4:],
        created_at=clock.now(),
        created_by=by,
        expires_at=expires_at,
        hourly_limit=hourly_limit,
    )
    store.add(tx, key)
    return _issued(key, secret)


def _issued(key: ApiKey, secret: str) -> Issued:
    return Issued(key, KeyText(key.mode, key.tenant_id, key.key_id, secret).write())
