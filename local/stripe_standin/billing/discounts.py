"""Coupons redeemed: which discounts a subscription has at a moment, and what they take off each line."""

from decimal import Decimal
from fractions import Fraction

from ..accounts import Account
from ..errors import invalid_request, no_such
from ..shapes import JsonObject
from .calendar import add_months
from .pricing import rounded, spread


def redeem(account: Account, coupon_id: str, subscription: JsonObject, *, param: str) -> str:
    """Make a discount of a coupon for a subscription, and give its id.

    Raises:
        StripeError: 400 ``resource_missing``, ``coupon_expired``, or an amount in another currency.
    """
    coupon = account.find("coupon", coupon_id)
    if coupon is None:
        raise no_such("coupon", coupon_id, param=param, status=400)
    if not _redeemable(coupon, account.now()):
        raise invalid_request(f"Coupon expired: {coupon_id}", code="coupon_expired", param=param)
    if coupon["currency"] not in {None, subscription["currency"]}:
        raise invalid_request(
            f"The coupon {coupon_id} is in {coupon['currency']} and cannot be applied to {subscription['currency']}.",
            param=param,
        )
    start = account.now()
    months = coupon["duration_in_months"]
    discount = account.add(
        "discount",
        {
            "checkout_session": None,
            "customer": subscription["customer"],
            "customer_account": None,
            "end": add_months(start, months) if months else None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": None,
            "source": {"coupon": coupon_id, "type": "coupon"},
            "start": start,
            "subscription": subscription["id"],
            "subscription_item": None,
        },
    )
    for name in ("created", "livemode", "metadata"):
        del discount[name]
    coupon["times_redeemed"] += 1
    coupon["valid"] = _redeemable(coupon, start)
    account.emit("customer.discount.created", discount)
    return str(discount["id"])


def active(account: Account, subscription: JsonObject, moment: int) -> list[JsonObject]:
    """Give the subscription's discounts that still take something off at ``moment``."""
    found = [account.get("discount", discount_id) for discount_id in subscription["discounts"]]
    return [
        discount
        for discount in found
        if (discount["end"] is None or discount["end"] > moment) and not account.behind(discount["id"]).get("used")
    ]


def used(account: Account, discounts: list[JsonObject]) -> None:
    """Use up those that count for one invoice only."""
    for discount in discounts:
        if _coupon(account, discount)["duration"] == "once":
            account.behind(discount["id"])["used"] = True


def taken_off(account: Account, discounts: list[JsonObject], amounts: list[int]) -> list[tuple[str, list[int]]]:
    """Give per discount what it takes off each amount. They apply one after the other, and never below zero."""
    left = list(amounts)
    taken = []
    for discount in discounts:
        coupon = _coupon(account, discount)
        whole = sum(left)
        if coupon["percent_off"] is not None:
            off = rounded(Fraction(Decimal(str(coupon["percent_off"]))) * whole / 100)
        else:
            off = min(coupon["amount_off"], whole)
        parts = spread(off, left)
        left = [amount - part for amount, part in zip(left, parts, strict=True)]
        taken.append((discount["id"], parts))
    return taken


def net(account: Account, discounts: list[JsonObject], amounts: list[int]) -> list[int]:
    """Give the amounts after the discounts."""
    for _, parts in taken_off(account, discounts, amounts):
        amounts = [amount - part for amount, part in zip(amounts, parts, strict=True)]
    return amounts


def _coupon(account: Account, discount: JsonObject) -> JsonObject:
    coupon_id = discount["source"]["coupon"]
    coupon: JsonObject = account.find("coupon", coupon_id) or account.behind(coupon_id)["deleted"]
    return coupon


def _redeemable(coupon: JsonObject, now: int) -> bool:
    in_time = coupon["redeem_by"] is None or now < coupon["redeem_by"]
    return in_time and (coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"])
