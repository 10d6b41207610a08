"""What moves money: the only ways a payment intent, its charge and its refunds change.

Every function expects the account's lock to be held. Amounts are integer minor units.
Source: https://docs.stripe.com/payments/paymentintents/lifecycle.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from . import ids
from .accounts import Account, change
from .agenda import Task
from .cards import AUTHENTICATION_REQUIRED, Authentication, Decline, TestCard
from .currencies import steps, written
from .errors import StripeError, card_error, invalid_request, unexpected_state
from .resources import payment_methods
from .shapes import JsonObject

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
CAPTURABLE = ("requires_capture",)
AUTHORISATION_SECONDS = 7 * 24 * 60 * 60
"""How long an uncaptured card payment holds."""

AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
BANK_DECLINED = Decline("payment_method_provider_decline", None, "The customer's bank account could not be debited.")


def refuse_unless(intent: JsonObject, allowed: Iterable[str], what: str) -> None:
    """Raise ``payment_intent_unexpected_state`` unless the intent's status allows ``what``."""
    listed = tuple(allowed)
    if intent["status"] not in listed:
        raise unexpected_state(
            f"This PaymentIntent could not be {what} because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses may be {what}: {', '.join(listed)}.",
            intent,
        )


def confirm(account: Account, intent: JsonObject, *, off_session: bool = False, fail_on_action: bool = False) -> None:
    """Try to pay with the intent's payment method.

    Raises:
        StripeError: 400 ``payment_intent_unexpected_state``, or 402 when the card is declined; by then the intent has
            gone back to ``requires_payment_method`` and the failure is recorded.
    """
    if intent["status"] == "succeeded":
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            intent,
        )
    refuse_unless(intent, CONFIRMABLE, "confirmed")
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            intent,
        )
    method = account.get("payment_method", intent["payment_method"], param="payment_method", status=400)
    refuse_foreign(account, intent, method)
    change(intent, {"last_payment_error": None, "next_action": None})
    if method["type"] != "card":
        _wait_for_bank(account, intent, method)
        return
    card = payment_methods.card_of(account, method)
    if not _must_authenticate(account, card, method):
        _authorise(account, intent, method, card)
    elif off_session or fail_on_action:
        raise _decline(account, intent, method, AUTHENTICATION_REQUIRED)
    else:
        _ask_to_authenticate(account, intent)


def refuse_foreign(account: Account, intent: JsonObject, method: JsonObject) -> None:
    """Refuse a payment method that is used up, of a type not allowed here, or another customer's."""
    if account.behind(method["id"]).get("used_up"):
        raise payment_methods.used_up_error()
    if method["type"] not in intent["payment_method_types"]:
        raise invalid_request(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}."
        )
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise invalid_request(
            f"The provided PaymentMethod ({method['id']}) belongs to a Customer. Please include the Customer in the "
            "`customer` parameter on the PaymentIntent.",
            param="payment_method",
        )


def authenticate(account: Account, intent: JsonObject, *, success: bool) -> None:
    """Finish 3-D Secure as the card's holder would. A failure or decline is recorded on the intent, not raised.

    Raises:
        StripeError: 400 unless the intent is in ``requires_action``.
    """
    refuse_unless(intent, ("requires_action",), "authenticated")
    method = account.get("payment_method", intent["payment_method"], param="payment_method", status=400)
    change(intent, {"next_action": None})
    if not success:
        _fail(account, intent, method, AUTHENTICATION_FAILED, charge=None)
        return
    if intent["setup_future_usage"] == "off_session":
        account.behind(method["id"])["set_up"] = True
    try:
        _authorise(account, intent, method, payment_methods.card_of(account, method))
    except StripeError as declined:
        # Nobody waits for this answer: the holder's browser asks for the intent and reads last_payment_error.
        if declined.status != 402:
            raise


def settle(account: Account, intent: JsonObject, *, success: bool) -> None:
    """End a bank payment that is ``processing``; raise a 400 for another status."""
    refuse_unless(intent, ("processing",), "settled")
    charge = account.get("charge", intent["latest_charge"])
    if success:
        change(charge, {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]})
        account.emit("charge.succeeded", charge)
        _succeed(account, intent, charge["amount"])
        return
    change(charge, _failure_of(BANK_DECLINED))
    account.emit("charge.failed", charge)
    _fail(account, intent, account.get("payment_method", charge["payment_method"]), BANK_DECLINED, charge)


def capture(account: Account, intent: JsonObject, amount: int | None) -> None:
    """Take ``amount`` (all that is authorised when None) and release the rest.

    Raises:
        StripeError: 400 ``payment_intent_unexpected_state``, or ``amount_too_large`` for more than is capturable.
    """
    refuse_unless(intent, CAPTURABLE, "captured")
    taken = intent["amount_capturable"] if amount is None else amount
    steps(taken, intent["currency"], param="amount_to_capture")
    if taken > intent["amount_capturable"]:
        raise invalid_request(
            "The amount you requested to capture is greater than the amount you can capture for this PaymentIntent. "
            f"The amount capturable is {written(intent['amount_capturable'], intent['currency'])}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = account.get("charge", intent["latest_charge"])
    # Stripe counts what a partial capture lets go as refunded on the charge, though no money ever moved.
    released = charge["amount"] - taken
    previous = change(charge, {"captured": True, "amount_captured": taken, "amount_refunded": released})
    account.emit("charge.captured", charge, previous)
    _succeed(account, intent, taken)


def cancel(account: Account, intent: JsonObject, reason: str | None) -> None:
    """Cancel the intent and let go of what it holds; raise a 400 when it is too late."""
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(CANCELABLE)}.",
            intent,
        )
    charge = account.find("charge", intent["latest_charge"] or "")
    if charge is not None and intent["status"] == "requires_capture":
        previous = change(charge, {"refunded": True, "amount_refunded": charge["amount"]})
        account.emit("charge.expired" if reason == "automatic" else "charge.refunded", charge, previous)
    if charge is not None and intent["status"] == "processing":
        change(charge, {"status": "failed", "paid": False})
        account.emit("charge.failed", charge)
    change(
        intent,
        {
            "status": "canceled",
            "canceled_at": account.now(),
            "cancellation_reason": reason,
            "amount_capturable": 0,
            "next_action": None,
        },
    )
    account.emit("payment_intent.canceled", intent)


def tasks(account: Account) -> Iterator[Task]:
    """Give when authorisations lapse: Stripe cancels by itself what was not captured within seven days."""
    for intent in account.objects.get("payment_intent", {}).values():
        if intent["status"] == "requires_capture":
            authorised = account.get("charge", intent["latest_charge"])["created"]
            yield Task(authorised + AUTHORISATION_SECONDS, "authorisation_expired", intent["id"], _expire)


def _expire(account: Account, intent_id: str) -> None:
    cancel(account, account.get("payment_intent", intent_id), "automatic")


def refundable(account: Account, charge: JsonObject) -> int:
    """Give what is left to refund: captured, less every refund that has not failed. Pending refunds count."""
    return int(charge["amount_captured"]) - refunded(account, charge["id"])


def refunded(account: Account, charge_id: str) -> int:
    """Give the sum of a charge's refunds that have not failed."""
    return sum(
        refund["amount"]
        for refund in account.newest_first("refund")
        if refund["charge"] == charge_id and refund["status"] in {"pending", "requires_action", "succeeded"}
    )


def refund(account: Account, charge: JsonObject, amount: int | None, members: JsonObject) -> JsonObject:
    """Give back ``amount`` (all that is left when None).

    Raises:
        StripeError: 400 ``charge_already_refunded`` when nothing is left, or a message with both amounts when the
            amount is more than is left.
    """
    if account.behind(charge["id"]).get("disputed"):
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left = refundable(account, charge)
    currency = charge["currency"]
    if left == 0:
        raise invalid_request(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    wanted = left if amount is None else amount
    steps(wanted, currency)
    if wanted > left:
        raise invalid_request(
            f"Refund amount ({written(wanted, currency)}) is greater than unrefunded amount on charge "
            f"({written(left, currency)})",
            param="amount",
        )
    card = payment_methods.card_of(account, account.get("payment_method", charge["payment_method"]))
    made = account.add(
        "refund",
        {
            "amount": wanted,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": currency,
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "payment_intent": charge["payment_intent"],
            "reason": None,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": card.refund_status,
            "transfer_reversal": None,
        }
        | members,
    )
    previous = _recount(account, charge)
    account.emit("charge.refunded", charge, previous)
    account.emit("refund.created", made)
    return made


def settle_refund(account: Account, made: JsonObject, *, success: bool) -> None:
    """End a refund as the bank does later; a failed one puts the money back within reach of another refund.

    Raises:
        StripeError: 400 when the refund has already failed, or success is reported of one that is not pending.
    """
    if made["status"] == "failed" or (success and made["status"] != "pending"):
        raise invalid_request(f"This refund has a status of {made['status']} and cannot be settled.")
    members = {"status": "succeeded"} if success else {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    previous = change(made, members)
    if not success:
        _recount(account, account.get("charge", made["charge"]))
    account.emit("refund.updated", made, previous)
    account.emit("charge.refund.updated", made, previous)
    if not success:
        account.emit("refund.failed", made)


def _recount(account: Account, charge: JsonObject) -> JsonObject:
    released = charge["amount"] - charge["amount_captured"]
    total = refunded(account, charge["id"]) + released
    return change(charge, {"amount_refunded": total, "refunded": total == charge["amount"]})


def _must_authenticate(account: Account, card: TestCard, method: JsonObject) -> bool:
    if card.authentication is Authentication.UNLESS_SET_UP:
        return not account.behind(method["id"]).get("set_up")
    return card.authentication is Authentication.ALWAYS


def _ask_to_authenticate(account: Account, intent: JsonObject) -> None:
    return_url = account.behind(intent["id"]).get("return_url")
    action: JsonObject
    if return_url:
        page = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": page}}
    else:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "source": None}}
    change(intent, {"status": "requires_action", "next_action": action})
    account.emit("payment_intent.requires_action", intent)


def _authorise(account: Account, intent: JsonObject, method: JsonObject, card: TestCard) -> None:
    """Ask the issuer. A yes holds the amount, and captures it unless capture is manual."""
    if card.decline is not None:
        raise _decline(account, intent, method, card.decline)
    manual = intent["capture_method"] == "manual"
    charge = _new_charge(
        account,
        intent,
        method,
        {
            "status": "succeeded",
            "paid": True,
            "captured": not manual,
            "amount_captured": 0 if manual else intent["amount"],
        },
    )
    intent["latest_charge"] = charge["id"]
    _keep_or_use_up(account, intent, method)
    account.emit("charge.succeeded", charge)
    if manual:
        change(intent, {"status": "requires_capture", "amount_capturable": intent["amount"]})
        account.emit("payment_intent.amount_capturable_updated", intent)
    else:
        _succeed(account, intent, intent["amount"])


def _succeed(account: Account, intent: JsonObject, received: int) -> None:
    change(intent, {"status": "succeeded", "amount_capturable": 0, "amount_received": received, "next_action": None})
    account.emit("payment_intent.succeeded", intent)


def _keep_or_use_up(account: Account, intent: JsonObject, method: JsonObject) -> None:
    """Let a method pay once only, unless a customer holds it."""
    if method["customer"] is not None:
        return
    if intent["customer"] is not None and intent["setup_future_usage"] is not None:
        payment_methods.put_on(account, method, intent["customer"])
    else:
        account.behind(method["id"])["used_up"] = True


def _wait_for_bank(account: Account, intent: JsonObject, method: JsonObject) -> None:
    charge = _new_charge(account, intent, method, {"status": "pending"})
    change(intent, {"status": "processing", "latest_charge": charge["id"]})
    _keep_or_use_up(account, intent, method)
    account.emit("charge.pending", charge)
    account.emit("payment_intent.processing", intent)


def _decline(account: Account, intent: JsonObject, method: JsonObject, decline: Decline) -> StripeError:
    """Record a refusal on the intent and give it as an error."""
    charge = _new_charge(account, intent, method, _failure_of(decline))
    intent["latest_charge"] = charge["id"]
    account.emit("charge.failed", charge)
    _fail(account, intent, method, decline, charge)
    error = decline.error()
    error.extra |= {"charge": charge["id"], "payment_intent": dict(intent), "payment_method": dict(method)}
    return error


def _fail(
    account: Account, intent: JsonObject, method: JsonObject, decline: Decline, charge: JsonObject | None
) -> None:
    why = card_error(decline.code, decline.message, decline_code=decline.decline_code)
    if charge is None or method["type"] != "card":
        why.kind = "invalid_request_error"
    if charge is not None:
        why.extra["charge"] = charge["id"]
    why.extra["payment_method"] = dict(method)
    change(
        intent,
        {"status": "requires_payment_method", "payment_method": None, "last_payment_error": why.to_error()},
    )
    account.emit("payment_intent.payment_failed", intent)


def _failure_of(decline: Decline) -> JsonObject:
    blocked = decline.decline_code == "fraudulent"
    return {
        "status": "failed",
        "paid": False,
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": {
            "network_status": "not_sent_to_network" if blocked else "declined_by_network",
            "reason": decline.decline_code,
            "risk_level": "highest" if blocked else "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "blocked" if blocked else "issuer_declined",
        },
    }


def _new_charge(account: Account, intent: JsonObject, method: JsonObject, members: JsonObject) -> JsonObject:
    details: dict[str, Any] = dict(method[method["type"]])
    if method["type"] == "card":
        details["amount_authorized"] = intent["amount"]
        if intent["capture_method"] == "manual":
            details["capture_before"] = account.now() + AUTHORISATION_SECONDS
    return account.add(
        "charge",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "TILL",
            "captured": False,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": {
                "network_status": "approved_by_network",
                "reason": None,
                "risk_level": "normal",
                "seller_message": "Payment complete.",
                "type": "authorized",
            },
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"type": method["type"], method["type"]: details},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{ids.random_text(24)}",
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "failed",
            "transfer_data": None,
            "transfer_group": intent["transfer_group"],
        }
        | members,
    )
