"""Shipping and dispatching, killed and raced: nothing leaves twice, nobody is mailed twice, and all of it ends.

The emulator carries the table. SES stands in the test's own process, and counts the mails that it was given.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
import pytest

from commerce.fulfillment.use_cases import ShipOrder, Shipped, ship
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import CommerceError, StaleWrite, Unavailable
from commerce.mails import ses
from commerce.mails.notices import NOTICE
from commerce.orders import store as orders
from commerce.orders.closing import Closed, close_rest
from commerce.orders.ending import Cancelled, CancelOrder
from commerce.payments import cancelling
from commerce.returns import use_cases as returning
from commerce.returns.model import Return, ReturnItem
from commerce.returns.use_cases import RequestReturn
from commerce.table import keys
from commerce.table.transaction import Transaction, run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import Door, Killed, strikes, survived, watching
from tests.faults.workers import LEASE_SECONDS, Died, Invocation, Worker
from tests.invariants import check
from tests.seeds import SEED
from tests.shop import Answered, Call, Credential, customer_credential, handler

RACERS = 16
BATCH = 100
KILLED_AT = 50  # of the batch's rows
ROUNDS = 8
RETRIES = 4

type Note = Callable[[str, Any], None]
type Row = dict[str, Any]


class ShortLived:
    """A Lambda context with little time left, so that a dead attempt's lease runs out soon."""

    def get_remaining_time_in_millis(self) -> int:
        return int(LEASE_SECONDS * 1000)


@dataclass
class Depot:
    """A shop with a customer and cups; its orders are paid with store credit, without Stripe."""

    call: Call
    table: Any
    jane: Credential
    cup: Any
    mails: list[Any] = field(default_factory=list)

    @classmethod
    def open(cls, table: Any) -> "Depot":
        call = new_shop()
        cup = call("v2/catalog/create_product", body={"name": "Cup", "sku": "CUP", "price": Decimal(10)}).body
        change = {"quantity": 10_000, "reason": "restock"}
        assert call("v2/inventory/adjust_inventory", product_id=cup["id"], body=change).status == 201
        home = {"first_name": "Jane", "last_name": "Doe", "address1": "1 Main St", "city": "A", "postal_code": "62701"}
        body = {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe", "addresses": [home]}
        customer = call("v2/customers/create_customer", body=body).body["id"]
        return cls(call, table, customer_credential(customer, call.credential.tenant), cup)

    @property
    def merchant(self) -> Caller:
        return Caller(self.call.credential.tenant, "key_1", Role.API_KEY)

    def sell(self, units: int = 2) -> str:
        """An order that is paid."""
        credit = {"customer_id": self.jane.customer_id, "amount": 10 * units, "reason": "goodwill"}
        assert self.call("admin/store_credit/issue_store_credit", body=credit).status == 201
        items = [{"product_id": self.cup["id"], "quantity": units}]
        placed = self.call("admin/orders/create_order", body={"customer_id": self.jane.customer_id, "items": items})
        order_id = str(placed.body["data"]["id"])
        spent = {"customer_id": self.jane.customer_id, "order_id": order_id, "amount_to_redeem": 10 * units}
        assert self.call("admin/store_credit/redeem_store_credit", body=spent).status == 201
        return order_id

    def row(self, order_id: str, number: str = "1Z", **more: Any) -> Row:
        return {"order_id": order_id, "tracking_number": number, "carrier": "UPS", "notify_customer": True, **more}

    def ship(self, order_id: str, number: str = "1Z", **more: Any) -> Answered:
        return self.call("admin/fulfillment/ship_order", body=self.row(order_id, number, **more))

    def line_of(self, order_id: str) -> str:
        return str(self.order(order_id)["items"][0]["id"])

    def order(self, order_id: str) -> Any:
        return self.call("admin/orders/get_order", order_id=order_id).body["data"]

    def reserved(self) -> int:
        return int(self.call("v2/inventory/get_inventory", product_id=self.cup["id"]).body["total_reserved"])

    def rows(self, kind: str) -> list[Any]:
        return [row for row in rows_of(self.table, self.call) if row["kind"] == kind]

    def deliver(self, times: int = 1) -> None:
        """Hand every notice that was ever announced to the consumer, in batches of ten, in any order."""
        messages = [_message(row) for row in self.rows("outbox") if row["type"] == NOTICE] * times
        random.Random(SEED).shuffle(messages)
        for start in range(0, len(messages), 10):
            records = {"Records": messages[start : start + 10]}
            assert handler("queues/mail_customer").handler(records, None) == {"batchItemFailures": []}

    def check(self) -> None:
        check(rows_of(self.table, self.call))


def _message(row: Row) -> Row:
    tenant = keys.tenant_of(row["pk"])
    told = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "data": {"object": json.loads(row["data"])}}
    return {"messageId": row["event_id"], "body": json.dumps({"detail": told})}


@pytest.fixture
def depot(table: Any) -> Depot:
    return Depot.open(table)


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Nobody waits before asking again."""
    with mock.patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None)):
        yield


@contextmanager
def mailing(depot: Depot, door: Door | None = None) -> Iterator[None]:
    """SES takes every mail; behind ``door``, where one is given."""

    def send_email(**mail: Any) -> None:
        if door is None:
            depot.mails.append(mail)
        else:
            door.through("SendEmail", lambda: depot.mails.append(mail))

    with (
        mock.patch.object(ses, "client", return_value=SimpleNamespace(send_email=send_email)),
        mock.patch.dict("os.environ", MAIL_FROM="shop@example.com"),
    ):
        yield


# Killed at each call


def struck(depot: Depot, door: Door, attempt: Callable[[], Answered]) -> Answered:
    """Try until it is done; the first attempt meets the door."""
    for number in range(RETRIES):
        with suppress(Killed), watching(door if not number else Door()):
            answered = attempt()
            if answered.status == 200:
                return answered
        time.sleep(1.5 * LEASE_SECONDS)
    raise AssertionError(f"not converged after {door.calls}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("key", [None, "ship"], ids=["without a key", "with a key"])
def test_a_shipment_that_is_killed_anywhere_is_made_once(depot: Depot, key: str | None, record_property: Note) -> None:
    def once(door: Door) -> None:
        order_id = depot.sell()
        body, path = depot.row(order_id), "admin/fulfillment/ship_order"
        headers = {"Idempotency-Key": f"{key}-{order_id}"} if key else None
        struck(depot, door, lambda: depot.call(path, body=body, context=ShortLived(), headers=headers))
        assert depot.order(order_id)["status"] == "shipped"

    door = Door()
    once(door)
    doors = strikes(door.calls)
    for each in doors:
        once(each)

    survived(record_property, doors, door.calls)
    assert len(depot.rows("shipment")) == len(doors) + 1
    assert depot.reserved() == 0
    depot.check()


@pytest.mark.timeout(300)
def test_a_batch_that_is_killed_anywhere_and_sent_again_ships_each_order_once(
    depot: Depot, record_property: Note
) -> None:
    def once(door: Door) -> None:
        rows = [depot.row(depot.sell()) for _ in range(2)]
        headers = {"Idempotency-Key": f"batch-{rows[0]['order_id']}"}
        path = "admin/fulfillment/dispatch_orders"
        answered = struck(
            depot, door, lambda: depot.call(path, body={"orders": rows}, context=ShortLived(), headers=headers)
        )
        assert answered.body["data"]["summary"] == {"requested": 2, "dispatched": 2, "failed": 0}

    door = Door()
    once(door)
    doors = strikes(door.calls)
    for each in doors:
        once(each)

    survived(record_property, doors, door.calls)
    assert len(depot.rows("shipment")) == 2 * (len(doors) + 1)
    depot.check()


@pytest.mark.timeout(300)
def test_a_mail_whose_sender_is_killed_anywhere_is_sent_once_at_most(depot: Depot, record_property: Note) -> None:
    def once(door: Door) -> int:
        """How many mails came of one shipment."""
        depot.mails.clear()
        shipped = depot.ship(depot.sell()).body["data"]
        [notice] = [
            row
            for row in depot.rows("outbox")
            if row["type"] == NOTICE and json.loads(row["data"])["subject_id"] == shipped["shipment_id"]
        ]
        records = {"Records": [_message(notice)]}
        with mailing(depot, door):
            with suppress(Killed), watching(door):
                handler("queues/mail_customer").handler(records, None)
            later = clock.now() + timedelta(minutes=6)
            with clock.use(lambda: later):
                assert handler("queues/mail_customer").handler(records, None) == {"batchItemFailures": []}
        return len(depot.mails)

    door = Door()
    assert once(door) == 1
    doors = strikes(door.calls)
    counts = Counter(once(each) for each in doors)

    survived(record_property, doors, door.calls)
    assert set(counts) <= {0, 1}
    assert counts[1] > counts[0]  # it is lost only where nobody knows whether it was sent
    depot.check()


# A process killed in the middle of a batch


@pytest.mark.timeout(300)
@pytest.mark.parametrize("key", [None, "batch"], ids=["without a key", "with a key"])
def test_a_batch_of_100_killed_at_row_50_and_sent_again_is_100_shipments_and_100_mails(
    depot: Depot, key: str | None
) -> None:
    rows = [depot.row(depot.sell(1), f"1Z{number}") for number in range(BATCH)]
    headers = {"Idempotency-Key": key} if key else None
    request: dict[str, Any] = {
        "body": {"orders": rows},
        "credential": depot.call.credential,
        "headers": headers,
    }
    invocation = Invocation("admin/fulfillment/dispatch_orders", request=request)

    def shipped_so_far() -> int:
        fiftieth = orders.find(depot.call.credential.tenant, rows[KILLED_AT - 1]["order_id"])
        assert fiftieth is not None
        return 0 if fiftieth.shipped_at is None else KILLED_AT

    worker = Worker()
    killer = threading.Thread(target=_kill_when, args=(worker, shipped_so_far))
    killer.start()
    with pytest.raises((Died, EOFError, OSError)):
        worker.invoke(invocation, lambda *_: None)
    killer.join()
    worker.kill()
    left_at_death = len(depot.rows("shipment"))
    time.sleep(2 * LEASE_SECONDS)
    again = depot.call(invocation.path, context=ShortLived(), **request)

    assert KILLED_AT <= left_at_death < BATCH
    assert again.body["data"]["summary"] == {"requested": BATCH, "dispatched": BATCH, "failed": 0}
    assert sum(row["already"] for row in again.body["data"]["results"]) == left_at_death
    assert len(depot.rows("shipment")) == BATCH
    assert depot.reserved() == 0
    with mailing(depot):
        depot.deliver(times=2)
    assert len(depot.mails) == BATCH
    depot.check()


def _kill_when(worker: Worker, reached: Callable[[], int]) -> None:
    while not reached():
        time.sleep(0.002)
    worker._process.kill()


# Races, by the use cases: a handler deals with one request at a time


def race(*plans: Callable[[Transaction], Any]) -> list[Any]:
    """Run plans from a barrier; give what came of them, in their order: a result or a refusal."""
    barrier = threading.Barrier(len(plans))
    ends: list[Any] = [None] * len(plans)

    def one(index: int, plan: Callable[[Transaction], Any]) -> None:
        barrier.wait()
        try:
            ends[index] = run(plan)
        except CommerceError as refusal:
            ends[index] = refusal

    threads = [threading.Thread(target=one, args=each) for each in enumerate(plans)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


@pytest.mark.timeout(120)
def test_sixteen_who_ship_one_parcel_ship_it_once(depot: Depot) -> None:
    order_id = depot.sell()
    parcel = ShipOrder(order_id, "1Z", "UPS", notify_customer=True)

    ends = race(*[lambda tx: ship(tx, depot.merchant, parcel)] * RACERS)

    done = [each for each in ends if isinstance(each, Shipped)]
    assert [each.already for each in done].count(False) == 1
    assert len({each.shipment.shipment_id for each in done}) == 1
    assert all(isinstance(each, Shipped | StaleWrite | Unavailable) for each in ends)  # who lost eight times gives up
    assert len(depot.rows("shipment")) == 1
    depot.check()


@pytest.mark.timeout(120)
def test_sixteen_who_ship_a_unit_each_of_an_order_of_ten_ship_ten_at_most(depot: Depot) -> None:
    order_id = depot.sell(10)
    one = {depot.line_of(order_id): 1}

    def parcel(number: int) -> Callable[[Transaction], Shipped]:
        return lambda tx: ship(tx, depot.merchant, ShipOrder(order_id, f"P-{number}", "UPS", items=one))

    ends = race(*map(parcel, range(RACERS)))

    shipped = sum(isinstance(each, Shipped) for each in ends)
    assert 0 < shipped <= 10
    assert len(depot.rows("shipment")) == shipped
    assert depot.reserved() == 10 - shipped
    depot.check()


@pytest.mark.timeout(120)
def test_who_ships_while_somebody_cancels_has_either(depot: Depot) -> None:
    for _ in range(ROUNDS):
        order_id = depot.sell()
        parcel, end = ShipOrder(order_id, "1Z", "UPS"), CancelOrder(order_id)

        shipped, cancelled = race(
            lambda tx: ship(tx, depot.merchant, parcel),  # noqa: B023
            lambda tx: cancelling.cancel(tx, depot.merchant, end),  # noqa: B023
        )

        assert isinstance(shipped, Shipped) != isinstance(cancelled, Cancelled)
        assert depot.order(order_id)["status"] == ("shipped" if isinstance(shipped, Shipped) else "cancelled")
    assert depot.reserved() == 0
    depot.check()


@pytest.mark.timeout(120)
def test_who_ships_the_rest_while_somebody_gives_it_up_has_either(depot: Depot) -> None:
    for _ in range(ROUNDS):
        order_id = depot.sell(3)
        begun = [{"order_item_id": depot.line_of(order_id), "quantity": 1}]
        assert depot.ship(order_id, "begun", items=begun).status == 200
        rest = ShipOrder(order_id, "rest", "UPS")

        shipped, closed = race(
            lambda tx: ship(tx, depot.merchant, rest),  # noqa: B023
            lambda tx: close_rest(tx, depot.merchant, order_id),  # noqa: B023
        )

        has_left = isinstance(shipped, Shipped)
        assert has_left != isinstance(closed, Closed)
        order = depot.order(order_id)
        assert (order["status"], order["refunded"]) == ("shipped", 0 if has_left else 20)
        assert (order["items"][0]["shipped"], order["items"][0]["given_up"]) == ((3, 0) if has_left else (1, 2))
    assert depot.reserved() == 0
    depot.check()


@pytest.mark.timeout(120)
def test_who_ships_the_rest_while_a_part_comes_back_does_both(depot: Depot) -> None:
    for _ in range(ROUNDS):
        order_id = depot.sell(3)
        line = depot.line_of(order_id)
        run(lambda tx: ship(tx, depot.merchant, ShipOrder(order_id, "P-1", "UPS", items={line: 1})))  # noqa: B023
        rest = ShipOrder(order_id, "P-2", "UPS")
        back = RequestReturn(order_id, (ReturnItem(line, 1, "broken"),))

        shipped, returned = race(
            lambda tx: ship(tx, depot.merchant, rest),  # noqa: B023
            lambda tx: returning.create(tx, depot.merchant, back),  # noqa: B023
        )

        assert (type(shipped), type(returned)) == (Shipped, Return)
        assert depot.order(order_id)["fulfillment_status"] == "fulfilled"
    depot.check()


@pytest.mark.timeout(120)
def test_many_consumers_of_one_notice_send_one_mail(depot: Depot) -> None:
    depot.ship(depot.sell())
    [notice] = [row for row in depot.rows("outbox") if row["type"] == NOTICE]
    records = {"Records": [_message(notice)]}

    with mailing(depot):
        race(*[lambda tx: handler("queues/mail_customer").handler(records, None)] * RACERS)

    assert len(depot.mails) == 1
    depot.check()
