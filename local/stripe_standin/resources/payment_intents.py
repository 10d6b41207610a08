"""/v1/payment_intents"""

from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentCaptureParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
    PaymentIntentUpdateParams,
)

from .. import ids, payments
from ..accounts import Account, change
from ..currencies import chargeable, known
from ..errors import StripeError, invalid_request, no_such, unexpected_state
from ..listing import page
from ..metadata import merged
from ..params import positive
from ..routing import Call, Route
from ..shapes import JsonObject
from . import payment_methods
from .references import customer_named

PLAIN = (
    "description",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "payment_method_options",
    "setup_future_usage",
)
SHAPED = frozenset({*PLAIN, "amount", "currency", "customer", "payment_method", "metadata", "capture_method"})
ON_CONFIRM = frozenset({"return_url", "use_stripe_sdk", "off_session", "error_on_requires_action", "mandate_data"})
ON_CREATE = SHAPED | ON_CONFIRM | {
    "confirm", "confirmation_method", "automatic_payment_methods", "allowed_payment_method_types",
}  # fmt: skip
FIXED_ONCE_PAID = ("amount", "currency", "capture_method", "payment_method", "customer")
DEFAULT_TYPES = ["card", "us_bank_account"]
NEEDS_RETURN_URL = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't "
    "want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)
HIDDEN_FROM_BROWSERS = ("metadata", "customer", "latest_charge", "amount_received", "transfer_group", "on_behalf_of")


def create(call: Call) -> JsonObject:
    """POST /v1/payment_intents. A declined confirmation answers 402 and leaves the intent behind, as Stripe does."""
    account, params = call.account, call.params
    currency = known(params["currency"])
    chargeable(params["amount"], currency)
    _refuse_confirm_only(params)
    types, automatic = _types(params)
    customer = customer_named(account, params["customer"])["id"] if params.get("customer") else None
    metadata = merged({}, params)
    if params.get("confirm"):
        _refuse_without_return_url(params, automatic)
    method = payment_methods.usable(account, params["payment_method"]) if params.get("payment_method") else None
    draft = {"customer": customer, "payment_method_types": types}
    if method is not None:
        payments.refuse_foreign(account, draft, method)
    intent = make(
        account,
        {
            "amount": params["amount"],
            "automatic_payment_methods": automatic,
            "capture_method": params.get("capture_method", "automatic_async"),
            "confirmation_method": params.get("confirmation_method", "automatic"),
            "currency": currency,
            "metadata": metadata,
            "payment_method": None if method is None else method["id"],
            "status": "requires_payment_method" if method is None else "requires_confirmation",
            "payment_method_options": params.get("payment_method_options") or {},
        }
        | {name: params[name] for name in PLAIN if name in params and name != "payment_method_options"}
        | draft,
    )
    if params.get("confirm"):
        _confirm(call, intent)
    return intent


def make(account: Account, members: JsonObject) -> JsonObject:
    """Store a new intent with at least an amount and a currency, and say so."""
    intent_id = ids.new("payment_intent")
    intent = account.add(
        "payment_intent",
        {
            "id": intent_id,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{intent_id}_secret_{ids.random_text(25)}",
            "confirmation_method": "automatic",
            "customer": None,
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_types": list(DEFAULT_TYPES),
            "processing": None,
            "review": None,
            "source": None,
            "status": "requires_payment_method",
            "transfer_data": None,
        }
        | dict.fromkeys(PLAIN)
        | {"payment_method_options": {}}
        | members,
    )
    account.emit("payment_intent.created", intent)
    return intent


def retrieve(call: Call) -> JsonObject:
    """GET /v1/payment_intents/{intent}; a browser needs the client secret and sees less."""
    return _shown(call, _intent(call))


def update(call: Call) -> JsonObject:
    """POST /v1/payment_intents/{intent}. What is to be paid changes only before it is paid."""
    account, params, intent = call.account, call.params, _intent(call)
    if any(name in params for name in FIXED_ONCE_PAID) and intent["status"] not in payments.CONFIRMABLE:
        listed = ", ".join(payments.CONFIRMABLE)
        named = next(name for name in FIXED_ONCE_PAID if name in params)
        raise unexpected_state(
            f"This PaymentIntent's {named} could not be updated because it has a status of {intent['status']}. "
            f"You may only update the {named} of a PaymentIntent with one of the following statuses: {listed}.",
            intent,
        )
    members = {name: params[name] for name in (*PLAIN, "capture_method") if name in params}
    currency = known(params["currency"]) if "currency" in params else intent["currency"]
    amount: int = params["amount"] if "amount" in params else intent["amount"]
    if "amount" in params or "currency" in params:
        chargeable(amount, currency)
        members |= {"amount": amount, "currency": currency}
    if params.get("customer"):
        members["customer"] = customer_named(account, params["customer"])["id"]
    members["metadata"] = merged(intent["metadata"], params)
    if params.get("payment_method"):
        method = payment_methods.usable(account, params["payment_method"])
        payments.refuse_foreign(account, intent | members, method)
        members["payment_method"] = method["id"]
    # A change of what is paid, or with what, takes back the authentication that was under way.
    if any(name in params for name in FIXED_ONCE_PAID):
        has_method = members.get("payment_method", intent["payment_method"]) is not None
        members |= {"status": "requires_confirmation" if has_method else "requires_payment_method", "next_action": None}
    change(intent, members)
    return intent


def confirm(call: Call) -> JsonObject:
    """POST /v1/payment_intents/{intent}/confirm, with a secret key, or with a publishable key and the client secret."""
    intent = _intent(call)
    if not call.publishable:
        _refuse_without_return_url(call.params, intent["automatic_payment_methods"])
    if intent["status"] in payments.CONFIRMABLE:
        members = {name: call.params[name] for name in (*PLAIN, "capture_method") if name in call.params}
        if call.params.get("payment_method"):
            method = payment_methods.usable(call.account, call.params["payment_method"])
            payments.refuse_foreign(call.account, intent, method)
            members["payment_method"] = method["id"]
        change(intent, members)
    _confirm(call, intent)
    return _shown(call, intent)


def capture(call: Call) -> JsonObject:
    """POST /v1/payment_intents/{intent}/capture"""
    intent = _intent(call)
    if call.params.get("final_capture") is False:
        raise invalid_request(
            "The local stand-in does not support capturing more than once; Stripe does on request.",
            code="standin_unsupported_parameter",
            param="final_capture",
        )
    amount = positive(call.params, "amount_to_capture")
    metadata = merged(intent["metadata"], call.params)
    payments.refuse_unless(intent, payments.CAPTURABLE, "captured")
    before = dict(intent["metadata"])
    # Set first, so that the events of the capture carry it; set back if the capture is refused.
    intent["metadata"] = metadata
    try:
        payments.capture(call.account, intent, amount)
    except StripeError:
        intent["metadata"] = before
        raise
    return intent


def cancel(call: Call) -> JsonObject:
    """POST /v1/payment_intents/{intent}/cancel"""
    intent = _intent(call)
    payments.cancel(call.account, intent, call.params.get("cancellation_reason"))
    return intent


def list_all(call: Call) -> JsonObject:
    """GET /v1/payment_intents, by ``customer`` if given."""
    intents = call.account.newest_first("payment_intent")
    if "customer" in call.params:
        intents = [intent for intent in intents if intent["customer"] == call.params["customer"]]
    return page("/v1/payment_intents", intents, call.params)


def _intent(call: Call) -> JsonObject:
    intent = call.account.get("payment_intent", call.path["intent"], param="intent")
    secret = call.params.get("client_secret")
    if (call.publishable or secret is not None) and secret != intent["client_secret"]:
        # The same answer as for an id that does not exist: a browser learns nothing by guessing.
        raise no_such("payment_intent", call.path["intent"], param="intent")
    return intent


def _shown(call: Call, intent: JsonObject) -> JsonObject:
    if not call.publishable:
        return intent
    return {name: value for name, value in intent.items() if name not in HIDDEN_FROM_BROWSERS}


def _confirm(call: Call, intent: JsonObject) -> None:
    params = call.params
    if params.get("return_url"):
        call.account.behind(intent["id"])["return_url"] = params["return_url"]
    payments.confirm(
        call.account,
        intent,
        off_session=bool(params.get("off_session")),
        fail_on_action=bool(params.get("error_on_requires_action")),
    )


def _refuse_confirm_only(params: JsonObject) -> None:
    if params.get("confirm"):
        return
    for name in ("off_session", "return_url", "error_on_requires_action"):
        if name in params:
            raise invalid_request(f"You can only pass {name} when confirm is true.", param=name)


def _types(params: JsonObject) -> tuple[list[str], JsonObject | None]:
    """Give the payment method types and what ``automatic_payment_methods`` is to show.

    The SDK's API version has no ``payment_method_types`` parameter: ``allowed_payment_method_types`` took its place.
    Neither given, Stripe turns the automatic ones on (API versions since 2023-08-16).
    """
    named = params.get("allowed_payment_method_types")
    automatic = params.get("automatic_payment_methods")
    if named and automatic and automatic.get("enabled"):
        raise invalid_request(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types."
        )
    if named:
        return named, None
    enabled = True if automatic is None else automatic.get("enabled", False)
    redirects = "always" if automatic is None else automatic.get("allow_redirects", "always")
    if not enabled:
        return ["card"], None
    return list(DEFAULT_TYPES), {"allow_redirects": redirects, "enabled": True}


def _refuse_without_return_url(params: JsonObject, automatic: JsonObject | None) -> None:
    if automatic is not None and automatic["allow_redirects"] == "always" and not params.get("return_url"):
        raise invalid_request(NEEDS_RETURN_URL)


BROWSER = {"key": str, "client_secret": str, "expected_payment_method_type": str}
CONFIRMED = frozenset({*PLAIN, *ON_CONFIRM, "payment_method", "capture_method"})

ROUTES = (
    Route("POST", "/v1/payment_intents", PaymentIntentCreateParams, create, ON_CREATE),
    Route("GET", "/v1/payment_intents", PaymentIntentListParams, list_all),
    Route("GET", "/v1/payment_intents/{intent}", PaymentIntentRetrieveParams, retrieve, None, BROWSER),
    Route("POST", "/v1/payment_intents/{intent}", PaymentIntentUpdateParams, update, SHAPED),
    Route("POST", "/v1/payment_intents/{intent}/confirm", PaymentIntentConfirmParams, confirm, CONFIRMED, BROWSER),
    Route(
        "POST",
        "/v1/payment_intents/{intent}/capture",
        PaymentIntentCaptureParams,
        capture,
        frozenset({"amount_to_capture", "final_capture", "metadata"}),
    ),
    Route("POST", "/v1/payment_intents/{intent}/cancel", PaymentIntentCancelParams, cancel),
)
