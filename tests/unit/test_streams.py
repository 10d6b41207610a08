"""The table's stream: rows are counted exactly once, events reach the bus in order."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore.exceptions import EndpointConnectionError

from commerce.counters import store as counters
from commerce.counters.model import Change, Tally, chunks
from commerce.events import bus
from commerce.events import store as events
from commerce.events.catalogue import read
from commerce.events.model import DomainEvent
from commerce.events.store import OutboxRow
from commerce.inventory.store import StockRow
from commerce.kernel import aws
from commerce.table import keys
from commerce.table.transaction import run
from tests.shop import OTHER_TENANT, TENANT, handler
from tests.template import template

NUMBER = itertools.count(1)


class Killed(BaseException):
    """The process dies here."""


@contextmanager
def calls(on_call: Callable[[int, Callable[[], Any]], Any]) -> Iterator[list[int]]:
    """Let ``on_call`` stand between the code and AWS; it gets the number of the call and what makes it."""
    made: list[int] = []
    real = botocore.endpoint.Endpoint.make_request

    def make_request(self: Any, *arguments: Any) -> Any:
        made.append(len(made) + 1)
        return on_call(made[-1], lambda: real(self, *arguments))

    botocore.endpoint.Endpoint.make_request = make_request
    try:
        yield made
    finally:
        botocore.endpoint.Endpoint.make_request = real


def kill_at(call: int, *, after: bool) -> Callable[[int, Callable[[], Any]], Any]:
    def on_call(number: int, make: Callable[[], Any]) -> Any:
        if number != call:
            return make()
        if after:
            make()
        raise Killed

    return on_call


def record(
    before: list[str] | None, after: list[str] | None, *, pk: str = f"{keys.partition(TENANT)}#ORDER#order_1"
) -> dict[str, Any]:
    """A stream record of a row that was counted in ``before`` and is counted in ``after``; None for no row."""
    number = next(NUMBER)
    images = {
        name: {"pk": {"S": pk}, "sk": {"S": "ORDER"}, "counted_in": {"S": json.dumps(counted)}}
        for name, counted in (("OldImage", before), ("NewImage", after))
        if counted is not None
    }
    return {
        "eventID": f"event{number}",
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": {"S": pk}, "sk": {"S": "ORDER"}},
            "SequenceNumber": f"{number:021d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }


def position(of: dict[str, Any]) -> str:
    return str(of["dynamodb"]["SequenceNumber"])


def deliver(function: str, records: list[dict[str, Any]]) -> list[str]:
    answer = handler(f"streams/{function}").handler({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def count(*records: dict[str, Any]) -> list[str]:
    return deliver("count_rows", list(records))


def orders() -> dict[str, int]:
    return counters.read(TENANT, "orders")


@pytest.fixture
def made_up_events() -> bool:
    return True


# Counting


def test_rows_are_counted_as_they_come_move_and_go(table: Any) -> None:
    assert count(*[record(None, ["orders|pending", "orders|total"]) for _ in range(3)]) == []
    assert orders() == {"pending": 3, "total": 3}

    assert count(record(["orders|pending", "orders|total"], ["orders|shipped", "orders|total"])) == []
    assert orders() == {"pending": 2, "shipped": 1, "total": 3}

    assert count(record(["orders|pending", "orders|total"], None)) == []
    assert orders() == {"pending": 1, "shipped": 1, "total": 2}


def test_each_tenant_mode_and_collection_has_counters_of_its_own(table: Any) -> None:
    theirs = record(None, ["orders|total"], pk=f"{keys.partition(OTHER_TENANT)}#ORDER#order_1")

    count(theirs, record(None, ["orders|total"]), record(None, ["products:*:listed|all", "customers:tag:a.b|all"]))

    assert counters.read(OTHER_TENANT, "orders") == {"total": 1}
    assert orders() == {"total": 1}
    assert counters.read(TENANT, "products:*:listed") == {"all": 1}
    assert counters.read(TENANT, "customers:tag:a.b") == {"all": 1}


def test_a_batch_delivered_again_counts_once_in_one_refused_call(table: Any) -> None:
    batch = [record(None, ["orders|pending"]) for _ in range(40)]
    count(*batch)

    with calls(lambda _, make: make()) as made:
        assert count(*batch) == []

    assert orders() == {"pending": 40}
    assert len(made) == 1


def test_a_batch_that_overlaps_an_earlier_one_counts_what_is_new(table: Any) -> None:
    batch = [record(None, ["orders|pending"]) for _ in range(10)]
    count(*batch[:6])

    assert count(*batch[3:], batch[9]) == []
    assert orders() == {"pending": 10}


def test_rows_that_no_counter_counts_and_changes_that_move_nothing_cost_no_call(table: Any) -> None:
    plain = record(None, [])
    del plain["dynamodb"]["NewImage"]["counted_in"]
    platform = record(None, [], pk="T#~platform#HEALTH")

    with calls(lambda _, make: make()) as made:
        assert count(plain, platform, record(["orders|a"], ["orders|a"]), record([], [])) == []

    assert made == []


def test_moves_that_cancel_out_are_marked_all_the_same(table: Any) -> None:
    there, back = record(["orders|a"], ["orders|b"]), record(["orders|b"], ["orders|a"])
    count(there, back)
    assert orders() == {}

    assert count(there, back, record(None, ["orders|a"])) == []
    assert orders() == {"a": 1}


@pytest.mark.parametrize(
    "poison",
    [
        lambda each: each["dynamodb"]["NewImage"].update(counted_in={"S": "not JSON"}),
        lambda each: each["dynamodb"]["NewImage"].update(counted_in={"S": '["no divider"]'}),
        lambda each: each["dynamodb"]["NewImage"].update(counted_in={"N": "1"}),
        lambda each: each["dynamodb"].update(Keys={"pk": {"S": "nobody's"}}),
        lambda each: each.pop("eventID"),
        lambda each: each["dynamodb"]["NewImage"].update(counted_in={"S": json.dumps([f"c{n}|x" for n in range(100)])}),
    ],
)
def test_a_record_that_cannot_be_counted_is_reported_and_the_others_count(
    table: Any, poison: Callable[[dict[str, Any]], Any]
) -> None:
    batch = [record(None, ["orders|pending"]) for _ in range(10)]
    poison(batch[4])

    assert count(*batch) == [position(batch[4])]
    assert orders() == {"pending": 9}
    assert count(*batch[4:]) == [position(batch[4])]
    assert orders() == {"pending": 9}


def test_a_counter_that_dynamodb_will_not_add_to_holds_back_its_own_records_only(table: Any) -> None:
    key = keys.counter(TENANT, "broken")
    table.put_item(Item={"pk": key.pk, "sk": key.sk, "n_all": "not a number"})
    batch = [record(None, ["broken|all"] if number in (2, 7) else ["orders|pending"]) for number in range(10)]

    assert count(*batch) == [position(batch[2]), position(batch[7])]
    assert orders() == {"pending": 8}


def test_more_than_one_transaction_holds_is_split(table: Any) -> None:
    batch = [record(None, [f"c{number}-{n}|all" for n in range(3)]) for number in range(60)]

    with calls(lambda _, make: make()) as made:
        assert count(*batch) == []

    assert len(made) == 3  # 240 writes
    assert all(counters.read(TENANT, f"c{number}-{n}") == {"all": 1} for number in range(60) for n in range(3))


def test_parts_keep_the_order_and_the_limit() -> None:
    changes = [Change(str(n), str(n), {Tally(TENANT, f"c{n % 7}"): {"all": 1}}) for n in range(50)]

    parts = chunks(changes, 20)

    assert [change for part in parts for change in part] == changes
    assert [len(part) + len({tally for change in part for tally in change.deltas}) for part in parts] == [
        20,
        20,
        20,
        18,
    ]


def test_when_dynamodb_is_away_every_record_is_reported_and_counts_later(table: Any) -> None:
    batch = [record(None, ["orders|pending"]) for _ in range(5)]

    def away(_: int, __: Callable[[], Any]) -> Any:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    with calls(away):
        assert count(*batch) == [position(each) for each in batch]
    assert count(*batch) == []
    assert orders() == {"pending": 5}


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_delivered_again_the_counts_are_exact(table: Any, after: bool) -> None:
    steps = 0
    while True:
        steps += 1
        collection = f"kill{steps}{after}"
        batch = [record(None, [f"{collection}|all", f"{collection}:{n}|all", f"x{n}|all"]) for n in range(60)]
        with calls(kill_at(steps, after=after)) as made:
            try:
                count(*batch)
            except Killed:
                died = True
            else:
                died = False
        assert count(*batch) == []
        assert counters.read(TENANT, collection) == {"all": 60}
        if not died:
            break
    assert len(made) == steps - 1 == 2


# Publishing


@pytest.fixture
def events_on_bus(table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Gives the events that arrived on the bus, in order."""
    client, sqs = boto3.client("events"), boto3.client("sqs")
    client.create_event_bus(Name="till")
    url = sqs.create_queue(QueueName="arrived")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_rule(Name="all", EventBusName="till", EventPattern=json.dumps({"source": ["till"]}))
    client.put_targets(Rule="all", EventBusName="till", Targets=[{"Id": "queue", "Arn": arn}])
    monkeypatch.setenv("EVENT_BUS_NAME", "till")
    aws.client.cache_clear()

    def arrived() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    yield arrived
    client.remove_targets(Rule="all", EventBusName="till", Ids=["queue"])
    client.delete_rule(Name="all", EventBusName="till")
    client.delete_event_bus(Name="till")
    sqs.delete_queue(QueueUrl=url)


def announced(table: Any, aggregate: str, sequence: int, **data: Any) -> dict[str, Any]:
    """The stream record of an event that was written to the outbox."""
    event = DomainEvent(
        event_id=f"evt_{aggregate}_{sequence}",
        type="order.updated",
        aggregate_id=aggregate,
        sequence=sequence,
        at=datetime(2026, 3, 20, 12, tzinfo=UTC),
        tenant=TENANT,
        data={"id": aggregate, **data},
    )
    run(lambda tx: events.announce(tx, event))
    pk, sk = keys.outbox(TENANT, aggregate, sequence)
    image = boto3.client("dynamodb").get_item(TableName=table.name, Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]
    made = record(None, [], pk=pk)
    made["dynamodb"]["NewImage"] = image
    return made


def publish(*records: dict[str, Any]) -> list[str]:
    return deliver("publish_events", list(records))


type Arrived = Callable[[], list[dict[str, Any]]]


def test_an_event_arrives_as_it_was_announced(table: Any, events_on_bus: Arrived) -> None:
    assert publish(announced(table, "order_1", 1, total=Decimal("199.90"))) == []

    [event] = events_on_bus()

    assert (event["source"], event["detail-type"]) == ("till", "order.updated")
    assert event["detail"] == {
        "id": "evt_order_1_1",
        "type": "order.updated",
        "created_at": "2026-03-20T12:00:00Z",
        "tenant": "ten_1",
        "mode": "test",
        "ordering_key": "order_1",
        "sequence": 1,
        "data": {"object": {"id": "order_1", "total": 199.9}},
    }


def test_only_new_outbox_rows_are_published(table: Any, events_on_bus: Arrived) -> None:
    expired = announced(table, "order_1", 1) | {"eventName": "REMOVE"}
    expired["dynamodb"]["OldImage"] = expired["dynamodb"].pop("NewImage")

    assert publish(record(None, ["orders|total"]), expired) == []
    assert events_on_bus() == []


def test_events_of_one_aggregate_never_share_a_call(table: Any, events_on_bus: Arrived) -> None:
    batch = [announced(table, f"order_{n % 3}", n) for n in range(9)]

    with calls(lambda _, make: make()) as made:
        assert publish(*batch) == []

    assert len(made) == 3
    assert [event["detail"]["sequence"] for event in events_on_bus()] == list(range(9))


def test_events_of_one_transaction_go_out_by_their_numbers_however_the_stream_has_them(
    table: Any, events_on_bus: Arrived
) -> None:
    batch = [announced(table, "order_1", n) for n in (2, 1, 3)] + [announced(table, "order_2", n) for n in (1, 3, 2)]

    assert publish(*batch) == []

    arrived = [event["detail"] for event in events_on_bus()]
    for order in ("order_1", "order_2"):
        assert [detail["sequence"] for detail in arrived if detail["ordering_key"] == order] == [1, 2, 3]


def test_a_call_holds_ten_events_and_256_kilobytes_at_most(table: Any, events_on_bus: Arrived) -> None:
    small = [announced(table, f"small_{n}", 1) for n in range(23)]
    large = [announced(table, f"large_{n}", 1, text="é" * 50_000) for n in range(4)]

    with calls(lambda _, make: make()) as made:
        assert publish(*small) == []
        assert len(made) == 3
        assert publish(*large) == []
        assert len(made) == 5

    assert len(events_on_bus()) == 27


def test_what_is_too_large_for_the_bus_is_sent_by_its_id(table: Any, events_on_bus: Arrived) -> None:
    assert publish(announced(table, "order_1", 1, text="x" * 300_000)) == []

    [event] = events_on_bus()

    assert event["detail"]["data"] == {"object": {"id": "order_1", "truncated": True}}


def test_after_a_refused_event_nothing_overtakes_it(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_BUS_NAME", "till")
    batch = [announced(table, f"order_{n % 4}", n) for n in range(10)]
    sent: list[list[int]] = []

    class Client:
        def put_events(self, **request: Any) -> dict[str, Any]:
            numbers = [json.loads(entry["Detail"])["sequence"] for entry in request["Entries"]]
            sent.append(numbers)
            results = [{"ErrorCode": "ThrottlingException"} if n == 5 else {"EventId": str(n)} for n in numbers]
            return {"FailedEntryCount": int(5 in numbers), "Entries": results}

    monkeypatch.setattr(aws, "client", lambda _: Client())

    assert publish(*batch) == [position(each) for each in batch[5:]]
    assert sent == [[0, 1, 2, 3], [4, 5, 6, 7]]  # 9 waits for 5, and 8 for its turn


def test_a_bus_that_is_away_leaves_everything_for_later(table: Any, events_on_bus: Arrived) -> None:
    batch = [announced(table, f"order_{n}", 1) for n in range(12)]

    def away(number: int, make: Callable[[], Any]) -> Any:
        if number == 1:
            return make()
        raise EndpointConnectionError(endpoint_url="https://events")

    with calls(away):
        assert publish(*batch) == [position(each) for each in batch[10:]]
    assert publish(*batch[10:]) == []
    assert len(events_on_bus()) == 12


def test_an_unreadable_row_holds_back_its_own_aggregate_only(table: Any, events_on_bus: Arrived) -> None:
    batch = [announced(table, f"order_{n % 2}", n) for n in range(6)]
    del batch[2]["dynamodb"]["NewImage"]["event_id"]
    batch[2]["dynamodb"]["NewImage"]["data"] = {"S": "not JSON"}

    assert publish(*batch) == [position(batch[2]), position(batch[4])]
    assert [event["detail"]["sequence"] for event in events_on_bus()] == [0, 1, 3, 5]


def stock_record(before: int | None, after: int | None, *, reserved: int = 0, variant: str = "var_1") -> dict[str, Any]:
    """The stream record of a stock row that had ``before`` units available and has ``after``; None for no row."""
    key = keys.stock(TENANT, "prod_1", variant, "wh_001")
    made = record(None if before is None else [], None if after is None else [], pk=key.pk)
    made["eventID"] = f"5f0c{next(NUMBER):028x}"
    made["dynamodb"] |= {"Keys": {"pk": {"S": key.pk}, "sk": {"S": key.sk}}, "ApproximateCreationDateTime": 1774008000}
    for image, available in (("OldImage", before), ("NewImage", after)):
        if available is not None:
            made["dynamodb"][image] = {
                **made["dynamodb"]["Keys"],
                "kind": {"S": "stock"},
                "product_id": {"S": "prod_1"},
                "variant_id": {"S": variant},
                "warehouse_id": {"S": "wh_001"},
                "available": {"N": str(available)},
                "reserved": {"N": str(reserved)},
            }
    return made


@pytest.mark.parametrize(("before", "after", "arrived"), [(None, 5, True), (5, 4, False), (1, 0, False), (0, 30, True)])
def test_stock_that_comes_or_goes_is_told_between_tills_parts(
    table: Any, events_on_bus: Arrived, before: int | None, after: int, arrived: bool
) -> None:
    change = stock_record(before, after)

    assert publish(change) == []

    [event] = events_on_bus()
    told = read(json.dumps(event["detail"]))
    assert (event["detail-type"], told.internal) == ("stock.changed", True)
    assert (told.tenant, told.mode, told.created_at) == ("ten_1", "test", datetime(2026, 3, 20, 12, tzinfo=UTC))
    assert told.data.object.model_dump() == {
        "product_id": "prod_1",
        "variant_id": "var_1",
        "warehouse_id": "wh_001",
        "available": after,
        "arrived": arrived,
    }


def test_stock_that_is_as_available_as_before_is_not_told(table: Any, events_on_bus: Arrived) -> None:
    shipped = stock_record(5, 5, reserved=1)
    empty = stock_record(None, 0)
    removed = stock_record(5, None)

    assert publish(shipped, empty, removed) == []
    assert events_on_bus() == []


def test_stock_that_is_told_again_has_the_same_id_and_every_other_change_its_own(
    table: Any, events_on_bus: Arrived
) -> None:
    changes = [stock_record(5, 4), stock_record(4, 5), stock_record(5, 4)]

    publish(*changes)
    publish(*reversed(changes))

    found = [event["detail"]["id"] for event in events_on_bus()]
    assert len(set(found)) == 3
    assert found[3:] == list(reversed(found[:3]))


def test_stock_that_many_orders_change_goes_out_in_one_call(table: Any, events_on_bus: Arrived) -> None:
    sales = [stock_record(n, n - 1) for n in range(10, 0, -1)]

    with calls(lambda _, make: make()) as made:
        assert publish(*sales) == []

    assert len(made) == 1
    assert sorted(event["detail"]["data"]["object"]["available"] for event in events_on_bus()) == list(range(10))


def test_unreadable_stock_holds_back_nothing_else(table: Any, events_on_bus: Arrived) -> None:
    batch = [stock_record(5, 4), stock_record(4, 3), announced(table, "order_1", 1), stock_record(3, 2)]
    del batch[0]["dynamodb"]["NewImage"]["available"]

    assert publish(*batch) == [position(batch[0])]
    assert [event["detail-type"] for event in events_on_bus()] == ["stock.changed", "order.updated", "stock.changed"]


def test_the_template_lets_outbox_rows_and_stock_through_to_the_bus_and_nothing_else() -> None:
    [stream] = template()["Resources"]["StreamsPublishEvents"]["Properties"]["Events"].values()
    patterns = [json.loads(each["Pattern"]) for each in stream["Properties"]["FilterCriteria"]["Filters"]]

    assert patterns == [
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [bus.OUTBOX]}}}},
        {"dynamodb": {"NewImage": {"kind": {"S": [bus.STOCK]}}}},
    ]
    assert (OutboxRow.kind.get_discriminator(OutboxRow), StockRow.kind.get_discriminator(StockRow)) == (
        bus.OUTBOX,
        bus.STOCK,
    )


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_delivered_again_every_event_arrives_in_order(
    table: Any, events_on_bus: Arrived, after: bool
) -> None:
    batch = [announced(table, f"order_{n % 4}", n) for n in range(12)]
    for step in (1, 2, 3):
        with calls(kill_at(step, after=after)), pytest.raises(Killed):
            publish(*batch)
        assert publish(*batch) == []
        arrived = [event["detail"] for event in events_on_bus()]
        for order in range(4):
            own = [detail["sequence"] for detail in arrived if detail["ordering_key"] == f"order_{order}"]
            firsts = list(dict.fromkeys(own))
            assert firsts == sorted(firsts) == [order, order + 4, order + 8]


def test_the_size_of_an_entry_is_counted_as_the_bus_counts_it() -> None:
    entry = bus.Entry("1", "lane", 1, datetime(2026, 3, 20, tzinfo=UTC), "order.created", '{"ü":1}')

    assert entry.size == 14 + len("till") + len("order.created") + 8
