"""What coupons and automatic discounts take off a purchase."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money
from commerce.orders.model import DiscountKind
from commerce.promotions.model import (
    AutomaticDiscount,
    Coupon,
    CouponKind,
    Discounted,
    Duration,
    Item,
    Refusal,
    Shopper,
    WantedCoupon,
    discounted,
    judged_without,
)

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
ROUNDS = 100


def item(product: str, price: int, quantity: int = 1, currency: str = "USD", categories: tuple[str, ...] = ()) -> Item:
    return Item(f"prod_{product}", f"var_{product}", categories, quantity, Money(price, currency))


def percentage(percent: str, code: str = "SALE", **terms: object) -> Coupon:
    return Coupon(f"cpn_{code}", code, CouponKind.PERCENTAGE, NOW, NOW, percent=Decimal(percent), **terms)  # type: ignore[arg-type]


def fixed(minor: int, currency: str = "USD", code: str = "OFF", **terms: object) -> Coupon:
    return Coupon(f"cpn_{code}", code, CouponKind.FIXED_AMOUNT, NOW, NOW, amount=Money(minor, currency), **terms)  # type: ignore[arg-type]


def free_shipping(code: str = "SHIP", **terms: object) -> Coupon:
    return Coupon(f"cpn_{code}", code, CouponKind.FREE_SHIPPING, NOW, NOW, **terms)  # type: ignore[arg-type]


def bundle(buy: int, get: int, name: str = "bundle", **terms: object) -> AutomaticDiscount:
    return AutomaticDiscount(f"disc_{name}", name, buy, get, NOW, NOW, **terms)  # type: ignore[arg-type]


def take(
    items: list[Item],
    *coupons: Coupon,
    automatic: tuple[AutomaticDiscount, ...] = (),
    shopper: Shopper | None = None,
    shipping: int = 0,
    now: datetime = NOW,
) -> Discounted:
    currency = items[0].unit_price.currency if items else "USD"
    wanted = [WantedCoupon(each.code, each) for each in coupons]
    return discounted(items, automatic, wanted, shopper or Shopper(), Money(shipping, currency), now)


def refusal(*args: Coupon, **kwargs: object) -> Refusal | None:
    found = take([item("a", 1000)], *args, **kwargs)  # type: ignore[arg-type]
    return found.refused[0].reason if found.refused else None


# Coupons


@pytest.mark.parametrize(
    ("percent", "minor", "off"), [("25", 10_000, 2500), ("10", 15, 2), ("10", 14, 1), ("33.33", 100, 33), ("100", 7, 7)]
)
def test_a_percentage_is_rounded_once_and_half_up(percent: str, minor: int, off: int) -> None:
    assert take([item("a", minor)], percentage(percent)).amount == Money(off, "USD")


@pytest.mark.parametrize(
    ("currency", "percent", "minor", "off"),
    [("KWD", "10", 1230, 120), ("KWD", "10", 1250, 130), ("MGA", "15", 1000, 200), ("JPY", "10", 15, 2)],
)
def test_a_percentage_leaves_what_a_card_can_pay(currency: str, percent: str, minor: int, off: int) -> None:
    """Of dinars a card pays two of the three decimal places, of ariary whole ones; a yen has no part."""
    assert take([item("a", minor, currency=currency)], percentage(percent)).amount == Money(off, currency)


def test_a_whole_percentage_takes_off_all_though_a_card_could_not_have_paid_it() -> None:
    assert take([item("a", 1237, currency="KWD")], percentage("100")).amount == Money(1237, "KWD")


def test_a_percentage_of_many_lines_is_rounded_over_all_of_them() -> None:
    found = take([item(name, 33) for name in "abcde"], percentage("10"))

    assert found.amount.minor == 17  # of 165; line by line it would be 15
    assert [part.minor for part in found.parts] == [4, 4, 3, 3, 3]


def test_a_fixed_amount_takes_no_more_than_there_is() -> None:
    assert take([item("a", 300), item("b", 200)], fixed(1000)).amount == Money(500, "USD")


def test_a_coupon_for_some_products_takes_off_those_alone() -> None:
    found = take([item("a", 1000), item("b", 1000)], percentage("50", product_ids=("prod_b",)))

    assert [part.minor for part in found.parts] == [0, 500]


def test_free_shipping_leaves_the_goods_as_they_are() -> None:
    found = take([item("a", 1000)], free_shipping(), shipping=700)

    assert (found.amount.minor, found.shipping.minor) == (0, 0)
    assert [(each.amount.minor, each.shipping.minor) for each in found.discounts] == [(0, 700)]


def test_one_coupon_on_the_price_goes_with_one_on_shipping() -> None:
    found = take([item("a", 1000)], percentage("10"), free_shipping(), shipping=700)

    assert (found.amount.minor, found.shipping.minor, found.refused) == (100, 0, ())


@pytest.mark.parametrize(
    ("first", "second"), [(percentage("10"), fixed(100)), (free_shipping("ONE"), free_shipping("TWO"))]
)
def test_of_two_coupons_on_the_same_the_first_one_counts(first: Coupon, second: Coupon) -> None:
    found = take([item("a", 1000)], first, second, shipping=700)

    assert [each.code for each in found.discounts] == [first.code]
    assert [(each.code, each.reason) for each in found.refused] == [(second.code, Refusal.NOT_COMBINABLE)]


@pytest.mark.parametrize(
    ("coupon", "shopper", "reason"),
    [
        (percentage("10", active=False), Shopper(), Refusal.NOT_ACTIVE),
        (percentage("10", starts_at=NOW + timedelta(seconds=1)), Shopper(), Refusal.NOT_ACTIVE),
        (percentage("10", starts_at=NOW), Shopper(), None),
        (percentage("10", expires_at=NOW), Shopper(), Refusal.EXPIRED),
        (percentage("10", expires_at=NOW + timedelta(microseconds=1)), Shopper(), None),
        (percentage("10", max_redemptions=3, redeemed=3), Shopper(), Refusal.EXHAUSTED),
        (percentage("10", max_redemptions=3, redeemed=2), Shopper(), None),
        (percentage("10", per_customer=1), Shopper(uses={"cpn_SALE": 1}), Refusal.CUSTOMER_LIMIT),
        (percentage("10", per_customer=1), Shopper(uses={"cpn_OTHER": 1}), None),
        (percentage("10", first_time_transaction=True), Shopper(orders=1), Refusal.NOT_FIRST_ORDER),
        (percentage("10", first_time_transaction=True), Shopper(), None),
        (percentage("10", product_ids=("prod_z",)), Shopper(), Refusal.OTHER_PRODUCTS),
        (percentage("10", min_order=Money(1001, "USD")), Shopper(), Refusal.BELOW_MINIMUM),
        (percentage("10", min_order=Money(1000, "USD")), Shopper(), None),
    ],
)
def test_a_coupon_that_does_not_hold_says_why(coupon: Coupon, shopper: Shopper, reason: Refusal | None) -> None:
    assert refusal(coupon, shopper=shopper) is reason


def test_a_code_that_names_nothing_is_refused() -> None:
    found = discounted([item("a", 1000)], (), [WantedCoupon("NONE", None)], Shopper(), Money(0, "USD"), NOW)

    with pytest.raises(Conflict) as refused:
        found.require_all("coupons")
    assert [(each.field, each.code) for each in refused.value.details] == [("coupons.NONE", "coupon_unknown")]


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": CouponKind.PERCENTAGE},
        {"kind": CouponKind.FIXED_AMOUNT, "percent": Decimal(5)},
        {"kind": CouponKind.FREE_SHIPPING, "amount": Money(5, "USD")},
        {"kind": CouponKind.FREE_SHIPPING, "duration": Duration.REPEATING},
        {"kind": CouponKind.FREE_SHIPPING, "duration": Duration.ONCE, "duration_in_months": 3},
        {"kind": CouponKind.FREE_SHIPPING, "starts_at": NOW, "expires_at": NOW},
    ],
)
def test_a_coupon_that_contradicts_itself_is_none(terms: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Coupon("cpn_1", "CODE", created_at=NOW, updated_at=NOW, **terms)  # type: ignore[arg-type]


def test_what_cannot_be_judged_is_named_and_left_out() -> None:
    coupon = percentage("10", product_ids=("prod_z",), first_time_transaction=True, per_customer=1)

    judged, conditional = judged_without(coupon, items=False, shopper=False)

    assert conditional == ("product_ids", "first_time_transaction", "per_customer_limit")
    assert refusal(judged, shopper=Shopper(orders=5, uses={"cpn_SALE": 5})) is None
    assert judged_without(coupon, items=True, shopper=True) == (coupon, ())


# Automatic discounts


@pytest.mark.parametrize(("quantity", "free"), [(2, 0), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_a_bundle_counts_as_often_as_it_is_bought(quantity: int, free: int) -> None:
    assert take([item("a", 1000, quantity)], automatic=(bundle(2, 1),)).amount.minor == free * 1000


def test_the_cheapest_units_are_free() -> None:
    found = take([item("a", 1000), item("b", 600), item("c", 900)], automatic=(bundle(2, 1),))

    assert [part.minor for part in found.parts] == [0, 600, 0]


def test_units_outside_the_categories_do_not_count() -> None:
    items = [item("a", 1000, 2, categories=("toys", "wood")), item("b", 100, categories=("books",))]

    assert take(items, automatic=(bundle(2, 1, product_categories=("toys", "games")),)).amount.minor == 0
    assert take(items, automatic=(bundle(1, 1, product_categories=("games", "wood")),)).amount.minor == 1000


@pytest.mark.parametrize(("tags", "free"), [((), 0), (("vip",), 0), (("vip", "staff", "new"), 1)])
def test_customers_need_all_the_tags(tags: tuple[str, ...], free: int) -> None:
    found = take(
        [item("a", 100, 2)], automatic=(bundle(1, 1, customer_tags=("vip", "staff")),), shopper=Shopper(tags=tags)
    )

    assert found.amount.minor == free * 100


@pytest.mark.parametrize(("at", "free"), [(-1, 0), (0, 1), (59, 1), (60, 0)])
def test_a_discount_holds_from_its_first_instant_to_its_last(at: int, free: int) -> None:
    offer = bundle(1, 1, starts_at=NOW, ends_at=NOW + timedelta(seconds=60))

    assert take([item("a", 100, 2)], automatic=(offer,), now=NOW + timedelta(seconds=at)).amount.minor == free * 100


def test_a_unit_counts_for_one_discount_and_the_largest_saving_comes_first() -> None:
    items = [item("a", 1000, 2), item("b", 400, 3)]
    small, large = bundle(4, 1, "a_small"), bundle(1, 1, "b_large")

    assert [each.name for each in take(items, automatic=(small,)).discounts] == ["a_small"]
    found = take(items, automatic=(small, large))
    assert [(each.name, each.amount.minor) for each in found.discounts] == [("b_large", 800)]


def test_a_coupon_counts_what_automatic_discounts_leave() -> None:
    found = take([item("a", 1000, 2)], percentage("10"), automatic=(bundle(1, 1),))

    assert [(each.kind, each.amount.minor) for each in found.discounts] == [
        (DiscountKind.AUTOMATIC, 1000),
        (DiscountKind.COUPON, 100),
    ]
    assert take([item("a", 1000, 2)], percentage("10", min_order=Money(1001, "USD")), automatic=(bundle(1, 1),)).refused


def test_a_coupon_does_not_take_off_what_is_free_already() -> None:
    found = take([item("a", 1000, 2)], fixed(5000), automatic=(bundle(1, 1),))

    assert found.amount.minor == 2000


def test_the_documented_example_comes_to_what_it_says() -> None:
    """``docs/discounts.md``"""
    items = [item("lamp", 4000, 2), item("book", 1250, 3, categories=("books",))]
    tenth, ship = percentage("10", min_order=Money(10_000, "USD")), free_shipping()

    found = take(items, tenth, ship, automatic=(bundle(2, 1, product_categories=("books",)),), shipping=950)

    assert [(each.name, each.amount.minor, each.shipping.minor) for each in found.discounts] == [
        ("bundle", 1250, 0),
        ("SALE", 1050, 0),
        ("SHIP", 0, 950),
    ]
    assert [each.total.minor - part.minor for each, part in zip(items, found.parts, strict=True)] == [7200, 2250]
    assert take(items[1:], tenth, automatic=()).refused


# Whatever is bought


def _purchase(seed: int) -> tuple[list[Item], tuple[AutomaticDiscount, ...], list[Coupon], int]:
    chance = random.Random(seed)
    currency = chance.choice(["JPY", "USD", "KWD"])
    names = chance.sample("abcdefghij", chance.randint(1, 8))
    prices = [0, 1, 7, 99, 100, 12_345]
    items = [
        item(
            name,
            chance.choice(prices) + chance.randint(0, 3),
            chance.randint(1, 6),
            currency,
            tuple(chance.sample(["x", "y", "z"], chance.randint(0, 2))),
        )
        for name in names
    ]
    automatic = tuple(
        bundle(
            chance.randint(1, 3),
            chance.randint(1, 2),
            f"d{number}",
            product_categories=tuple(chance.sample(["x", "y", "z"], chance.randint(0, 2))),
        )
        for number in range(chance.randint(0, 4))
    )
    products = tuple(f"prod_{name}" for name in chance.sample(names, chance.randint(0, len(names))))
    price = chance.choice(
        [
            percentage(str(Decimal(chance.randint(1, 10_000)) / 100), product_ids=products),
            fixed(chance.randint(1, 20_000), currency, product_ids=products),
        ]
    )
    coupons = chance.sample([price, free_shipping()], chance.randint(0, 2))
    return items, automatic, coupons, chance.choice([0, 1, 499])


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_purchase_adds_up_and_does_not_depend_on_any_order(seed: int) -> None:
    items, automatic, coupons, shipping = _purchase(seed)
    found = take(items, *coupons, automatic=automatic, shipping=shipping)

    assert len(found.parts) == len(items)
    assert all(0 <= part.minor <= each.total.minor for part, each in zip(found.parts, items, strict=True))
    assert found.amount.minor == sum(each.amount.minor for each in found.discounts)
    assert all(each.amount.minor == sum(part.minor for part in each.parts) for each in found.discounts)
    assert 0 <= found.shipping.minor == shipping - sum(each.shipping.minor for each in found.discounts)

    shuffled = list(zip(items, found.parts, strict=True))
    random.Random(seed).shuffle(shuffled)
    again = take([each for each, _ in shuffled], *coupons, automatic=automatic[::-1], shipping=shipping)
    assert list(again.parts) == [part for _, part in shuffled]
    assert [replace(each, parts=()) for each in again.discounts] == [
        replace(each, parts=()) for each in found.discounts
    ]


@pytest.mark.parametrize("seed", range(0, ROUNDS, 4))
def test_the_price_coupon_takes_what_it_says_of_what_it_covers(seed: int) -> None:
    items, automatic, coupons, shipping = _purchase(seed)
    before = take(items, automatic=automatic, shipping=shipping)
    after = take(items, *coupons, automatic=automatic, shipping=shipping)
    left = [each.total.minor - part.minor for each, part in zip(items, before.parts, strict=True)]

    for coupon in coupons:
        covered = sum(value for each, value in zip(items, left, strict=True) if coupon.covers(each))
        own = next(each for each in after.discounts if each.discount_id == coupon.coupon_id)
        if coupon.percent is not None:
            assert abs(Decimal(own.amount.minor) - covered * coupon.percent / 100) <= Decimal("0.5")
        elif coupon.amount is not None:
            assert own.amount.minor == min(coupon.amount.minor, covered)
