"""The control API under /_standin: JSON in, JSON out, no key. Only tests and people speak to it."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import payments
from .accounts import Account, Origin
from .errors import StripeError, invalid_request
from .faults import Fault
from .shapes import JsonObject
from .standin import Standin, report
from .webhooks import Endpoint, Mode

type Handler = Callable[[Request], Awaitable[JsonObject]]


def routes(standin: Standin) -> list[Route]:
    """Give the control API's routes over one stand-in."""
    control = Control(standin)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/health", control.health),
        ("GET", "/state", control.state),
        ("POST", "/save", control.save),
        ("POST", "/reset", control.reset),
        ("POST", "/clock", control.clock),
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_faults),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/events", control.events),
        ("POST", "/events/{id}/deliver", control.deliver),
        ("PUT", "/webhook", control.put_webhook),
        ("GET", "/webhooks", control.webhooks),
        ("POST", "/webhooks", control.set_mode),
        ("POST", "/webhooks/release", control.release),
        ("POST", "/webhooks/drain", control.drain),
        ("POST", "/payment_intents/{id}/authenticate", control.authenticate),
        ("POST", "/payment_intents/{id}/settle", control.settle),
        ("POST", "/refunds/{id}/settle", control.settle_refund),
    ]
    return [Route(f"/_standin{path}", _json(handler), methods=[method]) for method, path, handler in table]


def _json(handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Answer a handler's object, or its refusal: 400 for what it does not understand."""

    @wraps(handler)
    async def answer(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await handler(request))
        except StripeError as error:
            return JSONResponse({"error": error.to_error()}, error.status)
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": {"message": f"{type(error).__name__}: {error}"}}, 400)

    return answer


async def _object(request: Request) -> JsonObject:
    body = await request.body()
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise TypeError("a JSON object is expected")
    return given


async def _succeeds(request: Request) -> bool:
    outcome = (await _object(request)).get("outcome", "success")
    if outcome not in {"success", "failure"}:
        raise ValueError("outcome is success or failure")
    return bool(outcome == "success")


class Control:
    """One method per control route."""

    def __init__(self, standin: Standin) -> None:
        """Control ``standin``."""
        self._standin = standin

    async def health(self, _: Request) -> JsonObject:
        """Tell that it is up, and its time."""
        return {"ok": True, "now": self._standin.clock.now()}

    async def state(self, request: Request) -> JsonObject:
        """Give every account (with an Authorization header, that key's alone), the faults and the webhooks."""
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        accounts = [self._standin.accounts.of_key(key)] if key else self._standin.accounts.all()
        objects = request.query_params.get("objects", "true") == "true"
        return {
            "accounts": [report(account, objects=objects) for account in accounts],
            "faults": self._standin.faults.to_json(),
            "webhooks": self._standin.webhooks.summary(),
            "now": self._standin.clock.now(),
        }

    async def save(self, _: Request) -> JsonObject:
        """Write the state file now."""
        await run_in_threadpool(self._standin.save)
        return {"saved": self._standin.state is not None}

    async def reset(self, _: Request) -> JsonObject:
        """Forget everything but the webhook endpoints."""
        self._standin.reset()
        return {"ok": True}

    async def clock(self, request: Request) -> JsonObject:
        """Advance the clock by ``advance_seconds``."""
        seconds = int((await _object(request)).get("advance_seconds", 0))
        expired = await run_in_threadpool(self._standin.advance, seconds)
        return {"now": self._standin.clock.now(), "expired_authorisations": expired}

    async def list_faults(self, _: Request) -> JsonObject:
        """Give the faults still to come."""
        return {"faults": self._standin.faults.to_json()}

    async def add_faults(self, request: Request) -> JsonObject:
        """Add one fault or a list of them."""
        given = json.loads(await request.body())
        self._standin.faults.add([Fault.of(row) for row in (given if isinstance(given, list) else [given])])
        return await self.list_faults(request)

    async def clear_faults(self, request: Request) -> JsonObject:
        """Forget the faults still to come."""
        self._standin.faults.clear()
        return await self.list_faults(request)

    async def events(self, _: Request) -> JsonObject:
        """Give every event, oldest first per account, and the recent delivery attempts."""
        found = []
        for account in self._standin.accounts.all():
            with account.lock:
                found += [
                    {"account": account.account_id, **event} for event in account.objects.get("event", {}).values()
                ]
        return {"events": found, "attempts": list(self._standin.webhooks.attempts)}

    async def deliver(self, request: Request) -> JsonObject:
        """Deliver one event again, ``times`` times (1)."""
        times = int((await _object(request)).get("times", 1))
        account = self._holding("event", request.path_params["id"])
        with account.lock:
            event = account.get("event", request.path_params["id"])
            return {"queued": self._standin.webhooks.deliver(account, event, times)}

    async def put_webhook(self, request: Request) -> JsonObject:
        """Set the endpoint ``name`` (default): ``url``, ``secret``, ``enabled``, ``api_key`` to hear one account."""
        given = await _object(request)
        name, api_key = given.pop("name", "default"), given.pop("api_key", None)
        if api_key is not None:
            given["account"] = self._standin.accounts.of_key(api_key).account_id
        self._standin.webhooks.endpoints[name] = Endpoint(**given)
        return self._standin.webhooks.summary()

    async def webhooks(self, _: Request) -> JsonObject:
        """Give the mode and what stands where."""
        return self._standin.webhooks.summary()

    async def set_mode(self, request: Request) -> JsonObject:
        """Set the ``mode``, with the ``seed`` (0) its random numbers begin at."""
        given = await _object(request)
        self._standin.webhooks.set_mode(Mode(given["mode"]), int(given.get("seed", 0)))
        return self._standin.webhooks.summary()

    async def release(self, request: Request) -> JsonObject:
        """Deliver what is held, optionally by ``shuffle_seed`` and ``duplicate`` (1) times; give the order."""
        given = await _object(request)
        order = self._standin.webhooks.release(
            shuffle_seed=given.get("shuffle_seed"), duplicate=int(given.get("duplicate", 1))
        )
        return {"released": len(order), "order": order}

    async def drain(self, request: Request) -> JsonObject:
        """Wait up to ``timeout_seconds`` (10) until nothing is on its way."""
        timeout = float((await _object(request)).get("timeout_seconds", 10))
        drained = await run_in_threadpool(self._standin.webhooks.drain, timeout)
        return {"drained": drained} | self._standin.webhooks.summary()

    async def authenticate(self, request: Request) -> JsonObject:
        """Finish 3-D Secure with an ``outcome``: success or failure."""
        success = await _succeeds(request)
        account = self._holding("payment_intent", request.path_params["id"])
        with account.acting(Origin()):
            intent = account.get("payment_intent", request.path_params["id"])
            payments.authenticate(account, intent, success=success)
            return dict(intent)

    async def settle(self, request: Request) -> JsonObject:
        """End a payment that is processing with an ``outcome``."""
        success = await _succeeds(request)
        account = self._holding("payment_intent", request.path_params["id"])
        with account.acting(Origin()):
            intent = account.get("payment_intent", request.path_params["id"])
            payments.settle(account, intent, success=success)
            return dict(intent)

    async def settle_refund(self, request: Request) -> JsonObject:
        """End a refund with an ``outcome``; failure works on a succeeded one too, as banks do."""
        success = await _succeeds(request)
        account = self._holding("refund", request.path_params["id"])
        with account.acting(Origin()):
            refund = account.get("refund", request.path_params["id"])
            payments.settle_refund(account, refund, success=success)
            return dict(refund)

    def _holding(self, kind: str, object_id: str) -> Account:
        account = self._standin.accounts.holding(kind, object_id)
        if account is None:
            raise invalid_request(f"No such {kind}: '{object_id}'", code="resource_missing", status=404)
        return account
