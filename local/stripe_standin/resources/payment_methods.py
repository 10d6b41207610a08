"""/v1/payment_methods

Cards, made from a documented test number, a token or a ready-made id such as ``pm_card_visa``; and the ready-made
``us_bank_account`` methods, because they are the ones that leave a payment ``processing``.
"""

import hashlib
from datetime import UTC, datetime

from stripe.params import (
    PaymentMethodAttachParams,
    PaymentMethodCreateParams,
    PaymentMethodDetachParams,
    PaymentMethodListParams,
    PaymentMethodRetrieveParams,
    PaymentMethodUpdateParams,
)

from .. import cards
from ..accounts import Account, change
from ..cards import TestCard
from ..errors import card_error, invalid_request
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from .references import customer_named

HONOURED = frozenset({"type", "card", "billing_details", "metadata", "allow_redisplay"})
NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
NO_BILLING = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}
BANK_ACCOUNTS = {
    "pm_usBankAccount": "6789",
    "pm_usBankAccount_success": "6789",
    "pm_usBankAccount_processing": "0009",
}
"""Ready-made bank accounts and their last digits. A payment by one waits until the control API settles it."""
MONTHS = 12
CVC_LENGTHS = (3, 4)


def usable(account: Account, method_id: str) -> JsonObject:
    """Give a payment method named by a parameter. A ready-made id gives a new one, as Stripe does.

    Raises:
        StripeError: 400 ``resource_missing``.
    """
    if method_id in BANK_ACCOUNTS:
        return _make_bank_account(account, BANK_ACCOUNTS[method_id])
    card = cards.named(method_id.removeprefix("pm_card_")) if method_id.startswith("pm_card_") else None
    if card is not None:
        return _make_card(account, card, _expiry_to_come(account), "unchecked")
    return account.get("payment_method", method_id, param="payment_method", status=400)


def card_of(account: Account, method: JsonObject) -> TestCard:
    """Give the behaviour of a payment method's card."""
    return cards.kept(account.behind(method["id"]).get("card", ""))


def create(call: Call) -> JsonObject:
    """POST /v1/payment_methods, with ``card[number]`` or ``card[token]``."""
    if call.params.get("type") != "card":
        raise invalid_request(
            "The local stand-in makes payment methods of type card only; Stripe makes others.",
            code="standin_unsupported_parameter",
            param="type",
        )
    given = call.params.get("card")
    if not given:
        raise invalid_request("Missing required param: card.", code="parameter_missing", param="card")
    method = _from_token(call.account, given["token"]) if "token" in given else _from_number(call.account, given)
    billing = call.params.get("billing_details") or {}
    method["billing_details"] = NO_BILLING | billing | {"address": NO_ADDRESS | (billing.get("address") or {})}
    method["allow_redisplay"] = call.params.get("allow_redisplay", "unspecified")
    method["metadata"] = merged({}, call.params)
    return method


def retrieve(call: Call) -> JsonObject:
    """GET /v1/payment_methods/{payment_method}"""
    return call.account.get("payment_method", call.path["payment_method"], param="payment_method")


def update(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{payment_method}"""
    method = retrieve(call)
    members: JsonObject = {"metadata": merged(method["metadata"], call.params)}
    if call.params.get("billing_details"):
        members["billing_details"] = method["billing_details"] | call.params["billing_details"]
    previous = change(method, members)
    if previous:
        call.account.emit("payment_method.updated", method, previous)
    return method


def attach(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{payment_method}/attach"""
    if "customer" not in call.params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = customer_named(call.account, call.params["customer"])
    method = usable(call.account, call.path["payment_method"])
    if method["customer"] == customer["id"]:
        return method
    refuse_unattachable(call.account, method)
    put_on(call.account, method, customer["id"])
    return method


def detach(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{payment_method}/detach; a detached method is never usable again."""
    method = retrieve(call)
    if method["customer"] is None:
        raise invalid_request(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    take_off(call.account, method)
    return method


def list_all(call: Call) -> JsonObject:
    """GET /v1/payment_methods of one customer; without one the list is empty."""
    methods = attached_to(call.account, call.params.get("customer", ""), call.params.get("type"))
    return page("/v1/payment_methods", methods, call.params)


def attached_to(account: Account, customer_id: str, method_type: str | None) -> list[JsonObject]:
    """Give a customer's payment methods, newest first."""
    return [
        method
        for method in account.newest_first("payment_method")
        if method["customer"] == customer_id and method_type in {None, method["type"]}
    ]


def refuse_unattachable(account: Account, method: JsonObject) -> None:
    """Raise what Stripe raises when a method cannot be attached: used up, someone else's, or declined by its bank."""
    if account.behind(method["id"]).get("used_up"):
        raise used_up_error()
    if method["customer"] is not None:
        raise invalid_request("The payment method you provided has already been attached to a customer.")
    card = card_of(account, method)
    if method["type"] == "card" and not card.attaches and card.decline is not None:
        raise card.decline.error()


def used_up_error() -> Exception:
    """Make the refusal of a method that was detached, or paid once without a customer."""
    return invalid_request(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
        "detached from a Customer. It may not be used again. "
        "To use a PaymentMethod multiple times, you must attach it to a Customer first."
    )


def put_on(account: Account, method: JsonObject, customer_id: str) -> None:
    """Attach, and say so."""
    method["customer"] = customer_id
    account.emit("payment_method.attached", method)


def take_off(account: Account, method: JsonObject) -> None:
    """Detach for good, and say so."""
    previous = change(method, {"customer": None})
    account.behind(method["id"])["used_up"] = True
    for customer in account.newest_first("customer"):
        settings = customer.get("invoice_settings", {})
        if settings.get("default_payment_method") == method["id"]:
            settings["default_payment_method"] = None
    for subscription in account.newest_first("subscription"):
        if subscription["default_payment_method"] == method["id"]:
            subscription["default_payment_method"] = None
    account.emit("payment_method.detached", method, previous)


def _from_token(account: Account, token: str) -> JsonObject:
    card = cards.named(token.removeprefix("tok_")) if token.startswith("tok_") else None
    if card is None:
        raise invalid_request(f"No such token: '{token}'", code="resource_missing", param="card[token]")
    return _make_card(account, card, _expiry_to_come(account), "unchecked")


def _from_number(account: Account, given: JsonObject) -> JsonObject:
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            param = f"card[{name}]"
            raise invalid_request(f"Missing required param: {param}.", code="parameter_missing", param=param)
    card = cards.read_number(given["number"])
    expiry = _expiry(account, given["exp_month"], given["exp_year"])
    cvc = given.get("cvc")
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in CVC_LENGTHS):
        raise card_error("invalid_cvc", "Your card's security code is invalid.", param="cvc")
    number = given["number"].replace(" ", "").replace("-", "")
    return _make_card(account, card, expiry, "unchecked" if cvc is None else "pass", number)


def _expiry(account: Account, month: int, year: int) -> tuple[int, int]:
    if not 1 <= month <= MONTHS:
        raise card_error("invalid_expiry_month", "Your card's expiration month is invalid.", param="exp_month")
    full_year = year + 2000 if year < 100 else year
    today = datetime.fromtimestamp(account.now(), UTC)
    if (full_year, month) < (today.year, today.month):
        raise card_error("expired_card", "Your card has expired.", param="exp_year")
    return month, full_year


def _expiry_to_come(account: Account) -> tuple[int, int]:
    """Give the expiry of a ready-made card: this month, next year."""
    today = datetime.fromtimestamp(account.now(), UTC)
    return today.month, today.year + 1


def _make_card(
    account: Account, card: TestCard, expiry: tuple[int, int], cvc_check: str, number: str | None = None
) -> JsonObject:
    digits = number or card.number
    fingerprint = hashlib.sha256(f"{account.account_id}:{digits}".encode()).hexdigest()[:16]
    method = account.add(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": NO_BILLING,
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": cvc_check,
                },
                "country": "US",
                "display_brand": card.brand,
                "exp_month": expiry[0],
                "exp_year": expiry[1],
                "fingerprint": fingerprint,
                "funding": card.funding,
                "generated_from": None,
                "last4": digits[-4:],
                "networks": {"available": [card.brand], "preferred": None},
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "customer": None,
            "type": "card",
        },
    )
    account.behind(method["id"])["card"] = card.name
    return method


def _make_bank_account(account: Account, last4: str) -> JsonObject:
    return account.add(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": NO_BILLING,
            "customer": None,
            "type": "us_bank_account",
            "us_bank_account": {
                "account_holder_type": "individual",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "fingerprint": hashlib.sha256(f"{account.account_id}:{last4}".encode()).hexdigest()[:16],
                "last4": last4,
                "routing_number": "110000000",
            },
        },
    )


BROWSER = {"key": str}

ROUTES = (
    Route("POST", "/v1/payment_methods", PaymentMethodCreateParams, create, HONOURED, BROWSER),
    Route("GET", "/v1/payment_methods", PaymentMethodListParams, list_all),
    Route("GET", "/v1/payment_methods/{payment_method}", PaymentMethodRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/payment_methods/{payment_method}",
        PaymentMethodUpdateParams,
        update,
        frozenset({"billing_details", "metadata"}),
    ),
    Route(
        "POST",
        "/v1/payment_methods/{payment_method}/attach",
        PaymentMethodAttachParams,
        attach,
        frozenset({"customer"}),
    ),
    Route("POST", "/v1/payment_methods/{payment_method}/detach", PaymentMethodDetachParams, detach),
)
