"""The core: one account's objects, events and keys, all changed under one lock."""

import copy
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import stripe

from . import ids
from .clock import Clock
from .errors import no_such
from .idempotency import IdempotencyKeys
from .shapes import JsonObject

type Publish = Callable[["Account", JsonObject], None]
type React = Callable[["Account", JsonObject], None]

DUNNING: JsonObject = {"retry_days": [3, 5, 7], "then": "cancel"}
BILLING_KINDS = ("customer", "discount", "coupon", "subscription", "invoice", "invoiceitem", "invoice_payment")
"""What a billing request may change before its payment is known to fail."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that caused an event; an event Stripe caused by itself has none."""

    request_id: str | None = None
    idempotency_key: str | None = None
    api_version: str = stripe.api_version


@dataclass(slots=True)
class Account:
    """What one API key sees. Test mode and live mode are two accounts.

    Hold ``lock`` around every read or change: that is what makes a change of money all or nothing under threads.
    """

    account_id: str
    livemode: bool
    key_hint: str
    clock: Clock
    publish: Publish
    reactions: Mapping[str, tuple[React, ...]]
    """What Stripe itself does when something happens, by the type of the event: a paid intent pays its invoice."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    objects: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    hidden: dict[str, JsonObject] = field(default_factory=dict)
    """What Stripe knows of an object and does not show, by the object's id."""
    idempotency: IdempotencyKeys = field(default_factory=IdempotencyKeys)
    dunning: JsonObject = field(default_factory=lambda: dict(DUNNING))
    """When a failed renewal is tried again, and what follows the last try, as the Dashboard's settings say."""
    calls: Counter[str] = field(default_factory=Counter)
    replays: Counter[str] = field(default_factory=Counter)
    origin: Origin = field(default_factory=Origin)
    _waiting: list[JsonObject] | None = None
    """The events of a tentative change, not yet published; None when there is none."""

    def now(self) -> int:
        """Give the time in seconds since the epoch."""
        return self.clock.now()

    @contextmanager
    def acting(self, origin: Origin) -> Iterator[None]:
        """Hold the lock, and name ``origin`` in the events emitted meanwhile."""
        with self.lock:
            before, self.origin = self.origin, origin
            try:
                yield
            finally:
                self.origin = before

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """Try a billing change: an exception undoes it and its events. What a payment did meanwhile stays and is told.

        Objects read before are not the stored ones after an undoing: read them again.
        """
        # As text, which is quick to make, and read only when it comes to undoing.
        kept = json.dumps([{kind: self.objects[kind] for kind in BILLING_KINDS if kind in self.objects}, self.hidden])
        self._waiting = []
        try:
            yield
        except BaseException:
            objects, hidden = json.loads(kept)
            self.objects = {kind: held for kind, held in self.objects.items() if kind not in BILLING_KINDS} | objects
            # The hidden sides of what payments touch stay as well; the rest belongs to what is undone.
            stays = ("pm_", "pi_", "ch_")
            self.hidden = hidden | {key: side for key, side in self.hidden.items() if key.startswith(stays)}
            self._waiting = [event for event in self._waiting if event["data"]["object"]["object"] not in BILLING_KINDS]
            raise
        finally:
            waiting, self._waiting = self._waiting, None
            for event in waiting:
                self._tell(event)

    def add(self, kind: str, members: JsonObject) -> JsonObject:
        """Store a new object of ``kind`` and give it, with the members every Stripe object has."""
        thing: JsonObject = {
            "id": ids.new(kind),
            "object": kind,
            "created": self.now(),
            "livemode": self.livemode,
            "metadata": {},
        } | members
        self.objects.setdefault(kind, {})[thing["id"]] = thing
        return thing

    def find(self, kind: str, object_id: str) -> JsonObject | None:
        """Give the object, or None."""
        return self.objects.get(kind, {}).get(object_id)

    def get(self, kind: str, object_id: str, *, param: str = "id", status: int = 404) -> JsonObject:
        """Give the object; raise ``resource_missing`` (404 in a path, 400 for a parameter) when there is none."""
        thing = self.find(kind, object_id)
        if thing is None:
            label = "PaymentMethod" if kind == "payment_method" else kind
            raise no_such(label, object_id, param=param, status=status)
        return thing

    def newest_first(self, kind: str) -> list[JsonObject]:
        """Give all objects of a kind in the order Stripe lists them."""
        return list(reversed(self.objects.get(kind, {}).values()))

    def behind(self, object_id: str) -> JsonObject:
        """Give the hidden side of an object, empty at first."""
        return self.hidden.setdefault(object_id, {})

    def emit(self, event_type: str, thing: JsonObject, previous: JsonObject | None = None) -> None:
        """Record an event with a copy of ``thing`` as it is now, and hand it to the webhooks.

        Args:
            event_type: Stripe's name, for example ``charge.succeeded``.
            thing: the object the event is about.
            previous: the changed members as they were, for an ``updated`` kind of event.
        """
        data: JsonObject = {"object": copy.deepcopy(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event: JsonObject = {
            "id": ids.new("event"),
            "object": "event",
            "api_version": self.origin.api_version,
            "created": self.now(),
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": 0,
            "request": {"id": self.origin.request_id, "idempotency_key": self.origin.idempotency_key},
            "type": event_type,
        }
        if self._waiting is not None:
            self._waiting.append(event)
        else:
            self._tell(event)
        for react in self.reactions.get(event_type, ()):
            react(self, thing)

    def _tell(self, event: JsonObject) -> None:
        self.objects.setdefault("event", {})[event["id"]] = event
        # Under the lock, so that the order of events is the order of changes.
        self.publish(self, event)


def change(thing: JsonObject, members: JsonObject) -> JsonObject:
    """Set members of an object and give those that differed, as they were (``previous_attributes``)."""
    previous = {name: copy.deepcopy(thing.get(name)) for name, value in members.items() if thing.get(name) != value}
    thing.update(members)
    return previous


class Accounts:
    """All accounts, found by API key. A key is not stored: an account's id is derived from it."""

    def __init__(self, clock: Clock, publish: Publish, reactions: Mapping[str, tuple[React, ...]]) -> None:
        """Start empty."""
        self._clock = clock
        self._publish = publish
        self._reactions = reactions
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, bool], Account] = {}

    def of_key(self, api_key: str, connected: str = "") -> Account:
        """Give the account of a secret or publishable key, made on first use.

        Args:
            api_key: ``sk_test_…``, ``sk_live_…`` or the ``pk_…`` with the same ending.
            connected: the ``Stripe-Account`` header; each connected account keeps its own data.
        """
        _, mode, secret = api_key.split("_", 2)
        account_id = connected or f"acct_{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
        return self.open(account_id, livemode=mode == "live", key_hint=f"sk_{mode}_…{secret[-4:]}")

    def open(self, account_id: str, *, livemode: bool, key_hint: str) -> Account:
        """Give the account of this id and mode, made on first use."""
        with self._lock:
            account = self._accounts.get((account_id, livemode))
            if account is None:
                account = Account(account_id, livemode, key_hint, self._clock, self._publish, self._reactions)
                self._accounts[account_id, livemode] = account
            return account

    def all(self) -> list[Account]:
        """Give every account, oldest first."""
        with self._lock:
            return list(self._accounts.values())

    def holding(self, kind: str, object_id: str) -> Account | None:
        """Find the account that holds an object; ids are unique over all accounts."""
        return next((account for account in self.all() if account.find(kind, object_id) is not None), None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._accounts.clear()
