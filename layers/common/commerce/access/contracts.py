"""API keys and tenants on the wire (contract AU-03, TN-01)."""

from base64 import b64decode
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from commerce.access.model import (
    MAX_NETWORKS,
    MAX_OVERLAP_SECONDS,
    MAX_SHIPPING_OPTIONS,
    MERCHANT_SCOPES,
    ApiKey,
    KeyState,
    TenantAccount,
    TenantStatus,
)
from commerce.access.use_cases import ChangeTenant, CreateKey, Issued
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Changes, Id, Input, Instant, Line, Major, Output, Says, Text
from commerce.http.pages import PageQuery
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role, ShippingOption, Tenant, Unclaimed
from commerce.kernel.document_policy import MAX_FOOTER, MAX_LETTERHEAD_LINES, DocumentPolicy, Paper
from commerce.kernel.errors import Invalid
from commerce.kernel.limits import MAX_GIFT_CARDS
from commerce.kernel.money import Money
from commerce.kernel.return_policy import (
    MAX_ADDRESS_LINES,
    MAX_DECISION_DAYS,
    MAX_GRACE_DAYS,
    MAX_LINE,
    MAX_RECEIPT_DAYS,
    MAX_WINDOW_DAYS,
    Allocation,
    ReturnPolicy,
)
from commerce.limits.model import MAX_HOURLY, Plan


def _text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError("Write an RFC 3339 instant such as 2027-01-31T12:00:00Z")
    return value


InstantIn = Annotated[AwareDatetime, BeforeValidator(_text)]
Scope = Annotated[str, Field(strict=True, max_length=64), Says(enum=sorted(MERCHANT_SCOPES))]


class ApiKeyIn(Input):
    name: Annotated[Text, Field(examples=["Warehouse app"])]
    scopes: Annotated[
        list[Scope],
        Field(
            min_length=1,
            max_length=len(MERCHANT_SCOPES),
            description="Of: " + ", ".join(sorted(MERCHANT_SCOPES)) + ". Only scopes that your own credential has.",
            examples=[["inventory:read", "inventory:write"]],
        ),
    ]
    environment: Annotated[Mode, Field(description="By default your own; only an owner names the other one")] | None = (
        None
    )
    expires_at: Annotated[InstantIn, Field(description="With an offset; never when left out")] | None = None
    rate_limit: (
        Annotated[
            int,
            Field(
                strict=True, ge=1, le=MAX_HOURLY, description="Calls an hour, at most your plan's; that when left out"
            ),
        ]
        | None
    ) = None

    def to_command(self) -> CreateKey:
        return CreateKey(
            name=self.name,
            scopes=frozenset(self.scopes),
            mode=self.environment,
            expires_at=self.expires_at,
            hourly_limit=self.rate_limit,
        )


class RotateIn(Input):
    overlap_seconds: Annotated[
        int, Field(strict=True, ge=0, le=MAX_OVERLAP_SECONDS, description="How long the present secret still works")
    ] = 3600


class ApiKeyOut(Output):
    """``last_four`` are the last characters of the key, to tell keys apart; ``rate_limit`` null is the plan's."""

    id: str
    name: str
    environment: Mode
    role: Role
    scopes: list[str]
    status: KeyState
    last_four: str
    created_at: Instant
    created_by: str
    expires_at: Instant | None
    rotated_at: Instant | None
    previous_valid_until: Instant | None
    rotation_advised_at: Instant
    revoked_at: Instant | None
    rate_limit: int | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyOut":
        return cls(**_shown(key))


class ApiKeyIssued(ApiKeyOut):
    """``key`` is shown in this answer and nowhere else."""

    key: str

    @classmethod
    def of_issued(cls, issued: Issued) -> "ApiKeyIssued":
        return cls(**_shown(issued.key), key=issued.text)


class ApiKeysQuery(PageQuery):
    pass


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "environment": key.mode,
        "role": key.role,
        "scopes": sorted(key.granted),
        "status": key.state(clock.now()),
        "last_four": key.last_four,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "rotated_at": key.rotated_at,
        "previous_valid_until": key.previous_valid_until,
        "rotation_advised_at": key.rotation_advised_at,
        "revoked_at": key.revoked_at,
        "rate_limit": key.hourly_limit,
    }


class ShippingOptionIn(Input):
    """A way in which the shop ships; the first of them is the one that is recommended."""

    id: Annotated[Id, Field(examples=["standard"])]
    name: Annotated[Line, Field(examples=["Standard"])]
    cost: Annotated[AmountIn, Field(examples=[4.99])]
    transit_time: Annotated[Line, Field(examples=["3 to 5 days"])] | None = None

    def to_option(self, currency: str) -> ShippingOption:
        cost = money(self.cost, currency, field="shipping_options.cost")
        return ShippingOption(self.id, self.name, cost.minor, self.transit_time or "")


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("Must be a number")
    return Decimal(value)


def _days(least: int, most: int, description: str) -> Any:
    return Field(strict=True, ge=least, le=most, description=description)


class ReturnPolicyIn(Changes):
    """What the shop decides about returns and refunds. What is left out or null stays as it is, except for the two
    amounts: null takes them away."""

    window_days: (
        Annotated[
            int,
            _days(0, MAX_WINDOW_DAYS, "How long after its delivery, else its shipping, a customer may return an order"),
        ]
        | None
    ) = None
    approves_up_to: Annotated[
        AmountIn | None,
        Field(description="A customer's request that is worth no more is approved by itself; null: none is"),
    ] = None
    decision_days: (
        Annotated[int, _days(1, MAX_DECISION_DAYS, "A request that nobody decides is rejected then")] | None
    ) = None
    receipt_days: (
        Annotated[
            int, _days(1, MAX_RECEIPT_DAYS, "What has not come back this long after its approval is taken as missing")
        ]
        | None
    ) = None
    restocking_percent: (
        Annotated[
            Decimal,
            BeforeValidator(_number),
            Field(ge=0, le=100, description="Kept of the price of the goods; two decimal places"),
            WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100, "examples": [15]}),
        ]
        | None
    ) = None
    return_shipping: Annotated[
        AmountIn | None, Field(description="Kept of each refund of a return, for its label; null: nothing is")
    ] = None
    refunds_shipping: (
        Annotated[bool, Field(strict=True, description="Whether shipping goes back with an order's last unit")] | None
    ) = None
    refunds_on_receipt: (
        Annotated[
            bool,
            Field(
                strict=True,
                description="Whether what came back is refunded by itself, once all of it is accounted for",
            ),
        ]
        | None
    ) = None
    allocation: (
        Annotated[Allocation, Field(description="Which of the ways that an order was paid in a refund goes to first")]
        | None
    ) = None
    grace_days: (
        Annotated[
            int,
            _days(
                1, MAX_GRACE_DAYS, "How long store credit is good for at least when some of an expired one comes back"
            ),
        ]
        | None
    ) = None
    address: (
        Annotated[
            list[Annotated[Line, Field(max_length=MAX_LINE)]],
            Field(
                max_length=MAX_ADDRESS_LINES,
                description="Where goods are sent back to, as lines of the return label",
                examples=[["Harbor & Pine Returns", "1 Dock Street", "Portland, ME 04101"]],
            ),
        ]
        | None
    ) = None

    def to_changes(self, currency: str) -> dict[str, Any]:
        """New values of parts of the shop's ``ReturnPolicy``, by name."""
        changes = {name: value for name, value in self.sent.items() if value is not None}
        for name in ("approves_up_to", "return_shipping"):
            if name in self.sent:
                amount = self.sent[name]
                changes[name] = None if amount is None else money(amount, currency, field=f"returns.{name}").major
        return changes | ({"address": tuple(self.address)} if self.address is not None else {})


_MAX_LOGO = 200_000  # characters of base64: 150 kB


class DocumentPolicyIn(Changes):
    """How the shop's packing slips, invoices and pick lists look. What is left out stays as it is; null takes away the
    footer and the logo, and prints on the paper of the shop's country."""

    address: (
        Annotated[
            list[Annotated[Line, Field(max_length=MAX_LINE)]],
            Field(
                max_length=MAX_LETTERHEAD_LINES,
                description="Under the shop's name, as lines",
                examples=[["1 Dock Street", "Portland, ME 04101", "VAT US123456789"]],
            ),
        ]
        | None
    ) = None
    footer: Annotated[
        Annotated[Line, Field(max_length=MAX_FOOTER)] | None, Field(description="At the end of every page")
    ] = None
    paper: Annotated[Paper | None, Field(description="That of the shop's country, unless you say another")] = None
    logo: Annotated[
        Annotated[str, Field(strict=True, min_length=1, max_length=_MAX_LOGO)] | None,
        Field(description="A PNG or JPEG in base64; it is made as small as documents need it"),
    ] = None

    def to_changes(self) -> dict[str, Any]:
        """New values of parts of the shop's ``DocumentPolicy``, by name; without the picture of a new logo."""
        changes: dict[str, Any] = {name: self.sent[name] for name in ("footer", "paper") if name in self.sent}
        if "logo" in self.sent and self.logo is None:
            changes["logo"] = None
        return changes | ({"address": tuple(self.address)} if self.address is not None else {})

    def to_picture(self) -> bytes | None:
        """A new logo as it was sent.

        Raises:
            Invalid: not base64.
        """
        try:
            return None if self.logo is None else b64decode(self.logo, validate=True)
        except ValueError:
            raise Invalid("Not base64 (RFC 4648)", field="documents.logo", reason="bad_logo") from None


class TenantChangesIn(Changes):
    """What is left out or null stays as it is; an empty list of networks lets credentials work from everywhere."""

    name: Annotated[Line, Field(examples=["Harbor & Pine"])] | None = None
    allowed_networks: (
        Annotated[
            list[Annotated[str, Field(strict=True, max_length=50)]],
            Field(
                max_length=MAX_NETWORKS,
                description="IPv4 and IPv6 networks from which keys and staff may call; enterprise plans",
                examples=[["203.0.113.0/24", "2001:db8::/32"]],
            ),
        ]
        | None
    ) = None

    gift_cards_per_order: (
        Annotated[
            int, Field(strict=True, ge=1, le=MAX_GIFT_CARDS, description="How many gift cards may pay for one order")
        ]
        | None
    ) = None
    unclaimed_value: (
        Annotated[Unclaimed, Field(description="Whose stored value is that lapses: the shop's, or the state's")] | None
    ) = None
    shipping_options: Annotated[list[ShippingOptionIn], Field(max_length=MAX_SHIPPING_OPTIONS)] | None = None
    returns: ReturnPolicyIn | None = None
    documents: DocumentPolicyIn | None = None
    allows_partial_allocation: (
        Annotated[
            bool,
            Field(
                strict=True,
                description="Whether stock that arrives is set aside for a line that it cannot serve whole. If not, it "
                "waits until there is enough for whoever is first in the queue",
            ),
        ]
        | None
    ) = None

    def to_command(self, tenant: Tenant, tenant_id: str, expected_version: int | None) -> ChangeTenant:
        options = self.shipping_options
        checkout = {
            "gift_cards_per_order": self.gift_cards_per_order,
            "unclaimed_value": self.unclaimed_value,
            "shipping_options": None if options is None else tuple(each.to_option(tenant.currency) for each in options),
        }
        return ChangeTenant(
            tenant_id=tenant_id,
            name=self.name,
            allowed_networks=None if self.allowed_networks is None else tuple(self.allowed_networks),
            checkout={name: value for name, value in checkout.items() if value is not None},
            returns={} if self.returns is None else self.returns.to_changes(tenant.currency),
            documents={} if self.documents is None else self.documents.to_changes(),
            logo=None if self.documents is None else self.documents.to_picture(),
            allows_partial_allocation=self.allows_partial_allocation,
            expected_version=expected_version,
        )


class RateLimitOut(Output):
    """Calls of each credential: in an hour, twice that in a burst; and on a day of the tenant's."""

    hourly: int
    daily: int | None


class ShippingOptionOut(Output):
    id: str
    name: str
    cost: Major
    transit_time: str | None

    @classmethod
    def of(cls, option: ShippingOption, currency: str) -> "ShippingOptionOut":
        cost = Money(option.cost, currency)
        return cls(id=option.option_id, name=option.name, cost=cost.major, transit_time=option.transit_time or None)


class ReturnPolicyOut(Output):
    """What the shop decided about returns and refunds; amounts null where there are none."""

    window_days: int
    approves_up_to: Major | None
    decision_days: int
    receipt_days: int
    restocking_percent: Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [15]})]
    return_shipping: Major | None
    refunds_shipping: bool
    refunds_on_receipt: bool
    allocation: Allocation
    grace_days: int
    address: list[str]

    @classmethod
    def of(cls, policy: ReturnPolicy) -> "ReturnPolicyOut":
        return cls(**policy.document)


class DocumentPolicyOut(Output):
    """How the shop's packing slips, invoices and pick lists look."""

    address: list[str]
    footer: str | None
    paper: Paper
    has_logo: bool

    @classmethod
    def of(cls, policy: DocumentPolicy, country: str) -> "DocumentPolicyOut":
        return cls(
            address=list(policy.address),
            footer=policy.footer,
            paper=policy.paper_in(country),
            has_logo=policy.logo is not None,
        )


class TenantOut(Output):
    """``environments`` are those that your credential reaches."""

    id: str
    name: str
    currency: str
    timezone: str
    country: str
    plan: Plan
    status: TenantStatus
    environments: list[Mode]
    rate_limit: RateLimitOut
    allowed_networks: list[str]
    gift_cards_per_order: int
    unclaimed_value: Unclaimed
    shipping_options: list[ShippingOptionOut]
    returns: ReturnPolicyOut
    documents: DocumentPolicyOut
    allows_partial_allocation: bool
    created_at: Instant
    version: int

    @classmethod
    def of(cls, account: TenantAccount, mode: Mode) -> "TenantOut":
        quota = account.quota()
        return cls(
            id=account.tenant_id,
            name=account.name,
            currency=account.currency,
            timezone=account.timezone,
            country=account.country,
            plan=account.plan,
            status=account.status,
            environments=[mode],
            rate_limit=RateLimitOut(hourly=quota.calls, daily=quota.daily),
            allowed_networks=list(account.allowed_networks),
            gift_cards_per_order=account.checkout.gift_cards_per_order,
            unclaimed_value=account.checkout.unclaimed_value,
            shipping_options=[
                ShippingOptionOut.of(each, account.currency) for each in account.checkout.shipping_options
            ],
            returns=ReturnPolicyOut.of(account.returns),
            documents=DocumentPolicyOut.of(account.documents, account.country),
            allows_partial_allocation=account.allows_partial_allocation,
            created_at=account.created_at,
            version=account.version,
        )
