"""API keys on the wire (contract AU-03)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from commerce.access.model import MAX_OVERLAP_SECONDS, MERCHANT_SCOPES, ApiKey, KeyState
from commerce.access.use_cases import CreateKey, Issued
from commerce.http.contracts import Input, Instant, Output, Text
from commerce.http.pages import PageQuery
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role


def _text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError("Write an RFC 3339 instant such as 2027-01-31T12:00:00Z")
    return value


InstantIn = Annotated[AwareDatetime, BeforeValidator(_text)]
Scope = Annotated[str, Field(strict=True, max_length=64)]


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

    def to_command(self) -> CreateKey:
        return CreateKey(
            name=self.name, scopes=frozenset(self.scopes), mode=self.environment, expires_at=self.expires_at
        )


class RotateIn(Input):
    overlap_seconds: Annotated[
        int, Field(strict=True, ge=0, le=MAX_OVERLAP_SECONDS, description="How long the present secret still works")
    ] = 3600


class ApiKeyOut(Output):
    """``last_four`` are the last characters of the key, to tell keys apart."""

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
    }
