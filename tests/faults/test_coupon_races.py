"""Many hands on one coupon at once, on the emulator: no use too many, none lost, and nobody's order harmed.

Threads call use cases, as several instances of functions would. How orders with a coupon survive deaths and lost
answers is in ``test_every_change``: its good requests that place and cancel orders have one.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commerce.carts import coupons
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money
from commerce.orders.model import Order, Status
from commerce.orders.placing import PlaceOrder, WantedItem, place
from commerce.payments import cancelling
from commerce.promotions import use_cases
from commerce.promotions.model import CouponKind, id_of
from commerce.promotions.use_cases import CreateCoupon
from commerce.table.transaction import run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.test_order_races import at_once
from tests.faults.test_stored_value_races import Shop, insist
from tests.invariants import check

BUYERS, USES, ORDERS_AT_ONCE = 64, 10, 16
CODE, OFF = "RACE", Money(100, "USD")


@pytest.fixture
def shop(table: Any, stripe: Any) -> Iterator[Shop]:
    shop = Shop(new_shop())
    yield shop
    check(rows_of(table, shop.call))


def a_coupon(shop: Shop, **limits: Any) -> None:
    command = CreateCoupon(CODE, CouponKind.FIXED_AMOUNT, amount=OFF, **limits)
    run(lambda tx: use_cases.create(tx, shop.merchant, command))


def uses(shop: Shop) -> int:
    return use_cases.get(shop.tenant, id_of(CODE)).redeemed


def fill(shop: Shop, person: int) -> None:
    """A cart with the coupon."""
    shop.fill(person)
    run(lambda tx: coupons.apply_own(tx, shop.people[person], CODE))


def check_out(shop: Shop, person: int) -> Order | CommerceError:
    placed: Order | CommerceError = insist(lambda tx: shop.checking_out(tx, person))
    return placed


def bought(answers: list[Any]) -> list[Order]:
    """The orders among answers; everybody else was told that the coupon is used up."""
    orders = [each for each in answers if isinstance(each, Order)]
    refusals = [each.reason for each in answers if isinstance(each, CommerceError)]
    assert set(refusals) <= {"coupon_exhausted", "coupon_customer_limit"}, refusals
    assert len(orders) + len(refusals) == len(answers)
    assert all(order.discount == OFF for order in orders)
    return orders


@pytest.mark.timeout(300)
def test_of_sixty_four_buyers_ten_get_a_coupon_with_ten_uses(shop: Shop) -> None:
    shop.welcome(BUYERS, Decimal("9.00"))
    a_coupon(shop, max_redemptions=USES)
    for person in range(BUYERS):
        fill(shop, person)

    answers = at_once(*[lambda person=person: check_out(shop, person) for person in range(BUYERS)])

    assert len(bought(answers)) == uses(shop) == USES
    losers = [person for person, answer in enumerate(answers) if isinstance(answer, CommerceError)]
    for person in losers:  # their carts stand, and the same things can be bought without the coupon
        run(lambda tx: coupons.remove_own(tx, shop.people[person], CODE))  # noqa: B023
        placed = check_out(shop, person)
        assert isinstance(placed, Order)
        assert placed.discount.minor == 0
    assert uses(shop) == USES


@pytest.mark.timeout(300)
def test_of_sixteen_orders_of_one_customer_one_has_the_coupon_that_each_has_once(shop: Shop) -> None:
    shop.welcome(1, Decimal("9.00"))
    a_coupon(shop, per_customer=1)
    [jane], [goods] = shop.people, shop.goods
    command = PlaceOrder(str(jane.customer_id), (WantedItem(goods, None, 1),), True, coupon_codes=(CODE,))

    answers = at_once(*[lambda: insist(lambda tx: place(tx, jane, command))] * ORDERS_AT_ONCE)

    assert len(bought(answers)) == uses(shop) == 1


@pytest.mark.timeout(300)
def test_of_sixteen_first_orders_of_one_customer_one_is_the_first(shop: Shop) -> None:
    shop.welcome(1, Decimal("9.00"))
    a_coupon(shop, first_time_transaction=True)
    [jane], [goods] = shop.people, shop.goods
    command = PlaceOrder(str(jane.customer_id), (WantedItem(goods, None, 1),), True, coupon_codes=(CODE,))

    answers = at_once(*[lambda: insist(lambda tx: place(tx, jane, command))] * ORDERS_AT_ONCE)

    assert sum(isinstance(each, Order) for each in answers) == uses(shop) == 1
    assert {each.reason for each in answers if isinstance(each, CommerceError)} == {"coupon_not_first_order"}


@pytest.mark.timeout(300)
def test_what_is_cancelled_while_others_buy_is_theirs(shop: Shop) -> None:
    shop.welcome(USES + ORDERS_AT_ONCE, Decimal("9.00"))
    a_coupon(shop, max_redemptions=USES)
    for person in range(USES + ORDERS_AT_ONCE):
        fill(shop, person)
    placed = bought([check_out(shop, person) for person in range(USES)])

    def cancel(person: int) -> Any:
        order_id = placed[person].order_id
        return insist(lambda tx: cancelling.cancel_own(tx, shop.people[person], order_id, None))

    answers = at_once(
        *[lambda person=person: cancel(person) for person in range(USES)],
        *[lambda person=person: check_out(shop, person) for person in range(USES, USES + ORDERS_AT_ONCE)],
    )

    assert {each.order.status for each in answers[:USES]} == {Status.CANCELLED}
    assert len(bought(answers[USES:])) == uses(shop) <= USES
    for person, answer in enumerate(answers[USES:], start=USES):  # whoever came too early comes again
        if isinstance(answer, CommerceError):
            check_out(shop, person)
    assert uses(shop) == USES
