"""Pausing a subscription, which stops its invoices, and resuming it.

Not to be mixed up with ``pause_collection``, under which invoices go on (see ``changes``).
Source: https://docs.stripe.com/billing/subscriptions/pause.
"""

from contextlib import suppress

from ..accounts import Account
from ..errors import StripeError, invalid_request
from ..shapes import JsonObject
from . import collection, cycle, invoices, items, lines, proration, status


def pause(account: Account, subscription: JsonObject, params: JsonObject) -> None:
    """Pause an active subscription, crediting unused time as ``bill_for`` says; raise a 400 for another."""
    if subscription["status"] != "active" or subscription["collection_method"] != "charge_automatically":
        raise invalid_request(
            "Only subscriptions with a status of active and a collection_method of charge_automatically can be paused; "
            f"this one is {subscription['status']}."
        )
    bill_for = params.get("bill_for", {})
    period = cycle.period_of(subscription)
    unused = bill_for.get("unused_time_from", {}).get("type", "now")
    moment = {"now": account.now(), "item_current_period_start": period.start}.get(unused)
    for item in items.of(subscription):
        if moment is not None and proration.licensed(item):
            proration.credit(account, subscription, item, moment)
    if bill_for.get("outstanding_usage_through", {}).get("type", "now") == "now":
        for line in cycle.usage_lines(account, subscription, period.start, account.now()):
            _pend_usage(account, subscription, line)
    status.pause(account, subscription, "pause_requested")
    if params.get("invoicing_behavior") == "invoice" and _anything_pending(account, subscription):
        _bill(account, subscription, [])


def resume(account: Account, subscription: JsonObject, params: JsonObject) -> None:
    """Resume a paused subscription: at once when nothing is to be paid, else as ``payment_behavior`` says."""
    if subscription["status"] != "paused":
        raise invalid_request(
            f"This subscription cannot be resumed because it has a status of {subscription['status']}."
        )
    now = account.now()
    with status.telling(account, subscription):
        if params.get("billing_cycle_anchor", {}).get("type", "now") == "now":
            subscription["billing_cycle_anchor"] = now
        period = cycle.next_period(subscription, now)
        cycle.enter(account, subscription, period)
        free = period.start != period.whole_start and params.get("proration_behavior") == "none"
        made = [] if free else cycle.period_lines(account, subscription, period)
    if not made and not _anything_pending(account, subscription):
        status.unpause(account, subscription)
        return
    tries = params.get("payment_behavior") == "resume_on_payment_success"
    account.behind(subscription["id"])["resumes_on_attempt"] = not tries
    invoice = _bill(account, subscription, made)
    if tries and invoice["status"] == "open":
        with suppress(StripeError):
            collection.pay(account, invoice)


def _bill(account: Account, subscription: JsonObject, made: list[JsonObject]) -> JsonObject:
    with status.telling(account, subscription):
        invoice = cycle.bill(account, subscription, "subscription_update", made)
    account.emit("invoice.created", invoice)
    collection.finalize(account, invoice)
    return invoice


def _anything_pending(account: Account, subscription: JsonObject) -> bool:
    return bool(invoices.take_pending(account, subscription["customer"], subscription["currency"], subscription["id"]))


def _pend_usage(account: Account, subscription: JsonObject, line: JsonObject) -> None:
    if line["amount"]:
        lines.pend(
            account,
            subscription["customer"],
            subscription["currency"],
            line["amount"],
            {
                "description": line["description"],
                "parent": {
                    "subscription_details": {
                        "subscription": subscription["id"],
                        "subscription_item": line["parent"]["subscription_item_details"]["subscription_item"],
                    },
                    "type": "subscription_details",
                },
                "period": line["period"],
                "pricing": line["pricing"],
                "quantity": line["quantity"],
            },
        )
