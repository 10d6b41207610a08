"""The whole stand-in without its HTTP: accounts, webhooks, faults and clock, and the file they are kept in."""

import json
import os
import tempfile
import threading
from collections import Counter
from pathlib import Path

from .accounts import Account, Accounts
from .agenda import run_until
from .clock import Clock
from .faults import Faults
from .payments import refunded
from .reactions import REACTIONS, SOURCES
from .shapes import JsonObject
from .webhooks import Endpoint, Webhooks


class Standin:
    """One stand-in. ``open`` loads the state and starts deliveries; ``close`` stops them and saves."""

    def __init__(self, state: Path | None = None) -> None:
        """Start empty; ``state`` is the JSON file to keep everything in, None to keep nothing."""
        self.state = state
        self.clock = Clock()
        self.webhooks = Webhooks()
        self.faults = Faults()
        self.accounts = Accounts(self.clock, self.webhooks.publish, REACTIONS)
        self._moving = threading.Lock()

    def open(self, endpoint: Endpoint | None = None) -> None:
        """Load the state if there is any, set the default webhook endpoint if one is given, and start."""
        if self.state is not None and self.state.exists():
            self._load(json.loads(self.state.read_text(encoding="utf-8")))
        if endpoint is not None:
            self.webhooks.endpoints["default"] = endpoint
        self.webhooks.start()

    def close(self) -> None:
        """Stop and save."""
        self.webhooks.stop()
        self.save()

    def reset(self) -> None:
        """Forget every account, fault and delivery, and the clock's advance. The webhook endpoints stay."""
        self.accounts.clear()
        self.faults.clear()
        self.webhooks.clear()
        self.clock.reset()

    def move_clock(self, target: int) -> Counter[str]:
        """Move the clock to ``target`` and run what falls due on the way; give how often each kind of it ran.

        Raises:
            ValueError: the moment is past.
        """
        with self._moving:
            if target < self.clock.now():
                raise ValueError("the clock only goes forward")
            return run_until(target, self.clock, self.accounts.all(), SOURCES)

    def save(self) -> None:
        """Write the state, whole or not at all."""
        if self.state is None:
            return
        saved = {
            "clock_offset_seconds": self.clock.offset_seconds,
            "clock_frozen_at": self.clock.frozen_at,
            "accounts": [_saved(account) for account in self.accounts.all()],
            "webhooks": self.webhooks.to_json(),
        }
        self.state.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self.state.parent, prefix=self.state.name, delete=False
        ) as file:
            json.dump(saved, file)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self.state)

    def _load(self, saved: JsonObject) -> None:
        self.clock.offset_seconds = saved["clock_offset_seconds"]
        self.clock.frozen_at = saved.get("clock_frozen_at")
        for row in saved["accounts"]:
            account = self.accounts.open(row["account"], livemode=row["livemode"], key_hint=row["key_hint"])
            account.objects = row["objects"]
            account.hidden = row["hidden"]
            account.dunning = row.get("dunning", account.dunning)
            account.calls = Counter(row["calls"])
            account.replays = Counter(row["replays"])
            account.idempotency.load(row["idempotency"])
        self.webhooks.load(saved["webhooks"], self._event)

    def _event(self, account_id: str, event_id: str) -> JsonObject | None:
        account = self.accounts.holding("event", event_id)
        return account.find("event", event_id) if account is not None and account.account_id == account_id else None


def report(account: Account, *, objects: bool) -> JsonObject:
    """Give what an account holds and what its money adds up to, for a checker to compare with its own books.

    ``intents`` gives per payment intent, in minor units: ``authorised`` (the successful charge), ``capturable``,
    ``captured``, ``released`` (authorised and never taken), ``refunded`` (pending ones included), ``disputed``
    (withdrawn by disputes and not reinstated) and ``honest``.
    """
    with account.lock:
        intents = {intent["id"]: _money(account, intent) for intent in account.newest_first("payment_intent")}
        totals: dict[str, Counter[str]] = {}
        for money in intents.values():
            sums = totals.setdefault(money["currency"], Counter())
            sums.update({name: money[name] for name in ("authorised", "captured", "released", "refunded", "disputed")})
        body: JsonObject = {
            "account": account.account_id,
            "livemode": account.livemode,
            "key_hint": account.key_hint,
            "intents": intents,
            "totals": {currency: dict(sums) for currency, sums in totals.items()},
            "calls": dict(account.calls),
            "replays": dict(account.replays),
            "counts": {kind: len(things) for kind, things in account.objects.items()},
            "idempotency_keys": len(account.idempotency),
        }
        if objects:
            copied: JsonObject = json.loads(json.dumps(account.objects))
            body["objects"] = {kind: list(things.values()) for kind, things in copied.items()}
        return body


def _money(account: Account, intent: JsonObject) -> JsonObject:
    charge = account.find("charge", intent["latest_charge"] or "")
    authorised = charge["amount"] if charge is not None and charge["status"] == "succeeded" else 0
    captured = charge["amount_captured"] if charge is not None else 0
    back = refunded(account, charge["id"]) if charge is not None else 0
    disputed = account.behind(charge["id"]).get("disputed", 0) if charge is not None else 0
    return {
        "currency": intent["currency"],
        "status": intent["status"],
        "authorised": authorised,
        "capturable": intent["amount_capturable"],
        "captured": captured,
        "released": authorised - captured - intent["amount_capturable"],
        "refunded": back,
        "disputed": disputed,
        "honest": 0 <= back <= back + disputed <= captured <= authorised,
        "metadata": dict(intent["metadata"]),
    }


def _saved(account: Account) -> JsonObject:
    with account.lock:
        row = {
            "account": account.account_id,
            "livemode": account.livemode,
            "key_hint": account.key_hint,
            "objects": account.objects,
            "hidden": account.hidden,
            "dunning": account.dunning,
            "calls": account.calls,
            "replays": account.replays,
            "idempotency": account.idempotency.to_json(),
        }
        # Copied while the lock is held: writing the file must not stop, or see, a change of money.
        copied: JsonObject = json.loads(json.dumps(row))
        return copied
