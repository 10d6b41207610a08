"""Deliver events to webhook endpoints, signed, in order, from one background thread.

The control API can hold, drop, shuffle and repeat deliveries; what comes out depends only on the events and the seed.
"""

import heapq
import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol

import httpx
from stripe import WebhookSignature

from .shapes import JsonObject

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.1, 0.3, 1.0, 3.0)
"""Waits before each new try. Stripe takes three days over it; a test has less patience."""
TIMEOUT_SECONDS = 30.0
SHUFFLE_WINDOW = 5
SHUFFLE_IDLE_SECONDS = 0.25
LOG_LENGTH = 2000


class Mode(StrEnum):
    """What happens to an event when it is emitted."""

    IMMEDIATE = "immediate"
    HOLD = "hold"
    DROP = "drop"
    SHUFFLE = "shuffle"
    DUPLICATE = "duplicate"


class Owner(Protocol):
    """What the webhooks need to know of an account."""

    account_id: str
    livemode: bool


@dataclass(slots=True)
class Endpoint:
    """Where to deliver. ``account`` limits it to one account's events; None takes all."""

    url: str
    secret: str
    enabled: bool = True
    account: str | None = None


@dataclass(order=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. Ordered by when it is due, then by when it was asked for."""

    due: float
    place: int
    event: JsonObject = field(compare=False)
    account_id: str = field(compare=False)
    endpoint: str = field(compare=False)
    payload: str = field(compare=False)
    attempt: int = field(default=1, compare=False)


@dataclass(slots=True)
class Webhooks:
    """The endpoints, the mode and the queue. Safe under threads."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    mode: Mode = Mode.IMMEDIATE
    types: list[str] = field(default_factory=lambda: ["*"])
    """The event types the mode is for, as patterns; the others are delivered at once."""
    attempts: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    dropped: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0))
    _queue: list[Delivery] = field(default_factory=list)
    _held: list[Delivery] = field(default_factory=list)
    _window: list[Delivery] = field(default_factory=list)
    _window_due: float = 0.0
    _place: int = 0
    _busy: bool = False
    _stopping: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _worker: threading.Thread | None = None

    def start(self) -> None:
        """Start delivering."""
        self._stopping = False
        self._worker = threading.Thread(target=self._work, name="stripe-standin-webhooks", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Stop after the delivery under way. What is left stays queued and is saved with the state."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join()
            self._worker = None

    def publish(self, account: Owner, event: JsonObject) -> None:
        """Take a new event and do with it what the mode says."""
        with self._changed:
            made = self._deliveries(account.account_id, event)
            chosen = any(fnmatchcase(event["type"], pattern) for pattern in self.types)
            match self.mode if chosen else Mode.IMMEDIATE:
                case Mode.IMMEDIATE:
                    self._enqueue(made)
                case Mode.DUPLICATE:
                    self._enqueue([one for one in made for _ in range(self._random.randint(2, 3))])
                case Mode.HOLD:
                    self._held += made
                case Mode.DROP:
                    self.dropped += len(made)
                    event["pending_webhooks"] = 0
                case Mode.SHUFFLE:
                    self._window += made
                    self._window_due = time.monotonic() + SHUFFLE_IDLE_SECONDS
                    if len(self._window) >= SHUFFLE_WINDOW:
                        self._let_window_go()
            self._changed.notify_all()

    def deliver(self, account: Owner, event: JsonObject, times: int) -> int:
        """Queue an event again, ``times`` times, whatever the mode; give how many deliveries that makes."""
        with self._changed:
            made = [one for _ in range(times) for one in self._deliveries(account.account_id, event)]
            self._enqueue(made)
            self._changed.notify_all()
            return len(made)

    def set_mode(self, mode: Mode, seed: int, types: list[str]) -> None:
        """Change the mode and begin its random numbers at ``seed``. What is held stays held."""
        with self._changed:
            self.mode = mode
            self.types = types
            self._random = random.Random(seed)
            self._let_window_go()
            self._changed.notify_all()

    def release(
        self,
        *,
        events: list[str] | None = None,
        backwards: bool = False,
        shuffle_seed: int | None = None,
        duplicate: int = 1,
    ) -> list[str]:
        """Queue what is held, each ``duplicate`` times; give the event ids in order.

        Args:
            events: the ids to release, in this order; the others stay held. None for all.
            backwards: newest first.
            shuffle_seed: shuffle with this seed.
            duplicate: how often each is delivered.
        """
        with self._changed:
            held = [one for one in self._take_held(events) for _ in range(duplicate)]
            if backwards:
                held.reverse()
            if shuffle_seed is not None:
                random.Random(shuffle_seed).shuffle(held)
            self._enqueue(held)
            self._changed.notify_all()
            return [one.event["id"] for one in held]

    def discard(self, events: list[str] | None = None) -> int:
        """Drop what is held, or the events named; give how many deliveries that was."""
        with self._changed:
            lost = self._take_held(events)
            for one in lost:
                one.event["pending_webhooks"] = max(0, one.event["pending_webhooks"] - 1)
            self.dropped += len(lost)
            return len(lost)

    def _take_held(self, events: list[str] | None) -> list[Delivery]:
        if events is None:
            taken = list(self._held)
        else:
            taken = [one for event_id in events for one in self._held if one.event["id"] == event_id]
        # By identity: deliveries not yet queued are all equal in the order of the queue.
        gone = {id(one) for one in taken}
        self._held = [one for one in self._held if id(one) not in gone]
        return taken

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing is queued or under way (held ones do not count); tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._queue and not self._window and not self._busy, timeout=timeout_seconds
            )

    def clear(self) -> None:
        """Forget every delivery and go back to immediate; the endpoints stay."""
        with self._changed:
            for pile in (self._queue, self._held, self._window):
                pile.clear()
            self.attempts.clear()
            self.dropped = 0
            self.mode = Mode.IMMEDIATE
            self.types = ["*"]
            self._changed.notify_all()

    def summary(self) -> JsonObject:
        """Give the mode and what stands where."""
        with self._changed:
            return {
                "mode": self.mode.value,
                "types": list(self.types),
                "held": len(self._held),
                "queued": len(self._queue) + len(self._window) + int(self._busy),
                "delivered": sum(attempt["delivered"] for attempt in self.attempts),
                "failed_attempts": sum(not attempt["delivered"] for attempt in self.attempts),
                "dropped": self.dropped,
                "endpoints": {
                    name: asdict(endpoint) | {"secret": "whsec_…"} for name, endpoint in self.endpoints.items()
                },
            }

    def to_json(self) -> JsonObject:
        """Give what must outlive the process."""
        with self._changed:
            return {
                "endpoints": {name: asdict(endpoint) for name, endpoint in self.endpoints.items()},
                "mode": self.mode.value,
                "types": self.types,
                "held": [_saved(one) for one in self._held],
                "queued": [_saved(one) for one in sorted(self._queue) + self._window],
            }

    def load(self, saved: JsonObject, find_event: Callable[[str, str], JsonObject | None]) -> None:
        """Take back what ``to_json`` gave; ``find_event`` gives an account's event by both ids."""
        with self._changed:
            self.endpoints = {name: Endpoint(**row) for name, row in saved["endpoints"].items()}
            self.mode = Mode(saved["mode"])
            self.types = saved.get("types", ["*"])
            for pile, rows in ((self._held, saved["held"]), (self._queue, saved["queued"])):
                for row in rows:
                    event = find_event(row["account_id"], row["event"])
                    if event is not None:
                        self._place += 1
                        pile.append(
                            Delivery(0.0, self._place, event, row["account_id"], row["endpoint"], row["payload"])
                        )

    def _deliveries(self, account_id: str, event: JsonObject) -> list[Delivery]:
        """Give one delivery per endpoint that wants the event."""
        names = [
            name
            for name, endpoint in self.endpoints.items()
            if endpoint.enabled and endpoint.account in {None, account_id}
        ]
        event["pending_webhooks"] = len(names)
        payload = json.dumps(event, indent=2)
        return [Delivery(0.0, 0, event, account_id, name, payload) for name in names]

    def _enqueue(self, deliveries: list[Delivery]) -> None:
        now = time.monotonic()
        for one in deliveries:
            self._place += 1
            copy = Delivery(now, self._place, one.event, one.account_id, one.endpoint, one.payload)
            heapq.heappush(self._queue, copy)

    def _let_window_go(self) -> None:
        self._random.shuffle(self._window)
        self._enqueue(self._window)
        self._window.clear()

    def _work(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while (one := self._next()) is not None:
                try:
                    self._try(client, one)
                finally:
                    with self._changed:
                        self._busy = False
                        self._changed.notify_all()

    def _next(self) -> Delivery | None:
        """Wait for the next delivery that is due; give None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._window and self._window_due <= now:
                    self._let_window_go()
                if self._queue and self._queue[0].due <= now:
                    self._busy = True
                    return heapq.heappop(self._queue)
                waits = [self._queue[0].due - now] if self._queue else []
                if self._window:
                    waits.append(self._window_due - now)
                self._changed.wait(timeout=min(waits) if waits else None)
            return None

    def _try(self, client: httpx.Client, one: Delivery) -> None:
        endpoint = self.endpoints.get(one.endpoint)
        if endpoint is None or not endpoint.enabled:
            return
        status, reason = _send(client, endpoint, one.payload)
        delivered = status is not None and 200 <= status < 300
        with self._changed:
            self.attempts.append(
                {
                    "event": one.event["id"],
                    "type": one.event["type"],
                    "endpoint": one.endpoint,
                    "attempt": one.attempt,
                    "status": status,
                    "error": reason,
                    "delivered": delivered,
                }
            )
            if delivered:
                one.event["pending_webhooks"] = max(0, one.event["pending_webhooks"] - 1)
            elif one.attempt <= len(BACK_OFF_SECONDS):
                # Others go past meanwhile, as with Stripe: an endpoint must not count on order.
                one.due = time.monotonic() + BACK_OFF_SECONDS[one.attempt - 1]
                one.attempt += 1
                heapq.heappush(self._queue, one)
            else:
                log.warning("gave up delivering %s after %d tries", one.event["id"], one.attempt)


def _send(client: httpx.Client, endpoint: Endpoint, payload: str) -> tuple[int | None, str | None]:
    """Post one signed payload; give the status, or None and why there is none."""
    # Signed with real time even when the stand-in's clock is ahead: a receiver checks the age against its own clock.
    signature = WebhookSignature.generate_signature_header(payload, endpoint.secret)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        return client.post(endpoint.url, content=payload.encode(), headers=headers).status_code, None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return None, type(error).__name__


def _saved(one: Delivery) -> JsonObject:
    return {
        "event": one.event["id"],
        "account_id": one.account_id,
        "endpoint": one.endpoint,
        "payload": one.payload,
    }
