"""From an HTTP request under /v1 to an answer: key, route, parameters, faults, idempotency, execution."""

import asyncio
import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import stripe
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from . import expand, form, ids, params
from .accounts import Origin
from .errors import StripeError, api_error, invalid_request, rate_limited
from .faults import Fault, Kind
from .idempotency import Answer
from .routes import ROUTES
from .routing import Call, Route, find
from .shapes import JsonObject
from .standin import Standin

log = logging.getLogger(__name__)

CUT = "standin.cut"
"""The name in the ASGI scope under which the server gives the means to cut the connection."""
SECRET = ("sk_test_", "sk_live_")
PUBLISHABLE = ("pk_test_", "pk_live_")


class Cut(Exception):
    """Answer nothing and reset the connection."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that passed every check and may execute."""

    call: Call
    route: Route
    origin: Origin
    expands: list[str]


class Api:
    """The endpoint for everything under /v1."""

    def __init__(self, standin: Standin) -> None:
        """Serve ``standin``."""
        self._standin = standin

    async def __call__(self, request: Request) -> Response:
        """Answer one request; a fault may cut the connection instead."""
        request_id = f"req_{ids.random_text(14)}"
        try:
            answer, replayed = await self._answer(request, request_id)
        except StripeError as error:
            answer, replayed = _refusal(error, request_id), False
        except Cut:
            await _cut(request)
            return Response(status_code=500)
        return _response(request, answer, request_id, replayed=replayed)

    async def _answer(self, request: Request, request_id: str) -> tuple[Answer, bool]:
        body = await _body(request)
        fields = form.pairs(body if request.method == "POST" else request.url.query.encode())
        api_key = _api_key(request, fields)
        route, path = find(ROUTES, request.method, request.url.path)
        if api_key.startswith(PUBLISHABLE) and route.browser is None:
            raise invalid_request(
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                code="secret_key_required",
                status=401,
            )
        account = self._standin.accounts.of_key(api_key, request.headers.get("Stripe-Account", ""))
        with account.lock:
            account.calls[route.name] += 1
        fault = self._standin.faults.take(route.name, request.method, request.url.path)
        _fail_before(fault)
        typed, expands = _checked(route, fields)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        origin = Origin(request_id, key, request.headers.get("Stripe-Version", stripe.api_version))
        call = Call(account, path, typed, publishable=api_key.startswith(PUBLISHABLE))
        if key is not None:
            kept = account.idempotency.begin(key, request.url.path, _fingerprint(fields), account.now())
            if kept is not None:
                with account.lock:
                    account.replays[route.name] += 1
                await _fail_after(fault)
                return kept, True
        answer = await _once(Prepared(call, route, origin, expands), fault, request_id)
        await _fail_after(fault)
        return answer, False


async def _once(prepared: Prepared, fault: Fault | None, request_id: str) -> Answer:
    """Execute, and keep the answer under the key whether or not the caller still waits for it."""
    key = prepared.origin.idempotency_key
    try:
        if fault is not None and fault.kind is Kind.HANG:
            await asyncio.sleep(fault.seconds)
    except asyncio.CancelledError:
        if key is not None:
            prepared.call.account.idempotency.forget(key)
        raise
    return await run_in_threadpool(_execute, prepared, fault, request_id)


def _execute(prepared: Prepared, fault: Fault | None, request_id: str) -> Answer:
    account, key = prepared.call.account, prepared.origin.idempotency_key
    with account.acting(prepared.origin):
        try:
            body = prepared.route.handler(prepared.call)
            answer = Answer(
                200, expand.expanded(account, body, prepared.expands, _result_of(prepared.route)[0]), request_id
            )
        except StripeError as error:
            answer = _refusal(error, request_id)
        except Exception:
            log.exception("%s failed", prepared.route.name)
            answer = _refusal(api_error(), request_id)
        if fault is not None and fault.kind is Kind.ERROR_AFTER:
            answer = _refusal(api_error(), request_id)
        if key is not None:
            account.idempotency.keep(key, answer)
        return answer


def _checked(route: Route, fields: list[tuple[str, str]]) -> tuple[JsonObject, list[str]]:
    """Give the typed parameters and the paths to expand. What is refused here is not kept under the key."""
    typed = params.check(form.tree(fields), route.schema, route.browser)
    route.refuse_unsupported(typed)
    expands: list[str] = typed.pop("expand", None) or []
    kind, in_list = _result_of(route)
    expand.check(expands, kind, in_list=in_list)
    return typed, expands


def _result_of(route: Route) -> tuple[str, bool]:
    """Give the kind of object a route answers with, and whether it is a list of them."""
    parts = route.template.split("/")
    named = [part for part in parts[2:] if not part.startswith("{")]
    plurals = {f"{kind}s": kind for kind in ids.PREFIXES}
    in_list = route.method == "GET" and not parts[-1].startswith("{")
    if route.result is not None:
        return route.result, in_list
    return (plurals[named[-1]] if in_list else plurals[named[0]]), in_list


def _fail_before(fault: Fault | None) -> None:
    match fault.kind if fault is not None else None:
        case Kind.RATE_LIMIT:
            raise rate_limited()
        case Kind.ERROR_BEFORE:
            raise api_error()
        case Kind.RESET:
            raise Cut


async def _fail_after(fault: Fault | None) -> None:
    match fault.kind if fault is not None else None:
        case Kind.RESET_AFTER:
            raise Cut
        case Kind.HANG_AFTER if fault is not None:
            await asyncio.sleep(fault.seconds)


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        raise invalid_request("The request ended before its body did.") from None


def _api_key(request: Request, fields: list[tuple[str, str]]) -> str:
    """Find the key: a bearer token, the user of basic authentication, or, from a browser, the field ``key``."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if not given:
        given = next((value for name, value in fields if name == "key" and value.startswith(PUBLISHABLE)), "")
    if not given:
        raise invalid_request(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
            status=401,
        )
    if not given.startswith(SECRET + PUBLISHABLE) or len(given) <= len(SECRET[0]):
        raise invalid_request(f"Invalid API Key provided: {given[:8]}****{given[-4:]}", status=401)
    return given


def _fingerprint(fields: list[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(fields)).encode()).hexdigest()


def _refusal(error: StripeError, request_id: str) -> Answer:
    log_url = f"https://dashboard.stripe.com/test/logs/{request_id}"
    # Copied, because the error may hold live objects and the answer is kept as it was.
    body: JsonObject = json.loads(json.dumps({"error": error.to_error() | {"request_log_url": log_url}}))
    return Answer(error.status, body, request_id)


def _response(request: Request, answer: Answer, request_id: str, *, replayed: bool) -> Response:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("Stripe-Version", stripe.api_version),
    }
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        headers["Idempotency-Key"] = key
    if replayed:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.request_id}
    return Response(json.dumps(answer.body, indent=2), answer.status, headers=headers, media_type="application/json")


async def _cut(request: Request) -> None:
    cut: Callable[[], Awaitable[None]] | None = request.scope.get("extensions", {}).get(CUT)
    if cut is not None:
        await cut()
