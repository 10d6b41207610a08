"""The user pool's domain on this machine: the emulator's sign-in page, and what Cognito has and the emulator lacks.

That is the page for signing up, refresh tokens that are opaque and rotate, and ``/oauth2/revoke``. Its first page is a
small client of the shop's ``/oauth``, to try signing in with a browser.
"""

import argparse
import base64
import contextlib
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import httpx
import uvicorn
from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.stack.deployment import client
from local.stack.settings import HOST

VERIFICATION_CODE = "123456"  # the emulator mails always this one, and would take any other
GRACE_SECONDS = 10  # as the template asks of the user pool
_TIMEOUT = 60
_AUTHORIZE = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method"),
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body{{font-family:system-ui,sans-serif;background:#f0f2f5;display:flex;justify-content:center;align-items:center;
  min-height:100vh;margin:0}}
main{{background:#fff;border-radius:8px;box-shadow:0 2px 8px rgba(0,0,0,.1);padding:40px;width:400px;max-width:80vw}}
h1{{font-size:24px;font-weight:600;margin:0 0 24px;text-align:center}}
label{{display:block;font-size:14px;margin-bottom:4px}}
input{{width:100%;box-sizing:border-box;padding:10px 12px;border:1px solid #aab7b8;border-radius:4px;
  margin-bottom:16px}}
button,a.button{{display:block;box-sizing:border-box;width:100%;padding:10px;background:#0073bb;color:#fff;border:0;
  border-radius:4px;font-size:16px;text-align:center;text-decoration:none;margin-bottom:12px;cursor:pointer}}
.error{{background:#fce8e6;color:#a8230b;border-radius:4px;padding:10px;margin-bottom:16px;font-size:14px}}
p{{font-size:14px;text-align:center}} pre{{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}}
</style></head>
<body><main><h1>{title}</h1>
{body}
</main></body>
</html>"""


@dataclass
class Rotating:
    """A refresh token that clients hold, and the emulator's behind it. ``replaced_at`` counts Unix seconds."""

    inner: str
    client_id: str
    replaced_at: float | None = None


class RefreshTokens:
    """The refresh tokens that clients hold, in a file that only the user may read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        known = json.loads(file.read_text()) if file.exists() else {}
        self._tokens = {text: Rotating(**each) for text, each in known.items()}

    def issue(self, inner: str, client_id: str) -> str:
        """A new token for clients."""
        text = secrets.token_urlsafe(96)
        with self._lock:
            self._tokens[text] = Rotating(inner, client_id)
            self._save()
        return text

    def find(self, text: str, client_id: str) -> Rotating | None:
        """A token that its client may still use."""
        found = self._tokens.get(text)
        if found is None or found.client_id != client_id:
            return None
        over = found.replaced_at is not None and time.time() > found.replaced_at + GRACE_SECONDS
        return None if over else found

    def rotate(self, text: str) -> str:
        """The token after ``text``, which ends in a moment."""
        with self._lock:
            before = self._tokens[text]
            before.replaced_at = before.replaced_at or time.time()
            self._save()
        return self.issue(before.inner, before.client_id)

    def forget(self, inner: str) -> None:
        """End every token of a sign-in."""
        with self._lock:
            self._tokens = {text: each for text, each in self._tokens.items() if each.inner != inner}
            self._save()

    def _save(self) -> None:
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps({text: asdict(each) for text, each in self._tokens.items()}))


class Domain:
    """What the user pool's domain answers, by way of the emulator at ``emulator``."""

    def __init__(self, emulator: str, pool_id: str, tokens: RefreshTokens) -> None:
        self._emulator = emulator
        self._pool_id = pool_id
        self._tokens = tokens
        self._cognito = client("cognito-idp", emulator)
        self._signing_up: dict[str, dict[str, str]] = {}  # between the two pages
        self._http = httpx.AsyncClient(base_url=emulator, timeout=_TIMEOUT, trust_env=False)

    async def sign_in(self, request: Request) -> Response:
        query = request.url.query
        return _completed(await self._http.get("/oauth2/authorize", params=query), query)

    async def submit(self, request: Request) -> Response:
        form = await _form(request)
        asked = urlencode({name: form.get(name, "") for name in _AUTHORIZE})
        return _completed(await self._http.post("/login", data=form), asked)

    async def sign_up_page(self, request: Request) -> Response:
        return _sign_up(dict(request.query_params))

    async def sign_up(self, request: Request) -> Response:
        form = await _form(request)
        try:
            await run_in_threadpool(
                self._cognito.sign_up,
                ClientId=form["client_id"],
                Username=form["email"],
                Password=form["password"],
                UserAttributes=[{"Name": name, "Value": form[name]} for name in ("email", "given_name", "family_name")],
            )
        except ClientError as error:
            return _sign_up(form, error.response["Error"]["Message"])
        ticket = secrets.token_urlsafe(24)
        self._signing_up[ticket] = form
        return _confirm(ticket)

    async def confirm(self, request: Request) -> Response:
        """Take the code out of the mail, and sign in whoever signed up."""
        form = await _form(request)
        person = self._signing_up.get(form.get("ticket", ""))
        if person is None:
            return HTMLResponse(_page("Sign up", "<p>This page is too old. Sign up again.</p>"), 400)
        if form.get("code", "").strip() != VERIFICATION_CODE:
            return _confirm(form["ticket"], "That is not the code.")
        await run_in_threadpool(self._verify, person)
        del self._signing_up[form["ticket"]]
        signing_in = {name: person.get(name, "") for name in _AUTHORIZE}
        return _passed_on(
            await self._http.post(
                "/login", data={**signing_in, "username": person["email"], "password": person["password"]}
            )
        )

    def _verify(self, person: Mapping[str, str]) -> None:
        self._cognito.confirm_sign_up(
            ClientId=person["client_id"], Username=person["email"], ConfirmationCode=VERIFICATION_CODE
        )
        self._cognito.admin_update_user_attributes(
            UserPoolId=self._pool_id,
            Username=person["email"],
            UserAttributes=[{"Name": "email_verified", "Value": "true"}],
        )

    async def token(self, request: Request) -> Response:
        """Tokens, the refresh tokens among them exchanged for rotating ones."""
        form, authorization = await _form(request), request.headers.get("authorization", "")
        client_id, given = _client_id(form, authorization), form.get("refresh_token", "")
        if form.get("grant_type") == "refresh_token":
            known = self._tokens.find(given, client_id)
            if known is None:
                return _error("invalid_grant")
            form["refresh_token"] = known.inner
        answer = await self._http.post("/oauth2/token", data=form, headers=_authorized(authorization))
        if answer.status_code != 200:
            return _passed_on(answer)
        issued = answer.json()
        if form["grant_type"] == "refresh_token":
            issued["refresh_token"] = self._tokens.rotate(given)
        elif "refresh_token" in issued:
            issued["refresh_token"] = self._tokens.issue(issued["refresh_token"], client_id)
        return JSONResponse(issued, headers={"Cache-Control": "no-store"})

    async def revoke(self, request: Request) -> Response:
        form, authorization = await _form(request), request.headers.get("authorization", "")
        client_id = _client_id(form, authorization)
        if not await run_in_threadpool(self._knows, client_id, _secret(form, authorization)):
            return _error("invalid_client")
        known = self._tokens.find(form.get("token", ""), client_id)
        if known is None:
            return _error("unsupported_token_type" if form.get("token", "").count(".") == 2 else "invalid_request")
        await run_in_threadpool(self._cognito.revoke_token, Token=known.inner, ClientId=client_id)
        self._tokens.forget(known.inner)
        return Response()

    def _knows(self, client_id: str, secret: str) -> bool:
        try:
            found = self._cognito.describe_user_pool_client(UserPoolId=self._pool_id, ClientId=client_id)
        except ClientError:
            return False
        return str(found["UserPoolClient"].get("ClientSecret") or "") == secret

    async def close(self) -> None:
        await self._http.aclose()


class Demo:
    """A client of the shop's own ``/oauth``, so that a browser can try it."""

    def __init__(self, shop: str, callback: str, clients: Mapping[str, str]) -> None:
        self._shop, self._callback, self._clients = shop, callback, clients
        self._begun: dict[str, tuple[str, str]] = {}  # state: kind of client, PKCE verifier

    async def home(self, _: Request) -> Response:
        ways = {"storefront": "Sign in as a customer", "back_office": "Sign in as staff"}
        links = "".join(f'<a class="button" href="/start/{kind}">{text}</a>' for kind, text in ways.items())
        return HTMLResponse(_page("Harbor &amp; Pine", links))

    async def start(self, request: Request) -> Response:
        kind, state, verifier = request.path_params["kind"], secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        if kind not in self._clients:
            return HTMLResponse(_page("No such client", ""), 404)
        self._begun[state] = (kind, verifier)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._clients[kind],
            "redirect_uri": self._callback,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return RedirectResponse(f"{self._shop}/oauth/authorize?{urlencode(asked)}", 302)

    async def callback(self, request: Request) -> Response:
        kind, verifier = self._begun.pop(request.query_params.get("state", ""), ("", ""))
        if not kind:
            return HTMLResponse(_page("Signed in", "<p>For another program: this page did not begin it.</p>"))
        form = {
            "grant_type": "authorization_code",
            "client_id": self._clients[kind],
            "redirect_uri": self._callback,
            "code": request.query_params.get("code", ""),
            "code_verifier": verifier,
        }
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
            answer = await http.post(f"{self._shop}/oauth/token", data=form)
        told = answer.json()
        if answer.status_code != 200:
            return HTMLResponse(_page("Not signed in", f"<p>{html.escape(str(told.get('error_description')))}</p>"))
        route = "/cart" if kind == "storefront" else "/v2/products?limit=3"
        command = f'curl -H "Authorization: Bearer {told["access_token"]}" "{self._shop}{route}"'
        body = f"<p>It may: {html.escape(told['scope'])}</p><pre>{html.escape(command)}</pre>"
        return HTMLResponse(_page("Signed in", body), headers={"Cache-Control": "no-store"})


def application(domain: Domain, demo: Demo) -> Starlette:
    """Cognito's addresses, and the demo client's."""

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> Any:
        yield
        await domain.close()

    return Starlette(
        routes=[
            Route("/oauth2/authorize", domain.sign_in),
            Route("/login", domain.sign_in),
            Route("/login", domain.submit, methods=["POST"]),
            Route("/signup", domain.sign_up_page),
            Route("/signup", domain.sign_up, methods=["POST"]),
            Route("/confirmUser", domain.confirm, methods=["POST"]),
            Route("/oauth2/token", domain.token, methods=["POST"]),
            Route("/oauth2/revoke", domain.revoke, methods=["POST"]),
            Route("/", demo.home),
            Route("/start/{kind}", demo.start),
            Route("/callback", demo.callback),
        ],
        lifespan=life,
    )


def _completed(answer: httpx.Response, query: str) -> Response:
    """The emulator's page, with the words and the way to sign up that Cognito's has."""
    if answer.status_code != 200:
        return _passed_on(answer)
    way = f'<p style="text-align:center"><a href="/signup?{html.escape(query)}">Create an account</a></p>'
    page = answer.text.replace(">Username<", ">E-mail<").replace(
        '<div class="footer">', f'{way}<div class="footer">', 1
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _sign_up(form: Mapping[str, str], error: str = "") -> Response:
    fields = (
        ("given_name", "First name", "text", "given-name"),
        ("family_name", "Last name", "text", "family-name"),
        ("email", "E-mail", "email", "email"),
        ("password", "Password", "password", "new-password"),
    )
    shown = "".join(
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="{kind}" autocomplete="{fill}"'
        f' value="{"" if kind == "password" else html.escape(form.get(name, ""))}" required>'
        for name, label, kind, fill in fields
    )
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(form.get(name, ""))}">' for name in _AUTHORIZE
    )
    return HTMLResponse(
        _page("Sign up", f'{_said(error)}<form method="post">{hidden}{shown}<button>Sign up</button></form>')
    )


def _confirm(ticket: str, error: str = "") -> Response:
    body = (
        f"{_said(error)}<p>We mailed you a code (on this machine it is {VERIFICATION_CODE}).</p>"
        f'<form method="post" action="/confirmUser"><input type="hidden" name="ticket" value="{html.escape(ticket)}">'
        '<label for="code">Code</label><input id="code" name="code" autocomplete="one-time-code" required autofocus>'
        "<button>Confirm</button></form>"
    )
    return HTMLResponse(_page("Confirm your e-mail", body))


def _said(error: str) -> str:
    return f'<div class="error">{html.escape(error)}</div>' if error else ""


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=title, body=body)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _basic(authorization: str) -> tuple[str, str]:
    with contextlib.suppress(ValueError):
        pair = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
        return unquote_plus(pair[0]), unquote_plus(pair[2])
    return "", ""


def _client_id(form: Mapping[str, str], authorization: str) -> str:
    return _basic(authorization)[0] if authorization else form.get("client_id", "")


def _secret(form: Mapping[str, str], authorization: str) -> str:
    return _basic(authorization)[1] if authorization else form.get("client_secret", "")


def _authorized(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}


def _error(code: str) -> Response:
    return JSONResponse({"error": code}, 400)


def _passed_on(answer: httpx.Response) -> Response:
    kept = {name: answer.headers[name] for name in ("content-type", "location") if name in answer.headers}
    return Response(answer.content, answer.status_code, {**kept, "Cache-Control": "no-store"})


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.sign_in", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--emulator", required=True, help="base address of the AWS emulator")
    parser.add_argument("--pool", required=True, help="the user pool's id")
    parser.add_argument("--tokens", type=Path, required=True, help="where refresh tokens are kept")
    parser.add_argument("--shop", required=True, help="base address of the shop's API")
    parser.add_argument("--storefront", required=True, metavar="CLIENT_ID")
    parser.add_argument("--back-office", required=True, metavar="CLIENT_ID")
    options = parser.parse_args()
    domain = Domain(options.emulator, options.pool, RefreshTokens(options.tokens))
    demo = Demo(
        options.shop,
        f"http://{HOST}:{options.port}/callback",
        {"storefront": options.storefront, "back_office": options.back_office},
    )
    uvicorn.run(application(domain, demo), host=HOST, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
