"""JWTs of customers and staff (contract AU-04). The only code that imports PyJWT.

They come from the user pool, and from an issuer elsewhere. The environment names both, and either may be missing
(empty): the pool with USER_POOL_ISSUER and USER_POOL_JWKS_URL, the other issuer with JWT_ISSUER, JWT_AUDIENCE and
JWKS_URL. Neither answers for the other's tokens.
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
_REQUIRED = ("exp", "iss", "sub")


def is_of_pool(token: str) -> bool:
    """Whether a token claims to be the user pool's: then only the pool's own keys may confirm it."""
    issuer = _pool_issuer()
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return False
    return bool(issuer) and claims.get("iss") == issuer


def pool_claims(token: str, *, use: str) -> dict[str, Any]:
    """The claims of a token that the user pool signed for ``use``: ``access`` or ``id``.

    An access token names its ``client_id``, an ID token its audience ``aud``: for whom it is, the caller decides.

    Raises:
        Unauthenticated: anything else.
        Unavailable: the pool's keys cannot be had.
    """
    issuer = _pool_issuer()
    if not issuer:
        raise _refused("pool_off")
    required = [*_REQUIRED, "token_use", "client_id" if use == "access" else "aud"]
    claims = _verified(
        token,
        os.environ["USER_POOL_JWKS_URL"],
        issuer=issuer,
        options={"require": required, "verify_aud": False},
    )
    if claims["token_use"] != use:
        raise _refused("wrong_use")
    return claims


def verified_claims(token: str) -> dict[str, Any]:
    """The claims of a token that the other issuer signed for us and that has not expired.

    Raises:
        Unauthenticated: anything else.
        Unavailable: the issuer's keys cannot be had.
    """
    issuer = os.environ.get("JWT_ISSUER", "")
    if not issuer or issuer == _pool_issuer():
        raise _refused("tokens_off")
    return _verified(
        token,
        os.environ["JWKS_URL"],
        issuer=issuer,
        audience=os.environ.get("JWT_AUDIENCE", ""),
        options={"require": [*_REQUIRED, "aud"]},
    )


def _verified(token: str, jwks_url: str, **expected: Any) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise _refused("wrong_algorithm")
        key = _key(jwks_url, header.get("kid")).key
        return jwt.decode(token, key, algorithms=[ALGORITHM], leeway=_LEEWAY_SECONDS, **expected)
    except jwt.PyJWTError as error:
        raise _refused(type(error).__name__) from None


def _pool_issuer() -> str:
    return os.environ.get("USER_POOL_ISSUER", "")


def _key(jwks_url: str, kid: object) -> jwt.PyJWK:
    if not isinstance(kid, str):
        raise _refused("no_key_id")
    client = client_of(jwks_url)
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
