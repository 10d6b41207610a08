"""``expand[]``: replace an id by the object it names. Source: https://docs.stripe.com/api/expanding_objects."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from .accounts import Account
from .errors import invalid_request
from .listing import page
from .shapes import JsonObject

MAXIMUM_DEPTH = 4

EXPANDABLE: dict[str, dict[str, str]] = {
    "customer": {"invoice_settings": "invoice_settings", "subscriptions": "subscriptions"},
    "invoice_settings": {"default_payment_method": "payment_method"},
    "subscriptions": {"data": "subscription"},
    "payment_method": {"customer": "customer"},
    "payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "charge": {"customer": "customer", "payment_intent": "payment_intent", "refunds": "refunds"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
    "refunds": {"data": "refund"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "product": {"default_price": "price"},
    "price": {"product": "product", "tiers": "tiers"},
    "tiers": {},
    "coupon": {},
    "discount": {"customer": "customer", "source": "discount_source"},
    "discount_source": {"coupon": "coupon"},
    "subscription": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "items": "subscription_items",
        "latest_invoice": "invoice",
        "pending_setup_intent": "setup_intent",
    },
    "subscription_items": {"data": "subscription_item"},
    "subscription_item": {"price": "price"},
    "invoice": {
        "confirmation_secret": "confirmation_secret",
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "lines": "lines",
        "parent": "invoice_parent",
        "payments": "payments",
    },
    "confirmation_secret": {},
    "invoice_parent": {"subscription_details": "invoice_subscription"},
    "invoice_subscription": {"subscription": "subscription"},
    "lines": {"data": "line_item"},
    "line_item": {"discounts": "discount", "pricing": "pricing", "subscription": "subscription"},
    "pricing": {"price_details": "price_details"},
    "price_details": {"price": "price"},
    "payments": {"data": "invoice_payment"},
    "invoice_payment": {"invoice": "invoice", "payment": "payment"},
    "payment": {"payment_intent": "payment_intent"},
    "invoiceitem": {"customer": "customer", "discounts": "discount", "invoice": "invoice", "pricing": "pricing"},
    "billing.meter": {},
    "billing.meter_event": {},
    "billing_portal.configuration": {},
    "billing_portal.session": {"configuration": "billing_portal.configuration"},
    "event": {},
}
"""What can be expanded in each kind, and the kind that comes of it."""


def check(paths: Iterable[str], kind: str, *, in_list: bool) -> None:
    """Refuse a path that names nothing expandable. Called before the request takes effect.

    Raises:
        StripeError: 400, with the path in the message.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAXIMUM_DEPTH:
            raise invalid_request(f"You cannot expand more than {MAXIMUM_DEPTH} levels of a property", param="expand")
        if in_list:
            if steps[0] != "data" or len(steps) == 1:
                raise _refusal(path, hint=f"data.{path}")
            steps = steps[1:]
        at = kind
        for step in steps:
            if step not in EXPANDABLE[at]:
                raise _refusal(path)
            at = EXPANDABLE[at][step]


def _refusal(path: str, hint: str | None = None) -> Exception:
    more = f" You may want to try expanding '{hint}' instead." if hint else ""
    return invalid_request(f"This property cannot be expanded ({path}).{more}", param="expand")


def expanded(account: Account, body: JsonObject, paths: Iterable[str], kind: str) -> JsonObject:
    """Give a copy of ``body``, one object of ``kind`` or a list of them, with the checked paths expanded."""
    answer = copy.deepcopy(body)
    for path in paths:
        steps = path.split(".")
        if answer.get("object") == "list":
            for child in answer["data"]:
                _expand(account, child, steps[1:], kind)
        else:
            _expand(account, answer, steps, kind)
    return answer


def _expand(account: Account, node: JsonObject, steps: list[str], kind: str) -> None:
    step, rest = steps[0], steps[1:]
    inner = EXPANDABLE[kind][step]
    if step not in node and (kind, step) in SHOWN_WHEN_ASKED:
        node[step] = copy.deepcopy(SHOWN_WHEN_ASKED[kind, step](account, node))
    value = node.get(step)
    if isinstance(value, str):
        value = node[step] = _named(account, inner, value)
    elif isinstance(value, list):
        value = node[step] = [_named(account, inner, one) if isinstance(one, str) else one for one in value]
    if rest:
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                _expand(account, child, rest, inner)


def _named(account: Account, kind: str, object_id: str) -> JsonObject | str:
    return copy.deepcopy(account.find(kind, object_id)) or object_id


def _refunds(account: Account, charge: JsonObject) -> JsonObject:
    refunds = [refund for refund in account.newest_first("refund") if refund["charge"] == charge["id"]]
    return page(f"/v1/charges/{charge['id']}/refunds", refunds, {})


def _subscriptions(account: Account, customer: JsonObject) -> JsonObject:
    found = [
        one
        for one in account.newest_first("subscription")
        if one["customer"] == customer["id"] and one["status"] not in {"canceled", "incomplete_expired"}
    ]
    return page(f"/v1/customers/{customer['id']}/subscriptions", found, {})


def _payments(account: Account, invoice: JsonObject) -> JsonObject:
    found = [one for one in account.newest_first("invoice_payment") if one["invoice"] == invoice["id"]]
    return page("/v1/invoice_payments", found, {})


def _confirmation_secret(account: Account, invoice: JsonObject) -> JsonObject | None:
    intent = account.find("payment_intent", account.behind(invoice["id"]).get("payment_intent", ""))
    return None if intent is None else {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _tiers(account: Account, price: JsonObject) -> list[JsonObject] | None:
    return account.behind(price["id"]).get("tiers")


SHOWN_WHEN_ASKED: dict[tuple[str, str], Callable[[Account, JsonObject], Any]] = {
    ("charge", "refunds"): _refunds,
    ("customer", "subscriptions"): _subscriptions,
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("price", "tiers"): _tiers,
}
"""Members that an answer has only when it is asked to expand them."""
