"""AU-01, AU-02, AU-04, AU-05, AUTH-03: who may sign in, as whom, and what is refused on the way."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commerce.access import tokens
from commerce.access import use_cases as access
from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateTenant
from commerce.customers import store as customers
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role, Tenant
from commerce.kernel.errors import CommerceError, Conflict, Invalid, NotFound
from commerce.oauth import use_cases
from commerce.oauth.model import ClientKind
from commerce.oauth.use_cases import RegisterClient
from commerce.observability import logger
from commerce.table.transaction import Transaction, run
from tests.shop import Answered, Call, handler
from tests.user_pool import ISSUER, Person, UserPool, serve

CALLBACK = "https://shop.example/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SECRET = "integration-secret+/="
STAFF = Person("0a1b2c3d-0000-4000-8000-00000000000a", "sam@example.com", True, "Sam", "Staff")
SHOPS = {"ten_1": Tenant("ten_1", Mode.TEST), "ten_2": Tenant("ten_2", Mode.TEST)}


@dataclass
class World:
    """A shop with its three clients for test data, and a storefront for live data; a second shop with a storefront."""

    call: Call
    pool: UserPool

    def authorize(self, **asked: str) -> Answered:
        good = {
            "response_type": "code",
            "client_id": "storefront1",
            "redirect_uri": CALLBACK,
            "state": "xyz",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return self.call("oauth/access/authorize", query={k: v for k, v in {**good, **asked}.items() if v != "-"})

    def token(self, *, basic: tuple[str, str] | None = None, **form: str) -> Answered:
        return self._post("oauth/access/issue_token", urlencode(form), basic)

    def revoke(self, *, basic: tuple[str, str] | None = None, **form: str) -> Answered:
        return self._post("oauth/access/revoke_token", urlencode(form), basic)

    def post(self, body: str, content_type: str = "application/x-www-form-urlencoded") -> Answered:
        return self.call("oauth/access/issue_token", body=body, headers={"content-type": content_type})

    def _post(self, path: str, body: str, basic: tuple[str, str] | None) -> Answered:
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        if basic is not None:
            headers["authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        return self.call(path, body=body, headers=headers)

    def exchange(self, client_id: str = "storefront1", **form: str) -> Answered:
        good: dict[str, Any] = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.token(**{k: v for k, v in {**good, **form}.items() if v != "-"})

    def sign_in(self, client_id: str = "storefront1", person: Person | None = None, scope: str = "") -> Answered:
        """Exchange the code that the sign-in page gave for ``scope``, in the pool's words."""
        asked = scope or (
            "openid email till/cart till/my_orders" if "store" in client_id else "openid till/orders:read"
        )
        code = self.pool.code(client_id, CALLBACK, VERIFIER, scope=asked, person=person)
        return self.exchange(client_id, code=code)

    def authorizer(self, token: str) -> dict[str, Any]:
        event = {
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/cart",
            "headers": {"Authorization": f"Bearer {token}"},
            "requestContext": {"requestId": "r", "identity": {"sourceIp": "203.0.113.7"}},
        }
        context: dict[str, Any] = handler("authorizer/authorize_request").handler(event, None)["context"]
        return context

    def refuses(self, token: str) -> bool:
        with pytest.raises(Exception) as error:
            self.authorizer(token)
        return str(error.value) == "Unauthorized"

    def customer_id(self, email: str = "jane@example.com", tenant: Tenant = SHOPS["ten_1"]) -> str | None:
        return customers.find_email(tenant, email)


@pytest.fixture
def world(call: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with serve() as pool:
        monkeypatch.setenv("USER_POOL_ISSUER", ISSUER)
        monkeypatch.setenv("USER_POOL_JWKS_URL", f"{pool.url}/jwks.json")
        monkeypatch.setenv("SIGN_IN_URL", pool.url)
        tokens.client_of.cache_clear()
        for tenant_id in SHOPS:
            open_shop(tenant_id)
        register("storefront1", ClientKind.STOREFRONT)
        register("storefrontLive", ClientKind.STOREFRONT, mode=Mode.LIVE)
        register("storefront2", ClientKind.STOREFRONT, tenant_id="ten_2")
        register("backoffice1", ClientKind.BACK_OFFICE)
        register("integration1", ClientKind.INTEGRATION)
        pool.secrets["integration1"] = SECRET
        run(lambda tx: use_cases.add_member(tx, "ten_1", STAFF.sub, Role.STAFF, frozenset({"orders:read"})))
        yield World(call, pool)


def open_shop(tenant_id: str) -> None:
    opened = CreateTenant(tenant_id, "Shop", "USD", "UTC", "US", ("wh_001",), Mode.TEST)
    run(lambda tx: access.create_tenant(tx, opened))


def register(client_id: str, kind: ClientKind, tenant_id: str = "ten_1", mode: Mode = Mode.TEST) -> None:
    scopes = CUSTOMER_SCOPES if kind is ClientKind.STOREFRONT else MERCHANT_SCOPES - {"api_keys:write"}
    urls = () if kind is ClientKind.INTEGRATION else (CALLBACK, "https://shop.example/other?x=1")
    run(lambda tx: use_cases.register_client(tx, RegisterClient(client_id, kind, tenant_id, mode, scopes, urls)))


def told(answered: Answered) -> dict[str, str]:
    """The parameters that a redirection carries."""
    return dict(parse_qsl(urlsplit(answered.headers["Location"]).query))


def refusal(answered: Answered) -> tuple[int, str]:
    assert set(answered.body) == {"error", "error_description"}, answered.text
    assert answered.headers["Cache-Control"] == "no-store"
    return answered.status, answered.body["error"]


def test_an_address_that_asks_too_often_rests(world: World) -> None:
    asked = [world.token(grant_type="refresh_token", client_id="nobody").status for _ in range(241)]

    assert asked.index(429) >= 120
    answered = world.revoke(client_id="storefront1", token="x")
    assert refusal(answered) == (429, "temporarily_unavailable")
    assert int(answered.headers["Retry-After"]) > 0


# GET /oauth/authorize


def test_a_good_request_goes_on_to_the_sign_in_page_in_the_pools_own_words(world: World) -> None:
    answered = world.authorize(scope="cart", nonce="n-1", login_hint="ignored")

    assert answered.status == 302
    assert answered.headers["Location"].startswith(f"{world.pool.url}/oauth2/authorize?")
    assert told(answered) == {
        "response_type": "code",
        "client_id": "storefront1",
        "redirect_uri": CALLBACK,
        "scope": "email openid profile till/cart",
        "state": "xyz",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    assert (answered.headers["Cache-Control"], answered.text) == ("no-store", "")


def test_without_a_scope_a_client_asks_for_all_that_it_has(world: World) -> None:
    assert told(world.authorize())["scope"] == "email openid profile till/cart till/gift_cards:read till/my_orders"


def test_a_storefront_can_send_people_right_to_where_they_sign_up(world: World) -> None:
    assert world.authorize(prompt="create").headers["Location"].startswith(f"{world.pool.url}/signup?")


@pytest.mark.parametrize(
    "uri",
    [
        "-",
        "https://shop.example/callback/",
        "https://shop.example/callback?x=1",
        "https://shop.example/callback#f",
        "https://shop.example/Callback",
        "https://SHOP.example/callback",
        "http://shop.example/callback",
        "https://shop.example/callback/../evil",
        "https://shop.example/callbackevil",
        "https://shop.example",
        "https://shop.example@evil.example/callback",
        "https://shop.example.evil.example/callback",
        "//evil.example/callback",
        "https://shop.example/other",
        "https://shop.example/other?x=2",
        "javascript:alert(1)",
        " https://shop.example/callback",
        "https://shop.example/callback\r\nX-Evil: 1",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_exactly_registered(world: World, uri: str) -> None:
    answered = world.authorize(redirect_uri=uri, response_type="token")

    assert refusal(answered) == (400, "invalid_request")
    assert "Location" not in answered.headers


@pytest.mark.parametrize("client_id", ["-", "nobody", "integration1", "x#y", "../storefront1", "s" * 200])
def test_an_unknown_client_and_a_machine_are_sent_nowhere(world: World, client_id: str) -> None:
    answered = world.authorize(client_id=client_id)

    assert refusal(answered) == (400, "invalid_request")
    assert "Location" not in answered.headers


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "-"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"code_challenge": "-"}, "invalid_request"),
        ({"code_challenge_method": "-"}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "cart orders:write"}, "invalid_scope"),
        ({"scope": "till/cart"}, "invalid_scope"),
        ({"scope": "aws.cognito.signin.user.admin"}, "invalid_scope"),
    ],
)
def test_any_other_error_travels_back_with_the_state(world: World, asked: dict[str, str], error: str) -> None:
    answered = world.authorize(**asked)

    assert answered.status == 302
    assert answered.headers["Location"].startswith(f"{CALLBACK}?")
    assert (told(answered)["error"], told(answered)["state"]) == (error, "xyz")


def test_an_error_is_added_to_the_query_that_an_address_has_already(world: World) -> None:
    answered = world.authorize(redirect_uri="https://shop.example/other?x=1", response_type="token", state="a&b=c d")

    assert told(answered) == {
        "x": "1",
        "error": "unsupported_response_type",
        "error_description": "Only response_type=code",
        "state": "a&b=c d",
    }


def test_a_state_that_cannot_be_one_does_not_come_back(world: World) -> None:
    answered = world.authorize(state="x\r\nSet-Cookie: y")

    assert told(answered)["error"] == "invalid_request"
    assert "state" not in told(answered)


# POST /oauth/token: authorization codes


def test_the_first_sign_in_makes_the_customer(world: World) -> None:
    answered = world.sign_in()

    assert answered.status == 200, answered.text
    assert answered.headers["Cache-Control"] == "no-store"
    assert answered.headers["Pragma"] == "no-cache"
    body = answered.body
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"] == "cart email my_orders openid"
    assert body["refresh_token"]
    assert body["id_token"]
    found = customers.find(SHOPS["ten_1"], world.customer_id() or "")
    assert found is not None
    assert (found.email, found.first_name, found.last_name) == ("jane@example.com", "Jane", "Doe")
    assert world.authorizer(body["access_token"])["customer_id"] == found.customer_id


def test_the_second_sign_in_finds_the_same_customer_even_under_another_address(world: World) -> None:
    world.sign_in()
    first = world.customer_id()

    again = world.sign_in(person=Person(email="jane.new@example.com", email_verified=False))

    assert again.status == 200
    assert world.authorizer(again.body["access_token"])["customer_id"] == first
    assert world.customer_id("jane.new@example.com") is None


def test_a_customer_whom_the_merchant_entered_is_found_by_the_verified_address(world: World) -> None:
    body = {"email": "Jane@Example.com", "first_name": "J", "last_name": "D"}
    made = world.call("v2/customers/create_customer", body=body).body["id"]

    answered = world.sign_in()

    assert world.authorizer(answered.body["access_token"])["customer_id"] == made


@pytest.mark.parametrize("verified", [False, "false", None, 1, ""])
def test_an_address_that_is_not_verified_makes_and_finds_nobody(world: World, verified: Any) -> None:
    answered = world.sign_in(person=Person(email_verified=verified))

    assert refusal(answered) == (400, "access_denied")
    assert world.customer_id() is None
    assert len(world.pool.revoked) == 1  # nothing is left open at the pool either


def test_a_person_is_another_customer_in_another_shop_and_in_the_other_mode(world: World) -> None:
    answers = [world.sign_in(client) for client in ("storefront1", "storefrontLive", "storefront2")]

    contexts = [world.authorizer(each.body["access_token"]) for each in answers]
    assert len({each["customer_id"] for each in contexts}) == 3
    assert [(list(json.loads(each["tenants"])), each["mode"]) for each in contexts] == [
        (["ten_1"], "test"),
        (["ten_1"], "live"),
        (["ten_2"], "test"),
    ]


def test_two_first_sign_ins_at_once_make_one_customer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = customers.find_email, list[str]()

    def not_yet(tenant: Tenant, email: str) -> str | None:
        """As it was before the other sign-in, which commits right after this."""
        asked.append(email)
        if len(asked) > 1:
            return found(tenant, email)
        other = Person("0a1b2c3d-0000-4000-8000-0000000000ff")
        assert world.sign_in(person=other).status == 200
        return None

    monkeypatch.setattr(customers, "find_email", not_yet)

    answered = world.sign_in()

    assert answered.status == 200, answered.text
    assert world.authorizer(answered.body["access_token"])["customer_id"] == world.customer_id()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True])
def test_who_dies_at_the_first_sign_in_signs_in_again(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    commit = Transaction.commit

    def die(tx: Transaction) -> None:
        if after:
            commit(tx)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "commit", die)
        with pytest.raises(Killed):
            world.sign_in()
    assert (world.customer_id() is not None) == after

    answered = world.sign_in()

    assert world.authorizer(answered.body["access_token"])["customer_id"] == world.customer_id()


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"code": "-"}, 400, "invalid_request"),
        ({"code_verifier": "-"}, 400, "invalid_request"),
        ({"code_verifier": "short"}, 400, "invalid_request"),
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"redirect_uri": "-"}, 400, "invalid_grant"),
        ({"redirect_uri": f"{CALLBACK}/"}, 400, "invalid_grant"),
        ({"redirect_uri": "https://shop.example/other?x=1"}, 400, "invalid_grant"),
        ({"code": "guessed"}, 400, "invalid_grant"),
        ({"grant_type": "-"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"client_id": "-"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "storefront2"}, 400, "invalid_grant"),
        ({"client_id": "integration1"}, 401, "invalid_client"),
        ({"client_secret": "a public client has none"}, 401, "invalid_client"),
    ],
)
def test_a_code_with_anything_wrong_gives_no_tokens(
    world: World, form: dict[str, str], status: int, error: str
) -> None:
    code = world.pool.code("storefront1", CALLBACK, VERIFIER, scope="openid till/cart")

    assert refusal(world.exchange(**{"code": code, **form})) == (status, error)
    assert world.customer_id() is None


def test_a_code_is_good_once(world: World) -> None:
    code = world.pool.code("storefront1", CALLBACK, VERIFIER, scope="openid till/cart")

    assert world.exchange(code=code).status == 200
    assert refusal(world.exchange(code=code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"},
        {"exp": 1},
        {"sub": "x#y"},
        {"client_id": "storefront2"},
        {"aud": "storefront2"},
        {"token_use": "refresh"},
    ],
)
def test_tokens_that_are_not_what_was_asked_for_are_not_handed_on(world: World, wrong: dict[str, Any]) -> None:
    world.pool.issued_wrong = wrong

    assert refusal(world.sign_in()) == (400, "access_denied")
    assert world.customer_id() is None


def test_only_the_shops_staff_sign_in_to_the_back_office(world: World) -> None:
    stranger, member = world.sign_in("backoffice1"), world.sign_in("backoffice1", STAFF)

    assert refusal(stranger) == (400, "access_denied")
    assert len(world.pool.revoked) == 1
    assert member.status == 200
    context = world.authorizer(member.body["access_token"])
    assert (context["role"], context["principal_id"], context["scopes"]) == ("staff", STAFF.sub, "orders:read")
    assert "customer_id" not in context


def test_nobody_signs_in_to_a_suspended_shop(world: World) -> None:
    open_session = world.sign_in().body
    run(lambda tx: access.set_tenant_status(tx, "ten_1", TenantStatus.SUSPENDED))

    assert refusal(world.sign_in()) == (400, "access_denied")
    refreshed = world.token(
        grant_type="refresh_token", client_id="storefront1", refresh_token=open_session["refresh_token"]
    )
    assert refusal(refreshed) == (400, "access_denied")
    assert refusal(world.token(basic=("integration1", SECRET), grant_type="client_credentials"))[1] == "access_denied"
    assert world.refuses(open_session["access_token"])


@pytest.mark.parametrize("broken", [(500, b"oops"), (200, b"{}"), (200, b"not json"), (400, b"<html>"), (302, b"")])
def test_a_pool_that_does_not_answer_as_documented_is_a_fault_that_passes(
    world: World, broken: tuple[int, bytes]
) -> None:
    code = world.pool.code("storefront1", CALLBACK, VERIFIER)
    world.pool.broken = broken

    answered = world.exchange(code=code)

    assert refusal(answered) == (503, "server_error")
    assert int(answered.headers["Retry-After"]) > 0


def test_a_pool_that_is_away_is_a_fault_that_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_IN_URL", "http://127.0.0.1:9")

    assert refusal(world.exchange(code="x")) == (503, "server_error")


def test_a_body_that_is_no_form_is_refused(world: World) -> None:
    repeated = world.post("grant_type=authorization_code&grant_type=refresh_token&client_id=storefront1")
    as_json = world.post('{"grant_type": "authorization_code"}', "application/json")
    not_text = world.post("grant_type=%ff%fe&client_id=storefront1")

    assert [refusal(each)[0] for each in (repeated, as_json, not_text)] == [400, 400, 400]
    assert "grant_type" in repeated.body["error_description"]


# POST /oauth/token: refresh tokens


def refresh(world: World, token: str, client_id: str = "storefront1") -> Answered:
    return world.token(grant_type="refresh_token", client_id=client_id, refresh_token=token)


def test_a_refresh_token_gives_the_next_one(world: World) -> None:
    first = world.sign_in().body

    second = refresh(world, first["refresh_token"])

    assert second.status == 200
    assert second.body["refresh_token"] != first["refresh_token"]
    assert "id_token" not in second.body
    assert world.authorizer(second.body["access_token"])["customer_id"] == world.customer_id()
    assert refresh(world, second.body["refresh_token"]).status == 200


def test_a_client_whose_answer_got_lost_may_ask_again_at_once(world: World) -> None:
    first = world.sign_in().body
    refresh(world, first["refresh_token"])

    assert refresh(world, first["refresh_token"]).status == 200


def test_using_a_replaced_refresh_token_ends_the_sign_in_for_everybody(world: World) -> None:
    first, bystander = world.sign_in().body, world.sign_in().body
    second = refresh(world, first["refresh_token"]).body
    later = clock.now() + timedelta(seconds=11)

    with clock.use(lambda: later):
        assert refusal(refresh(world, first["refresh_token"])) == (400, "invalid_grant")
        assert refusal(refresh(world, second["refresh_token"])) == (400, "invalid_grant")
    assert world.refuses(first["access_token"])
    assert world.refuses(second["access_token"])
    assert world.authorizer(bystander["access_token"])


def test_where_the_pool_does_not_rotate_the_token_stays_good(world: World) -> None:
    world.pool.rotates = False
    first = world.sign_in().body
    refresh(world, first["refresh_token"])
    later = clock.now() + timedelta(hours=2)

    with clock.use(lambda: later):
        answered = refresh(world, first["refresh_token"])

    assert answered.status == 200
    assert "refresh_token" not in answered.body


@pytest.mark.parametrize("token", ["", "guessed", "x" * 9000])
def test_a_refresh_token_that_we_never_issued_does_not_reach_the_pool(world: World, token: str) -> None:
    assert refresh(world, token).status == 400
    assert world.pool.calls == []


def test_a_refresh_token_of_another_client_is_no_good(world: World) -> None:
    issued = world.sign_in().body

    for client_id in ("storefront2", "storefrontLive", "backoffice1"):
        assert refusal(refresh(world, issued["refresh_token"], client_id)) == (400, "invalid_grant")
    assert refresh(world, issued["refresh_token"]).status == 200


# POST /oauth/token: client credentials


@pytest.mark.parametrize("in_body", [True, False])
def test_a_program_gets_a_token_for_what_it_asks(world: World, in_body: bool) -> None:
    grant: dict[str, Any] = {"grant_type": "client_credentials", "scope": "orders:read products:read"}
    if in_body:
        answered = world.token(**grant, client_id="integration1", client_secret=SECRET)
    else:
        answered = world.token(**grant, basic=("integration1", "integration-secret%2B%2F%3D"))

    assert answered.status == 200, answered.text
    assert {"refresh_token", "id_token"} & answered.body.keys() == set()
    assert answered.body["scope"] == "orders:read products:read"
    context = world.authorizer(answered.body["access_token"])
    assert (context["role"], context["principal_id"]) == ("api_key", "integration1")
    assert (context["scopes"], context["mode"]) == ("orders:read products:read", "test")


@pytest.mark.parametrize(
    ("form", "basic", "status", "error"),
    [
        ({}, ("integration1", "wrong"), 401, "invalid_client"),
        ({}, ("integration1", ""), 401, "invalid_client"),
        ({"client_id": "integration1"}, None, 401, "invalid_client"),
        ({"client_id": "storefront1"}, None, 400, "unauthorized_client"),
        ({"client_id": "other"}, ("integration1", SECRET), 400, "invalid_request"),
        ({"client_secret": SECRET}, ("integration1", SECRET), 400, "invalid_request"),
        ({"scope": "orders:read api_keys:write"}, ("integration1", SECRET), 400, "invalid_scope"),
        ({"scope": "cart"}, ("integration1", SECRET), 400, "invalid_scope"),
        ({"scope": "openid"}, ("integration1", SECRET), 400, "invalid_scope"),
    ],
)
def test_a_program_without_its_secret_or_scope_gets_nothing(
    world: World, form: dict[str, str], basic: tuple[str, str] | None, status: int, error: str
) -> None:
    answered = world.token(basic=basic, grant_type="client_credentials", **form)

    assert refusal(answered) == (status, error)
    assert answered.headers.get("WWW-Authenticate") == ('Basic realm="till"' if status == 401 else None)


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"no-colon").decode()]
)
def test_an_authorization_header_that_names_no_client_is_refused(world: World, header: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "authorization": header}

    answered = world.call("oauth/access/issue_token", body="grant_type=client_credentials", headers=headers)

    assert refusal(answered) == (401, "invalid_client")


# POST /oauth/revoke


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_a_revoked_sign_in_is_over_at_once(world: World, which: str) -> None:
    issued, other = world.sign_in().body, world.sign_in().body
    assert world.authorizer(issued["access_token"])

    answered = world.revoke(client_id="storefront1", token=issued[which], token_type_hint="whatever")

    assert (answered.status, answered.text) == (200, "")
    assert world.refuses(issued["access_token"])
    assert refusal(refresh(world, issued["refresh_token"])) == (400, "invalid_grant")
    assert world.authorizer(other["access_token"])
    assert world.revoke(client_id="storefront1", token=issued[which]).status == 200


def test_a_program_ends_its_own_token(world: World) -> None:
    basic = ("integration1", "integration-secret%2B%2F%3D")
    issued = world.token(grant_type="client_credentials", basic=basic).body["access_token"]
    assert world.authorizer(issued)

    assert refusal(world.revoke(token=issued, basic=("integration1", "wrong"))) == (401, "invalid_client")
    assert world.authorizer(issued)
    assert world.revoke(token=issued, basic=basic).status == 200
    assert world.refuses(issued)


@pytest.mark.parametrize("token", ["unknown", "a.b.c"])
def test_an_unknown_token_is_ended_already(world: World, token: str) -> None:
    assert world.revoke(client_id="storefront1", token=token).status == 200


def test_nobody_ends_another_clients_sign_in(world: World) -> None:
    issued = world.sign_in().body

    world.revoke(client_id="storefront2", token=issued["access_token"])
    world.revoke(client_id="storefront2", token=issued["refresh_token"])
    assert refusal(world.revoke(client_id="backoffice1", token=issued["refresh_token"])) == (400, "invalid_grant")
    assert refusal(world.revoke(client_id="nobody", token=issued["refresh_token"])) == (401, "invalid_client")
    assert refusal(world.revoke(client_id="storefront1")) == (400, "invalid_request")

    assert world.authorizer(issued["access_token"])
    assert refresh(world, issued["refresh_token"]).status == 200


# Whose token it is


def test_a_token_opens_no_more_than_token_client_and_person_may(world: World) -> None:
    everything = " ".join(f"till/{scope}" for scope in MERCHANT_SCOPES | CUSTOMER_SCOPES) + " other/orders:write admin"

    as_staff = world.authorizer(world.pool.access_token("backoffice1", STAFF.sub, everything))
    as_program = world.authorizer(world.pool.access_token("integration1", "integration1", everything))
    world.sign_in()
    as_customer = world.authorizer(world.pool.access_token("storefront1", Person().sub, everything))
    asked_less = world.authorizer(world.pool.access_token("storefront1", Person().sub, "till/cart openid"))

    assert as_staff["scopes"] == "orders:read"
    assert set(as_program["scopes"].split()) == MERCHANT_SCOPES - {"api_keys:write"}
    assert set(as_customer["scopes"].split()) == CUSTOMER_SCOPES
    assert asked_less["scopes"] == "cart"


def test_an_owner_may_all_that_the_token_was_asked_for(world: World) -> None:
    run(lambda tx: use_cases.add_member(tx, "ten_1", STAFF.sub, Role.OWNER, frozenset()))

    context = world.authorizer(
        world.pool.access_token("backoffice1", STAFF.sub, "till/orders:write till/products:read")
    )

    assert (context["role"], context["scopes"]) == ("owner", "orders:write products:read")


def test_who_left_the_staff_is_out_with_the_next_request(world: World) -> None:
    token = world.pool.access_token("backoffice1", STAFF.sub, "till/orders:read")
    assert world.authorizer(token)

    run(lambda tx: use_cases.remove_member(tx, "ten_1", STAFF.sub))

    assert world.refuses(token)


@pytest.mark.parametrize(
    ("client_id", "sub"),
    [
        ("nobody", STAFF.sub),
        ("storefront1", STAFF.sub),
        ("storefront2", Person().sub),
        ("storefrontLive", Person().sub),
        ("backoffice1", Person().sub),
        ("integration1", STAFF.sub),
        ("backoffice1", "x#y"),
    ],
)
def test_a_token_of_the_pool_is_good_only_where_its_person_is_known(world: World, client_id: str, sub: str) -> None:
    world.sign_in()

    assert world.refuses(world.pool.access_token(client_id, sub, "till/cart till/orders:read"))


def unsigned(claims: dict[str, Any], header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part(header) + b"." + part(claims)
    return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


def test_a_forged_token_is_refused(world: World) -> None:
    good = {
        "iss": ISSUER,
        "sub": STAFF.sub,
        "client_id": "backoffice1",
        "token_use": "access",
        "scope": "till/orders:read",
        "exp": int(time()) + 3600,
        "origin_jti": "grant-1",
    }
    assert world.authorizer(world.pool.sign(good))
    public = world.pool.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    other = UserPool()

    def hs256(text: bytes) -> bytes:
        return hmac.new(public, text, hashlib.sha256).digest()

    forged = {
        "another key": other.sign(good),
        "unknown key id": world.pool.sign(good, kid="pool-2"),
        "alg none": unsigned(good, {"alg": "none", "kid": "pool-1"}, lambda _: b"x"),
        "HS256 with the public key": unsigned(good, {"alg": "HS256", "kid": "pool-1"}, hs256),
        "expired": world.pool.sign({**good, "exp": int(time()) - 60}),
        "no expiry": world.pool.sign(good, without="exp"),
        "an ID token": world.pool.sign({**good, "token_use": "id", "aud": "backoffice1"}),
        "no use": world.pool.sign(good, without="token_use"),
        "no client": world.pool.sign(good, without="client_id"),
        "no subject": world.pool.sign(good, without="sub"),
        "another pool": world.pool.sign({**good, "iss": ISSUER.replace("_Pool", "_Other")}),
        "the pool with a slash": world.pool.sign({**good, "iss": ISSUER + "/"}),
        "no issuer": world.pool.sign(good, without="iss"),
    }

    assert {name for name, token in forged.items() if not world.refuses(token)} == set()


def test_the_pool_does_not_answer_for_the_other_issuer_nor_it_for_the_pool(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = UserPool()
    with serve() as elsewhere:
        elsewhere.key = other.key
        monkeypatch.setenv("JWT_ISSUER", "https://login.example.com/")
        monkeypatch.setenv("JWT_AUDIENCE", "till")
        monkeypatch.setenv("JWKS_URL", f"{elsewhere.url}/jwks.json")
        theirs = {"iss": "https://login.example.com/", "aud": "till", "sub": "user_1", "tenant": "ten_1"}
        theirs |= {"role": "staff", "scope": "orders:read", "mode": "test"}
        ours = {"sub": STAFF.sub, "client_id": "backoffice1", "token_use": "access", "scope": "till/orders:read"}

        assert world.authorizer(other.sign(theirs))["role"] == "staff"
        assert world.authorizer(world.pool.sign(ours))["role"] == "staff"
        assert world.refuses(world.pool.sign(theirs))
        assert world.refuses(other.sign(ours))


def test_without_a_pool_nothing_signs_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.pool.access_token("backoffice1", STAFF.sub, "till/orders:read")
    monkeypatch.setenv("USER_POOL_ISSUER", "")
    monkeypatch.setenv("SIGN_IN_URL", "")

    assert world.refuses(token)
    assert refusal(world.authorize()) == (503, "server_error")


# Registering


def test_registering_a_client_again_follows_what_changed(world: World) -> None:
    for _ in range(2):
        command = RegisterClient(
            "storefront1", ClientKind.STOREFRONT, "ten_1", Mode.TEST, CUSTOMER_SCOPES, ("https://new.example/cb",)
        )
        run(lambda tx, command=command: use_cases.register_client(tx, command))  # type: ignore[misc]

    assert world.authorize().status == 400
    assert world.authorize(redirect_uri="https://new.example/cb").status == 302


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tenant_id": "ten_2"}, Conflict),
        ({"mode": Mode.LIVE}, Conflict),
        ({"kind": ClientKind.BACK_OFFICE, "scopes": MERCHANT_SCOPES}, Conflict),
        ({"tenant_id": "ten_9"}, NotFound),
        ({"client_id": "a#b"}, Invalid),
        ({"client_id": "new1", "redirect_uris": ()}, Invalid),
        ({"client_id": "new1", "redirect_uris": ("https://shop.example/#x",)}, Invalid),
        ({"client_id": "new1", "scopes": MERCHANT_SCOPES - CUSTOMER_SCOPES}, Invalid),
        ({"client_id": "new1", "kind": ClientKind.INTEGRATION, "scopes": MERCHANT_SCOPES}, Invalid),
    ],
)
def test_a_client_never_changes_sides(world: World, changes: dict[str, Any], error: type[CommerceError]) -> None:
    good: dict[str, Any] = {
        "client_id": "storefront1",
        "kind": ClientKind.STOREFRONT,
        "tenant_id": "ten_1",
        "mode": Mode.TEST,
        "scopes": CUSTOMER_SCOPES,
        "redirect_uris": (CALLBACK,),
    }

    with pytest.raises(error):
        run(lambda tx: use_cases.register_client(tx, RegisterClient(**good | changes)))


@pytest.mark.parametrize(
    ("tenant_id", "subject", "role", "scopes", "error"),
    [
        ("ten_9", STAFF.sub, Role.STAFF, {"orders:read"}, NotFound),
        ("ten_1", "x#y", Role.STAFF, {"orders:read"}, Invalid),
        ("ten_1", STAFF.sub, Role.CUSTOMER, {"orders:read"}, Invalid),
        ("ten_1", STAFF.sub, Role.STAFF, {"cart"}, Invalid),
        ("ten_1", STAFF.sub, Role.STAFF, set(), Invalid),
    ],
)
def test_nobody_joins_the_staff_as_what_cannot_be(
    world: World, tenant_id: str, subject: str, role: Role, scopes: set[str], error: type[CommerceError]
) -> None:
    with pytest.raises(error):
        run(lambda tx: use_cases.add_member(tx, tenant_id, subject, role, frozenset(scopes)))


def test_who_is_not_on_the_staff_cannot_leave_it(world: World) -> None:
    with pytest.raises(Conflict):
        run(lambda tx: use_cases.remove_member(tx, "ten_1", Person().sub))


# Secrets


def test_no_code_token_or_secret_is_logged_or_stored(
    world: World, table: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger._logger, "propagate", True)
    monkeypatch.setattr(logger._logger, "level", logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        code = world.pool.code("storefront1", CALLBACK, VERIFIER, scope="openid till/cart")
        issued = world.exchange(code=code).body
        renewed = refresh(world, issued["refresh_token"]).body
        world.token(basic=("integration1", "integration-secret%2B%2F%3D"), grant_type="client_credentials")
        world.token(basic=("integration1", "wrong-secret"), grant_type="client_credentials")
        world.sign_in(person=Person("0a1b2c3d-0000-4000-8000-0000000000ee", "x@example.com", False))
        world.authorize(state="state-canary")
        world.revoke(client_id="storefront1", token=renewed["refresh_token"])

    assert {"answered", "refused", "sign_in_denied"} <= {record.getMessage() for record in caplog.records}
    written = " ".join(str(vars(record)) for record in caplog.records)
    kept = json.dumps(table.scan()["Items"], default=str)
    secret = [code, VERIFIER, SECRET, "wrong-secret", "state-canary", "x@example.com", renewed["refresh_token"]]
    for text in (*secret, *(issued[name] for name in ("access_token", "id_token", "refresh_token"))):
        assert text not in written
        assert text not in kept
