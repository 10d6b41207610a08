"""Payments in tests: the Stripe stand-in, what it would have delivered, and a buyer who pays."""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import httpx
import pytest
import stripe

from commerce.kernel.caller import Tenant, system
from commerce.orders import ending
from commerce.orders import queries as order_queries
from commerce.orders.changing import OrderChange
from commerce.table import keys
from commerce.table.transaction import Transaction, run
from tests.shop import Answered, Call, handler

API_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests"
_http = httpx.Client(trust_env=False)  # one for all calls: each would read the system's certificates anew


def signature(payload: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """A ``Stripe-Signature`` header as Stripe's documentation defines it."""
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac}"


@cache
def _sdk(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(API_KEY, base_addresses={"api": url})


@dataclass
class Stripe:
    """The stand-in, seen from outside."""

    url: str

    @property
    def sdk(self) -> stripe.StripeClient:
        return _sdk(self.url)

    def pay(self, intent_id: str, method: str = "pm_card_visa") -> str:
        """What the buyer's browser does; give the intent's status after it."""
        try:
            confirmed = self.sdk.v1.payment_intents.confirm(intent_id, {"payment_method": method})
        except stripe.CardError:
            return str(self.sdk.v1.payment_intents.retrieve(intent_id).status)
        return str(confirmed.status)

    def events(self) -> list[dict[str, Any]]:
        return list(_http.get(f"{self.url}/_standin/events").json()["events"])

    def intents(self) -> dict[str, Any]:
        """What Stripe's side says: authorised, captured and refunded per intent."""
        accounts = _http.get(f"{self.url}/_standin/state").json()["accounts"]
        accounts = accounts.values() if isinstance(accounts, dict) else accounts
        return {name: intent for account in accounts for name, intent in account["intents"].items()}

    def reset(self) -> None:
        """Forget everything."""
        _http.post(f"{self.url}/_standin/reset").raise_for_status()

    def fault(self, route: str, kind: str, times: int = 1, seconds: float = 10) -> None:
        """``seconds`` is how long it hangs, where it does."""
        asked = {"route": route, "kind": kind, "times": times, "seconds": seconds}
        _http.post(f"{self.url}/_standin/faults", json=asked).raise_for_status()


@contextmanager
def connected(url: str) -> Iterator[Stripe]:
    """An empty Stripe at ``url``, its secrets in Secrets Manager, and an empty queue of its events."""
    from commerce.kernel import aws
    from commerce.payments import stripe_gateway

    secrets, sqs = boto3.client("secretsmanager"), boto3.client("sqs")
    for name, value in (("stripe/key", API_KEY), ("stripe/webhook", WEBHOOK_SECRET)):
        secrets.create_secret(Name=name, SecretString=json.dumps({"test": value}))
    queue = sqs.create_queue(QueueName="stripe-events")["QueueUrl"]
    aws.client.cache_clear()
    stripe_gateway._secrets.clear()
    stripe_gateway._sdk.cache_clear()
    Stripe(url).reset()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STRIPE_API_KEY_SECRET", "stripe/key")
        environment.setenv("STRIPE_WEBHOOK_SECRET", "stripe/webhook")
        environment.setenv("STRIPE_API_BASE", url)
        environment.setenv("STRIPE_EVENTS_QUEUE_URL", queue)
        yield Stripe(url)
    sqs.delete_queue(QueueUrl=queue)
    for name in ("stripe/key", "stripe/webhook"):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def deliver(call: Call, event: dict[str, Any], **changes: Any) -> Answered:
    """Hand an event to the webhook as Stripe would."""
    payload = json.dumps(event)
    header = changes.get("header", signature(payload.encode()))
    return call("stripe_webhook/payments/receive_stripe_event", body=payload, headers={"Stripe-Signature": header})


def end_unasked(tenant: Tenant, order_id: str) -> None:
    """Cancel an order without asking Stripe for its payment, as if that were made right after."""

    def plan(tx: Transaction) -> None:
        order = order_queries.get(tenant, order_id)
        change = OrderChange(tx, system(tenant, "test"), order, order)
        ending.cancel(change, "test")
        change.save()

    run(plan)


def carry_out() -> None:
    """Hand every refund that was asked for to the consumer, as the bus and SQS would; again, if it had it before."""
    for item in _outbox("refund.requested"):
        tenant = keys.tenant_of(item["pk"])
        told = {"tenant": tenant.tenant_id, "mode": tenant.mode, "data": {"object": json.loads(item["data"])}}
        record = {"messageId": item["event_id"], "body": json.dumps({"detail": told})}
        assert handler("queues/execute_refund").handler({"Records": [record]}, None) == {"batchItemFailures": []}


def _outbox(event_type: str) -> Iterator[dict[str, Any]]:
    table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    found: dict[str, Any] = {"LastEvaluatedKey": None}
    while "LastEvaluatedKey" in found:
        start = {"ExclusiveStartKey": found["LastEvaluatedKey"]} if found["LastEvaluatedKey"] else {}
        found = table.scan(**start)
        yield from (item for item in found["Items"] if (item.get("kind"), item.get("type")) == ("outbox", event_type))


def settle(call: Call, stripe: Stripe) -> None:
    """Carry refunds out, then deliver everything that Stripe has to tell, and apply it; until there is no more."""
    told: set[str] = set()
    while True:
        carry_out()
        news = [event for event in stripe.events() if event["id"] not in told]
        if not news:
            return
        for event in news:
            assert deliver(call, event).status == 200
            assert consume(event["id"]) == {"batchItemFailures": []}
            told.add(event["id"])


def consume(event_id: str) -> dict[str, Any]:
    """Hand a queued message to the consumer as SQS would."""
    record = {"messageId": f"message-{event_id}", "body": json.dumps({"event_id": event_id})}
    answer: dict[str, Any] = handler("queues/apply_stripe_event").handler({"Records": [record]}, None)
    return answer
