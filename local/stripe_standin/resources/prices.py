"""/v1/prices: one-time and recurring, per unit or in tiers, licensed or metered."""

from decimal import Decimal

from stripe.params import PriceCreateParams, PriceListParams, PriceRetrieveParams, PriceUpdateParams

from ..accounts import Account, change
from ..currencies import known
from ..errors import StripeError, invalid_request
from ..listing import page
from ..metadata import merged
from ..params import positive
from ..routing import Call, Route
from ..shapes import JsonObject
from . import products

HONOURED = frozenset({
    "active", "billing_scheme", "currency", "lookup_key", "metadata", "nickname", "product", "product_data",
    "recurring", "tax_behavior", "tiers", "tiers_mode", "transfer_lookup_key", "transform_quantity", "unit_amount",
    "unit_amount_decimal",
})  # fmt: skip
LONGEST = {"day": 3 * 365, "week": 156, "month": 36, "year": 3}
"""The most intervals between two billings: three years."""


def create(call: Call) -> JsonObject:
    """POST /v1/prices, for a ``product`` or a new one from ``product_data``."""
    params = call.params
    if ("product" in params) == ("product_data" in params):
        raise invalid_request(
            "You must specify either `product` or `product_data` when creating a price.", param="product"
        )
    return make(call.account, params)


def make(account: Account, params: JsonObject) -> JsonObject:
    """Store a new price and say so; raise a 400 for amounts, tiers or intervals that do not fit together."""
    currency = known(params["currency"])
    recurring = _recurring(account, params.get("recurring"))
    tiers = _tiers(params)
    amount = None if tiers else _unit_amount(params)
    if params.get("transform_quantity"):
        positive(params["transform_quantity"], "divide_by")
    metadata = merged({}, params)
    _take_lookup_key(account, params)
    if "product_data" in params:
        product_id: str = products.make(account, params["product_data"])["id"]
    else:
        product_id = account.get("product", params["product"], param="product", status=400)["id"]
    price = account.add(
        "price",
        {
            "active": params.get("active", True),
            "billing_scheme": "tiered" if tiers else "per_unit",
            "currency": currency,
            "custom_unit_amount": None,
            "lookup_key": params.get("lookup_key"),
            "metadata": metadata,
            "nickname": params.get("nickname"),
            "product": product_id,
            "recurring": recurring,
            "tax_behavior": params.get("tax_behavior", "unspecified"),
            "tiers_mode": params["tiers_mode"] if tiers else None,
            "transform_quantity": params.get("transform_quantity"),
            "type": "one_time" if recurring is None else "recurring",
            "unit_amount": int(amount) if amount is not None and Decimal(amount) % 1 == 0 else None,
            "unit_amount_decimal": amount,
        },
    )
    if tiers:
        account.behind(price["id"])["tiers"] = tiers
    account.emit("price.created", price)
    return price


def retrieve(call: Call) -> JsonObject:
    """GET /v1/prices/{price}"""
    return call.account.get("price", call.path["price"])


def update(call: Call) -> JsonObject:
    """POST /v1/prices/{price}. What a price costs never changes: make another."""
    account, params, price = call.account, call.params, retrieve(call)
    _take_lookup_key(account, params)
    members: JsonObject = {name: params[name] for name in ("active", "lookup_key", "nickname") if name in params}
    members["metadata"] = merged(price["metadata"], params)
    previous = change(price, members)
    if previous:
        account.emit("price.updated", price, previous)
    for subscription in account.newest_first("subscription"):
        for item in subscription["items"]["data"]:
            if item["price"]["id"] == price["id"]:
                item["price"] = dict(price)
    return price


def list_all(call: Call) -> JsonObject:
    """GET /v1/prices, by ``active``, ``currency``, ``product``, ``type``, ``lookup_keys`` and ``recurring``."""
    prices = call.account.newest_first("price")
    for name in ("active", "currency", "product", "type"):
        if name in call.params:
            prices = [price for price in prices if price[name] == call.params[name]]
    if "lookup_keys" in call.params:
        prices = [price for price in prices if price["lookup_key"] in call.params["lookup_keys"]]
    for name, wanted in call.params.get("recurring", {}).items():
        prices = [price for price in prices if price["recurring"] and price["recurring"][name] == wanted]
    return page("/v1/prices", prices, call.params)


def _recurring(account: Account, given: JsonObject | None) -> JsonObject | None:
    if given is None:
        return None
    count = positive(given, "interval_count") or 1
    if count > LONGEST[given["interval"]]:
        raise invalid_request(
            f"Invalid interval_count: the maximum for {given['interval']} is {LONGEST[given['interval']]}.",
            param="recurring[interval_count]",
        )
    usage = given.get("usage_type", "licensed")
    meter = given.get("meter")
    if (usage == "metered") != (meter is not None):
        raise invalid_request(
            "Prices with `recurring[usage_type]=metered` must be backed by a meter, and only they may name one.",
            code="parameter_missing" if meter is None else None,
            param="recurring[meter]",
        )
    if meter is not None:
        account.get("billing.meter", meter, param="recurring[meter]", status=400)
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": meter,
        "trial_period_days": positive(given, "trial_period_days"),
        "usage_type": usage,
    }


def _unit_amount(params: JsonObject) -> str:
    if ("unit_amount" in params) == ("unit_amount_decimal" in params):
        raise invalid_request(
            "You must specify exactly one of `unit_amount` and `unit_amount_decimal` for a price in units.",
            code="parameter_missing" if "unit_amount" not in params else None,
            param="unit_amount",
        )
    name = "unit_amount" if "unit_amount" in params else "unit_amount_decimal"
    return _not_negative(str(params[name]), name)


def _not_negative(amount: str, param: str) -> str:
    if Decimal(amount) < 0:
        raise invalid_request(
            "This value must be greater than or equal to 0.", code="parameter_invalid_integer", param=param
        )
    return amount


def _tiers(params: JsonObject) -> list[JsonObject]:
    """Give the tiers as they are kept: bounds that rise, the last one open."""
    if params.get("billing_scheme", "per_unit") != "tiered":
        for name in ("tiers", "tiers_mode"):
            if name in params:
                raise invalid_request(f"`{name}` may only be given when `billing_scheme` is `tiered`.", param=name)
        return []
    _refuse_incomplete_tiers(params)
    tiers = [_tier(tier, f"tiers[{place}]") for place, tier in enumerate(params["tiers"])]
    bounds = [tier["up_to"] for tier in tiers]
    if bounds[-1] is not None or None in bounds[:-1]:
        raise _bad_bounds("The last tier, and it alone, must have `up_to` set to `inf`.")
    if any(bound is not None and bound <= below for below, bound in zip([0, *bounds], bounds, strict=False)):
        raise _bad_bounds("Each tier's `up_to` must be greater than that of the tier before it.")
    return tiers


def _refuse_incomplete_tiers(params: JsonObject) -> None:
    for name in ("tiers", "tiers_mode"):
        if not params.get(name):
            raise invalid_request(f"Missing required param: {name}.", code="parameter_missing", param=name)
    for name in ("unit_amount", "unit_amount_decimal", "transform_quantity"):
        if name in params:
            raise invalid_request(f"You cannot specify `{name}` together with `tiers`.", param=name)


def _bad_bounds(message: str) -> StripeError:
    return invalid_request(message, param="tiers")


def _tier(given: JsonObject, param: str) -> JsonObject:
    tier: JsonObject = {"up_to": None if given["up_to"] == "inf" else given["up_to"]}
    for name in ("flat_amount", "unit_amount"):
        if name in given and f"{name}_decimal" in given:
            raise invalid_request(
                f"You may only specify one of `{name}` and `{name}_decimal`.", param=f"{param}[{name}]"
            )
        exact = given.get(f"{name}_decimal", given.get(name))
        amount = None if exact is None else _not_negative(str(exact), f"{param}[{name}]")
        tier[name] = int(amount) if amount is not None and Decimal(amount) % 1 == 0 else None
        tier[f"{name}_decimal"] = amount
    if tier["flat_amount_decimal"] is None and tier["unit_amount_decimal"] is None:
        raise invalid_request("A tier needs a `unit_amount` or a `flat_amount`.", param=param)
    return tier


def _take_lookup_key(account: Account, params: JsonObject) -> None:
    key = params.get("lookup_key")
    holder = next((price for price in account.newest_first("price") if key and price["lookup_key"] == key), None)
    if holder is None:
        return
    if not params.get("transfer_lookup_key"):
        raise invalid_request(
            f"A price (`{holder['id']}`) already uses that lookup key.", code="resource_already_exists"
        )
    account.emit("price.updated", holder, change(holder, {"lookup_key": None}))


ROUTES = (
    Route("POST", "/v1/prices", PriceCreateParams, create, HONOURED),
    Route("GET", "/v1/prices", PriceListParams, list_all),
    Route("GET", "/v1/prices/{price}", PriceRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/prices/{price}",
        PriceUpdateParams,
        update,
        frozenset({"active", "lookup_key", "metadata", "nickname", "transfer_lookup_key"}),
    ),
)
