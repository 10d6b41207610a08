"""What subscriptions do by themselves as time passes: warn, renew, end, expire.

Source: https://docs.stripe.com/billing/subscriptions/overview and https://docs.stripe.com/billing/subscriptions/trials.
"""

from collections.abc import Iterator

from ..accounts import Account
from ..agenda import Task
from ..errors import StripeError
from ..shapes import JsonObject
from . import changes, cycle, ending, invoices, items, previews, proration, status
from .calendar import DAY, Period

WARNING_SECONDS = 3 * DAY
"""How long before a trial ends ``trial_will_end`` is said; at once for a shorter trial."""
UPCOMING_SECONDS = 7 * DAY
"""How long before a renewal ``invoice.upcoming`` is said; not at all for a shorter period."""


def tasks(account: Account) -> Iterator[Task]:
    """Give what every subscription will do next."""
    for subscription in account.objects.get("subscription", {}).values():
        yield from _tasks_of(account, subscription)


def _tasks_of(account: Account, subscription: JsonObject) -> Iterator[Task]:
    subscription_id, state = subscription["id"], subscription["status"]
    if state == "incomplete":
        yield Task(
            subscription["created"] + ending.INCOMPLETE_SECONDS, "subscription_expired", subscription_id, _expire
        )
    if state == "paused":
        yield from _unclaimed(account, subscription)
    if state not in status.BILLED:
        return
    told, period = account.behind(subscription_id), cycle.period_of(subscription)
    if state == "trialing" and told.get("warned_of") != subscription["trial_end"]:
        yield Task(subscription["trial_end"] - WARNING_SECONDS, "trial_will_end", subscription_id, _warn)
    if told.get("upcoming_told") != period.end and period.end - UPCOMING_SECONDS > period.start:
        yield Task(period.end - UPCOMING_SECONDS, "invoice_upcoming", subscription_id, _announce)
    resumes_at = (subscription["pause_collection"] or {}).get("resumes_at")
    if resumes_at is not None:
        yield Task(resumes_at, "collection_resumed", subscription_id, _resume_collection)
    yield Task(period.end, "period_ended", subscription_id, _renew)


def _unclaimed(account: Account, subscription: JsonObject) -> Iterator[Task]:
    """A resumption invoice nobody tried to pay is voided within a day, and the subscription stays paused."""
    invoice = account.find("invoice", subscription["latest_invoice"] or "")
    if invoice is not None and invoice["status"] == "open" and not invoice["attempted"]:
        yield Task(invoice["created"] + ending.INCOMPLETE_SECONDS, "resumption_voided", invoice["id"], _void_resumption)


def _void_resumption(account: Account, invoice_id: str) -> None:
    invoices.void(account, account.get("invoice", invoice_id))


def _expire(account: Account, subscription_id: str) -> None:
    ending.expire(account, account.get("subscription", subscription_id))


def _warn(account: Account, subscription_id: str) -> None:
    subscription = account.get("subscription", subscription_id)
    account.behind(subscription_id)["warned_of"] = subscription["trial_end"]
    account.emit("customer.subscription.trial_will_end", subscription)


def _announce(account: Account, subscription_id: str) -> None:
    subscription = account.get("subscription", subscription_id)
    end = cycle.period_of(subscription).end
    try:
        invoice = previews.upcoming(account, subscription)
    except StripeError:
        invoice = None
    account.behind(subscription_id)["upcoming_told"] = end
    if invoice is not None:
        del invoice["id"]
        account.emit("invoice.upcoming", invoice)


def _resume_collection(account: Account, subscription_id: str) -> None:
    subscription = account.get("subscription", subscription_id)
    with status.telling(account, subscription):
        subscription["pause_collection"] = None


def _renew(account: Account, subscription_id: str) -> None:
    """End the period: cancel what was to be canceled, else begin the next and draft its invoice."""
    subscription = account.get("subscription", subscription_id)
    if subscription["cancel_at_period_end"]:
        _end(account, subscription)
    elif subscription["status"] == "trialing" and _stops_after_trial(account, subscription):
        return
    else:
        _next_period(account, subscription)


def _next_period(account: Account, subscription: JsonObject) -> None:
    ended = cycle.period_of(subscription)
    period = cycle.next_period(subscription, ended.end)
    with status.telling(account, subscription):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        usage = cycle.usage_lines(account, subscription, ended.start, ended.end)
        cycle.enter(account, subscription, period)
        invoice = _bill(account, subscription, ended, [*usage, *_lines(account, subscription, period)])
    if invoice is not None:
        account.emit("invoice.created", invoice)


def _lines(account: Account, subscription: JsonObject, period: Period) -> list[JsonObject]:
    """Give the lines of the new period; a stub before the anchor may be a gift."""
    if period.start != period.whole_start and account.behind(subscription["id"]).get("gift_until_anchor"):
        for item in items.of(subscription):
            proration.debited(account, item, 0, period)
        return []
    return cycle.period_lines(account, subscription, period)


def _bill(account: Account, subscription: JsonObject, ended: Period, made: list[JsonObject]) -> JsonObject | None:
    """Draft the renewal's invoice and set when it is finalised; None when there is nothing to bill."""
    if not made and not invoices.take_pending(
        account, subscription["customer"], subscription["currency"], subscription["id"]
    ):
        return None
    advances = subscription["status"] != "unpaid"
    members = {
        "auto_advance": advances,
        "automatically_finalizes_at": account.now() + invoices.DRAFT_SECONDS if advances else None,
        "period_start": ended.start,
        "period_end": ended.end,
    }
    invoice = cycle.bill(account, subscription, "subscription_cycle", made, members)
    if advances and subscription["pause_collection"] is not None:
        changes.hold(account, subscription, invoice)
    return invoice


def _end(account: Account, subscription: JsonObject) -> None:
    """Cancel at the period's end, with a last invoice for usage and for prorations still pending."""
    ended = cycle.period_of(subscription)
    usage = cycle.usage_lines(account, subscription, ended.start, ended.end)
    last = [line for line in usage if line["amount"]]
    invoice = ending.bill_last(account, subscription, last, "subscription_cycle")
    ending.cancel(account, subscription)
    if invoice is not None:
        ending.release(account, invoice)


def _stops_after_trial(account: Account, subscription: JsonObject) -> bool:
    """Do what the trial's settings say when it ends without a way to pay; tell whether the subscription stops."""
    customer = account.get("customer", subscription["customer"])
    if subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]:
        return False
    match subscription["trial_settings"]["end_behavior"]["missing_payment_method"]:
        case "cancel":
            ending.cancel(account, subscription)
            return True
        case "pause":
            status.pause(account, subscription, "trial_end_without_payment_method")
            return True
    return False
