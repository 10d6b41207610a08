"""A user pool for tests: its keys, its tokens, and the two endpoints of its domain that our functions call."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"


@dataclass(frozen=True)
class Person:
    """Somebody of the pool, as an ID token tells."""

    sub: str = "0a1b2c3d-0000-4000-8000-000000000001"
    email: str = "jane@example.com"
    email_verified: Any = True
    given_name: str = "Jane"
    family_name: str = "Doe"

    def claims(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value != ""}


@dataclass
class Code:
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    person: Person


@dataclass
class UserPool:
    """``secrets`` are those of confidential clients; ``broken`` is answered instead of anything else."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    broken: tuple[int, bytes] | None = None
    rotates: bool = True
    issued_wrong: dict[str, Any] = field(default_factory=dict)  # claims that its tokens get by mistake
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    _codes: dict[str, Code] = field(default_factory=dict)
    _refresh: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def key_set(self) -> bytes:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": "pool-1", "alg": "RS256", "use": "sig"}]}).encode()

    def sign(self, claims: dict[str, Any], *, kid: str = "pool-1", without: str = "") -> str:
        now = int(time())
        usual = {"iss": ISSUER, "iat": now, "exp": now + 3600, "jti": secrets.token_hex(8)}
        merged = {name: value for name, value in {**usual, **claims}.items() if name != without}
        return jwt.encode(merged, self.key, algorithm="RS256", headers={"kid": kid})

    def access_token(self, client_id: str, sub: str, scope: str, **claims: Any) -> str:
        usual = {"token_use": "access", "client_id": client_id, "sub": sub, "scope": scope, "origin_jti": "grant-1"}
        return self.sign({**usual, **claims})

    def code(
        self, client_id: str, redirect_uri: str, verifier: str, *, scope: str = "", person: Person | None = None
    ) -> str:
        """The code that the sign-in page would send back."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        text = secrets.token_urlsafe(16)
        self._codes[text] = Code(client_id, redirect_uri, challenge, scope, person or Person())
        return text

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        """What the domain answers to a POST."""
        self.calls.append((path, form))
        if self.broken is not None:
            return self.broken
        client_id, secret = _client(form, authorization)
        if self.secrets.get(client_id, "") != secret:
            return 400, b'{"error": "invalid_client"}'
        if path == "/oauth2/revoke":
            self.revoked.append(form["token"])
            if self._refresh.get(form["token"], ("",))[0] == client_id:
                del self._refresh[form["token"]]
            return 200, b""
        issued = self._token(client_id, form)
        return (200, json.dumps(issued).encode()) if issued else (400, b'{"error": "invalid_grant"}')

    def _token(self, client_id: str, form: dict[str, str]) -> dict[str, Any] | None:
        if form["grant_type"] == "client_credentials":
            token = self.access_token(client_id, client_id, form["scope"], origin_jti=None)
            return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        if form["grant_type"] == "refresh_token":
            owner, claims = self._refresh.get(form["refresh_token"], ("", {}))
            if owner != client_id:
                return None
            if not self.rotates:
                return {"access_token": self.sign(claims), "expires_in": 3600, "token_type": "Bearer"}
            return {"access_token": self.sign(claims), "expires_in": 3600, "refresh_token": self._keep(owner, claims)}
        code = self._codes.get(form["code"])
        given = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if code is None or (code.client_id, code.redirect_uri, code.challenge) != (
            client_id,
            form["redirect_uri"],
            given,
        ):
            return None
        del self._codes[form["code"]]
        claims = {
            "token_use": "access",
            "client_id": client_id,
            "sub": code.person.sub,
            "scope": code.scope,
            "origin_jti": f"grant-{secrets.token_hex(4)}",
            **self.issued_wrong,
        }
        return {
            "access_token": self.sign(claims),
            "id_token": self.sign({**code.person.claims(), "token_use": "id", "aud": client_id, **self.issued_wrong}),
            "refresh_token": self._keep(client_id, claims),
            "expires_in": 3600,
            "token_type": "Bearer",
        }

    def _keep(self, client_id: str, claims: dict[str, Any]) -> str:
        text = secrets.token_urlsafe(32)
        self._refresh[text] = (client_id, claims)
        return text


def _client(form: dict[str, str], authorization: str) -> tuple[str, str]:
    if not authorization:
        return form.get("client_id", ""), form.get("client_secret", "")
    client_id, _, secret = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


@contextmanager
def serve() -> Iterator[UserPool]:
    """A pool that listens."""
    pool = UserPool()

    class Serve(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, pool.key_set())

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._say(*pool.answer(self.path, form, self.headers.get("Authorization", "")))

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    pool.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield pool
    finally:
        server.shutdown()
        server.server_close()
