"""The stream's consumers killed before and after each AWS call: counters, audit log and events end exact.

What a shop does is recorded once from the emulator's own stream. Each run plays the recording for a tenant of its own,
as Lambda's event source mapping would: a batch whose function dies comes back whole or in halves, one that reports
failures comes back from the first of them on, and some come again although they went well.
"""

import json
import os
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from unittest import mock

import boto3
import botocore.httpsession
import pytest
from boto3.dynamodb.conditions import Key

from commerce.audit import store as audit
from commerce.counters import store as counters
from commerce.events.catalogue import Event, read
from commerce.kernel import aws
from commerce.kernel.caller import Mode, Tenant
from commerce.table import keys
from tests.faults.conftest import rows_of
from tests.faults.kill import AnswerLost, Door, Killed, watching
from tests.faults.test_kills import Shop, open_shop
from tests.invariants import check
from tests.payments import Stripe, consume, deliver
from tests.shop import handler

BATCH = {"count_rows": 40, "record_audit": 40, "publish_events": 10}  # the template's
SEED = 20260320
SWEPT = 12  # records, in three batches
STORMS = 15
DYING = 0.15  # of all calls, in a storm

type Record = dict[str, Any]


# The recording


@pytest.fixture(scope="module")
def recording(emulator: Any) -> Iterator[list[Record]]:
    """The stream's records of a shop in which something of everything happened."""
    client = boto3.client("dynamodb")
    client.update_table(
        TableName=emulator.name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    arn = client.describe_table(TableName=emulator.name)["Table"]["LatestStreamArn"]
    boto3.client("events").create_event_bus(Name="till-faults")
    os.environ["EVENT_BUS_NAME"] = "till-faults"
    aws.client.cache_clear()
    shop = open_shop(Stripe(os.environ["STRIPE_API_BASE"]))
    live(shop)
    check(rows_of(emulator, shop.call))
    recorded = shop.call.credential.tenant.tenant_id
    yield [each for each in _read(arn) if recorded in each["dynamodb"]["Keys"]["pk"]["S"]]
    client.update_table(TableName=emulator.name, StreamSpecification={"StreamEnabled": False})


def live(shop: Shop) -> None:
    """Buy, pay, ship a part, cancel, change."""
    paid, cancelled = shop.place(), shop.place()
    for event in shop.pay(paid):
        deliver(shop.call, event)
        consume(event["id"])
    parcel = {"order_id": paid, "carrier": "UPS", "tracking_number": "TRK123456789"}
    items = [{"order_item_id": shop.order(paid)["items"][0]["id"], "quantity": 1}]
    shipped = shop.call("admin/fulfillment/ship_order", body=parcel | {"items": items})
    assert shipped.status == 200, shipped.text
    assert shop.order(paid)["status"] == "processing"
    shop.call("admin/orders/set_order_status", method="PUT", order_id=cancelled, body={"status": "cancelled"})
    shop.call("v2/catalog/update_product", id=shop.product["id"], body={"price": Decimal("24.99")})
    shop.fill_cart()
    shop.call("v2/catalog/create_product", body={"name": "Cap", "sku": "CAP", "price": 5, "categories": ["hats"]})


def _read(arn: str) -> list[Record]:
    streams = boto3.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    records: list[Record] = []
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        records += page["Records"]
        iterator = page.get("NextShardIterator") if page["Records"] else None
    for each in records:
        stamp = each["dynamodb"]["ApproximateCreationDateTime"]
        each["dynamodb"]["ApproximateCreationDateTime"] = int(stamp.timestamp())  # as Lambda has it
    return records


def _passes(function: str, record: Record) -> bool:
    """The template's filters."""
    new, old = (record["dynamodb"].get(image, {}) for image in ("NewImage", "OldImage"))
    passes: dict[str, bool] = {
        "count_rows": "counted_in" in new or "counted_in" in old,
        "record_audit": "cause" in new,
        "publish_events": (record["eventName"] == "INSERT" and new.get("kind") == {"S": "outbox"})
        or new.get("kind") == {"S": "stock"},
    }
    return passes[function]


# A run


@dataclass
class Run:
    """The recording played for a tenant of its own."""

    table: Any
    records: list[Record]
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        """Every name of the recorded tenant becomes that of a new one, and every record one of its own."""
        text = json.dumps(self.records)
        recorded = self.records[0]["dynamodb"]["Keys"]["pk"]["S"].split("#")[1]
        self.tenant = Tenant(tenant_id=f"ten_{uuid.uuid4().hex[:12]}", mode=Mode.TEST)
        self.records = json.loads(text.replace(recorded, self.tenant.tenant_id))
        for each in self.records:
            each["eventID"] = uuid.uuid4().hex

    def of(self, function: str) -> list[Record]:
        return [each for each in self.records if _passes(function, each)]

    def counted(self) -> dict[str, dict[str, int]]:
        """What the counters say of every collection that a row was ever counted in."""
        names = {entry for each in self._images() for entry in json.loads(each.get("counted_in", {"S": "[]"})["S"])}
        collections = {entry.rpartition("|")[0] for entry in names}
        found = {name: counters.read(self.tenant, name) for name in collections}
        nonzero = {name: {key: n for key, n in counts.items() if n} for name, counts in found.items()}
        return {name: counts for name, counts in nonzero.items() if counts}

    def to_be_counted(self) -> dict[str, dict[str, int]]:
        """The same, counted from the rows themselves as they were last."""
        streams = [each["dynamodb"] for each in self.records]
        last = {(stream["Keys"]["pk"]["S"], stream["Keys"]["sk"]["S"]): stream for stream in streams}
        sums: dict[str, dict[str, int]] = {}
        for stream in last.values():
            for entry in json.loads(stream.get("NewImage", {}).get("counted_in", {"S": "[]"})["S"]):
                collection, _, name = entry.rpartition("|")
                counts = sums.setdefault(collection, {})
                counts[name] = counts.get(name, 0) + 1
        return sums

    def entries(self) -> list[str]:
        """The ids in the tenant's audit log."""
        return self._ids(audit.ALL, "gsi1")

    def copies(self) -> list[str]:
        """The ids in the lists of all verbs."""
        verbs = ("created", "updated", "cancelled", "adjusted")
        return [each for verb in verbs for each in self._ids(audit.of_verb(verb))]

    def _ids(self, facet: str, index: str | None = None) -> list[str]:
        found: list[str] = []
        for tenant in (self.tenant, replace(self.tenant, mode=Mode.LIVE)):  # the live log tells of the shop as a whole
            page = self.table.query(
                KeyConditionExpression=Key(f"{index or ''}pk").eq(keys.audit(tenant, facet)),
                **({"IndexName": index} if index else {}),
            )
            found += [item["log_id"] for item in page["Items"]]
        return found

    def _images(self) -> Iterator[dict[str, Any]]:
        for each in self.records:
            yield from (each["dynamodb"].get(image, {}) for image in ("OldImage", "NewImage"))


class Mapping:
    """Lambda's event source mapping, as far as a function can tell."""

    def __init__(self, function: str, size: int, rng: random.Random | None = None) -> None:
        self._function, self._size, self._rng = function, size, rng

    def play(self, records: list[Record]) -> None:
        """Deliver everything, in order, until all of it is taken."""
        start = 0
        while start < len(records):
            size = self._rng.randint(1, self._size) if self._rng else self._size
            self._batch(records[start : start + size])
            if self._rng and self._rng.random() < 0.3:  # the mapping forgot that this one had been taken
                self._batch(records[max(0, start - 3) : start + size])
            start += size

    def _batch(self, batch: list[Record]) -> None:
        pending = [batch]
        for _ in range(200):
            if not pending:
                return
            current = pending.pop(0)
            try:
                answer = handler(f"streams/{self._function}").handler({"Records": current}, None)
            except Killed:
                halves = len(current) > 1 and (self._rng is None or self._rng.random() < 0.5)
                middle = len(current) // 2
                pending = [current[:middle], current[middle:], *pending] if halves else [current, *pending]
                continue
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            positions = [each["dynamodb"]["SequenceNumber"] for each in current]
            again = next((place for place, name in enumerate(positions) if name in failed), len(current))
            if again < len(current):
                pending.insert(0, current[again:])
        raise AssertionError("the batch never ends")


class Storm(Door):
    """Strikes at random, before or after a call."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng, self.deaths = rng, 0

    def through(self, name: str, send: Callable[[], Any]) -> Any:
        if self.rng.random() >= DYING:
            return send()
        self.deaths += 1
        if self.rng.random() < 0.5:
            send()
        raise Killed(name)


@contextmanager
def bus() -> Iterator[list[Event[Any]]]:
    """What the bus took, in the order in which it did, whether anybody heard its answer or not."""
    taken: list[Event[Any]] = []
    send = botocore.httpsession.URLLib3Session.send

    def listening(session: Any, request: Any) -> Any:
        answer = send(session, request)
        target = request.headers.get("X-Amz-Target", b"")
        if b"PutEvents" in (target if isinstance(target, bytes) else target.encode()):
            assert json.loads(answer.content)["FailedEntryCount"] == 0
            taken.extend(read(entry["Detail"]) for entry in json.loads(request.body)["Entries"])
        return answer

    with mock.patch.object(botocore.httpsession.URLLib3Session, "send", listening):
        yield taken


# What must be true in the end


def counted(run: Run, play: Callable[[], None]) -> None:
    play()
    assert run.counted() == run.to_be_counted() != {}


def audited(run: Run, play: Callable[[], None]) -> None:
    play()
    # Only stock that was set aside is not told of: the entry of its order tells it.
    expected = sorted("log_" + each["eventID"] for each in run.of("record_audit") if not _sets_aside(each))
    assert sorted(run.entries()) == sorted(run.copies()) == expected != []


def published(run: Run, play: Callable[[], None]) -> None:
    with bus() as taken:
        play()
    firsts: dict[str, list[tuple[int, str]]] = {}
    for event in taken:
        lane = firsts.setdefault(event.ordering_key, [])
        if (event.sequence, event.id) not in lane:
            lane.append((event.sequence, event.id))
    for lane in firsts.values():
        assert [number for number, _ in lane] == list(range(1, len(lane) + 1)), lane  # in order, without a gap
    arrived = {event_id for lane in firsts.values() for _, event_id in lane}
    assert arrived == {_event_id(each) for each in run.of("publish_events")} - {None} != set()


def _event_id(record: Record) -> str | None:
    """Of the event that a row in the outbox is, or that stock tells which came or went."""
    before, after = (record["dynamodb"].get(image, {}) for image in ("OldImage", "NewImage"))
    if after["kind"]["S"] == "outbox":
        return str(after["event_id"]["S"])
    moved = after["available"] != before.get("available", {"N": "0"})
    return f"evt_{record['eventID']}" if moved else None


def _sets_aside(record: Record) -> bool:
    before, after = (record["dynamodb"].get(image, {}) for image in ("OldImage", "NewImage"))
    return after["kind"]["S"] == "stock" and _on_hand(before) == _on_hand(after)


def _on_hand(image: dict[str, Any]) -> int:
    return sum(int(image.get(name, {"N": 0})["N"]) for name in ("available", "reserved"))


CONSUMERS = [("count_rows", counted), ("record_audit", audited), ("publish_events", published)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("function", "exact"), CONSUMERS, ids=[name for name, _ in CONSUMERS])
def test_killed_at_any_call_the_end_is_exact(
    function: str,
    exact: Callable[[Run, Callable[[], None]], None],
    recording: list[Record],
    table: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    swept = [each for each in recording if _passes(function, each)][:SWEPT]

    def once(door: Door) -> Door:
        run = Run(table, swept)

        def play() -> None:
            with watching(door):
                Mapping(function, SWEPT // 3).play(run.of(function))

        exact(run, play)
        return door

    calls = len(once(Door()).calls)
    for number in range(calls):
        for door in (
            Door(strike_at=number),
            Door(strike_at=number, after=True),
            Door(strike_at=number, after=True, error=AnswerLost),
        ):
            assert len(once(door).calls) > number, "the call that was to be killed never came"
    with capsys.disabled():
        print(f"\n  {function}: {calls} calls, {2 * calls} deaths and {calls} lost answers survived")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("function", "exact"), CONSUMERS, ids=[name for name, _ in CONSUMERS])
def test_killed_again_and_again_in_batches_of_any_size_the_end_is_exact(
    function: str,
    exact: Callable[[Run, Callable[[], None]], None],
    recording: list[Record],
    table: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deaths = 0
    for seed in range(SEED, SEED + STORMS):
        rng = random.Random(seed)
        run, storm = Run(table, recording), Storm(rng)

        def play(run: Run = run, storm: Storm = storm, rng: random.Random = rng) -> None:
            with watching(storm):
                Mapping(function, BATCH[function], rng).play(run.of(function))

        try:
            exact(run, play)
        except BaseException:
            with capsys.disabled():
                print(f"\n  seed {seed}")
            raise
        deaths += storm.deaths
    assert deaths
    with capsys.disabled():
        print(f"\n  {function}: {deaths} deaths in {STORMS} storms survived, seeds {SEED} to {SEED + STORMS - 1}")
