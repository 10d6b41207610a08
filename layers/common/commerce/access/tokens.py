"""JWTs of customers and staff, issued elsewhere (contract AU-04). The only code that imports PyJWT.

The environment names the issuer: JWT_ISSUER (empty: no tokens), JWT_AUDIENCE, and JWKS_URL, where its keys are.
"""

import os
from functools import cache
from typing import Any

import jwt

from commerce.kernel.errors import Unauthenticated, Unavailable

ALGORITHM = "RS256"  # pinned: what the token's own header asks for never chooses how it is checked
KEYS_LIFESPAN_SECONDS = 600
REFETCH_AFTER_SECONDS = 30  # of a fetch, at the earliest, for a key id that is not among the keys
_TIMEOUT_SECONDS = 2
_LEEWAY_SECONDS = 5  # between the issuer's clock and ours


def verified_claims(token: str) -> dict[str, Any]:
    """The claims of a token that the issuer signed for us and that has not expired.

    Raises:
        Unauthenticated: anything else.
        Unavailable: the issuer's keys cannot be had.
    """
    issuer = os.environ.get("JWT_ISSUER", "")
    if not issuer:
        raise _refused("tokens_off")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise _refused("wrong_algorithm")
        return jwt.decode(
            token,
            _key(header.get("kid")).key,
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=os.environ.get("JWT_AUDIENCE", ""),
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise _refused(type(error).__name__) from None


def _key(kid: object) -> jwt.PyJWK:
    if not isinstance(kid, str):
        raise _refused("no_key_id")
    client = client_of(os.environ["JWKS_URL"])
    try:
        client.get_signing_keys()  # from memory, or fetched
    except (jwt.PyJWTError, ValueError, OSError) as error:
        raise Unavailable("The issuer's keys cannot be had") from error
    try:
        key = client.get_signing_key(kid)
    except jwt.PyJWKClientConnectionError as error:
        raise Unavailable("The issuer's keys cannot be had") from error
    except jwt.PyJWKClientError:
        raise _refused("unknown_key_id") from None
    if key.key_type != "RSA":
        raise _refused("wrong_key_type")
    return key


@cache
def client_of(url: str) -> jwt.PyJWKClient:
    """The issuer's keys, kept in memory for ten minutes."""
    return jwt.PyJWKClient(
        url, lifespan=KEYS_LIFESPAN_SECONDS, cooldown_duration=REFETCH_AFTER_SECONDS, timeout=_TIMEOUT_SECONDS
    )


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("A valid credential is required", reason=reason)
