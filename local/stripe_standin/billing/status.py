"""How a subscription moves between its statuses, and what is said about it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from ..accounts import Account
from ..shapes import JsonObject

ENDED = ("canceled", "incomplete_expired")
BILLED = ("active", "past_due", "unpaid", "trialing")
"""Statuses in which a period that ends is followed by another."""


@contextmanager
def telling(account: Account, subscription: JsonObject) -> Iterator[None]:
    """Say ``customer.subscription.updated`` at the end of the block if anything shown has changed in it."""
    before = copy.deepcopy(subscription)
    yield
    previous = {name: value for name, value in before.items() if subscription[name] != value}
    if previous:
        account.emit("customer.subscription.updated", subscription, previous)


def move(account: Account, subscription: JsonObject, status: str) -> None:
    """Set the status, and say so if it differs."""
    with telling(account, subscription):
        subscription["status"] = status
        if status != "paused":
            subscription["status_details"] = None


def pause(account: Account, subscription: JsonObject, why: str) -> None:
    """Stop the subscription for a reason in Stripe's words, and say so."""
    with telling(account, subscription):
        subscription["status"] = "paused"
        subscription["status_details"] = {
            "paused": {"subscription": {"type": why}, "transitioned_at": account.now(), "type": "subscription"}
        }
    account.emit("customer.subscription.paused", subscription)


def unpause(account: Account, subscription: JsonObject) -> None:
    """Make a paused subscription active again, and say so."""
    move(account, subscription, "active")
    account.emit("customer.subscription.resumed", subscription)


def following(account: Account, invoice: JsonObject, subscription_id: str | None) -> JsonObject | None:
    """Give the subscription whose status follows this invoice: the one that has it as its latest."""
    subscription = account.find("subscription", subscription_id or "")
    return subscription if subscription is not None and subscription["latest_invoice"] == invoice["id"] else None


def invoice_settled(account: Account, subscription: JsonObject) -> None:
    """Follow the latest invoice being paid or given up."""
    match subscription["status"]:
        case "paused":
            unpause(account, subscription)
        case "incomplete" | "past_due" | "unpaid":
            move(account, subscription, "active")


def invoice_failed(account: Account, subscription: JsonObject) -> None:
    """Follow a failed attempt on the latest invoice."""
    if subscription["status"] in {"active", "trialing"}:
        move(account, subscription, "past_due")
    elif subscription["status"] == "paused" and account.behind(subscription["id"]).get("resumes_on_attempt"):
        move(account, subscription, "past_due")
        account.emit("customer.subscription.resumed", subscription)
