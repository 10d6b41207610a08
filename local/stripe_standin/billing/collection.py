"""Getting invoices paid: payment intents, attempts, retries, and what follows when they run out.

An attempt's outcome comes back as an event of its payment intent (see ``reactions``), whoever confirmed it: the attempt
here, or a browser with the client secret.
Source: https://docs.stripe.com/billing/revenue-recovery/smart-retries and https://docs.stripe.com/invoicing/overview.
"""

from collections.abc import Iterator

from .. import payments
from ..accounts import Account, change
from ..agenda import Task
from ..errors import StripeError, card_error, invalid_request
from ..resources import payment_intents
from ..shapes import JsonObject
from . import ending, invoices, status
from .calendar import DAY

NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting."
)
NEEDS_ACTION = (
    "This payment requires additional user action before it can be completed successfully. Payment can be completed "
    "using the PaymentIntent associated with the invoice."
)


def finalize(account: Account, invoice: JsonObject) -> None:
    """Open a draft and prepare its payment; what comes to nothing is paid at once."""
    invoices.finalize(account, invoice)
    if invoice["amount_due"] == 0:
        invoices.pay_off(account, invoice)
        _settled(account, invoice)
        return
    intent = payment_intents.make(
        account,
        {
            "amount": invoice["amount_due"],
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "description": "Subscription update" if invoices.subscription_of(invoice) else None,
            "setup_future_usage": "off_session" if invoices.subscription_of(invoice) else None,
        },
    )
    account.behind(intent["id"])["invoice"] = invoice["id"]
    account.behind(invoice["id"])["payment_intent"] = intent["id"]
    payment = account.add(
        "invoice_payment",
        {
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )
    del payment["metadata"]


def pay(account: Account, invoice: JsonObject, method_id: str | None = None) -> None:
    """Try to pay an open invoice now; a zero one is paid already.

    Raises:
        StripeError: 400 when it is paid, void, or there is nothing to pay with; 402 when the card is declined or its
            holder has to act first.
    """
    if invoice["status"] == "draft":
        finalize(account, invoice)
        if invoice["status"] == "paid":
            return
    _refuse_closed(invoice)
    intent = account.get("payment_intent", account.behind(invoice["id"])["payment_intent"])
    method = account.find("payment_method", method_id or method_for(account, invoice) or "")
    if method is None:
        raise invalid_request(NO_METHOD, code="resource_missing")
    payments.refuse_foreign(account, intent, method)
    if intent["status"] == "processing":
        raise invalid_request("A payment for this invoice is already processing.")
    change(intent, {"payment_method": method["id"], "status": "requires_confirmation"})
    payments.confirm(account, intent)
    if intent["status"] == "requires_action":
        error = card_error("invoice_payment_intent_requires_action", NEEDS_ACTION)
        error.extra["payment_intent"] = dict(intent)
        raise error


def pay_elsewhere(account: Account, invoice: JsonObject) -> None:
    """Record that the invoice was paid outside of Stripe."""
    if invoice["status"] == "draft":
        finalize(account, invoice)
        if invoice["status"] == "paid":
            return
    _refuse_closed(invoice)
    invoices.stop_payment(account, invoice)
    invoices.pay_off(account, invoice, off_stripe=True)
    _settled(account, invoice)


def attempt_once(account: Account, invoice: JsonObject) -> None:
    """Try to pay what a request brought about, leaving the rest to the retries; raises as ``pay`` does."""
    schedule: list[int] = account.dunning["retry_days"]
    account.behind(invoice["id"])["attempts"] = 1
    invoice["next_payment_attempt"] = account.now() + schedule[0] * DAY if schedule else None
    try:
        pay(account, invoice)
    except StripeError as refused:
        if refused.code == "resource_missing":
            _record_failure(account, invoice)
        raise


def attempt(account: Account, invoice: JsonObject) -> None:
    """Try to pay as Stripe does by itself: a refusal is recorded, not raised, and tried again as the retries say."""
    schedule: list[int] = account.dunning["retry_days"]
    made = account.behind(invoice["id"])
    turn = made.get("attempts", 0)
    made["attempts"] = turn + 1
    retries = turn < len(schedule) and _may_retry(account, invoice)
    invoice["next_payment_attempt"] = account.now() + schedule[turn] * DAY if retries else None
    try:
        pay(account, invoice)
    except StripeError as refused:
        if refused.code == "resource_missing":
            _record_failure(account, invoice)
    if invoice["status"] == "open" and invoice["next_payment_attempt"] is None:
        _give_up(account, invoice)


def method_for(account: Account, invoice: JsonObject) -> str | None:
    """Give what to pay with: the invoice's own method, the subscription's, or the customer's default."""
    subscription = account.find("subscription", invoices.subscription_of(invoice) or "")
    customer = account.get("customer", invoice["customer"])
    method_id: str | None = (
        invoice["default_payment_method"]
        or (subscription["default_payment_method"] if subscription else None)
        or customer.get("invoice_settings", {}).get("default_payment_method")
    )
    return method_id


def on_paid(account: Account, intent: JsonObject) -> None:
    """Follow a payment intent that succeeded."""
    invoice = _invoice_of(account, intent)
    if invoice is None or invoice["status"] not in {"open", "uncollectible"}:
        return
    for payment in account.newest_first("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["status"] == "open":
            moments = payment["status_transitions"] | {"paid_at": account.now()}
            change(payment, {"amount_paid": intent["amount"], "status": "paid", "status_transitions": moments})
            account.emit("invoice_payment.paid", payment)
    invoice["attempt_count"] += 1
    invoices.pay_off(account, invoice)
    subscription = account.find("subscription", invoices.subscription_of(invoice) or "")
    settings = (subscription or {}).get("payment_settings") or {}
    if subscription is not None and settings.get("save_default_payment_method") == "on_subscription":
        method = account.get("payment_method", intent["payment_method"])
        if method["customer"] == subscription["customer"]:
            with status.telling(account, subscription):
                subscription["default_payment_method"] = method["id"]
    _settled(account, invoice)


def on_failed(account: Account, intent: JsonObject) -> None:
    """Follow a payment intent that was declined."""
    invoice = _invoice_of(account, intent)
    if invoice is not None and invoice["status"] == "open":
        _record_failure(account, invoice)


def on_action_required(account: Account, intent: JsonObject) -> None:
    """Follow a payment intent whose card asks its holder to act."""
    invoice = _invoice_of(account, intent)
    if invoice is not None and invoice["status"] == "open":
        invoice["attempted"] = True
        account.emit("invoice.payment_action_required", invoice)
        subscription = status.following(account, invoice, invoices.subscription_of(invoice))
        if subscription is not None:
            status.invoice_failed(account, subscription)


def on_processing(account: Account, intent: JsonObject) -> None:
    """Follow a bank payment under way: the subscription does not wait for it."""
    invoice = _invoice_of(account, intent)
    if invoice is None:
        return
    invoice["attempted"] = True
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is not None and subscription["status"] == "incomplete":
        status.move(account, subscription, "active")


def given_up(account: Account, invoice: JsonObject) -> None:
    """Let the subscription follow an invoice that was voided or marked uncollectible."""
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is None:
        return
    if subscription["status"] == "incomplete":
        ending.expire(account, subscription)
    elif subscription["status"] != "paused" or invoice["status"] == "uncollectible":
        status.invoice_settled(account, subscription)


def tasks(account: Account) -> Iterator[Task]:
    """Give what invoices will do by themselves: finalise, be tried (again), fall due."""
    for invoice in account.objects.get("invoice", {}).values():
        if invoice["status"] == "draft" and invoice["auto_advance"] and invoice["automatically_finalizes_at"]:
            yield Task(invoice["automatically_finalizes_at"], "invoice_finalized", invoice["id"], _advance)
        elif invoice["status"] == "open" and invoice["next_payment_attempt"] is not None:
            yield Task(invoice["next_payment_attempt"], "invoice_attempted", invoice["id"], _try_again)
        elif invoice["status"] == "open" and invoice["due_date"] and not account.behind(invoice["id"]).get("overdue"):
            yield Task(invoice["due_date"], "invoice_overdue", invoice["id"], _overdue)


def _advance(account: Account, invoice_id: str) -> None:
    """Finalise a draft whose hour is over, and do with it what the subscription's pause or the method says."""
    invoice = account.get("invoice", invoice_id)
    subscription = account.find("subscription", invoices.subscription_of(invoice) or "")
    paused = (subscription or {}).get("pause_collection")
    finalize(account, invoice)
    if invoice["status"] == "paid":
        return
    if paused and paused["behavior"] == "void":
        invoices.void(account, invoice)
    elif paused and paused["behavior"] == "mark_uncollectible":
        invoices.mark_uncollectible(account, invoice, "subscription_paused")
    elif invoice["collection_method"] == "charge_automatically":
        attempt(account, invoice)


def _try_again(account: Account, invoice_id: str) -> None:
    attempt(account, account.get("invoice", invoice_id))


def _overdue(account: Account, invoice_id: str) -> None:
    invoice = account.get("invoice", invoice_id)
    account.behind(invoice_id)["overdue"] = True
    account.emit("invoice.overdue", invoice)
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is not None:
        status.invoice_failed(account, subscription)


def _record_failure(account: Account, invoice: JsonObject) -> None:
    change(invoice, {"attempted": True, "attempt_count": invoice["attempt_count"] + 1})
    account.emit("invoice.payment_failed", invoice)
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is not None:
        status.invoice_failed(account, subscription)


def _give_up(account: Account, invoice: JsonObject) -> None:
    """Do what the account's settings say once the retries of a subscription's invoice have run out."""
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is None or subscription["status"] != "past_due":
        return
    intent = account.find("payment_intent", account.behind(invoice["id"])["payment_intent"])
    if intent is not None and intent["status"] == "processing":
        return
    match account.dunning["then"]:
        case "cancel":
            ending.cancel(account, subscription, "payment_failed")
        case "unpaid":
            status.move(account, subscription, "unpaid")


def _may_retry(account: Account, invoice: JsonObject) -> bool:
    """Stripe does not retry the first invoice of a subscription: that one is its customer's to pay within a day."""
    subscription = account.find("subscription", invoices.subscription_of(invoice) or "")
    return subscription is None or subscription["status"] not in {"incomplete", "paused", *status.ENDED}


def _settled(account: Account, invoice: JsonObject) -> None:
    subscription = status.following(account, invoice, invoices.subscription_of(invoice))
    if subscription is not None:
        status.invoice_settled(account, subscription)


def _invoice_of(account: Account, intent: JsonObject) -> JsonObject | None:
    return account.find("invoice", account.behind(intent["id"]).get("invoice", ""))


def _refuse_closed(invoice: JsonObject) -> None:
    if invoice["status"] == "paid":
        raise invalid_request("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise invalid_request("This invoice is void and can no longer be paid.")
