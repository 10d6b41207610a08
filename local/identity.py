"""A local identity provider: it signs customers' and staff's tokens and publishes the key that checks them.

``python -m local.identity customer cus_…`` prints a token for the running stack; ``staff sub --scope …`` one for staff.
"""

import argparse
import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.stack.settings import HOST, Ports, Settings, StackError

AUDIENCE = "till"
ALGORITHM = "RS256"
LIFETIME_SECONDS = 30 * 24 * 3600


class Issuer:
    """Signs tokens as ``issuer`` with the key in ``key_file``, which it makes when there is none."""

    def __init__(self, key_file: Path, issuer: str) -> None:
        self._key = _private_key(key_file)
        self.issuer = issuer
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._key_id = uuid.uuid5(uuid.NAMESPACE_OID, public["n"]).hex
        self.jwks: dict[str, Any] = {"keys": [{**public, "kid": self._key_id, "alg": ALGORITHM, "use": "sig"}]}

    def customer(self, customer_id: str, tenant: str) -> str:
        """A token of one customer of ``tenant``, good for 30 days."""
        return self.sign({"sub": customer_id, "tenant": tenant, "role": "customer", "customer_id": customer_id})

    def staff(self, subject: str, tenant: str, scope: str) -> str:
        """A token of a staff member with the scopes in ``scope``, separated by spaces."""
        return self.sign({"sub": subject, "tenant": tenant, "role": "staff", "scope": scope})

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with these claims over the usual ones; tests give wrong ones on purpose."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME_SECONDS, "mode": "test"}
        return jwt.encode({**usual, **claims}, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def is_good(self, token: str) -> bool:
        """Whether we signed ``token`` and it is good for another day."""
        try:
            claims = jwt.decode(
                token, self._key.public_key(), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=self.issuer
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims["exp"] > time.time() + 24 * 3600)


def _private_key(file: Path) -> RSAPrivateKey:
    if file.exists():
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        assert isinstance(key, RSAPrivateKey)
        return key
    key = generate_private_key(public_exponent=65537, key_size=2048)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key


def application(issuer: Issuer) -> Starlette:
    """What authorizers ask: the keys, and where they are."""

    async def keys(_: Request) -> JSONResponse:
        return JSONResponse(issuer.jwks)

    async def configuration(_: Request) -> JSONResponse:
        return JSONResponse({"issuer": issuer.issuer, "jwks_uri": f"{issuer.issuer}/.well-known/jwks.json"})

    return Starlette(
        routes=[Route("/.well-known/jwks.json", keys), Route("/.well-known/openid-configuration", configuration)]
    )


def main() -> None:
    """Serve the keys, or print one token."""
    parser = argparse.ArgumentParser(prog="python -m local.identity", description=__doc__)
    parser.add_argument("--key", type=Path, help="private key; the running stack's when left out")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="publish the keys")
    serve.add_argument("--port", type=int, required=True)
    customer = commands.add_parser("customer", help="print a customer's token")
    customer.add_argument("id")
    staff = commands.add_parser("staff", help="print a staff member's token")
    staff.add_argument("id")
    staff.add_argument("--scope", default="orders:read", help="separated by spaces")
    for each in (customer, staff):
        each.add_argument("--tenant", help="the demo shop when left out")
    options = parser.parse_args()
    settings = Settings(Ports.from_environment())
    key_file = options.key or settings.data / "identity.pem"
    if options.command == "serve":
        issuer = Issuer(key_file, f"http://{HOST}:{options.port}")
        uvicorn.run(application(issuer), host=HOST, port=options.port, log_level="warning")
        return
    try:
        running = json.loads(settings.running.read_text())
    except FileNotFoundError:
        raise SystemExit("No stack is running: make up") from None
    issuer = Issuer(key_file, running["issuer"])
    tenant = options.tenant or running["tenant"]
    if options.command == "customer":
        print(issuer.customer(options.id, tenant))
    else:
        print(issuer.staff(options.id, tenant, options.scope))


if __name__ == "__main__":
    try:
        main()
    except StackError as error:
        raise SystemExit(str(error)) from None
