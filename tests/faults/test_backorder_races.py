"""Several allocators at once over one long queue, on the emulator: first come, first served, and never above stock."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from commerce.backorders import allocating
from commerce.inventory.model import StockKey
from commerce.kernel.caller import Tenant, system
from commerce.kernel.errors import Conflict
from commerce.orders import placing
from commerce.orders import store as orders
from commerce.orders.model import Order, Status
from commerce.payments import cancelling
from commerce.table.transaction import run
from tests.contract.shops import HOME
from tests.faults.conftest import new_shop, rows_of
from tests.faults.workers import Died, Invocation, Worker
from tests.invariants import check
from tests.shop import Call
from tests.waiting import arrival

BACKORDERS = 500
HANDS = 8
SEED = 2026


@dataclass
class Queue:
    """A shop with one product that many customers wait for, one order each."""

    call: Call
    product_id: str
    customers: list[str]
    chance: random.Random
    placed: list[str]

    @classmethod
    def open(cls, seed: int) -> "Queue":
        call = new_shop()
        body = {"name": "Lamp", "sku": "LAMP", "price": Decimal(10), "when_out_of_stock": "backorder"}
        product = call("v2/catalog/create_product", body=body)
        assert product.status == 201, product.text
        jane = {"first_name": "Jane", "last_name": "Doe", "addresses": [HOME]}
        made = [call("v2/customers/create_customer", body=jane | {"email": f"j{n}@example.com"}) for n in range(HANDS)]
        return cls(call, product.body["id"], [each.body["id"] for each in made], random.Random(seed), [])

    @property
    def tenant(self) -> Tenant:
        return self.call.credential.tenant

    @property
    def variant(self) -> StockKey:
        return StockKey(self.product_id, self.product_id.replace("prod_", "var_", 1), "")

    def fill(self, count: int) -> None:
        """Let so many orders of one to four units be placed, by several hands at once."""
        wanted = [(n % HANDS, self.chance.randint(1, 4)) for n in range(count)]
        with ThreadPoolExecutor(HANDS) as hands:
            self.placed += list(hands.map(lambda each: self.place(*each), wanted))

    def place(self, customer: int, units: int) -> str:
        caller = system(self.tenant, "shop")
        item = placing.WantedItem(self.product_id, None, units)
        command = placing.PlaceOrder(self.customers[customer], (item,), awaits_payment=False)
        return run(lambda tx: placing.place(tx, caller, command)).order_id

    def cancel(self, order_id: str) -> None:
        caller = system(self.tenant, "shop")
        run(lambda tx: cancelling.cancel_order(tx, caller, self.order(order_id)))

    def order(self, order_id: str) -> Order:
        order = orders.find(self.tenant, order_id)
        assert order is not None
        return order

    def receive(self, units: int, warehouse: str) -> None:
        body = {"quantity": units, "reason": "restock", "location": warehouse}
        answered = self.call("v2/inventory/adjust_inventory", product_id=self.product_id, body=body)
        assert answered.status == 201, answered.text

    def available(self) -> int:
        return int(self.call("v2/inventory/get_inventory", product_id=self.product_id).body["total_available"])

    def settle(self) -> None:
        """Wait until all that is there is set aside, or nobody waits."""
        end = time.monotonic() + 120
        while self.available() and any(order.waiting for order in self.alive()):
            assert time.monotonic() < end, "stock lies there, and customers wait"
            time.sleep(0.1)

    def alive(self) -> list[Order]:
        """The orders that were not called off, in the order in which they were placed."""
        found = orders.find_all(self.tenant, self.placed).values()
        return sorted((each for each in found if each.status is not Status.CANCELLED), key=_turn)

    def require_in_turn(self) -> int:
        """Raise AssertionError if somebody was served while somebody before them waits; give the units that are set
        aside."""
        waiting = [(order.waiting, order.units) for order in self.alive()]
        first = next((n for n, (left, _) in enumerate(waiting) if left), len(waiting))
        behind = [n for n, (left, units) in enumerate(waiting) if n > first and left < units]
        assert not behind, f"{behind} were served before {first}"
        return sum(units - left for left, units in waiting)


def _turn(order: Order) -> tuple[Any, ...]:
    return (order.placed_at, order.lines[0].backorder_id)


@contextmanager
def allocators(queue: Queue, count: int) -> Iterator[list[int]]:
    """So many of them serve the queue again and again; gives the allocations that each has made."""
    over, made = threading.Event(), [0] * count

    def serve(number: int) -> None:
        caller = system(queue.tenant, f"allocator-{number}")
        while not over.is_set():
            served = allocating.serve(caller, queue.variant, whole=False, has_time=lambda: not over.is_set())
            made[number] += served.allocations
            time.sleep(0.01)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.timeout(600)
def test_two_allocators_serve_five_hundred_in_turn_while_orders_come_and_go(
    table: Any, stripe: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = Queue.open(SEED)
    queue.fill(BACKORDERS)
    received = 0
    with allocators(queue, 2) as made:
        while any(order.waiting for order in queue.alive()):
            units = queue.chance.randint(40, 120)
            queue.receive(units, queue.chance.choice(["wh_001", "wh_002"]))
            received += units
            for order in queue.chance.sample(queue.alive(), 2):
                queue.cancel(order.order_id)
            if len(queue.placed) < BACKORDERS + 20:
                queue.fill(2)
            queue.settle()
            held = queue.require_in_turn()
            assert held + queue.available() == received
    assert all(made), f"one of them did all the work: {made}"
    with capsys.disabled():
        print(f"\n  {made[0]} and {made[1]} allocations by two at once")
    check(rows_of(table, queue.call))


@pytest.mark.timeout(600)
def test_allocators_that_are_killed_again_and_again_leave_nothing_half_done(
    table: Any, stripe: Any, record_property: Callable[[str, Any], None]
) -> None:
    queue = Queue.open(SEED + 1)
    queue.fill(120)
    wanted = sum(order.units for order in queue.alive())
    received, kills = 0, [0, 0]
    heard = {"Records": [arrival(queue.tenant, queue.product_id, queue.variant.variant_id)]}

    def work(number: int) -> None:
        """One instance of the queue's consumer after another, most of which die at it."""
        chance, worker = random.Random(SEED + number), Worker()
        while any(order.waiting for order in queue.alive()):
            after = chance.uniform(0.05, 0.6) if kills[number] < 15 else None
            try:
                worker.invoke(Invocation("queues/allocate_arrivals", heard), _nobody, killed_after=after)
            except Died:
                kills[number] += 1
                worker = Worker()
        worker.kill()

    with ThreadPoolExecutor(2) as workers:
        done = [workers.submit(work, number) for number in range(2)]
        while received < wanted:
            units = min(queue.chance.randint(20, 60), wanted - received)
            queue.receive(units, queue.chance.choice(["wh_001", "wh_002"]))
            received += units
            time.sleep(1)
        for each in done:
            each.result()
    assert queue.require_in_turn() == wanted == received
    assert queue.available() == 0
    assert sum(kills) >= 10, "they died too seldom to tell"
    record_property("deaths survived", {"allocators": sum(kills)})
    check(rows_of(table, queue.call))


def _nobody(name: str, arguments: Any) -> Any:
    raise AssertionError(f"nobody is to be asked for {name}")


@pytest.mark.timeout(120)
def test_a_merchant_and_two_allocators_never_promise_one_unit_twice(table: Any, stripe: Any) -> None:
    queue = Queue.open(SEED + 2)
    queue.fill(16)
    last = queue.order(queue.alive()[-1].order_id)
    (backorder_id,) = last.waiting_ids
    with allocators(queue, 2), ThreadPoolExecutor(1) as hand:
        for _ in range(10):
            queue.receive(2, "wh_001")
            hand.submit(_take, queue, backorder_id).result()
        queue.settle()
    check(rows_of(table, queue.call))


def _take(queue: Queue, backorder_id: str) -> None:
    """Whatever is there just then, which may be nothing."""
    with suppress(Conflict):
        run(lambda tx: allocating.allocate(tx, system(queue.tenant, "merchant"), backorder_id))
