"""Coupons and automatic discounts, and what they take off a purchase: the one rule that carts and orders are priced by.

1. Automatic discounts come first, the one that saves most before the others. A unit counts for at most one of them.
2. Of what is left of the goods, at most one coupon takes a percentage or an amount off.
3. At most one coupon besides takes shipping off.

Gift cards that are bought are not goods: nothing is taken off them. No line and no shipping falls below zero. What a
purchase comes to does not depend on the order in which its items, or the discounts, stand. ``docs/discounts.md`` has
an example.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import Conflict, Detail, Invalid
from commerce.kernel.money import Money, spread, step, total
from commerce.orders.model import AppliedDiscount, DiscountKind

MAX_CODES = 2  # of one purchase: one on the price, one on shipping
MAX_LIVE_DISCOUNTS = 50  # they stand in one row, which each purchase reads


class CouponKind(StrEnum):
    PERCENTAGE = "percentage"
    FIXED_AMOUNT = "fixed_amount"
    FREE_SHIPPING = "free_shipping"


class Duration(StrEnum):
    """For how long a coupon counts on a subscription; it says nothing about orders."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


class Refusal(StrEnum):
    """Why a coupon takes nothing off a purchase."""

    UNKNOWN = "coupon_unknown"
    NOT_ACTIVE = "coupon_not_active"
    EXPIRED = "coupon_expired"
    EXHAUSTED = "coupon_exhausted"
    CUSTOMER_LIMIT = "coupon_customer_limit"
    NOT_FIRST_ORDER = "coupon_not_first_order"
    OTHER_PRODUCTS = "coupon_not_for_these_products"
    BELOW_MINIMUM = "coupon_below_minimum"
    NOT_COMBINABLE = "coupon_not_combinable"


_SAID: Mapping[Refusal, str] = {
    Refusal.UNKNOWN: "There is no such coupon",
    Refusal.NOT_ACTIVE: "This coupon is not active",
    Refusal.EXPIRED: "This coupon has expired",
    Refusal.EXHAUSTED: "This coupon has been used as often as it may be",
    Refusal.CUSTOMER_LIMIT: "You have used this coupon as often as you may",
    Refusal.NOT_FIRST_ORDER: "This coupon is for a first order",
    Refusal.OTHER_PRODUCTS: "This coupon is for other products",
    Refusal.BELOW_MINIMUM: "This coupon asks for a larger order",
    Refusal.NOT_COMBINABLE: "This coupon does not go together with the other one",
}


def id_of(code: str) -> str:
    """A coupon's id, which follows from its code: whoever types that need not mind its case (contract CP-02)."""
    return f"cpn_{hashlib.sha256(code.casefold().encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Coupon:
    """``percent`` or ``amount`` is what it takes off, by its kind. None leaves a limit open; no products are all.

    ``redeemed`` counts the orders that use it; it is no part of its terms, which ``version`` counts the changes of.
    """

    coupon_id: str
    code: str
    kind: CouponKind
    created_at: datetime
    updated_at: datetime
    percent: Decimal | None = None
    amount: Money | None = None
    max_redemptions: int | None = None
    per_customer: int | None = None
    min_order: Money | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    first_time_transaction: bool = False
    product_ids: tuple[str, ...] = ()
    duration: Duration | None = None
    duration_in_months: int | None = None
    active: bool = True
    redeemed: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        if (self.percent is None) is (self.kind is CouponKind.PERCENTAGE):
            raise Invalid("A percentage says how much per cent", field="amount", reason="wrong_amount")
        if self.percent is not None and not (0 < self.percent <= 100 and self.percent == round(self.percent, 2)):
            raise Invalid(
                "A percentage is above 0, at most 100, and has at most two decimal places",
                field="amount",
                reason="percentage_out_of_range",
            )
        if (self.amount is None) is (self.kind is CouponKind.FIXED_AMOUNT):
            raise Invalid(
                "A fixed amount says how much, and free shipping does not", field="amount", reason="wrong_amount"
            )
        if self.amount is not None and self.amount.minor <= 0:
            raise Invalid("It takes nothing off", field="amount", reason="amount_out_of_range")
        if (self.duration is Duration.REPEATING) is (self.duration_in_months is None):
            raise Invalid(
                "A repeating coupon says for how many months, and no other one does",
                field="duration_in_months",
                reason="wrong_duration",
            )
        if self.starts_at is not None and self.expires_at is not None and self.expires_at <= self.starts_at:
            raise Invalid("It expires before it starts", field="expires_at", reason="empty_period")

    def takes_off(self, goods: Money) -> Money:
        """What it takes off goods that are worth so much: a percentage is rounded once, half up, to what cards pay."""
        if self.percent is not None:
            unit = step(goods.currency)
            exact = Decimal(goods.minor) * self.percent / 100 / unit
            return min(Money(int(exact.to_integral_value(ROUND_HALF_UP)) * unit, goods.currency), goods)
        return Money.zero(goods.currency) if self.amount is None else min(self.amount, goods)

    def covers(self, item: "Item") -> bool:
        return not self.product_ids or item.product_id in self.product_ids

    def refusal_at(self, now: datetime) -> Refusal | None:
        """Why nobody can use it now."""
        if not self.active or (self.starts_at is not None and now < self.starts_at):
            return Refusal.NOT_ACTIVE
        if self.expires_at is not None and self.expires_at <= now:
            return Refusal.EXPIRED
        return Refusal.EXHAUSTED if self.max_redemptions is not None and self.redeemed >= self.max_redemptions else None


@dataclass(frozen=True, slots=True)
class AutomaticDiscount:
    """Whoever buys ``buy_quantity`` units gets ``get_quantity`` more of them free, as often as they go into the cart.

    Customers need all of ``customer_tags``; a unit's product is in one of ``product_categories``. None of either is
    everybody and everything. The days are the shop's, the last one included; the instants say when they begin and when
    they are over, as it was when they were set (contract X-30).
    """

    discount_id: str
    name: str
    buy_quantity: int
    get_quantity: int
    created_at: datetime
    updated_at: datetime
    customer_tags: tuple[str, ...] = ()
    product_categories: tuple[str, ...] = ()
    start_date: date | None = None
    end_date: date | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    active: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        if self.start_date is not None and self.end_date is not None and self.end_date < self.start_date:
            raise Invalid("It ends before it starts", field="end_date", reason="empty_period")

    def has_ended(self, now: datetime) -> bool:
        return not self.active or (self.ends_at is not None and self.ends_at <= now)

    def is_for(self, shopper: "Shopper", now: datetime) -> bool:
        begun = self.starts_at is None or self.starts_at <= now
        return begun and not self.has_ended(now) and set(self.customer_tags) <= set(shopper.tags)

    def covers(self, item: "Item") -> bool:
        return not self.product_categories or not set(self.product_categories).isdisjoint(item.categories)


type Rank = tuple[str, str]  # product and variant: the place of an item among others, wherever it stands
type _Units = Mapping[Rank, int]
type _Parts = Mapping[Rank, Money]


@dataclass(frozen=True, slots=True)
class Item:
    """Units of one variant. A purchase has one item of a variant."""

    product_id: str
    variant_id: str
    categories: tuple[str, ...]
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity

    @property
    def rank(self) -> Rank:
        return self.product_id, self.variant_id


@dataclass(frozen=True, slots=True)
class Shopper:
    """Whoever buys. ``orders`` are those that stand, ``uses`` how many of them use a coupon, by its id."""

    tags: tuple[str, ...] = ()
    orders: int = 0
    uses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WantedCoupon:
    """A code as it was given, and the coupon that it names, if there is one."""

    code: str
    coupon: Coupon | None


@dataclass(frozen=True, slots=True)
class RefusedCoupon:
    code: str
    reason: Refusal

    @property
    def message(self) -> str:
        return _SAID[self.reason]


@dataclass(frozen=True, slots=True)
class Discounted:
    """What is taken off a purchase: by which discount, of which item (``parts``, as they were given), and off shipping,
    of which ``shipping`` is left. ``refused`` are coupons that take nothing off, and why."""

    discounts: tuple[AppliedDiscount, ...]
    parts: tuple[Money, ...]
    shipping: Money
    refused: tuple[RefusedCoupon, ...] = ()

    @property
    def amount(self) -> Money:
        return total(self.parts, self.shipping.currency)

    def require_all(self, field: str) -> None:
        """Raise Conflict unless every coupon that was named holds; ``field`` is what the caller calls them."""
        if self.refused:
            raise Conflict(
                "A coupon does not hold; remove it, or look at what it asks for",
                details=tuple(
                    Detail(f"{field}.{each.code}", f"{each.code}: {each.message}", str(each.reason))
                    for each in self.refused
                ),
            )


def discounted(
    items: Sequence[Item],
    automatic: Iterable[AutomaticDiscount],
    wanted: Sequence[WantedCoupon],
    shopper: Shopper,
    shipping: Money,
    now: datetime,
) -> Discounted:
    """What is taken off these items and ``shipping`` for a shopper at an instant.

    Of two coupons that do not go together the one that is named first counts.
    """
    zero = Money.zero(shipping.currency)
    left, applied = {item.rank: item.total for item in items}, list[AppliedDiscount]()
    for discount, parts in _automatic(items, [each for each in automatic if each.is_for(shopper, now)]):
        applied.append(_applied(discount, items, parts, zero))
        left = {rank: value - parts.get(rank, zero) for rank, value in left.items()}
    used, refused = set[bool](), list[RefusedCoupon]()
    for each in wanted:
        ships = each.coupon is not None and each.coupon.kind is CouponKind.FREE_SHIPPING
        reason = _refusal(each.coupon, items, left, shopper, now) or (Refusal.NOT_COMBINABLE if ships in used else None)
        if each.coupon is None or reason is not None:
            refused.append(RefusedCoupon(each.code, reason or Refusal.UNKNOWN))
        else:
            used.add(ships)
            applied.append(_applied(each.coupon, items, _spread(each.coupon, items, left), shipping if ships else zero))
    parts_of = [total([each.parts[index] for each in applied], shipping.currency) for index in range(len(items))]
    kept = shipping - total([each.shipping for each in applied], shipping.currency)
    return Discounted(tuple(applied), tuple(parts_of), kept, tuple(refused))


def _applied(
    discount: Coupon | AutomaticDiscount, items: Sequence[Item], parts: _Parts, shipping: Money
) -> AppliedDiscount:
    of_items = tuple(parts.get(item.rank, Money.zero(shipping.currency)) for item in items)
    amount = total(of_items, shipping.currency)
    if isinstance(discount, AutomaticDiscount):
        return AppliedDiscount(
            DiscountKind.AUTOMATIC, discount.discount_id, discount.name, amount, shipping, parts=of_items
        )
    code, kind = discount.code, str(discount.kind)
    return AppliedDiscount(DiscountKind.COUPON, discount.coupon_id, code, amount, shipping, code, kind, of_items)


def _refusal(
    coupon: Coupon | None, items: Sequence[Item], left: _Parts, shopper: Shopper, now: datetime
) -> Refusal | None:
    if coupon is None:
        return Refusal.UNKNOWN
    if (refusal := coupon.refusal_at(now)) is not None:
        return refusal
    if coupon.per_customer is not None and shopper.uses.get(coupon.coupon_id, 0) >= coupon.per_customer:
        return Refusal.CUSTOMER_LIMIT
    if coupon.first_time_transaction and shopper.orders:
        return Refusal.NOT_FIRST_ORDER
    if coupon.product_ids and not any(coupon.covers(item) for item in items):
        return Refusal.OTHER_PRODUCTS
    goods = sum(value.minor for value in left.values())
    return Refusal.BELOW_MINIMUM if coupon.min_order is not None and goods < coupon.min_order.minor else None


def _spread(coupon: Coupon, items: Sequence[Item], left: _Parts) -> _Parts:
    """What a coupon takes off each item, in proportion to what is left of those that it covers."""
    ranks = sorted(item.rank for item in items if coupon.covers(item))
    if not ranks:
        return {}
    values = [left[rank] for rank in ranks]
    off = coupon.takes_off(total(values, values[0].currency))
    return dict(zip(ranks, spread(off, [value.minor for value in values]), strict=True))


def _automatic(
    items: Sequence[Item], discounts: Sequence[AutomaticDiscount]
) -> Iterator[tuple[AutomaticDiscount, _Parts]]:
    """Automatic discounts that save something, with what each takes off the items; the largest saving comes first."""
    free = {item.rank: item.quantity for item in items}  # units that no discount counts
    cheapest_first = sorted(items, key=lambda item: (item.unit_price.minor, item.rank))
    open_ = sorted(discounts, key=lambda each: each.discount_id)
    while open_:
        found = [(each, *_bundles(each, cheapest_first, free)) for each in open_]
        best, counted, parts = max(found, key=lambda each: sum(part.minor for part in each[2].values()))
        if not any(part.minor for part in parts.values()):
            return
        yield best, parts
        free = {rank: units - counted.get(rank, 0) for rank, units in free.items()}
        open_.remove(best)


def _bundles(discount: AutomaticDiscount, cheapest_first: Sequence[Item], free: _Units) -> tuple[_Units, _Parts]:
    """The units that a discount counts and what it takes off: the cheapest units make as many bundles as there are, and
    the cheapest of those are free."""
    covered = [item for item in cheapest_first if discount.covers(item)]
    bundle = discount.buy_quantity + discount.get_quantity
    bundles = sum(free[item.rank] for item in covered) // bundle
    to_count, to_give = bundles * bundle, bundles * discount.get_quantity
    counted, parts = dict[Rank, int](), dict[Rank, Money]()
    for item in covered:
        units = min(free[item.rank], to_count)
        given = min(units, to_give)
        to_count, to_give = to_count - units, to_give - given
        counted[item.rank] = units
        parts[item.rank] = item.unit_price * given
    return counted, parts


# Purchases of which nothing but their worth is known


_OPEN: Mapping[str, dict[str, Any]] = {
    "product_ids": {"product_ids": ()},
    "first_time_transaction": {"first_time_transaction": False},
    "per_customer_limit": {"per_customer": None},
}


def judged_without(coupon: Coupon, *, items: bool, shopper: bool) -> tuple[Coupon, tuple[str, ...]]:
    """The coupon without those of its terms that nobody can judge who does not know the items of a purchase, or the
    shopper; and the names of these terms (contract X-14)."""
    unknown = {
        "product_ids": bool(coupon.product_ids) and not items,
        "first_time_transaction": coupon.first_time_transaction and not shopper,
        "per_customer_limit": coupon.per_customer is not None and not shopper,
    }
    names = tuple(name for name, left_out in unknown.items() if left_out)
    for name in names:
        coupon = replace(coupon, **_OPEN[name])
    return coupon, names
