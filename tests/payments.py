"""Payments in tests: the Stripe stand-in, what it would have delivered, and a buyer who pays."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from tests.shop import Answered, Call, handler

API_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests"


def signature(payload: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """A ``Stripe-Signature`` header as Stripe's documentation defines it."""
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac}"


@dataclass
class Stripe:
    """The stand-in, seen from outside."""

    url: str

    @property
    def sdk(self) -> stripe.StripeClient:
        return stripe.StripeClient(API_KEY, base_addresses={"api": self.url})

    def pay(self, intent_id: str, method: str = "pm_card_visa") -> str:
        """What the buyer's browser does; give the intent's status after it."""
        try:
            confirmed = self.sdk.v1.payment_intents.confirm(intent_id, {"payment_method": method})
        except stripe.CardError:
            return str(self.sdk.v1.payment_intents.retrieve(intent_id).status)
        return str(confirmed.status)

    def events(self) -> list[dict[str, Any]]:
        return list(httpx.get(f"{self.url}/_standin/events").json()["events"])

    def intents(self) -> dict[str, Any]:
        """What Stripe's side says: authorised, captured and refunded per intent."""
        accounts = httpx.get(f"{self.url}/_standin/state").json()["accounts"]
        accounts = accounts.values() if isinstance(accounts, dict) else accounts
        return {name: intent for account in accounts for name, intent in account["intents"].items()}

    def fault(self, route: str, kind: str, times: int = 1) -> None:
        httpx.post(
            f"{self.url}/_standin/faults", json={"route": route, "kind": kind, "times": times}
        ).raise_for_status()


def deliver(call: Call, event: dict[str, Any], **changes: Any) -> Answered:
    """Hand an event to the webhook as Stripe would."""
    payload = json.dumps(event)
    header = changes.get("header", signature(payload.encode()))
    return call("stripe_webhook/payments/receive_stripe_event", body=payload, headers={"Stripe-Signature": header})


def consume(event_id: str) -> dict[str, Any]:
    """Hand a queued message to the consumer as SQS would."""
    record = {"messageId": f"message-{event_id}", "body": json.dumps({"event_id": event_id})}
    answer: dict[str, Any] = handler("queues/apply_stripe_event").handler({"Records": [record]}, None)
    return answer
