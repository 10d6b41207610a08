"""Invoices that are not there yet. A preview does what it previews, looks at the invoice, and undoes it all.

So what it says is what the same request, with the same ``proration_date``, would then bill.
"""

import copy
from collections.abc import Callable
from contextlib import suppress

from ..accounts import Account
from ..errors import StripeError, invalid_request
from ..resources.references import customer_named
from ..shapes import JsonObject
from . import changes, creation, cycle, status


class _Undo(Exception):
    """Ends a preview."""


def create_preview(account: Account, params: JsonObject) -> JsonObject:
    """Preview the invoice a change or a new subscription brings at once, or else the next one.

    Raises:
        StripeError: 404 ``invoice_upcoming_none`` when there is none to come.
    """
    details = params.get("subscription_details") or {}
    if "subscription" in params:
        subscription_id: str = params["subscription"]
        account.get("subscription", subscription_id, param="subscription", status=400)
        return _tried(account, lambda: _of_change(account, subscription_id, details))
    if "customer" in params and details.get("items"):
        return _tried(account, lambda: _of_start(account, {**details, "customer": params["customer"]}))
    raise _none(params.get("customer", ""))


def upcoming(account: Account, subscription: JsonObject) -> JsonObject:
    """Preview the invoice the end of the current period brings; raise ``invoice_upcoming_none`` when it brings none."""
    return _tried(account, lambda: _next(account, account.get("subscription", subscription["id"])))


def _tried(account: Account, build: Callable[[], JsonObject]) -> JsonObject:
    seen: JsonObject = {}
    with suppress(_Undo), account.tentative():
        seen = copy.deepcopy(build())
        raise _Undo
    return seen | {"id": f"upcoming_{seen['id']}"}


def _of_change(account: Account, subscription_id: str, details: JsonObject) -> JsonObject:
    subscription = account.get("subscription", subscription_id)
    given = {name: value for name, value in details.items() if name != "proration_date" or "items" in details}
    return changes.apply(account, subscription, given) or _next(account, subscription)


def _of_start(account: Account, params: JsonObject) -> JsonObject:
    anchor = params.pop("billing_cycle_anchor", None)
    if anchor and anchor["type"] == "timestamp":
        params["billing_cycle_anchor"] = anchor["timestamp"]
    customer_named(account, params["customer"])
    invoice = creation.draft_first(account, params)
    if invoice is None:
        raise _none(params["customer"])
    return invoice


def _next(account: Account, subscription: JsonObject) -> JsonObject:
    if subscription["status"] not in status.BILLED or subscription["cancel_at_period_end"]:
        raise _none(subscription["customer"])
    ending = cycle.period_of(subscription)
    period = cycle.next_period(subscription, ending.end)
    usage = cycle.usage_lines(account, subscription, ending.start, ending.end)
    made = cycle.period_lines(account, subscription, period)
    members = {"period_start": ending.start, "period_end": ending.end, "next_payment_attempt": ending.end}
    return cycle.bill(account, subscription, "upcoming", [*usage, *made], members)


def _none(customer_id: str) -> StripeError:
    return invalid_request(
        f"No upcoming invoices for customer: {customer_id}", code="invoice_upcoming_none", status=404
    )
