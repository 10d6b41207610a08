"""``expand[]``: replace an id by the object it names. Source: https://docs.stripe.com/api/expanding_objects."""

import copy
from collections.abc import Iterable

from .accounts import Account
from .errors import invalid_request
from .listing import page
from .shapes import JsonObject

MAXIMUM_DEPTH = 4

EXPANDABLE: dict[str, dict[str, str]] = {
    "customer": {"invoice_settings": "invoice_settings"},
    "invoice_settings": {"default_payment_method": "payment_method"},
    "payment_method": {"customer": "customer"},
    "payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
    "charge": {"customer": "customer", "payment_intent": "payment_intent", "refunds": "refunds"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
    "refunds": {"data": "refund"},
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


def expanded(account: Account, body: JsonObject, paths: Iterable[str]) -> JsonObject:
    """Give a copy of ``body`` with the checked paths expanded. The stored objects stay as they are."""
    answer = copy.deepcopy(body)
    for path in paths:
        _expand(account, answer, path.split("."))
    return answer


def _expand(account: Account, node: JsonObject, steps: list[str]) -> None:
    step, rest = steps[0], steps[1:]
    if step == "refunds" and node.get("object") == "charge" and "refunds" not in node:
        node["refunds"] = _refunds_of(account, node["id"])
    value = node.get(step)
    if isinstance(value, str):
        kind = EXPANDABLE[_kind_of(node)][step]
        value = copy.deepcopy(account.find(kind, value)) or value
        node[step] = value
    if rest:
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                _expand(account, child, rest)


def _kind_of(node: JsonObject) -> str:
    return str(node.get("object", "invoice_settings"))


def _refunds_of(account: Account, charge_id: str) -> JsonObject:
    refunds = [refund for refund in account.newest_first("refund") if refund["charge"] == charge_id]
    return copy.deepcopy(page(f"/v1/charges/{charge_id}/refunds", refunds, {}))
