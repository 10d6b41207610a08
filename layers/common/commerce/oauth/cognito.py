"""The user pool's domain: where people sign in, and where tokens come from. The only code that calls it.

The environment names it: SIGN_IN_URL (empty: there is no pool).
"""

import json
import os
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote_plus, urlencode

import urllib3

from commerce.kernel.errors import Malformed, Unauthenticated, Unavailable
from commerce.observability import logger

_TIMEOUT = urllib3.Timeout(connect=2, read=6)  # seconds
# The errors of RFC 6749, section 5.2, with our own words: what the pool adds to them is not ours to vouch for.
_REFUSALS = {
    "invalid_request": "The request is incomplete",
    "invalid_grant": "The code or token is not good: expired, used, revoked, or another client's",
    "unauthorized_client": "This client may not do that",
    "unsupported_grant_type": "No such grant here",
    "invalid_scope": "This client does not have that scope",
}


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """How a client says who it is; a public one has no secret."""

    client_id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the pool issued. ``expires_in`` counts seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


def sign_in_url(*, sign_up: bool) -> str:
    """The page where a browser signs in, or up; its parameters are those of an authorization request.

    Raises:
        Unavailable: there is no user pool.
    """
    return f"{_domain()}/{'signup' if sign_up else 'oauth2/authorize'}"


def exchange(client: ClientCredentials, grant_type: str, parameters: dict[str, str]) -> Tokens:
    """Ask the pool for tokens.

    Raises:
        Unauthenticated: it does not know the client or its secret.
        Malformed: it refuses the grant; ``reason`` is RFC 6749's error.
        Unavailable: it does not answer, or not in the form that is documented.
    """
    status, answer = _post("/oauth2/token", client, {"grant_type": grant_type, **parameters})
    if status == 200:
        try:
            return Tokens(
                access_token=str(answer["access_token"]),
                expires_in=int(answer["expires_in"]),
                id_token=answer.get("id_token"),
                refresh_token=answer.get("refresh_token"),
            )
        except (KeyError, TypeError, ValueError):
            raise _away("unreadable") from None
    error = str(answer.get("error"))
    if error == "invalid_client":
        raise invalid_client()
    if error in _REFUSALS:
        raise Malformed(_REFUSALS[error], reason=error)
    raise _away(f"status_{status}")


def revoke(client: ClientCredentials, token: str) -> None:
    """Have the pool end a refresh token; a token that it does not know is none of its business.

    Raises:
        Unauthenticated: it does not know the client or its secret.
        Unavailable: it does not answer.
    """
    status, answer = _post("/oauth2/revoke", client, {"token": token})
    if answer.get("error") == "invalid_client":
        raise invalid_client()
    if status >= 500:
        raise _away(f"status_{status}")


def invalid_client() -> Unauthenticated:
    """The refusal of a client that did not say who it is, or not truly (RFC 6749, section 5.2)."""
    return Unauthenticated("The client could not be authenticated", field="client_id", reason="invalid_client")


def _post(path: str, client: ClientCredentials, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if client.secret is None:
        form = {**form, "client_id": client.client_id}
    else:
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    try:
        answer = _connections().request(
            "POST", _domain() + path, body=urlencode(form), headers=headers, redirect=False, retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise _away(type(error).__name__) from None
    try:
        value = json.loads(answer.data or b"{}")
    except ValueError:
        value = {}
    return answer.status, value if isinstance(value, dict) else {}


@cache
def _connections() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=_TIMEOUT, maxsize=1)


def _domain() -> str:
    domain = os.environ.get("SIGN_IN_URL", "")
    if not domain:
        raise Unavailable("Signing in is switched off")
    return domain


def _away(reason: str) -> Unavailable:
    logger.warning("user_pool_away", reason=reason)
    return Unavailable("The sign-in service does not answer, try again")
