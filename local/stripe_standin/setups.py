"""Setup intents: making a card ready to be charged later. Source: https://docs.stripe.com/payments/setup-intents."""

from . import cards, ids
from .accounts import Account, change
from .cards import Authentication
from .errors import StripeError, card_error, invalid_request
from .payments import AUTHENTICATION_FAILED
from .resources import payment_methods
from .shapes import JsonObject

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def make(account: Account, members: JsonObject) -> JsonObject:
    """Store a new setup intent, and say so."""
    intent_id = ids.new("setup_intent")
    intent = account.add(
        "setup_intent",
        {
            "id": intent_id,
            "allowed_payment_method_types": None,
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": f"{intent_id}_secret_{ids.random_text(25)}",
            "customer": None,
            "customer_account": None,
            "description": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "mandate": None,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": "off_session",
        }
        | members,
    )
    if intent["payment_method"] is not None:
        intent["status"] = "requires_confirmation"
    account.emit("setup_intent.created", intent)
    return intent


def must_authenticate(account: Account, method: JsonObject) -> bool:
    """Tell whether the method's card asks its holder before it is set up."""
    card = payment_methods.card_of(account, method)
    return card.authentication is not Authentication.NEVER and not account.behind(method["id"]).get("set_up")


def confirm(account: Account, intent: JsonObject) -> None:
    """Set up the intent's payment method, or ask its holder to authenticate.

    Raises:
        StripeError: 400 ``setup_intent_unexpected_state``; 402 when the issuer refuses the card.
    """
    refuse_unless(intent, CONFIRMABLE, "confirmed")
    if intent["payment_method"] is None:
        raise _unexpected(intent, "You cannot confirm this SetupIntent because it's missing a payment method.")
    method = account.get("payment_method", intent["payment_method"], param="payment_method", status=400)
    change(intent, {"last_setup_error": None, "next_action": None})
    card = payment_methods.card_of(account, method)
    if card.decline is not None and not card.attaches:
        raise _fail(account, intent, method, card.decline)
    if not must_authenticate(account, method):
        _succeed(account, intent, method)
        return
    action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "source": None}}
    change(intent, {"status": "requires_action", "next_action": action})
    account.emit("setup_intent.requires_action", intent)


def authenticate(account: Account, intent: JsonObject, *, success: bool) -> None:
    """Answer for the card's holder; a refusal is recorded on the intent. Raises a 400 unless it was asked for."""
    refuse_unless(intent, ("requires_action",), "authenticated")
    method = account.get("payment_method", intent["payment_method"])
    if success:
        _succeed(account, intent, method)
    else:
        _fail(account, intent, method, AUTHENTICATION_FAILED)


def cancel(account: Account, intent: JsonObject, reason: str | None) -> None:
    """Cancel what has not succeeded, and say so."""
    refuse_unless(intent, CONFIRMABLE, "canceled")
    change(intent, {"status": "canceled", "cancellation_reason": reason, "next_action": None})
    account.emit("setup_intent.canceled", intent)


def refuse_unless(intent: JsonObject, allowed: tuple[str, ...], what: str) -> None:
    """Raise ``setup_intent_unexpected_state`` unless the status allows ``what``."""
    if intent["status"] not in allowed:
        raise _unexpected(
            intent, f"This SetupIntent could not be {what} because it has a status of {intent['status']}."
        )


def _succeed(account: Account, intent: JsonObject, method: JsonObject) -> None:
    account.behind(method["id"])["set_up"] = True
    if intent["customer"] is not None and method["customer"] is None:
        payment_methods.put_on(account, method, intent["customer"])
    change(intent, {"status": "succeeded", "next_action": None})
    account.emit("setup_intent.succeeded", intent)


def _fail(account: Account, intent: JsonObject, method: JsonObject, decline: cards.Decline) -> StripeError:
    error = card_error(decline.code, decline.message, decline_code=decline.decline_code)
    error.extra["payment_method"] = dict(method)
    members = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    change(intent, members | {"last_setup_error": error.to_error()})
    account.emit("setup_intent.setup_failed", intent)
    error.extra["setup_intent"] = dict(intent)
    return error


def _unexpected(intent: JsonObject, message: str) -> StripeError:
    error = invalid_request(message, code="setup_intent_unexpected_state")
    error.extra["setup_intent"] = dict(intent)
    return error
