"""What a price makes of a quantity, in whole minor units.

Source: https://docs.stripe.com/products-prices/pricing-models. A line is rounded once, halves away from zero.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

from ..accounts import Account
from ..currencies import written
from ..shapes import JsonObject


@dataclass(frozen=True, slots=True)
class Charge:
    """One line's worth of a price: how many, at what each, and together."""

    amount: int
    quantity: int
    unit_amount_decimal: str
    note: str = ""


def rounded(value: Decimal | Fraction) -> int:
    """Round to whole minor units, halves away from zero: a credit is rounded as the debit it takes back."""
    if isinstance(value, Decimal):
        return int(value.quantize(Decimal(1), ROUND_HALF_UP))
    whole = (abs(value) + Fraction(1, 2)).__floor__()
    return whole if value >= 0 else -whole


def share(amount: int, seconds: int, whole_seconds: int) -> int:
    """Give the part of ``amount`` that ``seconds`` of ``whole_seconds`` are worth."""
    return rounded(Fraction(amount * seconds, whole_seconds))


def spread(total: int, weights: list[int]) -> list[int]:
    """Split ``total`` in proportion to the weights, so that the parts add up to it exactly."""
    whole = sum(weights)
    given = running = 0
    parts = []
    for weight in weights:
        running += weight
        upto = rounded(Fraction(total * running, whole)) if whole else 0
        parts.append(upto - given)
        given = upto
    return parts


def charges(account: Account, price: JsonObject, quantity: int) -> list[Charge]:
    """Give the lines a full period of ``quantity`` comes to: one, or one per tier and flat fee of a tiered price."""
    if price["transform_quantity"] is not None:
        pack = price["transform_quantity"]
        mode = ROUND_CEILING if pack["round"] == "up" else ROUND_FLOOR
        quantity = int((Decimal(quantity) / pack["divide_by"]).to_integral_value(mode))
    if price["billing_scheme"] == "tiered":
        tiers: list[JsonObject] = account.behind(price["id"])["tiers"]
        return _graduated(price, tiers, quantity) if price["tiers_mode"] == "graduated" else _volume(tiers, quantity)
    unit = Decimal(price["unit_amount_decimal"])
    return [Charge(rounded(unit * quantity), quantity, price["unit_amount_decimal"])]


def full_amount(account: Account, price: JsonObject, quantity: int) -> int:
    """Give what a full period of ``quantity`` costs before discounts."""
    return sum(charge.amount for charge in charges(account, price, quantity))


def _graduated(price: JsonObject, tiers: list[JsonObject], quantity: int) -> list[Charge]:
    lines: list[Charge] = []
    below = 0
    for number, tier in enumerate(tiers, 1):
        if quantity <= below:
            break
        upto = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        lines += _tier(tier, upto - below, f"Tier {number} at ", price["currency"])
        below = upto
    return lines or [Charge(0, quantity, "0")]


def _volume(tiers: list[JsonObject], quantity: int) -> list[Charge]:
    tier = next(one for one in tiers if one["up_to"] is None or quantity <= one["up_to"])
    return _tier(tier, quantity, "", None)


def _tier(tier: JsonObject, units: int, label: str, currency: str | None) -> list[Charge]:
    lines = []
    if tier["unit_amount_decimal"] is not None:
        each = Decimal(tier["unit_amount_decimal"])
        note = f"{label}{written(rounded(each), currency)}" if currency else ""
        lines.append(Charge(rounded(each * units), units, tier["unit_amount_decimal"], note))
    if tier["flat_amount_decimal"] is not None:
        flat = rounded(Decimal(tier["flat_amount_decimal"]))
        lines.append(Charge(flat, 1, tier["flat_amount_decimal"], f"{label}flat fee".strip()))
    return lines
