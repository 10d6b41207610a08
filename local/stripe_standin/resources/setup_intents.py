"""/v1/setup_intents"""

from stripe.params import (
    SetupIntentCancelParams,
    SetupIntentConfirmParams,
    SetupIntentCreateParams,
    SetupIntentListParams,
    SetupIntentRetrieveParams,
)

from .. import setups
from ..errors import invalid_request, no_such
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from . import payment_methods
from .references import customer_named

BROWSER = {"key": str, "client_secret": str, "expected_payment_method_type": str}
ON_CONFIRM = frozenset({"payment_method", "return_url", "use_stripe_sdk", "mandate_data"})
HONOURED = ON_CONFIRM | {"automatic_payment_methods", "confirm", "customer", "description", "metadata", "usage"}


def create(call: Call) -> JsonObject:
    """POST /v1/setup_intents"""
    account, params = call.account, call.params
    members: JsonObject = {
        "automatic_payment_methods": params.get("automatic_payment_methods"),
        "customer": customer_named(account, params["customer"])["id"] if params.get("customer") else None,
        "description": params.get("description"),
        "metadata": merged({}, params),
        "usage": params.get("usage", "off_session"),
    }
    if "payment_method" in params:
        members["payment_method"] = _method(call, members["customer"])
    intent = setups.make(account, members)
    if params.get("confirm"):
        setups.confirm(account, intent)
    return intent


def retrieve(call: Call) -> JsonObject:
    """GET /v1/setup_intents/{intent}; a browser needs the client secret."""
    intent = call.account.get("setup_intent", call.path["intent"], param="intent")
    secret = call.params.get("client_secret")
    if (call.publishable or secret is not None) and secret != intent["client_secret"]:
        raise no_such("setup_intent", call.path["intent"], param="intent")
    return intent


def confirm(call: Call) -> JsonObject:
    """POST /v1/setup_intents/{intent}/confirm, with a secret key or from a browser."""
    intent = retrieve(call)
    setups.refuse_unless(intent, setups.CONFIRMABLE, "confirmed")
    if "payment_method" in call.params:
        intent["payment_method"] = _method(call, intent["customer"])
    setups.confirm(call.account, intent)
    return intent


def cancel(call: Call) -> JsonObject:
    """POST /v1/setup_intents/{intent}/cancel"""
    intent = retrieve(call)
    setups.cancel(call.account, intent, call.params.get("cancellation_reason"))
    return intent


def list_all(call: Call) -> JsonObject:
    """GET /v1/setup_intents, by ``customer`` and ``payment_method``."""
    found = call.account.newest_first("setup_intent")
    for name in ("customer", "payment_method"):
        if name in call.params:
            found = [intent for intent in found if intent[name] == call.params[name]]
    return page("/v1/setup_intents", found, call.params)


def _method(call: Call, customer_id: str | None) -> str:
    method = payment_methods.usable(call.account, call.params["payment_method"])
    if method["customer"] not in {None, customer_id}:
        raise invalid_request(
            f"The provided PaymentMethod ({method['id']}) belongs to another Customer.", param="payment_method"
        )
    return str(method["id"])


ROUTES = (
    Route("POST", "/v1/setup_intents", SetupIntentCreateParams, create, HONOURED),
    Route("GET", "/v1/setup_intents", SetupIntentListParams, list_all),
    Route("GET", "/v1/setup_intents/{intent}", SetupIntentRetrieveParams, retrieve, None, BROWSER),
    Route("POST", "/v1/setup_intents/{intent}/confirm", SetupIntentConfirmParams, confirm, ON_CONFIRM, BROWSER),
    Route("POST", "/v1/setup_intents/{intent}/cancel", SetupIntentCancelParams, cancel),
)
