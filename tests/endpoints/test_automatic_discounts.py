"""PR-02, PR-04: discounts that come by themselves, from those who make them to the orders that are given them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant
from commerce.promotions.model import MAX_LIVE_DISCOUNTS
from tests.contract.shops import HOME, Shop
from tests.invariants import check
from tests.shop import Answered, Call, Credential, customer_credential

TENANT = Tenant("ten_1", Mode.TEST, "USD", "America/New_York", "US", ("wh_001",))


class Till:
    """A shop with a lamp for 40.00 and a book for 12.50, and Jane, who is no VIP."""

    def __init__(self, call: Call) -> None:
        self.shop = Shop(call, TENANT).open()
        self.jane = self.shop.customer()
        self.lamp = self.shop.product("LAMP", 40, stock=100, categories=["electronics", "home"])["id"]
        self.book = self.shop.product("BOOK", Decimal("12.5"), stock=100, categories=["books"])["id"]

    def vip(self) -> Credential:
        body = {"email": "vip@example.com", "first_name": "Vi", "last_name": "Pi", "addresses": [HOME], "tags": ["vip"]}
        made = self.shop.do("v2/customers/create_customer", body=body)
        return customer_credential(made["id"], TENANT)

    def ask(self, buy: int = 2, get: int = 1, *, name: str = "Buy 2 Get 1 Free", **more: Any) -> Answered:
        terms = {each: more.pop(each) for each in ("customer_tags", "product_categories") if each in more}
        conditions = {"buy_quantity": buy, "get_quantity": get} | terms
        body = {"name": name, "type": "buy_x_get_y", "conditions": conditions} | more
        answered: Answered = self.shop.call("v2/discounts/create_discount", body=body, credential=self.shop.merchant)
        return answered

    def make(self, *args: Any, **more: Any) -> Any:
        answered = self.ask(*args, **more)
        assert answered.status == 201, answered.text
        return answered.body

    def cart(self, *lines: tuple[str, int], by: Credential | None = None) -> Any:
        return [self.shop.add_to_cart(by or self.jane, product, units) for product, units in lines][-1]

    def change(self, discount: Any, **changes: Any) -> Any:
        return self.shop.do("v2/discounts/change_discount", id=discount["id"], body=changes)


@pytest.fixture
def till(call: Call, table: Any) -> Iterator[Till]:
    yield Till(call)
    check(table.scan()["Items"])


def test_a_discount_is_made_listed_and_read(till: Till) -> None:
    made = till.make(customer_tags=["vip"], product_categories=["electronics"], start_date="2026-02-01")
    other = till.make(name="Other")

    assert made["conditions"] == {
        "buy_quantity": 2,
        "get_quantity": 1,
        "customer_tags": ["vip"],
        "product_categories": ["electronics"],
    }
    assert (made["type"], made["start_date"], made["end_date"], made["active"]) == (
        "buy_x_get_y",
        "2026-02-01",
        None,
        True,
    )
    assert till.shop.do("v2/discounts/get_discount", id=made["id"]) == made
    assert till.shop.do("v2/discounts/list_discounts")["data"] == [other, made]


def test_the_cart_shows_what_the_order_is_given(till: Till) -> None:
    discount = till.make()

    cart = till.cart((till.lamp, 2), (till.book, 2))

    assert (cart["subtotal"], cart["discount"], cart["total"]) == (105, Decimal("12.50"), Decimal("92.50"))
    assert [each["discount"] for each in cart["items"]] == [0, Decimal("12.50")]
    [shown] = cart["discounts"]
    assert (shown["type"], shown["id"], shown["name"], shown["code"]) == (
        "automatic",
        discount["id"],
        "Buy 2 Get 1 Free",
        None,
    )
    placed = till.shop.do("storefront/carts/checkout_cart", by=till.jane)
    order = till.shop.do("admin/orders/get_order", order_id=placed["order_id"])
    assert (order["total"], order["discounts"]) == (cart["total"], cart["discounts"])


def test_it_is_for_those_with_its_tags_alone(till: Till) -> None:
    till.make(1, 1, customer_tags=["vip"])

    assert till.cart((till.book, 2))["discount"] == 0
    assert till.cart((till.book, 2), by=till.vip())["discount"] == Decimal("12.50")


def test_it_is_for_products_of_one_of_its_categories(till: Till) -> None:
    till.make(1, 1, product_categories=["garden", "home"])

    assert till.cart((till.book, 2))["discount"] == 0
    assert till.cart((till.lamp, 2))["discount"] == 40


@pytest.mark.parametrize(
    ("now", "discount"),
    [
        (datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC), 0),  # a second before midnight in New York
        (datetime(2026, 2, 1, 5, tzinfo=UTC), 40),
        (datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC), 40),  # summer time by then
        (datetime(2026, 4, 1, 4, tzinfo=UTC), 0),
    ],
)
def test_its_days_are_the_shops_the_last_one_included(till: Till, now: datetime, discount: int) -> None:
    with clock.use(lambda: now):
        till.make(1, 1, start_date="2026-02-01", end_date="2026-03-31")
        assert till.cart((till.lamp, 2))["discount"] == discount


def test_a_change_counts_from_now_on(till: Till) -> None:
    discount = till.make(1, 1)
    till.cart((till.lamp, 2))
    placed = till.shop.do("storefront/carts/checkout_cart", by=till.jane)

    changed = till.change(discount, conditions={"buy_quantity": 3, "get_quantity": 1}, end_date="2099-01-01")

    assert (changed["version"], changed["conditions"]["buy_quantity"], changed["name"]) == (2, 3, discount["name"])
    assert till.change(discount, name=discount["name"])["version"] == 2
    assert till.cart((till.lamp, 2))["discount"] == 0
    assert till.shop.do("admin/orders/get_order", order_id=placed["order_id"])["discount"] == 40


def test_an_ended_discount_counts_no_more_and_stays_readable(till: Till) -> None:
    discount = till.make(1, 1)

    till.shop.do("v2/discounts/end_discount", id=discount["id"])

    assert till.cart((till.lamp, 2))["discount"] == 0
    assert till.shop.do("v2/discounts/get_discount", id=discount["id"])["active"] is False
    assert till.change(discount, active=True)["active"] is True
    assert till.cart((till.book, 2))["discount"] == 25  # the two cheapest of four


def test_no_more_are_live_than_a_purchase_reads(till: Till) -> None:
    made = [till.make(name=f"Discount {number}") for number in range(MAX_LIVE_DISCOUNTS)]

    refused = till.ask(name="One too many")

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "too_many_discounts")
    till.change(made[0], name="Another name")
    till.shop.do("v2/discounts/end_discount", id=made[0]["id"])
    assert till.ask(name="In its place").status == 201


def test_a_discount_that_ends_before_it_starts_is_refused(till: Till) -> None:
    refused = till.ask(start_date="2026-03-02", end_date="2026-03-01")

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "empty_period")


def test_a_coupon_takes_its_part_of_what_is_left(till: Till) -> None:
    till.make(1, 1)
    till.shop.do(
        "v2/coupons/create_coupon",
        body={"code": "TENTH", "type": "percentage", "amount": 10, "restrictions": {"minimum_amount": 4000}},
    )
    till.cart((till.lamp, 2))

    cart = till.shop.do("storefront/carts/apply_cart_coupon", by=till.jane, body={"code": "TENTH"})

    assert [each["amount"] for each in cart["discounts"]] == [40, 4]
    assert cart["total"] == 36
