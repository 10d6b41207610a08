"""AU-04, X-20, X-21: who the authorizer lets in, and as whom."""

import base64
import hashlib
import hmac
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from pynamodb.connection.base import Connection

from commerce.access import tokens, use_cases
from commerce.access.model import MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateKey, CreateTenant, Issued
from commerce.kernel.caller import DEFAULT_CHECKOUT, DEFAULT_RETURNS, Caller, Mode, Role, Tenant
from commerce.kernel.errors import Unavailable
from commerce.observability import logger
from commerce.table.rows import Row
from commerce.table.transaction import run
from tests.shop import ROOT, Call, handler

ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/v2/products/prod_1"
ISSUER, AUDIENCE = "https://login.example.com/", "till"

Authorize = Callable[..., dict[str, Any]]


@pytest.fixture
def authorize(table: Any) -> Authorize:
    """Asks the authorizer about a credential."""

    def ask(credential: str, *, headers: dict[str, str] | None = None) -> dict[str, Any]:
        event = {
            "type": "REQUEST",
            "methodArn": ARN,
            "headers": {"Authorization": f"Bearer {credential}"} if headers is None else headers,
            "requestContext": {"requestId": "00000000-0000-0000-0000-000000000000"},
        }
        answer: dict[str, Any] = handler("authorizer/authorize_request").handler(event, None)
        return answer

    return ask


def open_shop(tenant_id: str) -> Issued:
    opened = CreateTenant(
        tenant_id=tenant_id,
        name="Shop",
        currency="JPY",
        timezone="Asia/Tokyo",
        country="JP",
        warehouses=("wh_001", "wh_002"),
        mode=Mode.TEST,
        payment_window_minutes=30,
    )
    return run(lambda tx: use_cases.create_tenant(tx, opened))[1]


@pytest.fixture
def owner_key(table: Any) -> Issued:
    """Two shops; the first one's owner key."""
    open_shop("ten_2")
    return open_shop("ten_1")


def refused(authorize: Authorize, credential: str) -> bool:
    """Whether API Gateway would answer 401: it does for exactly this message."""
    with pytest.raises(Exception) as error:
        authorize(credential)
    return str(error.value) == "Unauthorized"


# API keys


def test_a_key_is_let_into_the_whole_stage_as_the_tenant_it_belongs_to(authorize: Authorize, owner_key: Issued) -> None:
    answer = authorize(owner_key.text)

    assert answer["principalId"] == owner_key.key.key_id
    assert answer["policyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "execute-api:Invoke",
            "Resource": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/*/*",
        }
    ]
    context = answer["context"]
    assert all(isinstance(value, str) for value in context.values())
    assert json.loads(context["tenants"]) == {
        "ten_1": {
            "currency": "JPY",
            "timezone": "Asia/Tokyo",
            "country": "JP",
            "warehouses": ["wh_001", "wh_002"],
            "payment_window_minutes": 30,
            "customers_may_cancel": True,
            "plan": "professional",
            "checkout": DEFAULT_CHECKOUT.document,
            "returns": DEFAULT_RETURNS.document,
        }
    }
    assert (context["principal_id"], context["mode"], context["role"]) == (owner_key.key.key_id, "test", "owner")
    assert set(context["scopes"].split()) == MERCHANT_SCOPES
    assert "customer_id" not in context


def test_an_endpoint_understands_what_the_authorizer_says(authorize: Authorize, owner_key: Issued, call: Call) -> None:
    context = authorize(owner_key.text)["context"]

    class Authorized:
        def context(self, scope: str) -> dict[str, str]:
            return dict(context)

    answered = call("v2/access/list_api_keys", credential=Authorized())  # type: ignore[arg-type]

    assert answered.status == 200
    assert [key["id"] for key in answered.body["data"]] == [owner_key.key.key_id]


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_names_of_headers_and_schemes_come_in_any_case(
    authorize: Authorize, owner_key: Issued, name: str, scheme: str
) -> None:
    answer = authorize("", headers={"Host": "x", name: scheme + owner_key.text})

    assert answer["principalId"] == owner_key.key.key_id


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"X-Api-Key": "{key}"}, {"Authorization": "{key}"}])
def test_without_a_bearer_credential_nobody_is_let_in(
    authorize: Authorize, owner_key: Issued, headers: dict[str, str]
) -> None:
    sent = {name: value.format(key=owner_key.text) for name, value in headers.items()}

    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize("", headers=sent)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize("", headers={"Authorization": f"Basic {owner_key.text}"})


def test_a_key_with_anything_changed_is_refused(authorize: Authorize, owner_key: Issued) -> None:
    mode, rest = owner_key.text.split("_", 1)
    body, secret = rest.rsplit("_", 1)
    other = "0" if secret[-1] != "0" else "1"
    tenant, key = body.rsplit("_", 1)

    changed = [
        f"{mode}_{body}_{secret[:-1]}{other}",
        f"{mode}_{body}_{secret[:-1]}",
        f"{mode}_{body}_{secret.upper()}X",
        f"live_{body}_{secret}",
        f"{mode}_ten_2_{key}_{secret}",
        f"{mode}_ten_9_{key}_{secret}",
        f"{mode}_{tenant}_{key[:-1]}{'0' if key[-1] != '0' else '1'}_{secret}",
        f"{mode}_{tenant}_{secret}",
        owner_key.key.secret_hash,
        "live_",
        "x" * 20_000,
        "",
    ]

    assert all(refused(authorize, text) for text in changed)


def test_a_key_of_another_tenant_opens_that_tenant_only(authorize: Authorize, owner_key: Issued) -> None:
    theirs = open_shop("ten_3")

    assert list(json.loads(authorize(theirs.text)["context"]["tenants"])) == ["ten_3"]


def test_revocation_is_seen_by_the_very_next_request(authorize: Authorize, owner_key: Issued) -> None:
    owner = Caller(Tenant("ten_1", Mode.TEST), "key_0", Role.OWNER, MERCHANT_SCOPES)
    issued = run(lambda tx: use_cases.create_key(tx, owner, CreateKey("App", frozenset({"orders:read"}))))
    context = authorize(issued.text)["context"]
    assert (context["role"], context["scopes"]) == ("api_key", "orders:read")

    run(lambda tx: use_cases.revoke_key(tx, owner, issued.key.key_id))

    assert refused(authorize, issued.text)


def test_a_suspended_tenants_credentials_open_nothing(authorize: Authorize, owner_key: Issued) -> None:
    run(lambda tx: use_cases.set_tenant_status(tx, "ten_1", TenantStatus.SUSPENDED))

    assert refused(authorize, owner_key.text)


def test_one_call_to_the_table_finds_the_key_its_tenant_and_its_calls_and_one_counts_this_one(
    authorize: Authorize, owner_key: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = table_calls(monkeypatch)

    authorize(owner_key.text)

    assert [name for name, _ in calls] == ["BatchGetItem", "UpdateItem"]
    wanted = next(iter(calls[0][1]["RequestItems"].values()))
    assert (len(wanted["Keys"]), wanted["ConsistentRead"]) == (3, True)


def test_a_busy_table_is_no_verdict_on_the_credential(
    authorize: Authorize, owner_key: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> Any:
        raise Unavailable

    monkeypatch.setattr(Row, "batch_get", busy)

    with pytest.raises(Unavailable):
        authorize(owner_key.text)


def test_one_line_is_logged_and_it_holds_no_credential(
    authorize: Authorize, owner_key: Issued, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger._logger, "propagate", True)
    monkeypatch.setattr(logger._logger, "level", logging.INFO)
    with caplog.at_level(logging.INFO):
        authorize(owner_key.text)
        refused(authorize, owner_key.text[:-1] + "x")

    assert [record.getMessage() for record in caplog.records] == ["authorized", "refused"]
    assert owner_key.text[:-1] not in " ".join(str(vars(record)) for record in caplog.records)


def table_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    calls: list[tuple[str, Any]] = []
    original = Connection._make_api_call

    def counted(self: Any, operation: str, arguments: Any, *more: Any) -> Any:
        calls.append((operation, arguments))
        return original(self, operation, arguments, *more)

    monkeypatch.setattr(Connection, "_make_api_call", counted)
    return calls


# Tokens


@dataclass
class Issuer:
    """An identity provider: signs tokens, and publishes its keys at a real address."""

    keys: dict[str, rsa.RSAPrivateKey]
    published: list[str]
    url: str = ""
    fetches: int = 0
    answers: bytes | None = None  # instead of the keys
    extra: list[dict[str, Any]] = field(default_factory=list)

    def key_set(self) -> bytes:
        jwks = [
            json.loads(RSAAlgorithm.to_jwk(self.keys[kid].public_key())) | {"kid": kid, "use": "sig", "alg": "RS256"}
            for kid in self.published
        ]
        return json.dumps({"keys": jwks + self.extra}).encode()

    def sign(self, *, kid: str = "k1", signed_by: str | None = None, without: str = "", **claims: Any) -> str:
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "user_1",
            "exp": int(time()) + 600,
            "tenant": "ten_1",
            "role": "staff",
            "mode": "test",
            "scope": "products:read orders:read",
        } | claims
        payload.pop(without, None)
        return jwt.encode(payload, self.keys[signed_by or kid], algorithm="RS256", headers={"kid": kid})


@pytest.fixture(scope="module")
def private_keys() -> dict[str, rsa.RSAPrivateKey]:
    return {kid: rsa.generate_private_key(65537, 2048) for kid in ("k1", "k2")}


@pytest.fixture
def issuer(
    private_keys: dict[str, rsa.RSAPrivateKey], owner_key: Issued, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Issuer]:
    provider = Issuer(private_keys, published=["k1"])

    class Serve(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.fetches += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(provider.key_set() if provider.answers is None else provider.answers)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Serve)
    provider.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    monkeypatch.setenv("JWT_ISSUER", ISSUER)
    monkeypatch.setenv("JWT_AUDIENCE", AUDIENCE)
    monkeypatch.setenv("JWKS_URL", provider.url)
    tokens.client_of.cache_clear()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()


def test_staff_are_let_in_with_the_scopes_of_their_token_that_exist(authorize: Authorize, issuer: Issuer) -> None:
    context = authorize(issuer.sign(scope="products:read root cart my_orders"))["context"]

    assert (context["principal_id"], context["role"], context["mode"]) == ("user_1", "staff", "test")
    assert context["scopes"] == "products:read"
    assert list(json.loads(context["tenants"])) == ["ten_1"]


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": ""}, ""),
        ({"without": "scope"}, ""),
        ({"without": "scope", "scopes": ["orders:read", "orders:write", 7]}, "orders:read orders:write"),
        ({"without": "scope", "scopes": "orders:read"}, ""),
        ({"without": "scope", "role": "owner"}, ""),
        ({"role": "owner", "scope": "api_keys:write"}, "api_keys:write"),
    ],
)
def test_a_token_has_the_scopes_it_names_and_no_others(
    authorize: Authorize, issuer: Issuer, claims: dict[str, Any], scopes: str
) -> None:
    assert authorize(issuer.sign(**claims))["context"]["scopes"] == scopes


def test_a_customer_has_the_cart_and_their_orders_whatever_the_token_says(authorize: Authorize, issuer: Issuer) -> None:
    token = issuer.sign(role="customer", customer_id="cust_1", scope="orders:write api_keys:write")

    context = authorize(token)["context"]

    assert (context["role"], context["scopes"], context["customer_id"]) == (
        "customer",
        "cart gift_cards:read my_orders",
        "cust_1",
    )


def test_staff_with_a_customer_id_are_no_customer(authorize: Authorize, issuer: Issuer) -> None:
    assert "customer_id" not in authorize(issuer.sign(customer_id="cust_1"))["context"]


def test_without_a_mode_a_token_is_for_live_data(authorize: Authorize, issuer: Issuer) -> None:
    assert authorize(issuer.sign(without="mode"))["context"]["mode"] == "live"


def test_a_token_of_several_tenants_names_those_that_are_active(
    authorize: Authorize, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lambda tx: use_cases.set_tenant_status(tx, "ten_2", TenantStatus.SUSPENDED))
    open_shop("ten_3")
    token = issuer.sign(without="tenant", tenants=["ten_3", "ten_2", "ten_1", "ten_unknown"])
    calls = table_calls(monkeypatch)

    answer = authorize(token)

    assert json.loads(answer["context"]["tenants"]) == {"ten_3": {}, "ten_1": {}}
    assert [name for name, _ in calls] == ["BatchGetItem", "UpdateItem"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com/"},
        {"aud": "another-api"},
        {"exp": 1_700_000_000},
        {"nbf": 4_000_000_000},
        {"without": "iss"},
        {"without": "aud"},
        {"without": "exp"},
        {"without": "sub"},
        {"without": "role"},
        {"without": "tenant"},
        {"sub": ""},
        {"sub": "a#b"},
        {"role": "api_key"},
        {"role": "system"},
        {"role": "public"},
        {"role": "root"},
        {"role": ["staff"]},
        {"mode": "staging"},
        {"tenant": "ten_unknown"},
        {"tenant": "ten_1#KEYS"},
        {"tenant": 7},
        {"tenants": []},
        {"tenants": "ten_1"},
        {"tenants": ["ten_1", None]},
        {"tenants": [f"ten_{n}" for n in range(21)]},
        {"role": "customer"},
        {"role": "customer", "customer_id": "a#b"},
        {"role": "customer", "customer_id": 7},
        {"role": "customer", "customer_id": "cust_1", "tenants": ["ten_1", "ten_2"]},
    ],
)
def test_a_token_whose_claims_are_not_right_is_refused(
    authorize: Authorize, issuer: Issuer, claims: dict[str, Any]
) -> None:
    assert refused(authorize, issuer.sign(**claims))


def test_a_token_signed_by_somebody_else_is_refused(authorize: Authorize, issuer: Issuer) -> None:
    assert refused(authorize, issuer.sign(kid="k1", signed_by="k2"))


def test_a_token_with_its_payload_changed_is_refused(authorize: Authorize, issuer: Issuer) -> None:
    head, _, signature = issuer.sign().split(".")
    _, payload, _ = issuer.sign(role="owner", scope="api_keys:write").split(".")

    assert refused(authorize, f"{head}.{payload}.{signature}")


def test_only_one_algorithm_is_taken_whatever_the_token_asks_for(authorize: Authorize, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.sign(), options={"verify_signature": False})
    public = issuer.keys["k1"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    headers = {"kid": "k1"}

    forged = [
        forge("none", claims, b""),
        forge("none", claims, b"signature"),
        forge("HS256", claims, public),
        jwt.encode(claims, issuer.keys["k1"], algorithm="RS512", headers=headers),
        jwt.encode(claims, issuer.keys["k1"], algorithm="PS256", headers=headers),
    ]

    assert all(refused(authorize, token) for token in forged)


def forge(algorithm: str, claims: dict[str, Any], secret: bytes) -> str:
    """A token that PyJWT would refuse to make: unsigned, or signed with a public key taken for a shared secret."""

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    header = {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = secret if algorithm == "none" else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(signature)}"


def test_a_symmetric_key_among_the_issuers_is_never_used(authorize: Authorize, issuer: Issuer) -> None:
    issuer.extra = [{"kty": "oct", "kid": "sym", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXM", "alg": "HS256"}]

    assert refused(authorize, issuer.sign(kid="sym", signed_by="k1"))


@pytest.mark.parametrize("text", ["a.b.c", "eyJ.eyJ.x", "..", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30"])
def test_what_is_no_token_is_refused(authorize: Authorize, issuer: Issuer, text: str) -> None:
    assert refused(authorize, text)
    assert issuer.fetches == 0


def test_the_issuers_keys_are_fetched_once(authorize: Authorize, issuer: Issuer) -> None:
    for _ in range(3):
        authorize(issuer.sign())

    assert issuer.fetches == 1


def test_a_new_key_of_the_issuer_is_found_but_unknown_ones_do_not_make_us_ask_each_time(
    authorize: Authorize, issuer: Issuer
) -> None:
    authorize(issuer.sign())
    issuer.published = ["k1", "k2"]

    assert refused(authorize, issuer.sign(kid="k2"))  # within the half minute after the last fetch
    assert issuer.fetches == 1

    tokens.client_of(issuer.url)._last_successful_fetch = -1_000_000.0
    assert authorize(issuer.sign(kid="k2"))["principalId"] == "user_1"
    assert issuer.fetches == 2
    assert all(refused(authorize, issuer.sign(kid="k3", signed_by="k1")) for _ in range(3))
    assert issuer.fetches == 2


def test_a_token_without_a_key_id_is_refused(authorize: Authorize, issuer: Issuer) -> None:
    token = jwt.encode({"sub": "user_1"}, issuer.keys["k1"], algorithm="RS256")

    assert refused(authorize, token)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"keys":[]}'])
def test_an_issuer_that_does_not_answer_is_no_verdict_on_the_token(
    authorize: Authorize, issuer: Issuer, answer: bytes
) -> None:
    issuer.answers = answer

    with pytest.raises(Unavailable):
        authorize(issuer.sign())

    issuer.answers = None
    assert authorize(issuer.sign())["principalId"] == "user_1"


def test_an_issuer_that_cannot_be_reached_is_no_verdict_on_the_token(
    authorize: Authorize, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWKS_URL", "http://127.0.0.1:9/jwks.json")

    with pytest.raises(Unavailable):
        authorize(issuer.sign())


def test_without_an_issuer_no_token_is_taken(
    authorize: Authorize, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_ISSUER", "")

    assert refused(authorize, issuer.sign())
    assert refused(authorize, issuer.sign(iss=""))
    assert issuer.fetches == 0


def test_an_api_key_needs_neither_the_token_library_nor_the_http_factory() -> None:
    script = (
        "import sys; sys.path[:0] = ['layers/common', 'functions/authorizer']; import authorize_request;"
        "print([name for name in ('jwt', 'cryptography', 'pydantic', 'commerce.http.api') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
