"""What leaves of an order, and how parcels are told apart."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from commerce.fulfillment.model import Shipment, parcel_id, unnumbered_id
from commerce.inventory.model import Allocation, StockKey
from commerce.kernel.errors import Conflict, IllegalMove, Invalid
from commerce.kernel.money import Money
from commerce.orders.model import (
    Address,
    Buyer,
    FulfillmentStatus,
    LineStatus,
    Order,
    OrderLine,
    PaymentStatus,
    Status,
)

AT = datetime(2026, 3, 20, 12, tzinfo=UTC)
NOTHING = Money.zero("USD")


def line(line_id: str, quantity: int, *allocations: Allocation, **changes: Any) -> OrderLine:
    price = Money(1000, "USD")
    number = line_id.removeprefix("line_")
    made = OrderLine(
        line_id, f"prod_{number}", f"var_{number}", f"SKU-{number}", f"Cup {number}", quantity, price, NOTHING, NOTHING
    )
    return replace(made, allocations=allocations, **changes)


def order(*lines: OrderLine, **changes: Any) -> Order:
    placed = Order(
        order_id="order_1",
        buyer=Buyer("cust_1", "jane@example.com", "Jane Doe"),
        lines=lines,
        currency="USD",
        status=Status.PENDING,
        payment_status=PaymentStatus.PAID,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        shipping_address=Address("Jane Doe", "123 Main St", "Springfield", "US"),
        billing_address=None,
        placed_at=AT,
        updated_at=AT,
        expires_at=None,
        discount=NOTHING,
        shipping=NOTHING,
        tax=NOTHING,
        refunded=NOTHING,
        refunding=NOTHING,
        compensated=NOTHING,
        disputed=NOTHING,
        shipping_refunded=NOTHING,
    )
    return replace(placed, **changes)


def place(number: int, warehouse: str) -> StockKey:
    return StockKey(f"prod_{number}", f"var_{number}", warehouse)


def states(shipped: Order) -> tuple[Status, FulfillmentStatus]:
    return shipped.status, shipped.fulfillment_status


# What leaves


def test_without_saying_what_everything_leaves_that_is_set_aside() -> None:
    two = order(line("line_1", 3, Allocation("w1", 2), Allocation("w2", 1)), line("line_2", 1, Allocation("w1", 1)))

    shipped, parts = two.ship()

    assert states(shipped) == (Status.SHIPPED, FulfillmentStatus.FULFILLED)
    assert parts == ((place(1, "w1"), 2), (place(1, "w2"), 1), (place(2, "w1"), 1))
    assert shipped.reserved == ()


def test_units_that_wait_for_stock_stay_behind_and_the_order_is_processing_until_they_leave() -> None:
    waiting = order(line("line_1", 3, Allocation("w1", 1), backorder_id="bo_1"))

    partly, first = waiting.ship()
    whole, second = partly.allocate("line_1", "w1", 2).ship()

    assert states(partly) == (Status.PROCESSING, FulfillmentStatus.PARTIAL)
    assert (first, second) == (((place(1, "w1"), 1),), ((place(1, "w1"), 2),))
    assert states(whole) == (Status.SHIPPED, FulfillmentStatus.FULFILLED)


def test_parts_leave_one_after_the_other_out_of_one_warehouse_after_the_other() -> None:
    placed = order(line("line_1", 4, Allocation("w1", 2), Allocation("w2", 2)))

    first, left_first = placed.ship({"line_1": 1})
    second, left_second = first.ship({"line_1": 2})
    third, left_third = second.ship({"line_1": 1})

    assert left_first == ((place(1, "w1"), 1),)
    assert left_second == ((place(1, "w1"), 1), (place(1, "w2"), 1))
    assert left_third == ((place(1, "w2"), 1),)
    assert [states(each) for each in (first, second, third)] == [
        (Status.PROCESSING, FulfillmentStatus.PARTIAL),
        (Status.PROCESSING, FulfillmentStatus.PARTIAL),
        (Status.SHIPPED, FulfillmentStatus.FULFILLED),
    ]
    assert [each.is_earned for each in (first, second, third)] == [False, False, True]


@pytest.mark.parametrize(
    ("placed", "units", "error", "reason"),
    [
        (order(line("line_1", 2, Allocation("w1", 2))), {"line_1": 3}, Conflict, "exceeds_shippable"),
        (order(line("line_1", 2, Allocation("w1", 2, shipped=1))), {"line_1": 2}, Conflict, "exceeds_shippable"),
        (order(line("line_1", 2, Allocation("w1", 1))), {"line_1": 2}, Conflict, "exceeds_shippable"),
        (order(line("line_1", 2, Allocation("w1", 2))), {"line_9": 1}, Invalid, "unknown_line"),
        (order(line("line_1", 2)), None, Conflict, "backordered"),
        (
            order(line("line_1", 2, Allocation("w1", 2)), payment_status=PaymentStatus.AUTHORIZED),
            None,
            Conflict,
            "not_paid",
        ),
        (
            order(line("line_1", 2, Allocation("w1", 2)), refunding=Money(2000, "USD")),
            None,
            Conflict,
            "being_refunded",
        ),
        (
            order(line("line_1", 2, Allocation("w1", 2)), status=Status.CANCELLED),
            None,
            IllegalMove,
            "illegal_transition",
        ),
        (
            order(
                line("line_1", 2, Allocation("w1", 2, shipped=2)),
                status=Status.SHIPPED,
                fulfillment_status=FulfillmentStatus.FULFILLED,
            ),
            None,
            IllegalMove,
            "illegal_transition",
        ),
    ],
    ids=[
        *("more than there are", "more than are left", "more than are set aside", "another order's line"),
        *("all wait", "unpaid", "all goes back", "cancelled", "all have left"),
    ],
)
def test_what_cannot_leave_does_not(
    placed: Order, units: dict[str, int] | None, error: type[Conflict], reason: str
) -> None:
    with pytest.raises(error) as refused:
        placed.ship(units)

    assert refused.value.reason == reason


def test_an_order_of_which_some_has_left_is_not_cancelled() -> None:
    partly, _ = order(line("line_1", 2, Allocation("w1", 2))).ship({"line_1": 1})

    with pytest.raises(IllegalMove):
        partly.move_to(Status.CANCELLED)


def test_only_what_has_left_can_be_returned() -> None:
    partly, _ = order(line("line_1", 3, Allocation("w1", 3))).ship({"line_1": 2})

    assert partly.claim({"line_1": 2}).line("line_1").returnable == 0
    with pytest.raises(Conflict):
        partly.claim({"line_1": 3})


@pytest.mark.parametrize(
    ("status", "one", "expected"),
    [
        (Status.PENDING, line("line_1", 2, Allocation("w1", 2)), LineStatus.PENDING),
        (Status.PROCESSING, line("line_1", 2, Allocation("w1", 2)), LineStatus.PENDING),
        (Status.PENDING, line("line_1", 2, Allocation("w1", 1)), LineStatus.BACKORDERED),
        (Status.PROCESSING, line("line_1", 2, Allocation("w1", 1, shipped=1)), LineStatus.PARTIALLY_SHIPPED),
        (Status.PROCESSING, line("line_1", 2, Allocation("w1", 2, shipped=2)), LineStatus.SHIPPED),
        (Status.SHIPPED, line("line_1", 2, Allocation("w1", 2, shipped=2)), LineStatus.SHIPPED),
        (Status.DELIVERED, line("line_1", 2, Allocation("w1", 2, shipped=2)), LineStatus.DELIVERED),
        (Status.CANCELLED, line("line_1", 2, Allocation("w1", 1)), LineStatus.CANCELLED),
    ],
)
def test_each_line_says_where_it_is(status: Status, one: OrderLine, expected: LineStatus) -> None:
    assert order(one, status=status).status_of(one) is expected


# Which parcel it is


def test_a_parcel_is_the_same_however_carrier_and_number_are_written() -> None:
    first = parcel_id("order_1", "UPS", "1Z 999 aa1")

    assert first == parcel_id("order_1", " ups", "1z999AA1")
    assert first.startswith("shp_")
    others = {
        parcel_id("order_2", "UPS", "1Z999AA1"),
        parcel_id("order_1", "DHL", "1Z999AA1"),
        parcel_id("order_1", "UPS", "1Z999AA2"),
        parcel_id("order_1", None, "1Z999AA1"),
        unnumbered_id("order_1", 1),
        unnumbered_id("order_1", 2),
    }
    assert len(others | {first}) == 7


@pytest.mark.parametrize(
    ("carrier", "number", "page"),
    [
        ("UPS", "1Z999", "https://www.ups.com/track?tracknum=1Z999"),
        ("usps", "9400", "https://tools.usps.com/go/TrackConfirmAction?tLabels=9400"),
        ("FedEx", "7946", "https://www.fedex.com/fedextrack/?trknbr=7946"),
        ("DHL", "a&b=c/#", "https://www.dhl.com/global-en/home/tracking.html?tracking-id=a%26b%3Dc%2F%23"),
        ("Pigeon Post", "1", None),
        (None, "1", None),
        ("UPS", None, None),
    ],
)
def test_known_carriers_show_a_parcel_on_their_own_page(
    carrier: str | None, number: str | None, page: str | None
) -> None:
    shipment = Shipment("shp_1", "order_1", carrier, number, {"line_1": 1}, notify_customer=False, shipped_at=AT)

    assert shipment.tracking_url == page
