"""Alerts on stock while many move it, many look at once, and lookers die: each crossing is told once, and drafted once.

The threads call use cases: a handler belongs to one request at a time, as in Lambda.
"""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from commerce.inventory import alert_store, alerts, watching
from commerce.inventory import use_cases as stock_keeping
from commerce.inventory.alerts import SetAlert
from commerce.inventory.model import Crossing, Reorder, StockKey
from commerce.kernel import ids
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import IllegalMove, Unavailable
from commerce.kernel.paging import PageRequest
from commerce.purchasing import use_cases as purchasing
from commerce.purchasing.model import PurchaseOrder, PurchaseOrderStatus
from commerce.table.transaction import run
from tests.events import told
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import Door, Killed, strikes, survived
from tests.faults.kill import watching as through
from tests.shop import Call
from tests.stock_watch import changed, watch

LOOKERS, MOVERS = 16, 8
ROUNDS = 10
THRESHOLD = 100  # so that stock has recovered at 110
STEPS = 12  # of each mover in a storm
ALL = PageRequest.of_page(None, 100, None)


@dataclass
class Shelf:
    """One variant in one warehouse, with an alert that is set to reorder."""

    call: Call
    key: StockKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = StockKey(ids.new("prod"), ids.new("var"), "wh_001")

    @property
    def merchant(self) -> Caller:
        return Caller(self.call.credential.tenant, "key_1", Role.API_KEY)

    def open(self, units: int) -> "Shelf":
        made = self.call("v2/catalog/create_product", body={"name": "Mug", "sku": ids.new("MUG"), "price": 5}).body
        variant = self.call("v2/inventory/get_inventory", product_id=made["id"]).body["variants"][0]["variant_id"]
        self.key = StockKey(made["id"], variant, "wh_001")
        self.move(units)
        command = SetAlert(made["id"], THRESHOLD, reorder=Reorder(enabled=True, quantity=500))
        run(lambda tx: alerts.set_alert(tx, self.merchant, command))
        return self

    def move(self, units: int) -> None:
        insist(
            lambda: run(lambda tx: stock_keeping.move(tx, self.merchant, self.key, units, "correction", None, "Mug"))
        )

    def look(self) -> None:
        insist(lambda: watching.watch(self.merchant.tenant, self.key.product_id))

    def orders(self) -> tuple[PurchaseOrder, ...]:
        return purchasing.list_purchase_orders(self.merchant.tenant, ALL).items


def insist(work: Callable[[], Any]) -> Any:
    """As a queue does: again, while the table is busy."""
    for _ in range(50):
        try:
            return work()
        except Unavailable:
            continue
    raise AssertionError("never got through")


def at_once(*works: Callable[[], Any]) -> None:
    barrier = threading.Barrier(len(works))

    def go(work: Callable[[], Any]) -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(go, works))


def told_of(table: Any, shelf: Shelf) -> list[tuple[str, int]]:
    """Type and number of the events about stock and what is reordered of it, in order."""
    kinds = ("inventory.low", "inventory.out_of_stock", "purchase_order.drafted")
    events = [each for each in told(rows_of(table, shelf.call)) if each.type in kinds]
    return sorted((each.type, each.sequence) for each in events)


def test_however_many_look_at_once_a_crossing_is_told_once_and_drafted_once(table: Any) -> None:
    for _ in range(ROUNDS):
        shelf = Shelf(new_shop()).open(THRESHOLD)
        shelf.move(-THRESHOLD)

        at_once(*[shelf.look] * LOOKERS)

        assert told_of(table, shelf) == [
            ("inventory.low", 1),
            ("inventory.out_of_stock", 2),
            ("purchase_order.drafted", 1),
        ]
        assert len(shelf.orders()) == 1


def test_in_storms_around_the_line_each_fall_is_told_once_and_only_after_a_recovery_again(table: Any) -> None:
    shelf = Shelf(new_shop()).open(THRESHOLD)
    done = threading.Event()

    def come_and_go() -> None:
        """Ends one unit lower; never is stock as high as a recovery."""
        for _ in range(STEPS):
            shelf.move(-1)
            shelf.move(1)
        shelf.move(-1)

    def look_on() -> None:
        while not done.is_set():
            shelf.look()

    for fallen in range(1, 4):
        done.clear()
        with ThreadPoolExecutor(4) as lookers:
            looking = [lookers.submit(look_on) for _ in range(4)]
            at_once(*[come_and_go] * MOVERS)
            shelf.look()  # as the last change makes somebody
            done.set()
            for each in looking:
                each.result()
        lows = [number for kind, number in told_of(table, shelf) if kind == "inventory.low"]
        assert lows == list(range(1, fallen + 1))
        shelf.move(MOVERS + THRESHOLD // 10)  # recovered, as one look sees
        shelf.look()
        shelf.move(-THRESHOLD // 10)

    assert [each.status for each in shelf.orders()] == [PurchaseOrderStatus.DRAFT]


def test_a_draft_that_is_closed_while_stock_falls_again_leaves_one_open_draft_at_most(table: Any) -> None:
    for _ in range(ROUNDS):
        shelf = Shelf(new_shop()).open(THRESHOLD)
        shelf.move(-1)
        shelf.look()
        [first] = shelf.orders()
        shelf.move(THRESHOLD)
        shelf.look()
        shelf.move(-THRESHOLD)

        def close(shelf: Shelf = shelf, draft_id: str = first.purchase_order_id) -> None:
            status = PurchaseOrderStatus.ORDERED
            with suppress(IllegalMove):  # the other one was faster
                insist(lambda: run(lambda tx: purchasing.close(tx, shelf.merchant, draft_id, status, None)))

        at_once(*[close] * 2, *[shelf.look] * 4)

        closed = [each for each in shelf.orders() if each.status is PurchaseOrderStatus.ORDERED]
        later = [each for each in shelf.orders() if each.status is PurchaseOrderStatus.DRAFT]
        assert [each.purchase_order_id for each in closed] == [first.purchase_order_id]
        assert len(later) <= 1
        markers = [row for row in rows_of(table, shelf.call) if row["kind"] == "open_draft"]
        assert [row["purchase_order_id"] for row in markers] == [each.purchase_order_id for each in later]


def test_a_looker_that_dies_anywhere_and_one_that_comes_after_it_tell_of_each_crossing_once(
    table: Any, record_property: Callable[[str, Any], None]
) -> None:
    numbers = itertools.count(1)

    def once(door: Door) -> Door:
        shelf = Shelf(new_shop()).open(THRESHOLD)
        shelf.move(-THRESHOLD)
        message = changed(shelf.key.product_id, shelf.merchant.tenant, f"message-{next(numbers)}")
        with through(door):
            for _ in range(3):  # the queue delivers it again, also when all went well
                try:
                    watch([message])
                except Killed:
                    continue
        assert told_of(table, shelf) == [
            ("inventory.low", 1),
            ("inventory.out_of_stock", 2),
            ("purchase_order.drafted", 1),
        ]
        [alert] = alert_store.active(shelf.merchant.tenant, shelf.key.product_id)
        assert (alert.told, alert.sequence) == (frozenset(Crossing), 2)
        assert [each.alert_id for each in shelf.orders()] == [alert.alert_id]
        return door

    calls = once(Door()).calls
    doors = strikes(calls)
    for door in doors:
        once(door)
    survived(record_property, doors, calls)
