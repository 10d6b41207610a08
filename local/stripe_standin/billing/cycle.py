"""Putting a subscription into a period, and the lines it is billed for there."""

from ..accounts import Account
from ..resources import meters
from ..shapes import JsonObject
from . import discounts, invoices, items, lines, proration
from .calendar import Period, period_from
from .pricing import share


def recurring_of(subscription: JsonObject) -> JsonObject:
    """Give the interval all items share."""
    recurring: JsonObject = items.of(subscription)[0]["price"]["recurring"]
    return recurring


def next_period(subscription: JsonObject, start: int) -> Period:
    """Give the period that begins at ``start`` on the subscription's own anchor."""
    return period_from(subscription["billing_cycle_anchor"], recurring_of(subscription), start)


def period_of(subscription: JsonObject) -> Period:
    """Give the current period as its items show it."""
    item = items.of(subscription)[0]
    return Period(item["current_period_start"], item["current_period_end"], item["current_period_start"])


def enter(account: Account, subscription: JsonObject, period: Period) -> None:
    """Put every item into ``period``."""
    for item in items.of(subscription):
        proration.set_period(account, item, period)


def trial_lines(account: Account, subscription: JsonObject, period: Period) -> list[JsonObject]:
    """Give the lines over nothing of a trial; the licensed items count as debited nothing."""
    made = []
    for item in items.of(subscription):
        if proration.licensed(item):
            proration.debited(account, item, 0, period)
            made.append(lines.trial(account, subscription, item, period))
    return made


def period_lines(account: Account, subscription: JsonObject, period: Period) -> list[JsonObject]:
    """Give the lines of the licensed items for ``period``, a share of the price for one cut short; they are debited.

    Discounts count as they stand when the period begins.
    """
    licensed = [item for item in items.of(subscription) if proration.licensed(item)]
    whole = period.start == period.whole_start
    per_item = []
    for item in licensed:
        full = lines.for_item(account, subscription, item, period, item["quantity"])
        if not whole:
            amount = share(sum(line["amount"] for line in full), period.end - period.start, period.whole_seconds)
            full = [lines.stub(account, subscription, item, period, amount)]
        per_item.append(full)
    made = [line for full in per_item for line in full]
    nets = iter(
        discounts.net(account, discounts.active(account, subscription, period.start), [m["amount"] for m in made])
    )
    for item, full in zip(licensed, per_item, strict=True):
        proration.debited(account, item, sum(next(nets) for _ in full), period)
    return made


def usage_lines(account: Account, subscription: JsonObject, start: int, end: int) -> list[JsonObject]:
    """Give the lines of the metered items for the usage from ``start`` up to ``end``."""
    period = Period(start, end, start)
    return [
        line
        for item in items.of(subscription)
        if not proration.licensed(item)
        for line in lines.for_item(
            account,
            subscription,
            item,
            period,
            meters.usage(account, item["price"]["recurring"]["meter"], subscription["customer"], start, end),
        )
    ]


def bill(
    account: Account, subscription: JsonObject, reason: str, made: list[JsonObject], members: JsonObject | None = None
) -> JsonObject:
    """Draft the subscription's next invoice over ``made`` and everything pending, and make it the latest."""
    pending = invoices.take_pending(account, subscription["customer"], subscription["currency"], subscription["id"])
    begins = min((line["period"]["start"] for line in made if line["discountable"]), default=account.now())
    discounted = discounts.active(account, subscription, max(begins, account.now()))
    invoice = invoices.draft(
        account,
        subscription["customer"],
        subscription["currency"],
        [*pending, *made],
        {"billing_reason": reason} | (members or {}),
        subscription=subscription,
        discounts=discounted,
    )
    if any(line["amount"] > 0 and line["discountable"] for line in made):
        discounts.used(account, discounted)
    subscription["latest_invoice"] = invoice["id"]
    return invoice
