"""OR-04, OR-06, OR-09: every move of an order by every door, and counts that follow whatever the stream does."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from commerce.counters import store as counters
from commerce.orders.model import BY_HAND, MOVES, Status
from tests.cheap_moto import undone
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.seeds import SEED
from tests.shop import Answered, Call, Credential
from tests.streams import Record, Stream, deliver

LEGAL = {
    ("pending_payment", "cancelled"),
    ("pending", "processing"),
    ("pending", "shipped"),
    ("pending", "cancelled"),
    ("processing", "shipped"),
    ("processing", "cancelled"),
    ("shipped", "delivered"),
}
DOORS = [
    ("admin/orders/set_order_status", "PUT", "order_id"),
    ("admin/orders/set_order_status", "PATCH", "order_id"),
    ("v2/orders/set_order_status", "PUT", "id"),
    ("v2/orders/set_order_status", "PATCH", "id"),
]
WAYS = {  # by hand, once it is paid
    "pending_payment": [],
    "pending": [],
    "processing": ["processing"],
    "shipped": ["shipped"],
    "delivered": ["shipped", "delivered"],
    "cancelled": ["cancelled"],
}
SHUFFLES = 15


@dataclass
class Desk:
    """A shop with mugs at 5.00, a customer, and the stream of its table."""

    shop: Shop
    stripe: Stripe
    table: Any
    mug: str
    jane: Credential

    def place(self, units: int = 1) -> str:
        body = {"items": [{"product_id": self.mug, "quantity": units}]}
        return str(self.shop.do("storefront/orders/place_my_order", by=self.jane, body=body)["id"])

    def pay(self, order_id: str, units: int = 1) -> str:
        self.stripe.pay(self.shop.start_payment(order_id, units * 500))
        self.shop.settle(self.stripe)
        return order_id

    def order_in(self, status: str) -> str:
        """An order that came there by legal moves."""
        order_id = self.place()
        if status != "pending_payment":
            self.pay(order_id)
        for step in WAYS[status]:
            self.shop.move(order_id, step)
        assert self.status(order_id) == status
        return order_id

    def status(self, order_id: str) -> str:
        return str(self.shop.do("v2/orders/get_order", id=order_id)["status"])

    def ship_one(self, order_id: str, tracking_number: str) -> None:
        [line] = self.shop.do("admin/orders/get_order", order_id=order_id)["items"]
        items = [{"order_item_id": line["id"], "quantity": 1}]
        body = {"order_id": order_id, "items": items, "carrier": "UPS", "tracking_number": tracking_number}
        self.shop.do("admin/fulfillment/ship_order", body=body)

    def rows(self) -> list[str]:
        return sorted(json.dumps(row, sort_keys=True, default=str) for row in self.table.scan()["Items"])


@pytest.fixture
def desk(call: Call, table: Any, stripe: Stripe) -> Iterator[Desk]:
    shop = Shop(call).open()
    yield Desk(shop, stripe, table, shop.product("MUG", 5, stock=50)["id"], shop.customer())
    check(table.scan()["Items"])


# Moves


def test_the_legal_moves_are_those_of_the_table_that_are_not_the_payments() -> None:
    assert {(was, target) for was in MOVES for target in MOVES[was] & BY_HAND} == LEGAL
    assert set(Status) - BY_HAND == {"pending_payment", "pending"}


@pytest.mark.parametrize("was", list(Status))
def test_every_move_is_made_or_refused_as_the_table_says_by_every_door(desk: Desk, was: str) -> None:
    order_id = desk.order_in(was)
    before = desk.rows()

    for path, method, parameter in DOORS:
        for target in Status:
            request: dict[str, Any] = {"method": method, parameter: order_id, "body": {"status": target}}
            with undone(desk.table.name):
                answered = desk.shop.call(path, **request)

                if (was, target) in LEGAL:
                    assert answered.status == 200, answered.text
                    assert shown(answered)["status"] == desk.status(order_id) == target
                else:
                    assert refusal(answered) == (409, "conflict", "status", "illegal_transition"), (was, target)
                    assert desk.rows() == before


def shown(answered: Answered) -> Any:
    return answered.body.get("data", answered.body)


def refusal(answered: Answered) -> tuple[int, str, str, str]:
    error = answered.body["error"]
    [detail] = error["details"]
    assert detail["message"] == error["message"]
    return answered.status, error["code"], detail["field"], detail["code"]


# Counts


def truth(desk: Desk) -> dict[str, int]:
    """How many orders are in each state of each axis, counted from the orders themselves."""
    orders = [row for row in desk.table.scan()["Items"] if row["kind"] == "order"]
    axes = {"": "status", "payment:": "payment_status", "fulfillment:": "fulfillment_status"}
    return dict(Counter(f"{prefix}{row[name]}" for row in orders for prefix, name in axes.items()))


def counted(desk: Desk) -> dict[str, int]:
    return {name: count for name, count in counters.read(desk.shop.tenant, "orders").items() if count}


def live(desk: Desk, after_each: Any) -> None:
    """Orders go every way there is, one of them in two parcels."""
    orders = [desk.place(2) for _ in range(4)]
    after_each()
    for order_id in orders[:3]:
        desk.pay(order_id, 2)
        after_each()
    desk.ship_one(orders[0], "TRK1")
    after_each()
    desk.shop.move(orders[1], "processing")
    after_each()
    desk.ship_one(orders[0], "TRK2")
    after_each()
    for order_id, status in ((orders[0], "delivered"), (orders[1], "cancelled"), (orders[2], "shipped")):
        desk.shop.move(order_id, status)
        after_each()
    desk.shop.move(orders[3], "cancelled")
    after_each()


def test_counts_follow_every_order_through_partial_shipment_to_its_end(desk: Desk) -> None:
    stream = Stream(desk.table)
    seen: list[dict[str, int]] = []

    def compare() -> None:
        assert deliver("count_rows", stream.read()) == []
        assert counted(desk) == truth(desk)
        seen.append(desk.shop.do("admin/orders/count_orders"))

    live(desk, compare)

    statuses = ("pending_payment", "pending", "processing", "shipped", "delivered", "cancelled")
    assert [tuple(counts[status] for status in statuses) for counts in seen] == [
        (4, 0, 0, 0, 0, 0),
        (3, 1, 0, 0, 0, 0),
        (2, 2, 0, 0, 0, 0),
        (1, 3, 0, 0, 0, 0),
        (1, 2, 1, 0, 0, 0),
        (1, 1, 2, 0, 0, 0),
        (1, 1, 1, 1, 0, 0),
        (1, 1, 1, 0, 1, 0),
        (1, 1, 0, 0, 1, 1),
        (1, 0, 0, 1, 1, 1),
        (0, 0, 0, 1, 1, 2),
    ]
    assert {counts["total"] for counts in seen} == {4}


def test_counts_are_exact_in_whatever_order_and_however_often_changes_arrive(desk: Desk) -> None:
    stream = Stream(desk.table)
    changes: list[Record] = []
    live(desk, lambda: changes.extend(stream.read()))
    exact = truth(desk)

    for seed in range(SEED, SEED + SHUFFLES):
        rng = random.Random(seed)
        arriving = changes + rng.sample(changes, len(changes) // 2)
        rng.shuffle(arriving)
        with undone(desk.table.name):
            while arriving:
                size = rng.randint(1, 40)
                batch, arriving = arriving[:size], arriving[size:]
                assert deliver("count_rows", batch) == []
            assert counted(desk) == exact, f"seed {seed}"
