"""OAuth clients, and who a signed-in person is in the shop that the client belongs to (contract AUTH-03, AU-04).

A client says which shop and which mode: a token of a test client never reaches live data, whatever else it says.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard
from urllib.parse import urlencode, urlsplit

from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES
from commerce.kernel.caller import Mode, Role
from commerce.kernel.errors import Invalid

RESOURCE_SERVER = "till"  # the identifier before our scopes in the user pool: till/orders:read
IDENTITY_SCOPES = frozenset({"openid", "email", "profile"})  # what an ID token needs to name a person
MEMBER_ROLES = frozenset({Role.STAFF, Role.OWNER})
REFRESH_DAYS = 30  # how long a refresh token lives; the template says the same to the user pool
# A rotated refresh token still works this long, for a client whose answer got lost. The template says the same.
REUSE_GRACE = timedelta(seconds=10)
REMEMBERED = timedelta(days=REFRESH_DAYS + 1)

CLIENT_ID = re.compile(r"[A-Za-z0-9_+]{1,128}\Z")  # as the user pool makes them
_SUBJECT = re.compile(r"[A-Za-z0-9+_\-]{1,128}\Z")  # a person's is a UUID, a machine's its client id


class ClientKind(StrEnum):
    STOREFRONT = "storefront"
    BACK_OFFICE = "back_office"
    INTEGRATION = "integration"


class Grant(StrEnum):
    """RFC 6749, sections 4.1.3, 4.4.2 and 6."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  (a grant's name)


GRANTS: dict[ClientKind, frozenset[Grant]] = {
    ClientKind.STOREFRONT: frozenset({Grant.AUTHORIZATION_CODE, Grant.REFRESH_TOKEN}),
    ClientKind.BACK_OFFICE: frozenset({Grant.AUTHORIZATION_CODE, Grant.REFRESH_TOKEN}),
    ClientKind.INTEGRATION: frozenset({Grant.CLIENT_CREDENTIALS}),
}

SCOPES: dict[ClientKind, frozenset[str]] = {
    ClientKind.STOREFRONT: CUSTOMER_SCOPES,
    ClientKind.BACK_OFFICE: MERCHANT_SCOPES,
    ClientKind.INTEGRATION: MERCHANT_SCOPES,
}


@dataclass(frozen=True, slots=True)
class Client:
    """One app client of the user pool, and the shop and mode that it was registered for."""

    client_id: str
    kind: ClientKind
    tenant_id: str
    mode: Mode
    scopes: frozenset[str]
    redirect_uris: tuple[str, ...]
    registered_at: datetime
    version: int = 1

    def require_valid(self) -> None:
        """Raise Invalid for a client that cannot be."""
        if not CLIENT_ID.match(self.client_id):
            raise Invalid("That is not an app client's id", field="client_id", reason="bad_client_id")
        foreign = self.scopes - SCOPES[self.kind]
        if foreign or not self.scopes:
            raise Invalid(
                f"A {self.kind} client has some of: {', '.join(sorted(SCOPES[self.kind]))}",
                field="scopes",
                reason="bad_scopes",
            )
        if bool(self.redirect_uris) != self.is_public:
            raise Invalid(
                "People's clients have redirect addresses, an integration has none",
                field="redirect_uris",
                reason="bad_redirect_uris",
            )
        if any(urlsplit(uri).fragment for uri in self.redirect_uris):
            raise Invalid("A redirect address has no fragment", field="redirect_uris", reason="bad_redirect_uris")

    @property
    def is_public(self) -> bool:
        """Whether it runs where no secret can be kept (RFC 6749, section 2.1): in a browser or an app."""
        return self.kind is not ClientKind.INTEGRATION

    def granted(self, token_scopes: str) -> frozenset[str]:
        """What of a token's scopes this client may use here."""
        return ours(token_scopes) & self.scopes

    def registered_anew(self, other: "Client") -> "Client":
        """This client with the settings of ``other``."""
        return replace(other, registered_at=self.registered_at, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Member:
    """A person on a shop's staff. An owner may do everything, also what was not invented when they joined."""

    tenant_id: str
    subject: str
    role: Role
    scopes: frozenset[str]
    added_at: datetime

    def require_valid(self) -> None:
        """Raise Invalid for a member who cannot be."""
        if not _SUBJECT.match(self.subject):
            raise Invalid("That is not a user's id", field="staff", reason="bad_subject")
        if self.role not in MEMBER_ROLES:
            raise Invalid("A member is staff or owner", field="role", reason="bad_role")
        if self.scopes - MERCHANT_SCOPES:
            raise Invalid(f"No such scope: {min(self.scopes - MERCHANT_SCOPES)}", field="scope", reason="unknown_scope")
        if not self.scopes and self.role is not Role.OWNER:
            raise Invalid("Name what a staff member may do", field="scope", reason="no_scope")

    @property
    def granted(self) -> frozenset[str]:
        return MERCHANT_SCOPES if self.role is Role.OWNER else self.scopes & MERCHANT_SCOPES


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is remembered of an issued refresh token: never its text.

    ``grant_id`` names the sign-in that it and its access tokens come from (the user pool's ``origin_jti``).
    """

    token_hash: str
    client_id: str
    grant_id: str
    issued_at: datetime
    rotated_at: datetime | None = None

    def was_stolen(self, at: datetime) -> bool:
        """Whether its use now shows that two hold it: it was exchanged for another one, and not just a moment ago."""
        return self.rotated_at is not None and at > self.rotated_at + REUSE_GRACE


def is_subject(text: object) -> TypeGuard[str]:
    """Whether it can be the user pool's id of a person or machine. It keeps ``#`` out of keys."""
    return isinstance(text, str) and bool(_SUBJECT.match(text))


def hash_of(token: str) -> str:
    """SHA-256 in hexadecimal: tokens are random, so they need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def grant_of(claims: Mapping[str, Any]) -> str:
    """The sign-in that an access token comes from; a machine's token has only its own id."""
    return str(claims.get("origin_jti") or claims.get("jti") or "")


def ours(pool_scopes: str) -> frozenset[str]:
    """The user pool's scope words as ours: ``till/cart`` is ``cart``; words of other resource servers are dropped."""
    prefix = f"{RESOURCE_SERVER}/"
    return frozenset(word.removeprefix(prefix) for word in pool_scopes.split() if word.startswith(prefix))


def shown(pool_scopes: str) -> str:
    """The user pool's scope words as a client knows them, in a fixed order."""
    return " ".join(sorted(ours(pool_scopes) | (IDENTITY_SCOPES & set(pool_scopes.split()))))


def for_pool(scopes: frozenset[str]) -> str:
    """Our scope words as the user pool's."""
    known = scopes & IDENTITY_SCOPES
    return " ".join([*sorted(known), *(f"{RESOURCE_SERVER}/{word}" for word in sorted(scopes - known))])


def with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """``uri``, which may have a query already, with more parameters; empty ones are left out."""
    given = urlencode({name: value for name, value in parameters.items() if value})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{given}"
