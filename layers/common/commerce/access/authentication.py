"""Who is calling: from a credential's text to an identity (contract AUTH-01, X-21).

A refusal is ``Unauthenticated`` with a reason for the log; the text itself is in no message. What is not the caller's
fault (a busy table, an issuer that does not answer) is another exception.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce.access import store
from commerce.access.model import (
    CUSTOMER_SCOPES,
    MERCHANT_SCOPES,
    KeyState,
    KeyText,
    TenantAccount,
    TenantStatus,
    compare_with_nothing,
)
from commerce.kernel import clock, ids
from commerce.kernel.caller import Mode, Role, Tenant
from commerce.kernel.errors import Unauthenticated
from commerce.limits.model import Usage
from commerce.oauth import store as sign_ins
from commerce.oauth.model import ClientKind, grant_of, is_subject

MAX_TOKEN_CHARACTERS = 8192
MAX_TENANTS = 20  # API Gateway keeps the authorizer's context small
_KEY_PREFIXES = tuple(f"{mode}_" for mode in Mode)
_JWT = re.compile(r"[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\Z")
_SUBJECT = re.compile(r"[\x21\x22\x24-\x7e]{1,128}\Z")  # visible ASCII; # separates the parts of keys
_EMAIL = re.compile(r"[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.\-]{1,189}\Z")
_TOKEN_ROLES = frozenset({Role.CUSTOMER, Role.STAFF, Role.OWNER})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, for which of its tenants, and what it may do there.

    ``usage`` is what was read of its calls for the tenant ``called``. ``own_limit`` is the credential's own hourly
    limit, if it has one.
    """

    principal_id: str
    tenants: tuple[TenantAccount, ...]
    mode: Mode
    role: Role
    scopes: frozenset[str]
    customer_id: str | None = None
    email: str | None = None
    called: str = ""
    usage: Usage = field(default_factory=Usage)
    own_limit: int | None = None

    def tenant(self, named: str | None) -> TenantAccount | None:
        """The tenant that a request is for which names ``named``, or none: then the only one."""
        if named is None:
            return self.tenants[0] if len(self.tenants) == 1 else None
        return next((tenant for tenant in self.tenants if tenant.tenant_id == named), None)

    def usage_of(self, tenant: TenantAccount) -> Usage:
        """What is known of its calls for ``tenant``; nothing where another tenant's count was read."""
        return self.usage if tenant.tenant_id == self.called else Usage()


def identify(credential: str, named: str | None = None) -> Identity:
    """Tell who holds ``credential``, an API key or a JWT: its form decides which.

    Args:
        named: the tenant that the request names, if it does; whose count of calls is read along.

    Raises:
        Unauthenticated: neither, or not a good one.
        Unavailable: the table is busy, or the token's issuer does not answer.
    """
    if credential.startswith(_KEY_PREFIXES):
        return _by_key(credential)
    if len(credential) <= MAX_TOKEN_CHARACTERS and _JWT.match(credential):
        from commerce.access import tokens  # PyJWT and cryptography, for tokens only

        if tokens.is_of_pool(credential):
            return by_access_token(tokens.pool_claims(credential, use="access"))
        return by_claims(tokens.verified_claims(credential), named)
    raise _refused("unknown_form")


def _by_key(text: str) -> Identity:
    parsed = KeyText.parse(text)
    if parsed is None:
        raise _refused("malformed_key")
    tenant, key, usage = store.find_with_tenant(Tenant(parsed.tenant_id, parsed.mode), parsed.key_id)
    if key is None:
        compare_with_nothing(parsed.secret)
        raise _refused("unknown_key")
    now = clock.now()
    if not key.opens_with(parsed.secret, now):
        raise _refused("wrong_secret")
    if key.mode is not parsed.mode:
        raise _refused("wrong_mode")
    if key.state(now) is not KeyState.ACTIVE:
        raise _refused(f"{key.state(now)}_key")
    return Identity(
        principal_id=key.key_id,
        tenants=_active([tenant] if tenant else []),
        mode=key.mode,
        role=key.role,
        scopes=key.granted,
        called=key.tenant_id,
        usage=usage,
        own_limit=key.hourly_limit,
    )


def by_access_token(claims: Mapping[str, Any]) -> Identity:
    """The identity that a verified access token of the user pool stands for (contract AUTH-03, AU-04).

    The client that it was issued to says which shop and mode it opens, and as what; the shop's own rows say who the
    person is there. The token alone says only what it was asked for.
    """
    client, subject = sign_ins.find_client(str(claims["client_id"])), claims["sub"]
    if client is None:
        raise _refused("unknown_client")
    if not is_subject(subject):
        raise _refused("bad_subject")
    session = sign_ins.find_session(client, subject, grant_of(claims))
    if session.revoked:
        raise _refused("revoked_grant")
    role, granted, customer_id = Role.API_KEY, client.granted(str(claims.get("scope", ""))), None
    if client.kind is ClientKind.INTEGRATION:
        if subject != client.client_id:  # a person, where only the machine itself may be
            raise _refused("bad_subject")
    elif client.kind is ClientKind.STOREFRONT:
        if session.customer_id is None:
            raise _refused("not_a_customer")
        role, customer_id = Role.CUSTOMER, session.customer_id
    else:
        if session.member is None:
            raise _refused("not_a_member")
        role, granted = session.member.role, granted & session.member.granted
    return Identity(
        principal_id=subject,
        tenants=_active([session.tenant] if session.tenant else []),
        mode=client.mode,
        role=role,
        scopes=granted,
        customer_id=customer_id,
        called=client.tenant_id,
        usage=session.usage,
    )


def by_claims(claims: Mapping[str, Any], named: str | None = None) -> Identity:
    """The identity that a verified token's claims stand for (contract AU-04).

    A customer has one tenant and the two customer scopes, whatever the token says. Staff and owners have the scopes
    that the token names, as far as they exist.
    """
    role, mode = _one_of(Role, claims.get("role"), "bad_role"), _one_of(Mode, claims.get("mode", "live"), "bad_mode")
    if role not in _TOKEN_ROLES:
        raise _refused("bad_role")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.match(subject):
        raise _refused("bad_subject")
    tenant_ids = _tenant_ids(claims)
    customer_id = None
    if role is Role.CUSTOMER:
        customer_id = claims.get("customer_id")
        if not isinstance(customer_id, str) or not ids.is_well_formed(customer_id) or len(tenant_ids) != 1:
            raise _refused("bad_customer")
    called = named if named in tenant_ids else tenant_ids[0]
    tenants, usage = store.find_tenants_with_usage(tenant_ids, Tenant(called, mode), subject)
    return Identity(
        principal_id=subject,
        tenants=_active(tenants),
        mode=mode,
        role=role,
        scopes=CUSTOMER_SCOPES if role is Role.CUSTOMER else _scopes(claims) & MERCHANT_SCOPES,
        customer_id=customer_id,
        email=_email(claims) if role is not Role.CUSTOMER else None,
        called=called,
        usage=usage,
    )


def _email(claims: Mapping[str, Any]) -> str | None:
    """The address that the issuer vouches for, by which notes name their author."""
    email = claims.get("email")
    return email if isinstance(email, str) and _EMAIL.match(email) else None


def _tenant_ids(claims: Mapping[str, Any]) -> list[str]:
    named = claims.get("tenants", [claims.get("tenant")])
    if not isinstance(named, list) or not 1 <= len(named) <= MAX_TENANTS:
        raise _refused("bad_tenants")
    if not all(isinstance(each, str) and ids.is_well_formed(each) for each in named):
        raise _refused("bad_tenants")
    return list(dict.fromkeys(named))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """``scope`` separated by blanks (RFC 8693), or the list ``scopes``."""
    if isinstance(claims.get("scope"), str):
        return frozenset(claims["scope"].split())
    listed = claims.get("scopes")
    return frozenset(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else frozenset()


def _active(tenants: list[TenantAccount]) -> tuple[TenantAccount, ...]:
    active = tuple(tenant for tenant in tenants if tenant.status is TenantStatus.ACTIVE)
    if not active:
        raise _refused("no_active_tenant")
    return active


def _one_of[E: (Role, Mode)](kind: type[E], value: Any, reason: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise _refused(reason) from None


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("A valid credential is required", reason=reason)
