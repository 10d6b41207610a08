"""OAuth clients, staff, sign-ins of customers and refresh tokens in the table.

A client is found by its id alone, because it is what tells the tenant. Everything else stands in the tenant's
partitions; what belongs to a sign-in stands in those of its mode.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.access.model import TenantAccount
from commerce.access.store import TenantRow
from commerce.kernel.caller import Mode, Role, Tenant
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.limits.model import Usage
from commerce.limits.store import to_usage
from commerce.oauth.model import REMEMBERED, Client, ClientKind, Member, RefreshToken
from commerce.table import keys
from commerce.table.reading import get, get_all
from commerce.table.rows import InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction


class ClientRow(Row, discriminator="oauth_client"):
    audited: ClassVar[str] = "oauth_client"

    client_id = UnicodeAttribute()
    client_kind = UnicodeAttribute()
    tenant_id = UnicodeAttribute()
    mode = UnicodeAttribute()
    scopes = WordsAttribute()
    redirect_uris = WordsAttribute()
    registered_at = InstantAttribute()
    version = NumberAttribute()

    def to_client(self) -> Client:
        return Client(
            client_id=self.client_id,
            kind=ClientKind(self.client_kind),
            tenant_id=self.tenant_id,
            mode=Mode(self.mode),
            scopes=frozenset(self.scopes),
            redirect_uris=tuple(self.redirect_uris),
            registered_at=self.registered_at,
            version=int(self.version),
        )


class MemberRow(Row, discriminator="member"):
    audited: ClassVar[str] = "member"

    tenant_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    role = UnicodeAttribute()
    scopes = WordsAttribute()
    added_at = InstantAttribute()

    def to_member(self) -> Member:
        return Member(
            tenant_id=self.tenant_id,
            subject=self.subject,
            role=Role(self.role),
            scopes=frozenset(self.scopes),
            added_at=self.added_at,
        )


class CustomerLoginRow(Row, discriminator="customer_login"):
    """Which customer of the shop a person of the user pool is."""

    customer_id = UnicodeAttribute()
    linked_at = InstantAttribute()


class RefreshTokenRow(Row, discriminator="refresh_token"):
    client_id = UnicodeAttribute()
    grant_id = UnicodeAttribute()
    issued_at = InstantAttribute()
    rotated_at = InstantAttribute(null=True)


class RevokedGrantRow(Row, discriminator="revoked_grant"):
    """A sign-in that is over; it stays until the last token of it has expired."""

    revoked_at = InstantAttribute()


@dataclass(frozen=True, slots=True)
class Session:
    """What the table knows of a token's bearer: the shop, a staff member or a customer of it, or neither.

    ``usage`` is what was read of the bearer's calls.
    """

    tenant: TenantAccount | None
    member: Member | None
    customer_id: str | None
    revoked: bool
    usage: Usage


def find_client(client_id: str) -> Client | None:
    """One client (U1)."""
    row = get(keys.oauth_client(client_id))
    return row.to_client() if isinstance(row, ClientRow) else None


def add_client(tx: Transaction, client: Client) -> None:
    """Write a new client (U1).

    Raises (at commit):
        StaleWrite: it was registered meanwhile.
    """
    tx.add(_client_row(client), StaleWrite("client"))


def save_client(tx: Transaction, client: Client) -> None:
    """Write a changed client (U1).

    Raises (at commit):
        StaleWrite: somebody else registered it since it was read.
    """
    tx.put(_client_row(client), ClientRow.version == client.version - 1, StaleWrite("client"))


def put_member(tx: Transaction, member: Member) -> None:
    """Write a staff member, over what was known of the same person (U2)."""
    row = MemberRow(
        *keys.member(member.tenant_id, member.subject),
        tenant_id=member.tenant_id,
        subject=member.subject,
        role=str(member.role),
        scopes=sorted(member.scopes),
        added_at=member.added_at,
    )
    tx.put(row)


def remove_member(tx: Transaction, tenant_id: str, subject: str) -> None:
    """Forget a staff member (U2).

    Raises (at commit):
        Conflict: there is no such member.
    """
    gone = Conflict("That person is not on the staff", field="staff", reason="not_a_member")
    tx.delete(MemberRow(*keys.member(tenant_id, subject)), Row.pk.exists(), gone)


def find_member(tenant_id: str, subject: str) -> Member | None:
    """One staff member (U2)."""
    row = get(keys.member(tenant_id, subject))
    return row.to_member() if isinstance(row, MemberRow) else None


def find_customer_login(tenant: Tenant, subject: str) -> str | None:
    """The id of the customer that a person is in this shop and mode (U3)."""
    row = get(keys.customer_login(tenant, subject))
    return row.customer_id if isinstance(row, CustomerLoginRow) else None


def link_customer(
    tx: Transaction, tenant: Tenant, subject: str, customer_id: str, before: str | None, at: datetime
) -> None:
    """Remember which customer a person is (U3).

    Raises (at commit):
        StaleWrite: another sign-in of the same person linked them meanwhile.
    """
    row = CustomerLoginRow(*keys.customer_login(tenant, subject), customer_id=customer_id, linked_at=at)
    if before is None:
        tx.add(row, StaleWrite("sign-in"))
    else:
        tx.put(row, CustomerLoginRow.customer_id == before, StaleWrite("sign-in"))


def find_session(client: Client, subject: str, grant_id: str) -> Session:
    """All that the authorizer asks about a token, and how often its bearer has called, one call (U4, R1)."""
    tenant = Tenant(client.tenant_id, client.mode)
    of_tenant, of_member = keys.tenant_row(client.tenant_id), keys.member(client.tenant_id, subject)
    of_login, of_end = keys.customer_login(tenant, subject), keys.revoked_grant(tenant, grant_id)
    of_usage = keys.caller_limit(tenant, subject)
    rows = get_all([of_tenant, of_member, of_login, of_end, of_usage])
    account, member, login = rows.get(of_tenant), rows.get(of_member), rows.get(of_login)
    return Session(
        tenant=account.to_account() if isinstance(account, TenantRow) else None,
        member=member.to_member() if isinstance(member, MemberRow) else None,
        customer_id=login.customer_id if isinstance(login, CustomerLoginRow) else None,
        revoked=of_end in rows,
        usage=to_usage(rows.get(of_usage)),
    )


def add_refresh_token(tx: Transaction, tenant: Tenant, token: RefreshToken) -> None:
    """Remember an issued refresh token until it has expired (U5)."""
    row = RefreshTokenRow(
        *keys.refresh_token(tenant, token.token_hash),
        client_id=token.client_id,
        grant_id=token.grant_id,
        issued_at=token.issued_at,
        rotated_at=token.rotated_at,
        ttl=_forgotten(token.issued_at),
    )
    tx.put(row)


def rotate(tx: Transaction, tenant: Tenant, token_hash: str, at: datetime) -> None:
    """Remember when a refresh token was first exchanged for another one (U5)."""
    first = RefreshTokenRow.rotated_at
    tx.update(RefreshTokenRow(*keys.refresh_token(tenant, token_hash)), [first.set(first | at)], Row.pk.exists())


def find_refresh_token(tenant: Tenant, token_hash: str) -> RefreshToken | None:
    """What is known of a refresh token (U5)."""
    row = get(keys.refresh_token(tenant, token_hash))
    if not isinstance(row, RefreshTokenRow):
        return None
    return RefreshToken(
        token_hash=token_hash,
        client_id=row.client_id,
        grant_id=row.grant_id,
        issued_at=row.issued_at,
        rotated_at=row.rotated_at,
    )


def revoke(tx: Transaction, tenant: Tenant, grant_id: str, at: datetime) -> None:
    """End a sign-in with all its tokens (U6)."""
    tx.put(RevokedGrantRow(*keys.revoked_grant(tenant, grant_id), revoked_at=at, ttl=_forgotten(at)))


def is_revoked(tenant: Tenant, grant_id: str) -> bool:
    """Whether a sign-in is over (U6)."""
    return get(keys.revoked_grant(tenant, grant_id)) is not None


def _client_row(client: Client) -> ClientRow:
    return ClientRow(
        *keys.oauth_client(client.client_id),
        client_id=client.client_id,
        client_kind=str(client.kind),
        tenant_id=client.tenant_id,
        mode=str(client.mode),
        scopes=sorted(client.scopes),
        redirect_uris=list(client.redirect_uris),
        registered_at=client.registered_at,
        version=client.version,
    )


def _forgotten(issued_at: datetime) -> int:
    """Unix seconds at which nothing of it is valid any more."""
    return int((issued_at + REMEMBERED).timestamp())
