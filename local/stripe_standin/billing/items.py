"""Subscription items: made from a request's ``items``, and refused as Stripe refuses them."""

from typing import Any

from .. import ids
from ..accounts import Account
from ..errors import StripeError, invalid_request
from ..metadata import merged
from ..shapes import JsonObject

MOST = 20


def listed(subscription_id: str, data: list[JsonObject]) -> JsonObject:
    """Give the items as the list a subscription shows."""
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "total_count": len(data),
        "url": f"/v1/subscription_items?subscription={subscription_id}",
    }


def of(subscription: JsonObject) -> list[JsonObject]:
    """Give a subscription's items, the live ones."""
    data: list[JsonObject] = subscription["items"]["data"]
    return data


def priced(account: Account, given: JsonObject, param: str) -> JsonObject:
    """Give the recurring, active price an item names; raise a 400 for another."""
    if "price" not in given:
        raise invalid_request(
            f"Missing required param: {param}[price].", code="parameter_missing", param=f"{param}[price]"
        )
    price = account.get("price", given["price"], param=f"{param}[price]", status=400)
    if not price["active"]:
        raise invalid_request(
            "The price specified is inactive. This field only accepts active prices.", param=f"{param}[price]"
        )
    if price["recurring"] is None:
        raise invalid_request(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{param}[price]",
        )
    return price


def make(account: Account, subscription_id: str, given: JsonObject, param: str) -> JsonObject:
    """Make an item, not yet in any period."""
    _refuse_unsupported(given, param)
    price = priced(account, given, param)
    item: JsonObject = {
        "id": ids.new("subscription_item"),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": account.now(),
        "current_period_end": 0,
        "current_period_start": 0,
        "current_trial": None,
        "discounts": [],
        "metadata": merged({}, given),
        "plan": _plan(price),
        "price": dict(price),
        "subscription": subscription_id,
        "tax_rates": [],
    }
    set_quantity(item, given, param)
    return item


def amend(account: Account, item: JsonObject, given: JsonObject, param: str) -> None:
    """Give an item another price, quantity or metadata."""
    _refuse_unsupported(given, param)
    if "price" in given:
        price = priced(account, given, param)
        item["price"], item["plan"] = dict(price), _plan(price)
    set_quantity(item, given, param)
    item["metadata"] = merged(item["metadata"], given)


def set_quantity(item: JsonObject, given: JsonObject, param: str) -> None:
    """Set the quantity a licensed item has and a metered one must not."""
    if item["price"]["recurring"]["usage_type"] == "metered":
        if "quantity" in given:
            raise invalid_request(
                f"Quantity should not be specified where usage_type is `metered`. Remove quantity from `{param}`",
                param=f"{param}[quantity]",
            )
        item.pop("quantity", None)
        return
    quantity: int = given["quantity"] if "quantity" in given else item.get("quantity", 1)
    if quantity < 0:
        raise invalid_request(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param=f"{param}[quantity]",
        )
    item["quantity"] = quantity


def refuse_mixed(items: list[JsonObject]) -> None:
    """Refuse items that cannot be billed together: no item, one price twice, two currencies, two intervals."""
    if not items:
        raise invalid_request("A subscription must have at least one active item.", param="items")
    if len(items) > MOST:
        raise invalid_request(f"A subscription can have at most {MOST} items.", param="items")
    prices = [item["price"] for item in items]
    repeated = next(
        (one["id"] for place, one in enumerate(prices) if one["id"] in [p["id"] for p in prices[:place]]), None
    )
    if repeated is not None:
        raise invalid_request(f"Cannot add multiple subscription items with the same plan: {repeated}", param="items")
    if len({price["currency"] for price in prices}) > 1:
        raise invalid_request("All prices on a subscription must have the same `currency`.", param="items")
    if len({_every(price) for price in prices}) > 1:
        raise invalid_request(
            "The local stand-in does not support prices of different intervals on one subscription; Stripe does.",
            code="standin_unsupported_parameter",
            param="items",
        )


def _every(price: JsonObject) -> tuple[Any, ...]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _plan(price: JsonObject) -> JsonObject:
    """Give the older name of a recurring price, which items still show."""
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": price["livemode"],
        "metadata": dict(price["metadata"]),
        "meter": price["recurring"]["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": price["recurring"]["trial_period_days"],
        "usage_type": price["recurring"]["usage_type"],
    }


def _refuse_unsupported(given: JsonObject, param: str) -> None:
    for name in given:
        if name not in {"id", "price", "quantity", "metadata", "deleted", "clear_usage"}:
            raise _unsupported(f"{param}[{name}]")


def _unsupported(param: str) -> StripeError:
    return invalid_request(
        f"The local stand-in does not support {param} here; Stripe does.",
        code="standin_unsupported_parameter",
        param=param,
    )
