"""API keys and tenants on the wire (contract AU-03, TN-01)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from commerce.access.model import (
    MAX_NETWORKS,
    MAX_OVERLAP_SECONDS,
    MERCHANT_SCOPES,
    ApiKey,
    KeyState,
    TenantAccount,
    TenantStatus,
)
from commerce.access.use_cases import ChangeTenant, CreateKey, Issued
from commerce.http.contracts import Changes, Input, Instant, Line, Output, Says, Text
from commerce.http.pages import PageQuery
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role
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

    def to_command(self, tenant_id: str, expected_version: int | None) -> ChangeTenant:
        return ChangeTenant(
            tenant_id=tenant_id,
            name=self.name,
            allowed_networks=None if self.allowed_networks is None else tuple(self.allowed_networks),
            expected_version=expected_version,
        )


class RateLimitOut(Output):
    """Calls of each credential: in an hour, twice that in a burst; and on a day of the tenant's."""

    hourly: int
    daily: int | None


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
            created_at=account.created_at,
            version=account.version,
        )
