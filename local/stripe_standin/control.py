"""The control API under /_standin: JSON in, JSON out, no key. Only tests and people speak to it."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import disputes, payments, setups
from .accounts import Account, Origin
from .errors import StripeError, invalid_request
from .faults import Fault
from .resources import billing_portal
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
        ("PUT", "/dunning", control.dunning),
        ("POST", "/billing_portal/default", control.default_portal),
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_faults),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/events", control.events),
        ("POST", "/events/{id}/deliver", control.deliver),
        ("PUT", "/webhook", control.put_webhook),
        ("GET", "/webhooks", control.webhooks),
        ("POST", "/webhooks", control.set_mode),
        ("POST", "/webhooks/release", control.release),
        ("POST", "/webhooks/discard", control.discard),
        ("POST", "/webhooks/drain", control.drain),
        ("POST", "/payment_intents/{id}/authenticate", control.authenticate),
        ("POST", "/payment_intents/{id}/settle", control.settle),
        ("POST", "/setup_intents/{id}/authenticate", control.authenticate_setup),
        ("POST", "/refunds/{id}/settle", control.settle_refund),
        ("POST", "/charges/{id}/dispute", control.dispute),
        ("POST", "/disputes/{id}/decide", control.decide_dispute),
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
        """Move the clock by ``advance_seconds`` or to a moment (``advance_to``), running what falls due on the way.

        ``frozen`` true stops it where it then stands, so that nothing depends on how fast the caller is; false lets it
        run. Times are in seconds since the epoch.
        """
        given = await _object(request)
        clock = self._standin.clock
        target = int(given.get("advance_to", clock.now() + int(given.get("advance_seconds", 0))))
        ran = await run_in_threadpool(self._standin.move_clock, target)
        if given.get("frozen") is True:
            clock.freeze(max(target, clock.now()) if clock.frozen_at is None else clock.frozen_at)
        elif given.get("frozen") is False:
            clock.thaw()
        return {"now": clock.now(), "frozen": clock.frozen_at is not None, "ran": dict(ran)}

    async def dunning(self, request: Request) -> JsonObject:
        """Set for the account of ``api_key`` the ``retry_days``, and what comes ``then``: cancel, unpaid, past_due."""
        given = await _object(request)
        account = self._standin.accounts.of_key(given.pop("api_key"))
        settings = account.dunning | given
        days = settings["retry_days"]
        if settings.keys() != {"retry_days", "then"} or settings["then"] not in {"cancel", "unpaid", "past_due"}:
            raise ValueError("then is cancel, unpaid or past_due")
        if not all(isinstance(day, int) and day > 0 for day in days):
            raise ValueError("retry_days is a list of days, each at least 1")
        account.dunning = settings
        return settings

    async def default_portal(self, request: Request) -> JsonObject:
        """Save the portal settings of the account of ``api_key``, as the Dashboard does: a default configuration."""
        account = self._standin.accounts.of_key((await _object(request))["api_key"])
        with account.acting(Origin()):
            features = {
                "customer_update": {"allowed_updates": ["email"], "enabled": True},
                "invoice_history": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_cancel": {"enabled": True},
            }
            return dict(billing_portal.make(account, {"features": features}, is_default=True))

    async def dispute(self, request: Request) -> JsonObject:
        """Dispute a charge: ``amount`` (all that is left), ``reason`` (fraudulent), ``inquiry`` (false)."""
        given = await _object(request)
        amount, reason, inquiry = given.get("amount"), given.get("reason", "fraudulent"), bool(given.get("inquiry"))
        account = self._holding("charge", request.path_params["id"])
        with account.acting(Origin()):
            charge = account.get("charge", request.path_params["id"])
            return dict(disputes.open_dispute(account, charge, amount, reason, inquiry=inquiry))

    async def decide_dispute(self, request: Request) -> JsonObject:
        """End a dispute with an ``outcome``: won or lost; ``escalated`` makes an inquiry a dispute."""
        outcome = (await _object(request))["outcome"]
        if outcome not in {"won", "lost", "escalated"}:
            raise ValueError("outcome is won, lost or escalated")
        account = self._holding("dispute", request.path_params["id"])
        with account.acting(Origin()):
            dispute = account.get("dispute", request.path_params["id"])
            if outcome == "escalated":
                disputes.escalate(account, dispute)
            else:
                disputes.close(account, dispute, outcome)
            return dict(dispute)

    async def authenticate_setup(self, request: Request) -> JsonObject:
        """Finish the authentication of a setup intent with an ``outcome``: success or failure."""
        success = await _succeeds(request)
        account = self._holding("setup_intent", request.path_params["id"])
        with account.acting(Origin()):
            intent = account.get("setup_intent", request.path_params["id"])
            setups.authenticate(account, intent, success=success)
            return dict(intent)

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
        """Set the ``mode``, with the ``seed`` (0) its random numbers begin at.

        With ``types`` (a list such as ``invoice.*``) it is for these events only; the others go out at once.
        """
        given = await _object(request)
        types = [str(one) for one in given.get("types", ["*"])]
        self._standin.webhooks.set_mode(Mode(given["mode"]), int(given.get("seed", 0)), types)
        return self._standin.webhooks.summary()

    async def release(self, request: Request) -> JsonObject:
        """Deliver what is held, and give the order.

        ``events`` names ids to release in that order, and leaves the rest; else all go, as they came, ``reversed``, or
        by ``shuffle_seed``; each ``duplicate`` (1) times.
        """
        given = await _object(request)
        order = self._standin.webhooks.release(
            events=given.get("events"),
            backwards=bool(given.get("reversed")),
            shuffle_seed=given.get("shuffle_seed"),
            duplicate=int(given.get("duplicate", 1)),
        )
        return {"released": len(order), "order": order}

    async def discard(self, request: Request) -> JsonObject:
        """Drop what is held, or the ``events`` named, as if it had been lost on the way."""
        return {"discarded": self._standin.webhooks.discard((await _object(request)).get("events"))}

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
