"""AU-01, AU-02, AU-04, AU-05 on the deployed stack, driven by Authlib: people sign up and in, machines get tokens.

The browser is httpx: it follows the redirections, fills in the forms of the pages as they come, and stops where the
page of another program would begin.
"""

import json
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]

from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES
from local.sign_in import GRACE_SECONDS, VERIFICATION_CODE
from local.stack.deployment import client
from local.stack.settings import ROOT, aws_environment, child_environment
from local.stack.shop import call
from tests.integration.conftest import Running


@dataclass
class Browser:
    """Somebody in front of the sign-in page."""

    callback: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))

    def open(self, url: str) -> httpx.Response:
        return self._follow(self.http.get(url))

    def submit(self, page: httpx.Response, **filled: str) -> httpx.Response:
        """Fill in the page's form, its hidden fields included, and send it."""
        form = re.search(r"<form(?P<tag>[^>]*)>(?P<body>.*?)</form>", page.text, re.DOTALL)
        assert form is not None, page.text
        action = re.search(r'action="([^"]*)"', form["tag"])
        fields = {
            unescape(name[1]): unescape(value[1]) if (value := re.search(r'value="([^"]*)"', tag)) else ""
            for tag in re.findall(r"<input[^>]*>", form["body"])
            if (name := re.search(r'name="([^"]*)"', tag))
        }
        assert filled.keys() <= fields.keys()
        target = urljoin(str(page.url), unescape(action[1]) if action else "")
        return self._follow(self.http.post(target, data={**fields, **filled}))

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect and not self.is_back(answer):
            answer = self.http.get(urljoin(str(answer.url), answer.headers["location"]))
        return answer

    def is_back(self, answer: httpx.Response) -> bool:
        return answer.is_redirect and answer.headers["location"].partition("?")[0] == self.callback


@dataclass
class App:
    """A storefront or a back office: a public client of the shop's ``/oauth``."""

    stack: Running
    client_id: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def callback(self) -> str:
        return self.stack.settings.callback_url

    def session(self, **token: Any) -> Any:
        return OAuth2Client(
            self.client_id,
            token_endpoint_auth_method="none",
            code_challenge_method="S256",
            redirect_uri=self.callback,
            token_endpoint=f"{self.stack.url}/oauth/token",
            revocation_endpoint_auth_method="none",
            timeout=60,
            trust_env=False,
            **token,
        )

    def begin(self, session: Any, **more: str) -> tuple[str, str]:
        """The address that the browser opens, and its state."""
        url, state = session.create_authorization_url(
            f"{self.stack.url}/oauth/authorize", code_verifier=self.verifier, **more
        )
        return url, state

    def finish(self, session: Any, back: httpx.Response, state: str) -> dict[str, Any]:
        """Exchange the code that came back; Authlib checks the state."""
        told: dict[str, Any] = session.fetch_token(
            authorization_response=back.headers["location"], state=state, code_verifier=self.verifier
        )
        return told

    def sign_in(self, email: str, password: str, **more: str) -> tuple[Any, dict[str, Any]]:
        """As somebody does it; the session and its tokens."""
        session, browser = self.session(), Browser(self.callback)
        url, state = self.begin(session, **more)
        back = browser.submit(browser.open(url), username=email, password=password)
        assert browser.is_back(back), back.text
        return session, self.finish(session, back, state)


@pytest.fixture
def storefront(stack: Running) -> App:
    return App(stack, stack.shop.sign_in.storefront_client)


@pytest.fixture
def back_office(stack: Running) -> App:
    return App(stack, stack.shop.sign_in.back_office_client)


def get(stack: Running, path: str, token: str) -> httpx.Response:
    return call(stack.url, "GET", path, token)


def test_a_new_customer_signs_up_on_the_page_and_shops(stack: Running, storefront: App) -> None:
    email, password = f"{secrets.token_hex(6)}@example.com", f"Aa1{secrets.token_urlsafe(12)}"
    session, browser = storefront.session(), Browser(storefront.callback)
    url, state = storefront.begin(session)

    page = browser.open(url)
    assert "Sign in" in page.text
    link = re.search(r'href="(/signup[^"]*)"', page.text)
    assert link is not None
    page = browser.open(urljoin(str(page.url), unescape(link[1])))
    page = browser.submit(page, email=email, password=password, given_name="Nia", family_name="New")
    assert "Confirm your e-mail" in page.text
    page = browser.submit(page, code="000000")
    assert "That is not the code" in page.text
    back = browser.submit(page, code=VERIFICATION_CODE)
    assert browser.is_back(back), back.text
    issued = storefront.finish(session, back, state)

    assert issued["token_type"] == "Bearer"
    assert issued["expires_in"] == 3600
    assert set(issued["scope"].split()) == CUSTOMER_SCOPES | {"openid", "email", "profile"}
    assert get(stack, "/cart", issued["access_token"]).status_code == 200
    assert get(stack, "/orders", issued["access_token"]).json()["data"] == []
    found = stack.as_owner("GET", "/v2/customers", params={"email": email}).json()["data"]
    assert [(each["email"], each["first_name"], each["last_name"]) for each in found] == [(email, "Nia", "New")]
    assert get(stack, "/v2/products", issued["access_token"]).status_code == 403

    again, second = storefront.sign_in(email, password)
    assert get(stack, "/cart", second["access_token"]).status_code == 200
    assert len(stack.as_owner("GET", "/v2/customers", params={"email": email}).json()["data"]) == 1
    again.close()


def test_a_page_can_be_opened_right_where_people_sign_up(storefront: App) -> None:
    session, browser = storefront.session(), Browser(storefront.callback)
    url, _ = storefront.begin(session, prompt="create")

    assert "Sign up" in browser.open(url).text


def test_a_customer_whom_the_merchant_knew_is_the_same_customer_after_signing_in(
    stack: Running, storefront: App
) -> None:
    shop = stack.shop.sign_in
    product = stack.as_owner("GET", "/v2/products/MAP-COAST").json()
    item = {"product_id": product["id"], "variant_id": product["variants"][0]["id"], "quantity": 1}
    assert stack.as_customer("POST", "/cart/items", json=item).status_code in (200, 201)

    _, issued = storefront.sign_in(shop.customer_email, shop.customer_password)

    cart = get(stack, "/cart", issued["access_token"]).json()["data"]
    assert product["id"] in [each["product_id"] for each in cart["items"]]


def test_staff_sign_in_to_the_back_office_with_the_scopes_they_asked_for(stack: Running, back_office: App) -> None:
    shop = stack.shop.sign_in

    _, issued = back_office.sign_in(shop.staff_email, shop.staff_password, scope="products:read inventory:read")
    _, whole = back_office.sign_in(shop.staff_email, shop.staff_password)

    assert set(issued["scope"].split()) == {"products:read", "inventory:read", "openid", "email", "profile"}
    assert get(stack, "/v2/products", issued["access_token"]).status_code == 200
    assert get(stack, "/v2/customers", issued["access_token"]).status_code == 403
    assert get(stack, "/cart", issued["access_token"]).status_code == 403
    assert set(whole["scope"].split()) >= MERCHANT_SCOPES
    assert get(stack, "/v2/customers", whole["access_token"]).status_code == 200


def test_a_customer_is_not_let_into_the_back_office(stack: Running, back_office: App) -> None:
    shop = stack.shop.sign_in

    with pytest.raises(OAuthError) as refused:
        back_office.sign_in(shop.customer_email, shop.customer_password)

    assert refused.value.error == "access_denied"


def test_a_wrong_password_stays_on_the_page(stack: Running, storefront: App) -> None:
    session, browser = storefront.session(), Browser(storefront.callback)
    url, _ = storefront.begin(session)

    page = browser.submit(browser.open(url), username=stack.shop.sign_in.customer_email, password="Wrong12345678")

    assert page.status_code == 200
    assert "Incorrect username or password" in page.text


def test_a_program_gets_tokens_with_its_own_credentials(stack: Running) -> None:
    shop = stack.shop.sign_in
    with OAuth2Client(
        shop.integration_client,
        shop.integration_secret,
        token_endpoint=f"{stack.url}/oauth/token",
        scope="inventory:read products:read",
        timeout=60,
        trust_env=False,
    ) as session:
        issued = session.fetch_token(grant_type="client_credentials")

        assert set(issued["scope"].split()) == {"inventory:read", "products:read"}
        assert {"refresh_token", "id_token"} & issued.keys() == set()
        assert session.get(f"{stack.url}/v2/products", params={"limit": 1}).status_code == 200
        assert session.get(f"{stack.url}/v2/customers").status_code == 403

    with (
        OAuth2Client(shop.integration_client, "wrong", timeout=60, trust_env=False) as stranger,
        pytest.raises(OAuthError) as refused,
    ):
        stranger.fetch_token(f"{stack.url}/oauth/token", grant_type="client_credentials")
    assert refused.value.error == "invalid_client"


def test_a_client_for_live_data_never_sees_test_data(stack: Running) -> None:
    made = manage_access(
        stack, "--mode", "live", "--copy-client", f"integration={stack.shop.sign_in.integration_client}"
    )
    [client_made] = made["clients"]
    product = stack.as_owner("GET", "/v2/products/MAP-COAST").json()

    with OAuth2Client(client_made["id"], client_made["secret"], timeout=60, trust_env=False) as session:
        session.fetch_token(f"{stack.url}/oauth/token", grant_type="client_credentials")

        assert session.get(f"{stack.url}/v2/products").json()["data"] == []
        assert session.get(f"{stack.url}/v2/products/{product['id']}").status_code == 404
        assert session.get(f"{stack.url}/v2/customers/{stack.customer_id}").status_code == 404


def manage_access(stack: Running, *arguments: str) -> Any:
    """Run the operator's command for the demo shop."""
    pools = client("cognito-idp", stack.endpoint_url).list_user_pools(MaxResults=1)["UserPools"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "local.manage_access", "--tenant", stack.tenant, "--table", stack.table_name),
            *("--user-pool", pools[0]["Id"], *arguments),
        ],
        cwd=ROOT,
        env=child_environment(**aws_environment(stack.endpoint_url)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_sign_in(stack: Running, storefront: App) -> None:
    shop = stack.shop.sign_in
    session, first = storefront.sign_in(shop.customer_email, shop.customer_password)

    second = session.refresh_token(f"{stack.url}/oauth/token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert get(stack, "/cart", second["access_token"]).status_code == 200

    time.sleep(GRACE_SECONDS + 1)  # as long as a client may ask again whose answer got lost
    with pytest.raises(OAuthError) as refused:
        session.refresh_token(f"{stack.url}/oauth/token", refresh_token=first["refresh_token"])
    assert refused.value.error == "invalid_grant"
    # Two held it, so nobody goes on: not with the newest refresh token, nor with an access token that is still good.
    with pytest.raises(OAuthError) as refused:
        session.refresh_token(f"{stack.url}/oauth/token", refresh_token=second["refresh_token"])
    assert refused.value.error == "invalid_grant"
    assert get(stack, "/cart", second["access_token"]).status_code == 401


def test_a_refresh_token_is_good_for_its_own_client_only(stack: Running, storefront: App, back_office: App) -> None:
    shop = stack.shop.sign_in
    _, issued = storefront.sign_in(shop.customer_email, shop.customer_password)

    with pytest.raises(OAuthError) as refused:
        back_office.session().refresh_token(f"{stack.url}/oauth/token", refresh_token=issued["refresh_token"])

    assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_a_revoked_sign_in_is_over_with_the_next_call(stack: Running, storefront: App, which: str) -> None:
    shop = stack.shop.sign_in
    session, issued = storefront.sign_in(shop.customer_email, shop.customer_password)
    _, other = storefront.sign_in(shop.customer_email, shop.customer_password)
    assert get(stack, "/cart", issued["access_token"]).status_code == 200

    for _ in range(2):  # a second time it is unknown, which is no error
        answer = session.revoke_token(f"{stack.url}/oauth/revoke", token=issued[which], token_type_hint=which)
        assert answer.status_code == 200, answer.text

    assert get(stack, "/cart", issued["access_token"]).status_code == 401
    with pytest.raises(OAuthError) as refused:
        session.refresh_token(f"{stack.url}/oauth/token", refresh_token=issued["refresh_token"])
    assert refused.value.error == "invalid_grant"
    assert get(stack, "/cart", other["access_token"]).status_code == 200  # another sign-in of the same person


def test_a_code_is_good_once_and_with_its_verifier_only(stack: Running, storefront: App) -> None:
    shop = stack.shop.sign_in
    session, browser = storefront.session(), Browser(storefront.callback)
    url, state = storefront.begin(session)
    back = browser.submit(browser.open(url), username=shop.customer_email, password=shop.customer_password)
    stolen = App(stack, storefront.client_id)

    with pytest.raises(OAuthError) as refused:
        stolen.finish(stolen.session(), back, state)
    assert refused.value.error == "invalid_grant"
    assert storefront.finish(session, back, state)["access_token"]
    with pytest.raises(OAuthError) as refused:
        storefront.finish(storefront.session(), back, state)
    assert refused.value.error == "invalid_grant"


def test_a_code_is_good_for_its_own_client_only(stack: Running, storefront: App, back_office: App) -> None:
    shop = stack.shop.sign_in
    session, browser = storefront.session(), Browser(storefront.callback)
    url, state = storefront.begin(session)
    back = browser.submit(browser.open(url), username=shop.customer_email, password=shop.customer_password)
    thief = App(stack, back_office.client_id, verifier=storefront.verifier)

    with pytest.raises(OAuthError) as refused:
        thief.finish(thief.session(), back, state)

    assert refused.value.error == "invalid_grant"


def test_an_error_travels_back_to_the_client_and_never_to_a_stranger(stack: Running, storefront: App) -> None:
    good = {
        "response_type": "code",
        "client_id": storefront.client_id,
        "redirect_uri": storefront.callback,
        "state": "s t&a=te",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }

    def ask(**changes: str) -> httpx.Response:
        return stack.as_anybody("GET", f"/oauth/authorize?{urlencode({**good, **changes})}")

    back = ask(scope="orders:write")
    told = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    assert back.status_code == 302
    assert back.headers["location"].startswith(f"{storefront.callback}?")
    assert (told["error"], told["state"]) == ("invalid_scope", "s t&a=te")
    for stranger in ("https://evil.example/callback", f"{storefront.callback}/", f"{storefront.callback}?x=1"):
        refused = ask(redirect_uri=stranger)
        assert refused.status_code == 400
        assert "location" not in refused.headers
        assert refused.json()["error"] == "invalid_request"


def test_no_secret_of_a_sign_in_is_in_any_log(stack: Running, storefront: App) -> None:
    shop = stack.shop.sign_in
    session, browser = storefront.session(), Browser(storefront.callback)
    url, state = storefront.begin(session)
    back = browser.submit(browser.open(url), username=shop.customer_email, password=shop.customer_password)
    code = dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"]
    issued = storefront.finish(session, back, state)
    get(stack, "/cart", issued["access_token"])
    session.revoke_token(f"{stack.url}/oauth/revoke", token=issued["refresh_token"])

    logged = lines(stack)
    assert "POST /oauth/token" in logged
    for secret in (
        code,
        storefront.verifier,
        shop.customer_password,
        shop.integration_secret,
        shop.customer_email,
        issued["access_token"].split(".")[2],
        issued["id_token"].split(".")[2],
        issued["refresh_token"],
    ):
        assert secret not in logged


def lines(stack: Running) -> str:
    """Everything that functions have logged."""
    logs = client("logs", stack.endpoint_url)
    found = []
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            found += [event["message"] for event in page["events"]]
    return "\n".join(found)
