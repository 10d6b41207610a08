"""Starting a subscription: its anchor, its trial, its first period, and its first invoice with the payment of it.

Source: https://docs.stripe.com/billing/subscriptions/overview and https://docs.stripe.com/api/subscriptions/create.
"""

from .. import ids, setups
from ..accounts import Account
from ..errors import StripeError, card_error, invalid_request
from ..metadata import merged
from ..params import positive
from ..resources import payment_methods
from ..resources.references import customer_named
from ..shapes import JsonObject
from . import collection, cycle, discounts, invoices, items, status
from .calendar import DAY, Period, boundary

LONGEST_TRIAL_DAYS = 730
NO_CANCELLATION = {"comment": None, "feedback": None, "feedback_option": None, "reason": None}


def create(account: Account, params: JsonObject) -> JsonObject:
    """Make a subscription and try its first payment as ``payment_behavior`` says.

    Raises:
        StripeError: 400 for parameters that do not fit together, or no way to pay; 402 with ``error_if_incomplete``
            when the payment does not succeed. The caller undoes what there is of the subscription then.
    """
    customer = customer_named(account, params["customer"])
    subscription = _make(account, customer, params)
    behavior = params.get("payment_behavior", "allow_incomplete")
    automatic = subscription["collection_method"] == "charge_automatically"
    invoice = _first_invoice(account, subscription, params)
    due = 0 if invoice is None else invoice["amount_due"]
    if due and automatic:
        subscription["status"] = "incomplete"
        if behavior == "allow_incomplete" and collection.method_for(account, invoice or {}) is None:
            raise invalid_request(collection.NO_METHOD, code="resource_missing")
    _make_setup_intent(account, subscription, behavior, due=due)
    account.emit("customer.subscription.created", subscription)
    if invoice is None:
        return subscription
    account.emit("invoice.created", invoice)
    collection.finalize(account, invoice)
    if invoice["status"] == "open" and automatic and behavior != "default_incomplete":
        _pay(account, invoice, must=behavior == "error_if_incomplete")
    return subscription


def draft_first(account: Account, params: JsonObject) -> JsonObject | None:
    """Make a subscription and the draft of its first invoice, and nothing of what follows: for a preview."""
    subscription = _make(account, customer_named(account, params["customer"]), params)
    return _first_invoice(account, subscription, params)


def trial_end_of(account: Account, params: JsonObject) -> int | None:
    """Give when the trial a request asks for ends; None for none. Raises a 400 for a moment that is past or too far."""
    days = positive(params, "trial_period_days")
    if days is not None and "trial_end" in params:
        raise invalid_request("You cannot specify both `trial_end` and `trial_period_days`.", param="trial_end")
    end = params.get("trial_end")
    if end in {None, "now"}:
        end = None if days is None else account.now() + days * DAY
    elif end <= account.now():
        raise invalid_request(
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            code="parameter_invalid_integer",
            param="trial_end",
        )
    if end is not None and end > account.now() + LONGEST_TRIAL_DAYS * DAY:
        raise invalid_request(
            f"Invalid trial: it can be at most {LONGEST_TRIAL_DAYS} days long.",
            param="trial_end" if "trial_end" in params else "trial_period_days",
        )
    return end


def own_method(account: Account, customer_id: str, method_id: str) -> str:
    """Give the id of a payment method that is attached to the customer; raise a 400 for another."""
    method = payment_methods.usable(account, method_id)
    if method["customer"] != customer_id:
        raise invalid_request(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached "
            "to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return str(method["id"])


def redeemed(account: Account, subscription: JsonObject, given: list[JsonObject]) -> list[str]:
    """Redeem the coupons of a request's ``discounts``, and give the discounts' ids."""
    made = []
    for place, one in enumerate(given):
        param = f"discounts[{place}][coupon]"
        if "discount" in one:
            if one["discount"] not in subscription["discounts"]:
                raise invalid_request(f"No such discount: '{one['discount']}'", code="resource_missing", param=param)
            made.append(one["discount"])
        elif "coupon" in one:
            made.append(discounts.redeem(account, one["coupon"], subscription, param=param))
        else:
            raise invalid_request("Missing required param: coupon.", code="parameter_missing", param=param)
    return made


def _make(account: Account, customer: JsonObject, params: JsonObject) -> JsonObject:
    """Store the subscription in its first period, unbilled."""
    now = account.now()
    if not params.get("items"):
        raise invalid_request("Missing required param: items.", code="parameter_missing", param="items")
    subscription_id = ids.new("subscription")
    made = [items.make(account, subscription_id, one, f"items[{place}]") for place, one in enumerate(params["items"])]
    items.refuse_mixed(made)
    _refuse_unsupported(params)
    trial_end = trial_end_of(account, params)
    anchor = _anchor(account, params, made[0]["price"]["recurring"], trial_end)
    method = params.get("default_payment_method")
    subscription = account.add(
        "subscription",
        {
            "id": subscription_id,
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": anchor,
            "billing_cycle_anchor_config": None,
            "billing_mode": {
                "flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": now,
            },
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": dict(NO_CANCELLATION),
            "collection_method": params.get("collection_method", "charge_automatically"),
            "currency": made[0]["price"]["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "days_until_due": params.get("days_until_due"),
            "default_payment_method": own_method(account, customer["id"], method) if method else None,
            "default_source": None,
            "default_tax_rates": [],
            "description": params.get("description"),
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
                                 "issuer": {"type": "self"}},
            "items": items.listed(subscription_id, made),
            "latest_invoice": None,
            "metadata": merged({}, params),
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {
                "payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off",
            } | params.get("payment_settings", {}),
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": now,
            "status": "active" if trial_end is None else "trialing",
            "status_details": None,
            "test_clock": None,
            "transfer_data": None,
            "trial_end": trial_end,
            "trial_settings": {
                "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"},
            },
            "trial_start": None if trial_end is None else now,
        },
    )  # fmt: skip
    subscription["trial_settings"]["end_behavior"] |= params.get("trial_settings", {}).get("end_behavior", {})
    subscription["discounts"] = redeemed(account, subscription, params.get("discounts") or [])
    return subscription


def _refuse_unsupported(params: JsonObject) -> None:
    if params.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise _unsupported("billing_mode[type]")
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid_request(
            "`pending_if_incomplete` may only be used when a subscription is updated.", param="payment_behavior"
        )
    send = params.get("collection_method") == "send_invoice"
    if send and "days_until_due" not in params:
        raise invalid_request(
            "Missing required param: days_until_due.", code="parameter_missing", param="days_until_due"
        )
    if not send and "days_until_due" in params:
        raise invalid_request(
            "`days_until_due` may only be given when `collection_method` is `send_invoice`.", param="days_until_due"
        )


def _unsupported(param: str) -> StripeError:
    return invalid_request(
        f"The local stand-in does not support this {param}; Stripe does.",
        code="standin_unsupported_parameter",
        param=param,
    )


def _anchor(account: Account, params: JsonObject, recurring: JsonObject, trial_end: int | None) -> int:
    """Give the anchor: the one asked for, the trial's end, or now."""
    begins = account.now() if trial_end is None else trial_end
    anchor = params.get("billing_cycle_anchor")
    if anchor is None:
        return begins
    natural = boundary(begins, recurring, 1)
    if anchor < begins:
        what = "must be in the future" if trial_end is None else "cannot be before the trial ends"
        raise invalid_request(f"billing_cycle_anchor {what}", param="billing_cycle_anchor")
    if anchor > natural:
        raise invalid_request(
            f"billing_cycle_anchor cannot be later than next natural billing date ({natural}) for plan",
            param="billing_cycle_anchor",
        )
    return int(anchor)


def _first_invoice(account: Account, subscription: JsonObject, params: JsonObject) -> JsonObject | None:
    """Enter the first period and draft its invoice; None when the time up to the anchor is a gift."""
    now, trial_end = account.now(), subscription["trial_end"]
    gift = params.get("proration_behavior") == "none"
    account.behind(subscription["id"])["gift_until_anchor"] = gift
    if trial_end is not None:
        period = Period(now, trial_end, now)
        cycle.enter(account, subscription, period)
        made = cycle.trial_lines(account, subscription, period)
    else:
        period = cycle.next_period(subscription, now)
        cycle.enter(account, subscription, period)
        made = [] if gift and period.start != period.whole_start else cycle.period_lines(account, subscription, period)
    return cycle.bill(account, subscription, "subscription_create", made) if made else None


def _make_setup_intent(account: Account, subscription: JsonObject, behavior: str, *, due: int) -> None:
    """Where nothing is to be paid yet, ask for a card to be set up, or for the one there is to be authenticated."""
    if due or subscription["collection_method"] != "charge_automatically":
        return
    customer = account.get("customer", subscription["customer"])
    method_id = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    method = account.find("payment_method", method_id or "")
    if behavior != "default_incomplete" and (method is None or not setups.must_authenticate(account, method)):
        return
    intent = setups.make(account, {"customer": subscription["customer"], "payment_method": method_id})
    account.behind(intent["id"])["subscription"] = subscription["id"]
    subscription["pending_setup_intent"] = intent["id"]
    if method is not None and behavior != "default_incomplete":
        setups.confirm(account, intent)


def _pay(account: Account, invoice: JsonObject, *, must: bool) -> None:
    try:
        collection.pay(account, invoice)
    except StripeError as refused:
        if must:
            # Else a browser could still pay for what is about to be undone.
            invoices.stop_payment(account, invoice)
        if must and refused.code == "invoice_payment_intent_requires_action":
            raise card_error("subscription_payment_intent_requires_action", refused.message) from None
        if must or refused.status != 402:
            raise


def on_set_up(account: Account, intent: JsonObject) -> None:
    """Follow a setup intent that succeeded: its method becomes the one of the subscription that waited for it."""
    subscription = account.find("subscription", account.behind(intent["id"]).get("subscription", ""))
    if subscription is not None and subscription["pending_setup_intent"] == intent["id"]:
        with status.telling(account, subscription):
            subscription["pending_setup_intent"] = None
            subscription["default_payment_method"] = intent["payment_method"]
