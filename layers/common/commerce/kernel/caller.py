"""Who acts, for which tenant. Handlers receive it; use cases take what they need from it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from commerce.kernel.cause import Cause
from commerce.kernel.errors import Forbidden
from commerce.kernel.locale import ANY, Locale
from commerce.kernel.return_policy import ReturnPolicy


class Mode(StrEnum):
    """Live and test data never share a partition (contract AUTH-06)."""

    LIVE = "live"
    TEST = "test"


class Role(StrEnum):
    """What kind of principal a credential belongs to."""

    OWNER = "owner"
    STAFF = "staff"
    API_KEY = "api_key"
    CUSTOMER = "customer"
    PUBLIC = "public"
    SYSTEM = "system"


MERCHANT_ROLES = frozenset({Role.OWNER, Role.STAFF, Role.API_KEY})


@dataclass(frozen=True, slots=True)
class ShippingOption:
    """A way in which a shop ships; ``cost`` in minor units of the shop's currency."""

    option_id: str
    name: str
    cost: int = 0
    transit_time: str = ""


class Unclaimed(StrEnum):
    """Whose lapsed stored value is: the shop's, or the state's, by the law of the place."""

    BREAKAGE = "breakage"
    ESCHEAT = "escheat"


@dataclass(frozen=True, slots=True)
class CheckoutPolicy:
    """What a shop has decided about paying and shipping."""

    gift_cards_per_order: int = 10
    unclaimed_value: Unclaimed = Unclaimed.BREAKAGE
    shipping_options: tuple[ShippingOption, ...] = (ShippingOption("standard", "Standard"),)

    @classmethod
    def from_document(cls, document: dict[str, Any] | None) -> "CheckoutPolicy":
        """Read what ``document`` wrote; a shop that never decided has the defaults."""
        if document is None:
            return cls()
        return cls(
            gift_cards_per_order=int(document["gift_cards_per_order"]),
            unclaimed_value=Unclaimed(document["unclaimed_value"]),
            shipping_options=tuple(ShippingOption(*each) for each in document["shipping_options"]),
        )

    @property
    def document(self) -> dict[str, Any]:
        return {
            "gift_cards_per_order": self.gift_cards_per_order,
            "unclaimed_value": str(self.unclaimed_value),
            "shipping_options": [
                [each.option_id, each.name, each.cost, each.transit_time] for each in self.shipping_options
            ],
        }


DEFAULT_CHECKOUT = CheckoutPolicy()
DEFAULT_RETURNS = ReturnPolicy()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant's shop as a request sees it: its data partition and the settings most rules need."""

    tenant_id: str
    mode: Mode = Mode.LIVE
    currency: str = "USD"
    timezone: str = "UTC"
    country: str = "US"
    warehouses: tuple[str, ...] = ()
    payment_window_minutes: int = 60
    customers_may_cancel: bool = True
    plan: str = ""
    checkout: CheckoutPolicy = DEFAULT_CHECKOUT
    returns: ReturnPolicy = DEFAULT_RETURNS


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated principal of one request."""

    tenant: Tenant
    principal_id: str
    role: Role
    scopes: frozenset[str] = field(default_factory=frozenset)
    customer_id: str | None = None
    email: str | None = None  # of staff, where their token says it
    tenant_ids: tuple[str, ...] = ()  # all that the credential reaches
    address: str = ""  # the IP address that the request came from
    agent: str = ""  # its User-Agent
    locale: Locale = ANY

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the credential carries ``scope``."""
        if scope not in self.scopes:
            raise Forbidden(f"This credential lacks the scope {scope}", field="scope", reason="missing_scope")

    @property
    def own_customer_id(self) -> str:
        """The customer that the credential stands for."""
        if self.customer_id is None:
            raise Forbidden("This credential belongs to no customer", reason="not_a_customer")
        return self.customer_id

    @property
    def actor(self) -> str:
        """How timelines and audit rows name this principal: ``api_key:key_…``, ``customer:cust_…``."""
        return f"{self.role}:{self.principal_id}"

    def cause(self, request_id: str = "") -> Cause:
        """What the audit log says of this caller's changes."""
        return Cause(self.actor, self.address, self.agent, request_id)


def system(tenant: Tenant, name: str) -> Caller:
    """The platform itself acting for a tenant: a schedule, a stream consumer, a webhook."""
    return Caller(tenant=tenant, principal_id=name, role=Role.SYSTEM)
