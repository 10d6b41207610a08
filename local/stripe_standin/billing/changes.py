"""Changing a subscription: what is set, what is prorated, and which invoice falls due at once.

A change of interval, of the anchor, from free to paid, into a trial or out of one begins a new period at once and bills
it; any other change of items leaves the period as it is and pends prorations.
Source: https://docs.stripe.com/billing/subscriptions/change and https://docs.stripe.com/billing/subscriptions/prorations.
"""

import copy
from dataclasses import dataclass, field

from ..accounts import Account
from ..errors import StripeError, invalid_request
from ..metadata import merged
from ..shapes import JsonObject
from . import collection, creation, cycle, invoices, items, proration, status
from .calendar import Period
from .pricing import full_amount

BILLING = ("items", "trial_end", "billing_cycle_anchor")
ALWAYS_OPEN = frozenset({"metadata", "cancellation_details"})


@dataclass(slots=True)
class Plan:
    """The items as they will be, beside those that go."""

    after: list[JsonObject] = field(default_factory=list)
    changed: list[JsonObject] = field(default_factory=list)
    """Those before the change that the change touches: altered or removed."""
    rebilled: set[str] = field(default_factory=set)
    """The ids of those that are new or altered."""


def update(account: Account, subscription: JsonObject, params: JsonObject) -> None:
    """Change the subscription, and collect what falls due at once as ``payment_behavior`` says.

    Raises:
        StripeError: 400 for what cannot be changed so; 402 with ``error_if_incomplete`` when the payment fails. The
            caller undoes the change then.
    """
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise _unsupported("payment_behavior")
    invoice = apply(account, subscription, params)
    if invoice is not None:
        _collect(account, subscription, invoice, behavior)


def apply(account: Account, subscription: JsonObject, params: JsonObject) -> JsonObject | None:
    """Change the subscription and say so; give the draft of the invoice that falls due at once, if there is one."""
    _refuse_closed(subscription, params)
    with status.telling(account, subscription):
        _set_plain(account, subscription, params)
        return _rebill(account, subscription, params)


def _collect(account: Account, subscription: JsonObject, invoice: JsonObject, behavior: str) -> None:
    account.emit("invoice.created", invoice)
    if subscription["pause_collection"] is not None:
        hold(account, subscription, invoice)
        return
    collection.finalize(account, invoice)
    if invoice["status"] == "paid" or invoice["collection_method"] == "send_invoice":
        return
    if behavior == "default_incomplete":
        status.invoice_failed(account, subscription)
        return
    try:
        collection.attempt_once(account, invoice)
    except StripeError:
        if behavior == "error_if_incomplete":
            # Else a browser could still pay for what is about to be undone.
            invoices.stop_payment(account, invoice)
            raise


def hold(account: Account, subscription: JsonObject, invoice: JsonObject) -> None:
    """Let a draft stay one, or be closed in its hour, as the subscription's paused collection says."""
    keep = subscription["pause_collection"]["behavior"] == "keep_as_draft"
    invoice["auto_advance"] = not keep
    invoice["automatically_finalizes_at"] = None if keep else account.now() + invoices.DRAFT_SECONDS


def _refuse_closed(subscription: JsonObject, params: JsonObject) -> None:
    if subscription["status"] in status.ENDED and params.keys() - ALWAYS_OPEN:
        raise invalid_request("A canceled subscription can only update its cancellation_details and metadata.")
    if subscription["status"] in {"incomplete", "paused"}:
        named = next((name for name in BILLING if name in params), None)
        if named is not None:
            raise invalid_request(
                f"You cannot update `{named}` of a subscription with a status of {subscription['status']}.", param=named
            )


def _set_plain(account: Account, subscription: JsonObject, params: JsonObject) -> None:
    subscription["metadata"] = merged(subscription["metadata"], params)
    subscription |= {
        name: params[name] for name in ("description", "collection_method", "days_until_due") if name in params
    }
    if params.get("default_payment_method"):
        method = creation.own_method(account, subscription["customer"], params["default_payment_method"])
        subscription["default_payment_method"] = method
    for name in ("payment_settings", "cancellation_details"):
        subscription[name] = subscription[name] | params.get(name, {})
    at_end = params.get("trial_settings", {}).get("end_behavior", {})
    subscription["trial_settings"] = {"end_behavior": subscription["trial_settings"]["end_behavior"] | at_end}
    if "discounts" in params:
        subscription["discounts"] = creation.redeemed(account, subscription, params["discounts"] or [])
    if "cancel_at_period_end" in params:
        _cancel_later(account, subscription, later=params["cancel_at_period_end"])
    if "pause_collection" in params:
        _pause_collection(account, subscription, params["pause_collection"])


def _cancel_later(account: Account, subscription: JsonObject, *, later: bool) -> None:
    if later == subscription["cancel_at_period_end"]:
        return
    subscription |= {
        "cancel_at_period_end": later,
        "cancel_at": cycle.period_of(subscription).end if later else None,
        "canceled_at": account.now() if later else None,
    }
    subscription["cancellation_details"] = subscription["cancellation_details"] | {
        "reason": "cancellation_requested" if later else None
    }


def _pause_collection(account: Account, subscription: JsonObject, given: JsonObject | None) -> None:
    resumes_at = (given or {}).get("resumes_at")
    if resumes_at is not None and resumes_at <= account.now():
        raise invalid_request("resumes_at must be in the future.", param="pause_collection[resumes_at]")
    subscription["pause_collection"] = None if not given else {"behavior": given["behavior"], "resumes_at": resumes_at}


def _rebill(account: Account, subscription: JsonObject, params: JsonObject) -> JsonObject | None:
    if not any(name in params for name in BILLING):
        return None
    moment = _moment(account, subscription, params)
    plan = _plan(account, subscription, params.get("items", []))
    trial_end = _trial_end(account, params)
    restarts = _restarts(account, subscription, params, plan, trial_end=trial_end)
    trialing = subscription["status"] == "trialing"
    # What is on trial was debited nothing, so there is nothing to give back and nothing to ask for.
    behavior = "none" if trialing else params.get("proration_behavior", "create_prorations")
    if behavior != "none":
        for item in items.of(subscription) if restarts else plan.changed:
            proration.credit(account, subscription, item, moment)
    if restarts:
        start = cycle.period_of(subscription).start
        usage = cycle.usage_lines(account, subscription, start, account.now())
        subscription["items"] = items.listed(subscription["id"], plan.after)
        return _restart(account, subscription, trial_end, usage)
    _stay(account, subscription, plan, trial_end if trialing else None)
    for item in plan.after:
        if behavior != "none" and item["id"] in plan.rebilled and proration.licensed(item):
            proration.debit(account, subscription, item, moment)
    if behavior == "always_invoice" and (plan.changed or plan.rebilled):
        return cycle.bill(account, subscription, "subscription_update", [])
    return None


def _stay(account: Account, subscription: JsonObject, plan: Plan, trial_end: int | None) -> None:
    """Put the items as they will be into the period there is, or into a trial that ends at another time."""
    period = proration.period_of(account, items.of(subscription)[0])
    if trial_end is not None:
        subscription |= {"trial_end": trial_end, "billing_cycle_anchor": trial_end}
        period = Period(period.start, trial_end, period.start)
    subscription["items"] = items.listed(subscription["id"], plan.after)
    cycle.enter(account, subscription, period)
    if subscription["status"] == "trialing":
        cycle.trial_lines(account, subscription, period)


def _restart(account: Account, subscription: JsonObject, trial_end: int | None, usage: list[JsonObject]) -> JsonObject:
    """Begin a new period now, or a trial, and bill it at once."""
    now = account.now()
    if trial_end is not None:
        subscription |= {"status": "trialing", "trial_start": now, "trial_end": trial_end}
        subscription["billing_cycle_anchor"] = trial_end
        period = Period(now, trial_end, now)
        made = cycle.trial_lines(account, subscription, period)
    else:
        if subscription["status"] == "trialing":
            subscription |= {"status": "active", "trial_end": now}
        subscription["billing_cycle_anchor"] = now
        period = cycle.next_period(subscription, now)
        made = cycle.period_lines(account, subscription, period)
    cycle.enter(account, subscription, period)
    members = {"period_start": now, "period_end": now}
    return cycle.bill(account, subscription, "subscription_update", [*usage, *made], members)


def _moment(account: Account, subscription: JsonObject, params: JsonObject) -> int:
    """Give when the change counts from: now, or the ``proration_date`` that a preview was made for."""
    moment = params.get("proration_date")
    if moment is None:
        return account.now()
    period = cycle.period_of(subscription)
    if not period.start <= moment <= period.end:
        raise invalid_request(
            "Invalid proration_date: it must be within the current subscription billing period.", param="proration_date"
        )
    return int(moment)


def _plan(account: Account, subscription: JsonObject, given: list[JsonObject]) -> Plan:
    before = {item["id"]: item for item in items.of(subscription)}
    plan = Plan(after=copy.deepcopy(list(before.values())))
    for place, one in enumerate(given):
        param = f"items[{place}]"
        if "id" not in one:
            item = items.make(account, subscription["id"], one, param)
            plan.after.append(item)
            plan.rebilled.add(item["id"])
            continue
        if one["id"] not in before:
            raise invalid_request(
                f"No such subscription item: '{one['id']}'", code="resource_missing", param=f"{param}[id]"
            )
        if one.get("deleted"):
            _refuse_usage(account, subscription, before[one["id"]], one)
            plan.after = [item for item in plan.after if item["id"] != one["id"]]
            plan.changed.append(before[one["id"]])
            continue
        item = next(item for item in plan.after if item["id"] == one["id"])
        items.amend(account, item, one, param)
        if _billing_of(item) != _billing_of(before[one["id"]]):
            plan.changed.append(before[one["id"]])
            plan.rebilled.add(item["id"])
    items.refuse_mixed(plan.after)
    return plan


def _refuse_usage(account: Account, subscription: JsonObject, item: JsonObject, given: JsonObject) -> None:
    if proration.licensed(item) or given.get("clear_usage"):
        return
    raise invalid_request(
        f"Subscription item {item['id']} cannot be deleted because it has usage. Pass `clear_usage` to delete it and "
        "the usage with it.",
        param="items",
    )


def _billing_of(item: JsonObject) -> tuple[str, int | None]:
    return item["price"]["id"], item.get("quantity")


def _trial_end(account: Account, params: JsonObject) -> int | None:
    if params.get("trial_end") in {None, "now"}:
        return None
    return creation.trial_end_of(account, {"trial_end": params["trial_end"]})


def _restarts(
    account: Account, subscription: JsonObject, params: JsonObject, plan: Plan, *, trial_end: int | None
) -> bool:
    """Tell whether the change begins a new period at once."""
    if subscription["status"] == "trialing":
        return params.get("trial_end") == "now" or _anchored_now(params)
    if trial_end is not None or _anchored_now(params):
        return True
    was, will = (one[0]["price"]["recurring"] for one in (items.of(subscription), plan.after))
    if (was["interval"], was["interval_count"]) != (will["interval"], will["interval_count"]):
        return True
    return _worth(account, items.of(subscription)) == 0 < _worth(account, plan.after)


def _anchored_now(params: JsonObject) -> bool:
    anchor = params.get("billing_cycle_anchor")
    return bool(anchor and anchor["type"] == "now")


def _worth(account: Account, listed: list[JsonObject]) -> int:
    return sum(full_amount(account, item["price"], item["quantity"]) for item in listed if proration.licensed(item))


def _unsupported(param: str) -> StripeError:
    return invalid_request(
        f"The local stand-in does not support this {param}; Stripe does.",
        code="standin_unsupported_parameter",
        param=param,
    )
