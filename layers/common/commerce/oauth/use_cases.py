"""Signing in with OAuth 2.0 (contract AU-01, AU-02, AU-04, AU-05): what we add to the user pool's own protocol.

The pool knows people and passwords, keeps authorization codes and signs tokens. We know which shop a client belongs to,
what its people may do there, and which sign-ins are over.
"""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce.access import store as access
from commerce.access import tokens
from commerce.access.model import MERCHANT_SCOPES, TenantAccount, TenantStatus
from commerce.customers import store as customers
from commerce.customers import use_cases as customer_use_cases
from commerce.customers.use_cases import CreateCustomer
from commerce.kernel import clock, ids
from commerce.kernel.caller import Mode, Role, Tenant, system
from commerce.kernel.errors import Conflict, Malformed, NotFound, Unauthenticated, Unavailable
from commerce.oauth import cognito, store
from commerce.oauth.cognito import ClientCredentials, Tokens, invalid_client
from commerce.oauth.model import (
    CLIENT_ID,
    GRANTS,
    IDENTITY_SCOPES,
    SCOPES,
    Client,
    ClientKind,
    Grant,
    Member,
    RefreshToken,
    for_pool,
    grant_of,
    hash_of,
    is_subject,
    shown,
    with_parameters,
)
from commerce.observability import logger
from commerce.table.transaction import Transaction, run

_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{43}\Z")  # RFC 7636, section 4.2: SHA-256 in base64url
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")  # section 4.1
_PRINTABLE = re.compile(r"[\x20-\x7e]{0,1024}\Z")  # RFC 6749, appendix A
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request for an authorization code, as it came; empty is what was not sent."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    scope: str = ""
    state: str = ""
    nonce: str = ""
    prompt: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for tokens, as it came; empty is what was not sent."""

    grant_type: str = ""
    code: str = field(default="", repr=False)
    redirect_uri: str = ""
    code_verifier: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens for a client. ``expires_in`` counts seconds; ``scope`` is what the access token may do."""

    tokens: Tokens
    scope: str


# GET /oauth/authorize


def authorize(asked: Authorization) -> str:
    """Where the browser goes next: to sign in, or back to the client with an error (RFC 6749, section 4.1).

    Raises:
        Malformed: the client is unknown or the redirect address is not exactly one of its own. Nobody is sent to an
            address that nobody registered.
    """
    client = _client(asked.client_id)
    if client is None:
        raise Malformed("No such client", field="client_id", reason="invalid_request")
    if asked.redirect_uri not in client.redirect_uris:
        raise Malformed("redirect_uri is not one of this client's", field="redirect_uri", reason="invalid_request")
    wanted = frozenset(asked.scope.split()) or client.scopes
    if refusal := _refusal(client, asked, wanted):
        error, description = refusal
        state = asked.state if _PRINTABLE.match(asked.state) else ""
        told = {"error": error, "error_description": description, "state": state}
        return with_parameters(asked.redirect_uri, told)
    return with_parameters(
        cognito.sign_in_url(sign_up=asked.prompt == "create"),
        {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": asked.redirect_uri,
            # The ID token tells us, after the exchange, whose verified address it is.
            "scope": for_pool(wanted | IDENTITY_SCOPES),
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": asked.code_challenge,
            "code_challenge_method": asked.code_challenge_method,
        },
    )


def _refusal(client: Client, asked: Authorization, wanted: frozenset[str]) -> tuple[str, str] | None:
    """What is wrong with a request whose client and address are good: RFC 6749's error, and words."""
    if not _PRINTABLE.match(asked.state) or not _PRINTABLE.match(asked.nonce):
        return "invalid_request", "state and nonce are at most 1024 printable ASCII characters"
    if not asked.response_type:
        return "invalid_request", "response_type is missing"
    if asked.response_type != "code":
        return "unsupported_response_type", "Only response_type=code"
    if not asked.code_challenge:
        return "invalid_request", "PKCE is required: send code_challenge (RFC 7636)"
    if asked.code_challenge_method != "S256":
        return "invalid_request", "Only code_challenge_method=S256"
    if not _CHALLENGE.match(asked.code_challenge):
        return "invalid_request", "code_challenge is no SHA-256 in base64url"
    if wanted - client.scopes - IDENTITY_SCOPES:
        return "invalid_scope", "This client does not have all of these scopes"
    return None


# POST /oauth/token


def issue(asked: TokenRequest, credentials: ClientCredentials) -> Issued:
    """Relay a grant to the user pool, and know the person that the tokens stand for before the client gets them.

    Raises:
        Unauthenticated: the client is unknown, or did not authenticate as it must.
        Malformed: the grant is not good, or not for this client; ``reason`` is RFC 6749's error.
        Unavailable: the user pool or the table does not answer.
    """
    client = _authenticated(credentials)
    try:
        grant = Grant(asked.grant_type)
    except ValueError:
        reason = "unsupported_grant_type" if asked.grant_type else "invalid_request"
        raise Malformed("No such grant_type", field="grant_type", reason=reason) from None
    if grant not in GRANTS[client.kind]:
        raise Malformed("This client may not use that grant", field="grant_type", reason="unauthorized_client")
    if grant is Grant.AUTHORIZATION_CODE:
        return _by_code(client, credentials, asked)
    if grant is Grant.REFRESH_TOKEN:
        return _by_refresh_token(client, credentials, asked)
    return _by_credentials(client, credentials, asked)


def _by_code(client: Client, credentials: ClientCredentials, asked: TokenRequest) -> Issued:
    if not asked.code:
        raise Malformed("code is missing", field="code", reason="invalid_request")
    if asked.redirect_uri not in client.redirect_uris:
        raise Malformed("redirect_uri is not the one asked with", field="redirect_uri", reason="invalid_grant")
    if not _VERIFIER.match(asked.code_verifier):
        raise Malformed("PKCE is required: send the code_verifier", field="code_verifier", reason="invalid_request")
    issued = cognito.exchange(
        credentials,
        Grant.AUTHORIZATION_CODE,
        {"code": asked.code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.code_verifier},
    )
    # The code is spent. Who dies from here on has given nothing away: the person signs in again.
    try:
        scope = _welcome(client, issued)
    except Malformed:
        if issued.refresh_token:
            with contextlib.suppress(Unavailable):
                cognito.revoke(credentials, issued.refresh_token)
        raise
    return Issued(issued, scope)


def _welcome(client: Client, issued: Tokens) -> str:
    """Find or make who this person is in the client's shop; give the scopes of the tokens."""
    access_claims, person = _claims(client, issued.access_token, "access"), _claims(client, issued.id_token, "id")
    if access_claims["sub"] != person["sub"]:
        raise _denied("These tokens are not of one person", "two_subjects")
    account = _open_shop(client)
    tenant = account.in_mode(client.mode)

    def plan(tx: Transaction) -> None:
        if client.kind is ClientKind.BACK_OFFICE:
            if store.find_member(client.tenant_id, person["sub"]) is None:
                raise _denied("This person is not on the shop's staff", "not_a_member")
        else:
            _link_customer(tx, tenant, person)
        if issued.refresh_token:
            _remember(tx, tenant, client, issued.refresh_token, grant_of(access_claims))

    try:
        run(plan)
    except Conflict as taken:
        if taken.reason != "duplicate_email":
            raise
        run(plan)  # the shop got a customer with this address meanwhile: now that one is found
    return shown(str(access_claims.get("scope", "")))


def _link_customer(tx: Transaction, tenant: Tenant, person: Mapping[str, Any]) -> None:
    """The person's customer: the one linked before, else the one with the verified address, else a new one."""
    subject, linked = person["sub"], store.find_customer_login(tenant, person["sub"])
    if linked is not None and customers.find(tenant, linked) is not None:
        return
    email, verified = person.get("email"), person.get("email_verified")
    if not email or not (verified is True or verified == "true"):
        raise _denied("The e-mail address is not verified", "unverified_email")
    customer_id = customers.find_email(tenant, email)
    if customer_id is None:
        command = CreateCustomer(
            email=email,
            first_name=(person.get("given_name") or email.partition("@")[0])[:_MAX_NAME],
            last_name=(person.get("family_name") or "")[:_MAX_NAME],
        )
        created = customer_use_cases.create(tx, system(tenant, "sign_up"), command)
        customer_id = created.customer.customer_id
    store.link_customer(tx, tenant, subject, customer_id, linked, clock.now())


def _by_refresh_token(client: Client, credentials: ClientCredentials, asked: TokenRequest) -> Issued:
    if not asked.refresh_token:
        raise Malformed("refresh_token is missing", field="refresh_token", reason="invalid_request")
    tenant = _open_shop(client).in_mode(client.mode)
    known = store.find_refresh_token(tenant, hash_of(asked.refresh_token))
    if known is None or known.client_id != client.client_id or store.is_revoked(tenant, known.grant_id):
        raise _bad_refresh_token()
    if known.was_stolen(clock.now()):
        # Two hold it, and one of them is not the client: nobody goes on with this sign-in (RFC 9700, section 4.14.2).
        logger.warning("refresh_token_reused", client_id=client.client_id, grant_id=known.grant_id)
        run(lambda tx: store.revoke(tx, tenant, known.grant_id, clock.now()))
        raise _bad_refresh_token()
    issued = cognito.exchange(credentials, Grant.REFRESH_TOKEN, {"refresh_token": asked.refresh_token})
    claims = _claims(client, issued.access_token, "access")
    new = issued.refresh_token
    if new and new != asked.refresh_token:

        def plan(tx: Transaction) -> None:
            store.rotate(tx, tenant, known.token_hash, clock.now())
            _remember(tx, tenant, client, new, known.grant_id)

        run(plan)
    return Issued(issued, shown(str(claims.get("scope", ""))))


def _by_credentials(client: Client, credentials: ClientCredentials, asked: TokenRequest) -> Issued:
    wanted = frozenset(asked.scope.split()) or client.scopes
    if wanted - client.scopes:
        raise Malformed("This client does not have all of these scopes", field="scope", reason="invalid_scope")
    _open_shop(client)
    issued = cognito.exchange(credentials, Grant.CLIENT_CREDENTIALS, {"scope": for_pool(wanted)})
    claims = _claims(client, issued.access_token, "access")
    return Issued(issued, shown(str(claims.get("scope", ""))))


# POST /oauth/revoke


def revoke(token: str, credentials: ClientCredentials) -> None:
    """End the sign-in that a refresh or access token comes from (RFC 7009). An unknown token is ended already.

    From then on the authorizer refuses its access tokens too, which would otherwise be good until they expire.

    Raises:
        Unauthenticated: the client is unknown, or did not authenticate as it must.
        Malformed: no token, or another client's.
        Unavailable: the user pool or the table does not answer.
    """
    client = _authenticated(credentials)
    if not token:
        raise Malformed("token is missing", field="token", reason="invalid_request")
    tenant = Tenant(client.tenant_id, client.mode)
    known = store.find_refresh_token(tenant, hash_of(token))
    if known is not None and known.client_id != client.client_id:
        raise Malformed("That token is another client's", field="token", reason="invalid_grant")
    cognito.revoke(credentials, token)
    grant_id = known.grant_id if known else _grant_of_access_token(client, token)
    if grant_id:
        run(lambda tx: store.revoke(tx, tenant, grant_id, clock.now()))


def _grant_of_access_token(client: Client, token: str) -> str:
    """Which sign-in an access token of this client comes from; empty for anything else."""
    try:
        claims = tokens.pool_claims(token, use="access")
    except Unauthenticated:
        return ""
    return grant_of(claims) if claims["client_id"] == client.client_id else ""


# What the platform's operator does


@dataclass(frozen=True, slots=True)
class RegisterClient:
    """``redirect_uris`` and ``scopes`` as the user pool has them; scopes that this kind cannot have are left out."""

    client_id: str
    kind: ClientKind
    tenant_id: str
    mode: Mode
    scopes: frozenset[str]
    redirect_uris: tuple[str, ...]


def register_client(tx: Transaction, command: RegisterClient) -> Client:
    """Say which shop and mode an app client belongs to; again, to follow what was changed in the user pool.

    Raises:
        Invalid: a client that cannot be.
        NotFound: no such tenant.
        Conflict: it belongs to another shop or mode, or is of another kind: its tokens would change sides.
    """
    _account(command.tenant_id)
    client = Client(
        client_id=command.client_id,
        kind=command.kind,
        tenant_id=command.tenant_id,
        mode=command.mode,
        scopes=command.scopes & SCOPES[command.kind],
        redirect_uris=command.redirect_uris,
        registered_at=clock.now(),
    )
    client.require_valid()
    known = store.find_client(client.client_id)
    if known is None:
        store.add_client(tx, client)
        return client
    if (known.tenant_id, known.mode, known.kind) != (client.tenant_id, client.mode, client.kind):
        raise Conflict(
            f"That client is {known.tenant_id}'s {known.mode} {known.kind} already",
            field="client_id",
            reason="registered_elsewhere",
        )
    changed = known.registered_anew(client)
    store.save_client(tx, changed)
    return changed


def add_member(tx: Transaction, tenant_id: str, subject: str, role: Role, scopes: frozenset[str]) -> Member:
    """Put a person on a shop's staff, or change what they may do there.

    Raises:
        Invalid: a role or scope that cannot be.
        NotFound: no such tenant.
    """
    _account(tenant_id)
    held = MERCHANT_SCOPES if role is Role.OWNER else scopes
    member = Member(tenant_id=tenant_id, subject=subject, role=role, scopes=held, added_at=clock.now())
    member.require_valid()
    store.put_member(tx, member)
    return member


def remove_member(tx: Transaction, tenant_id: str, subject: str) -> None:
    """Take a person off a shop's staff; their tokens open nothing from the next request on.

    Raises:
        Conflict: they are not on it.
    """
    store.remove_member(tx, tenant_id, subject)


def _client(client_id: str) -> Client | None:
    return store.find_client(client_id) if CLIENT_ID.match(client_id) else None


def _authenticated(credentials: ClientCredentials) -> Client:
    """The client, with a secret exactly when it must have one; whether it is the right one is the pool's to say."""
    client = _client(credentials.client_id)
    if client is None or client.is_public == bool(credentials.secret):
        raise invalid_client()
    return client


def _claims(client: Client, token: str | None, use: str) -> dict[str, Any]:
    """A token's claims: of the pool that we asked, for the client that asked.

    Raises:
        Malformed: it is not such a token.
    """
    try:
        claims = tokens.pool_claims(token or "", use=use)
    except Unauthenticated as refusal:
        raise _denied("The sign-in service gave no usable token", refusal.reason) from None
    if claims["client_id" if use == "access" else "aud"] != client.client_id or not is_subject(claims["sub"]):
        raise _denied("The sign-in service gave no usable token", "foreign_token")
    return claims


def _remember(tx: Transaction, tenant: Tenant, client: Client, token: str, grant_id: str) -> None:
    store.add_refresh_token(tx, tenant, RefreshToken(hash_of(token), client.client_id, grant_id, clock.now()))


def _open_shop(client: Client) -> TenantAccount:
    account = access.find_tenant(client.tenant_id)
    if account is None or account.status is not TenantStatus.ACTIVE:
        raise _denied("This shop is closed", "no_active_tenant")
    return account


def _account(tenant_id: str) -> TenantAccount:
    account = access.find_tenant(tenant_id) if ids.is_well_formed(tenant_id) else None
    if account is None:
        raise NotFound("tenant")
    return account


def _denied(message: str, why: str) -> Malformed:
    logger.info("sign_in_denied", why=why)
    return Malformed(message, reason="access_denied")


def _bad_refresh_token() -> Malformed:
    return Malformed("The refresh token is not good", field="refresh_token", reason="invalid_grant")
