"""Backorders as a model: how far one is, and the places in a queue."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from commerce.backorders.model import MAX_PRIORITY, Backorder, BackorderStatus, Kind, Standing
from commerce.inventory.model import Allocation, Stock, StockKey, allocate_up_to
from commerce.kernel.money import Money
from commerce.orders.model import (
    Address,
    Buyer,
    FulfillmentStatus,
    Order,
    OrderLine,
    PaymentStatus,
    Status,
)
from commerce.table import keys
from tests.shop import TENANT

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
ZERO = Money.zero("USD")
RUNS = 100


def order(quantity: int, *allocations: Allocation) -> Order:
    line = OrderLine(
        line_id="li_1",
        product_id="prod_1",
        variant_id="var_1",
        sku="LAMP",
        name="Lamp",
        quantity=quantity,
        unit_price=Money(1000, "USD"),
        discount=ZERO,
        tax=ZERO,
        allocations=allocations,
        backorder_id="bo_1",
    )
    return Order(
        order_id="order_1",
        buyer=Buyer("cust_1", "jane@example.com", "Jane Doe"),
        lines=(line,),
        currency="USD",
        status=Status.PENDING,
        payment_status=PaymentStatus.PAID,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        shipping_address=Address("Jane Doe", "1 Main St", "Springfield", "US"),
        billing_address=None,
        placed_at=NOON,
        updated_at=NOON,
        expires_at=None,
        discount=ZERO,
        shipping=ZERO,
        tax=ZERO,
        refunded=ZERO,
        refunding=ZERO,
        compensated=ZERO,
        disputed=ZERO,
        shipping_refunded=ZERO,
    )


def backorder(quantity: int) -> Backorder:
    return Backorder("bo_1", Kind.BACKORDER, "order_1", "li_1", 0, "prod_1", "var_1", quantity, NOON)


@pytest.mark.parametrize("seed", range(RUNS))
def test_units_that_wait_are_allocated_and_leave_until_none_is_left(seed: int) -> None:
    chance = random.Random(seed)
    there, units = chance.randint(0, 5), chance.randint(6, 20)
    current = order(units, *([Allocation("wh_001", there)] if there else []))
    waited = backorder(units - there)
    left = 0
    while left < units:
        standing = Standing(waited, current)
        assert standing.allocated + standing.remaining == waited.quantity
        assert standing.remaining == current.waiting
        assert current.line("li_1").allocated == there + standing.allocated
        if standing.remaining and chance.random() < 0.6:
            parts = [Stock(StockKey("prod_1", "var_1", f"wh_00{n}"), chance.randint(0, 4), 0) for n in (1, 2)]
            for part in allocate_up_to(standing.remaining, parts):
                current = current.allocate("li_1", part.warehouse_id, part.quantity)
        elif current.line("li_1").shippable:
            current, parts_left = current.ship()
            left += sum(moved for _, moved in parts_left)

    assert Standing(waited, current).status is BackorderStatus.FULFILLED
    assert current.fulfillment_status is FulfillmentStatus.FULFILLED
    with pytest.raises(ValueError, match="waiting units"):
        current.line("li_1").allocate("wh_001", 1)


@pytest.mark.parametrize(
    ("allocated", "shipped", "status"),
    [
        (0, 0, BackorderStatus.WAITING),
        (2, 0, BackorderStatus.PARTIALLY_ALLOCATED),
        (2, 2, BackorderStatus.PARTIALLY_ALLOCATED),
        (5, 0, BackorderStatus.ALLOCATED),
        (5, 4, BackorderStatus.ALLOCATED),
        (5, 5, BackorderStatus.FULFILLED),
    ],
)
def test_how_far_a_backorder_is_follows_from_its_line(allocated: int, shipped: int, status: BackorderStatus) -> None:
    parts = (Allocation("wh_001", allocated, shipped),) if allocated else ()

    assert Standing(backorder(5), order(5, *parts)).status is status


def test_nothing_waits_for_an_order_that_was_called_off() -> None:
    standing = Standing(backorder(5), order(5).move_to(Status.CANCELLED))

    assert (standing.status, standing.remaining) == (BackorderStatus.CANCELLED, 0)


@pytest.mark.parametrize("seed", range(RUNS))
def test_no_more_is_taken_than_there_is_or_is_wanted(seed: int) -> None:
    chance = random.Random(seed)
    wanted = chance.randint(1, 12)
    stocks = [
        Stock(StockKey("prod_1", "var_1", f"wh_{number}"), chance.randint(0, 6), 0)
        for number in range(chance.randint(0, 4))
    ]

    parts = allocate_up_to(wanted, stocks)

    there = {stock.key.warehouse_id: stock.available for stock in stocks}
    assert sum(part.quantity for part in parts) == min(wanted, sum(there.values()))
    assert all(0 < part.quantity <= there[part.warehouse_id] for part in parts)
    assert len({part.warehouse_id for part in parts}) == len(parts)
    if any(available >= wanted for available in there.values()):
        assert len(parts) == 1


def test_places_in_a_queue_sort_by_priority_then_time_then_line() -> None:
    chance = random.Random(1)
    turns = [
        (MAX_PRIORITY - chance.randint(0, MAX_PRIORITY), NOON + timedelta(microseconds=chance.randint(0, 9)), line)
        for line in range(40)
        for _ in range(5)
    ]

    def place(turn: tuple[int, datetime, int]) -> str:
        last_first, placed_at, line = turn
        return keys.place_in_queue(TENANT, "var_1", MAX_PRIORITY - last_first, placed_at, line, "bo_1").sk

    assert sorted(turns, key=place) == sorted(turns)


def test_calling_an_order_off_is_foreseen_with_the_stock_that_it_will_have() -> None:
    waiting, half, whole = order(5), order(5, Allocation("wh_001", 2)), order(5, Allocation("wh_001", 5))

    assert [each.ending_writes for each in (waiting, half, whole)] == [2, 2, 1]
