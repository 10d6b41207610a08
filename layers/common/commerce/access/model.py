"""Tenants, their API keys, and what a credential can be allowed to do."""

import hashlib
import hmac
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Any

from commerce.kernel import addresses, ids, wire_json
from commerce.kernel.caller import DEFAULT_CHECKOUT, DEFAULT_RETURNS, CheckoutPolicy, Mode, Role, Tenant
from commerce.kernel.countries import COUNTRIES
from commerce.kernel.document_policy import DEFAULT_DOCUMENTS, DocumentPolicy
from commerce.kernel.errors import Forbidden, IllegalMove, Invalid
from commerce.kernel.limits import MAX_GIFT_CARDS
from commerce.kernel.money import currency_code
from commerce.kernel.return_policy import ReturnPolicy
from commerce.limits.model import CONFIGURABLE, MAX_DAILY, MAX_HOURLY, Plan, Quota, plan_quota

MERCHANT_SCOPES = frozenset(
    {
        "products:read",
        "products:write",
        "promotions:read",
        "promotions:write",
        "inventory:read",
        "inventory:write",
        "customers:read",
        "customers:write",
        "jobs:read",
        "orders:read",
        "orders:write",
        "orders:price_override",
        "payments:read",
        "payments:write",
        "api_keys:read",
        "api_keys:write",
        "audit:read",
        "gift_cards:read",
        "gift_cards:report",
        "gift_cards:write",
        "store_credit:read",
        "store_credit:write",
        "returns:read",
        "returns:write",
        "settings:read",
        "settings:write",
    }
)
CUSTOMER_SCOPES = frozenset({"cart", "gift_cards:read", "my_orders"})

MAX_WAREHOUSES = 10
MAX_SHIPPING_OPTIONS = 20
MAX_CHECKOUT_BYTES = 2_048  # of what each request is told of a shop's checkout: the gateway keeps little of it
MAX_NETWORKS = 20
MAX_PAYMENT_WINDOW_MINUTES = 7 * 24 * 60
MAX_OVERLAP_SECONDS = 7 * 24 * 3600
ROTATION_ADVISED_AFTER = timedelta(days=90)  # contract AUTH-02

# A tenant's id is part of its keys' text, where the log redaction must recognise it: no dots.
_TENANT_ID = r"[a-z0-9][a-z0-9_\-]{1,39}"
_KEY_TEXT = re.compile(rf"(live|test)_({_TENANT_ID})_([0-9a-z]{{1,40}})_([0-9a-f]{{32}})\Z")
_NO_HASH = "0" * 64  # of no secret


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


TENANT_MOVES: dict[TenantStatus, frozenset[TenantStatus]] = {
    TenantStatus.ACTIVE: frozenset({TenantStatus.SUSPENDED}),
    TenantStatus.SUSPENDED: frozenset({TenantStatus.ACTIVE}),
}


@dataclass(frozen=True, slots=True)
class TenantAccount:
    """A merchant's shop as the platform keeps it; ``kernel.caller.Tenant`` is what a request sees of it."""

    tenant_id: str
    name: str
    currency: str
    timezone: str
    country: str
    warehouses: tuple[str, ...]
    payment_window_minutes: int
    created_at: datetime
    status: TenantStatus = TenantStatus.ACTIVE
    plan: Plan = Plan.PROFESSIONAL
    hourly_limit: int | None = None  # of each credential; None: the plan's
    daily_limit: int | None = None
    customers_may_cancel: bool = True  # their own orders, while nothing is shipped (contract MO-04)
    allowed_networks: tuple[str, ...] = ()  # CIDR; merchants' credentials work from there only; none: from everywhere
    checkout: CheckoutPolicy = DEFAULT_CHECKOUT
    returns: ReturnPolicy = DEFAULT_RETURNS
    documents: DocumentPolicy = DEFAULT_DOCUMENTS  # read where a document is made; no request is told of it
    allows_partial_allocation: bool = True  # of stock that arrives to units that wait for it (contract BO-03)
    version: int = 1

    def in_mode(self, mode: Mode) -> Tenant:
        """What a request sees of the shop."""
        return Tenant(
            tenant_id=self.tenant_id,
            mode=mode,
            currency=self.currency,
            timezone=self.timezone,
            country=self.country,
            warehouses=self.warehouses,
            payment_window_minutes=self.payment_window_minutes,
            customers_may_cancel=self.customers_may_cancel,
            plan=str(self.plan),
            checkout=self.checkout,
            returns=self.returns,
        )

    def require_valid(self) -> None:
        """Raise Invalid for a setting that cannot be, naming its field. Once, when the settings are made."""
        if not re.fullmatch(_TENANT_ID, self.tenant_id):
            raise Invalid(
                "A tenant id has 2 to 40 lower-case letters, digits, - and _", field="tenant", reason="bad_tenant_id"
            )
        if not 1 <= len(self.name) <= 255:
            raise Invalid("A name has 1 to 255 characters", field="name", reason="bad_name")
        if currency_code(self.currency) != self.currency:
            raise Invalid("Write the currency in upper case", field="currency", reason="unknown_currency")
        if self.timezone not in zoneinfo.available_timezones():
            raise Invalid("Not an IANA time zone such as America/New_York", field="timezone", reason="unknown_timezone")
        if self.country not in COUNTRIES:
            raise Invalid("Not an ISO 3166-1 alpha-2 country such as US", field="country", reason="unknown_country")
        if not 1 <= len(self.warehouses) <= MAX_WAREHOUSES or len(set(self.warehouses)) < len(self.warehouses):
            raise Invalid(
                f"A tenant has 1 to {MAX_WAREHOUSES} different warehouses", field="warehouses", reason="bad_warehouses"
            )
        if not all(map(ids.is_well_formed, self.warehouses)):
            raise Invalid("A warehouse id is not an id", field="warehouses", reason="bad_warehouses")
        if not 1 <= self.payment_window_minutes <= MAX_PAYMENT_WINDOW_MINUTES:
            raise Invalid(
                f"The payment window is 1 to {MAX_PAYMENT_WINDOW_MINUTES} minutes",
                field="payment_window_minutes",
                reason="bad_payment_window",
            )
        self._require_valid_limits()
        self._require_valid_checkout()
        self.returns.require_valid(self.currency)

    def _require_valid_checkout(self) -> None:
        policy = self.checkout
        if not 1 <= policy.gift_cards_per_order <= MAX_GIFT_CARDS:
            raise Invalid(
                f"1 to {MAX_GIFT_CARDS} gift cards pay for an order",
                field="gift_cards_per_order",
                reason="bad_gift_cards_per_order",
            )
        options = [each.option_id for each in policy.shipping_options]
        if len(options) > MAX_SHIPPING_OPTIONS or len(set(options)) < len(options):
            raise Invalid(
                f"A shop has at most {MAX_SHIPPING_OPTIONS} shipping options, with different ids",
                field="shipping_options",
                reason="bad_shipping_options",
            )
        if len(wire_json.dumps(policy.document).encode()) > MAX_CHECKOUT_BYTES:
            raise Invalid("Use shorter names for the shipping options", field="shipping_options", reason="too_large")
        for option in policy.shipping_options:
            if not ids.is_well_formed(option.option_id) or not 1 <= len(option.name) <= 255 or option.cost < 0:
                raise Invalid(
                    "A shipping option has an id, a name and a cost that is not negative",
                    field="shipping_options",
                    reason="bad_shipping_options",
                )

    def _require_valid_limits(self) -> None:
        own = (self.hourly_limit, self.daily_limit)
        if own != (None, None) and self.plan not in CONFIGURABLE:
            raise Invalid(f"The plan {self.plan} has no limits of its own", field="plan", reason="fixed_limits")
        if None in own and self.plan is Plan.ENTERPRISE:
            raise Invalid("An enterprise plan names both of its limits", field="plan", reason="limits_required")
        for name, limit, most in (
            ("hourly_limit", self.hourly_limit, MAX_HOURLY),
            ("daily_limit", self.daily_limit, MAX_DAILY),
        ):
            if limit is not None and not 1 <= limit <= most:
                raise Invalid(f"This limit is 1 to {most} calls", field=name, reason="bad_limit")

    def with_plan(self, plan: Plan, hourly_limit: int | None, daily_limit: int | None) -> "TenantAccount":
        """Give the same tenant on another plan; raise Invalid for limits that the plan cannot have."""
        changed = replace(self, plan=plan, hourly_limit=hourly_limit, daily_limit=daily_limit, version=self.version + 1)
        changed._require_valid_limits()
        return changed

    def with_settings(
        self,
        *,
        name: str | None = None,
        allowed_networks: tuple[str, ...] | None = None,
        checkout: Mapping[str, Any] = MappingProxyType({}),
        returns: Mapping[str, Any] = MappingProxyType({}),
        documents: Mapping[str, Any] = MappingProxyType({}),
        allows_partial_allocation: bool | None = None,
    ) -> "TenantAccount":
        """Give the same tenant with what is not None changed, and with what the mappings name of its policies.

        Raises:
            Invalid: something that is no network, or too many of them; policies that cannot be.
            Forbidden: networks, on a plan without them.
        """
        changed = replace(
            self,
            name=self.name if name is None else name,
            checkout=replace(self.checkout, **checkout),
            returns=replace(self.returns, **returns),
            documents=replace(self.documents, **documents),
            allows_partial_allocation=self.allows_partial_allocation
            if allows_partial_allocation is None
            else allows_partial_allocation,
            version=self.version + 1,
        )
        changed._require_valid_checkout()
        changed.returns.require_valid(self.currency)
        changed.documents.require_valid()
        if allowed_networks is None:
            return changed
        if allowed_networks and self.plan is not Plan.ENTERPRISE:
            raise Forbidden(
                "Allowed networks are part of the enterprise plan", field="allowed_networks", reason="plan_required"
            )
        networks = tuple(dict.fromkeys(str(_network(text)) for text in allowed_networks))
        if len(networks) > MAX_NETWORKS:
            raise Invalid(f"At most {MAX_NETWORKS} networks", field="allowed_networks", reason="too_many_networks")
        return replace(changed, allowed_networks=networks)

    def quota(self, own_limit: int | None = None) -> Quota:
        """What one of the tenant's credentials may call; ``own_limit`` is the credential's own hourly limit, if any."""
        return plan_quota(self.plan, self.hourly_limit, self.daily_limit).lowered_to(own_limit)

    def admits(self, address: str) -> bool:
        """Whether merchants' credentials work from ``address``; from none at all they work where there is no list."""
        if not self.allowed_networks:
            return True
        source = addresses.read(address)
        return source is not None and any(source in _network(text) for text in self.allowed_networks)

    def move_to(self, target: TenantStatus) -> "TenantAccount":
        """Give the same tenant in ``target``; raise IllegalMove for a move the table does not list."""
        if target not in TENANT_MOVES[self.status]:
            raise IllegalMove(f"This tenant is {self.status} already")
        return replace(self, status=target, version=self.version + 1)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise Invalid(
            f"{text[:50]!r} is no network such as 203.0.113.0/24 or 2001:db8::/32",
            field="allowed_networks",
            reason="bad_network",
        ) from None


class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


MOVES: dict[KeyState, frozenset[KeyState]] = {
    KeyState.ACTIVE: frozenset({KeyState.ACTIVE, KeyState.EXPIRED, KeyState.REVOKED}),  # to itself: rotation
    KeyState.EXPIRED: frozenset({KeyState.REVOKED}),
    KeyState.REVOKED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class KeyText:
    """What the merchant holds: ``<live|test>_<tenant>_<key>_<secret>``, the secret 128 bits in hexadecimal.

    The tenant may contain ``_``, the other parts do not; a key's id is ``key_<key>``.
    """

    mode: Mode
    tenant_id: str
    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "KeyText | None":
        """Read a key; None when it cannot be one."""
        match = _KEY_TEXT.match(text)
        if match is None:
            return None
        mode, tenant_id, key, secret = match.groups()
        return cls(Mode(mode), tenant_id, f"key_{key}", secret)

    def write(self) -> str:
        return f"{self.mode}_{self.tenant_id}_{self.key_id.removeprefix('key_')}_{self.secret}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of a tenant. Of its secret it knows the SHA-256 and the last four characters.

    After a rotation the secret before still works until ``previous_valid_until``.
    """

    key_id: str
    tenant_id: str
    name: str
    mode: Mode
    role: Role
    scopes: frozenset[str]
    secret_hash: str = field(repr=False)
    last_four: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    rotated_at: datetime | None = None
    previous_hash: str | None = field(default=None, repr=False)
    previous_valid_until: datetime | None = None
    revoked_at: datetime | None = None
    hourly_limit: int | None = None  # lower than its tenant's; None: the tenant's
    version: int = 1

    def state(self, at: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= at:
            return KeyState.EXPIRED
        return KeyState.ACTIVE

    @property
    def granted(self) -> frozenset[str]:
        """What the key may do. An owner's key may do everything, also what was not invented when it was made."""
        return MERCHANT_SCOPES if self.role is Role.OWNER else self.scopes & MERCHANT_SCOPES

    @property
    def rotation_advised_at(self) -> datetime:
        return (self.rotated_at or self.created_at) + ROTATION_ADVISED_AFTER

    def opens_with(self, secret: str, at: datetime) -> bool:
        """Whether ``secret`` is this key's, or was until a rotation whose overlap still lasts (constant time)."""
        digest = hash_of(secret)
        current = hmac.compare_digest(digest, self.secret_hash)
        previous = hmac.compare_digest(digest, self.previous_hash or _NO_HASH)
        in_overlap = self.previous_valid_until is not None and at < self.previous_valid_until
        return current or (previous and in_overlap)

    def rotate(self, secret: str, at: datetime, overlap: timedelta) -> "ApiKey":
        """Give the same key with another secret; the present one works for ``overlap`` longer, older ones stop.

        Raises:
            IllegalMove: the key is expired or revoked.
        """
        self._require_move(KeyState.ACTIVE, at)
        return replace(
            self,
            secret_hash=hash_of(secret),
            last_four=secret[-4:],
            rotated_at=at,
            previous_hash=self.secret_hash if overlap else None,
            previous_valid_until=at + overlap if overlap else None,
            version=self.version + 1,
        )

    def revoke(self, at: datetime) -> "ApiKey":
        """Give the same key, of no use any more.

        Raises:
            IllegalMove: the key is revoked.
        """
        self._require_move(KeyState.REVOKED, at)
        return replace(self, revoked_at=at, previous_hash=None, previous_valid_until=None, version=self.version + 1)

    def _require_move(self, target: KeyState, at: datetime) -> None:
        state = self.state(at)
        if target not in MOVES[state]:
            raise IllegalMove(f"This API key is {state}")


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for 128 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def compare_with_nothing(secret: str) -> None:
    """Spend the time of a comparison, so that a key that does not exist answers like one with another secret."""
    digest = hash_of(secret)
    hmac.compare_digest(digest, _NO_HASH)
    hmac.compare_digest(digest, _NO_HASH)
