"""Events on EventBridge, for webhooks and whoever else subscribes (patterns E2, E3)."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.events.model import DomainEvent
from commerce.events.store import OutboxRow
from commerce.kernel import aws, wire_json
from commerce.kernel.clock import rfc3339
from commerce.observability import logger
from commerce.table import keys

SOURCE = "till"
_MAX_ENTRIES = 10  # of PutEvents
_MAX_BYTES = 256 * 1024  # of PutEvents, all entries together
_TIME_BYTES = 14  # what PutEvents counts for an entry's time
OUTBOX, STOCK = "outbox", "stock"  # kinds of rows


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as PutEvents takes it.

    ``position`` is its record's place in the stream; the events of one ``lane`` go out by their ``sequence``.
    """

    position: str
    lane: str
    sequence: int
    at: datetime
    type: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes, as PutEvents counts them."""
        return _TIME_BYTES + sum(len(text.encode()) for text in (SOURCE, self.type, self.detail))

    def request(self, bus: str) -> dict[str, Any]:
        return {
            "Time": self.at,
            "Source": SOURCE,
            "DetailType": self.type,
            "Detail": self.detail,
            "EventBusName": bus,
        }


def publish(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Put what a stream batch tells on the bus, in order; give the positions of the records that are not there.

    Outbox rows are told as they are, and stock whose ``available`` changed as ``stock.changed``. Events of one
    aggregate never share a call and never overtake each other: after a refusal nothing more is sent. Delivery is at
    least once, because a batch is delivered again from its first failure on; ``id`` stays the same. An unreadable row
    holds back its own aggregate only, so that nothing else is lost when the stream gives up on it.
    """
    entries: list[Entry] = []
    failed: list[str] = []
    stuck: set[str] = set()
    for record in records:
        lane, position = _lane(record), str(record["dynamodb"]["SequenceNumber"])
        try:
            event = _event_in(record)
        except Exception:  # noqa: BLE001  whatever is wrong with one row must not stop the others
            logger.exception("unreadable row")
            stuck.add(lane)
            failed.append(position)
            continue
        if event is None:
            continue
        if lane in stuck:
            failed.append(position)
        else:
            entries.append(_entry(event, lane, position))
    return failed + _send(_in_sequence(entries))


def _in_sequence(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries, those of each lane by their sequence: a stream keeps no order within one transaction."""
    lanes: dict[str, list[Entry]] = {}
    for entry in entries:
        lanes.setdefault(entry.lane, []).append(entry)
    ordered = {lane: iter(sorted(group, key=lambda entry: entry.sequence)) for lane, group in lanes.items()}
    return [next(ordered[entry.lane]) for entry in entries]


def _lane(record: Mapping[str, Any]) -> str:
    """What the event of a record keeps its order with: the outbox of its aggregate; nothing, where it tells of stock.

    Whoever hears of stock looks at what is there now, and a row that many orders change need not be sent one by one.
    """
    stream = record["dynamodb"]
    return str(stream["SequenceNumber"] if _kind(record) == STOCK else stream["Keys"]["pk"]["S"])


def _kind(record: Mapping[str, Any]) -> str:
    """Of the row after the change; empty where it is gone."""
    return str((record["dynamodb"].get("NewImage") or {}).get("kind", {}).get("S", ""))


def _event_in(record: Mapping[str, Any]) -> DomainEvent | None:
    """What a record tells, if anything."""
    if _kind(record) == OUTBOX and record["eventName"] == "INSERT":
        return _announced(record["dynamodb"]["NewImage"])
    return _stock_changed(record) if _kind(record) == STOCK else None


def _announced(image: Mapping[str, Any]) -> DomainEvent:
    """The event in an outbox row."""
    row = OutboxRow.from_raw_data(dict(image))
    return DomainEvent(
        event_id=row.event_id,
        type=row.type,
        aggregate_id=row.aggregate_id,
        sequence=int(row.sequence),
        at=row.at,
        tenant=keys.tenant_of(row.pk),
        data=row.data,
    )


def _stock_changed(record: Mapping[str, Any]) -> DomainEvent | None:
    """That more or fewer units are available of a variant in a warehouse; None where it is as many as before (E3).

    The stream's own id of the change is the event's: the same however often the record is delivered.
    """
    stream = record["dynamodb"]
    after = stream["NewImage"]
    before = stream.get("OldImage") or {"available": {"N": "0"}}
    available, was_available = int(after["available"]["N"]), int(before["available"]["N"])
    if available == was_available:
        return None
    event_id = "evt_" + str(record["eventID"]).replace("-", "")
    return DomainEvent(
        event_id=event_id,
        type="stock.changed",
        aggregate_id=event_id,
        sequence=1,
        at=datetime.fromtimestamp(int(stream["ApproximateCreationDateTime"]), UTC),
        tenant=keys.tenant_of(stream["Keys"]["pk"]["S"]),
        data={
            **{name: after[name]["S"] for name in ("product_id", "variant_id", "warehouse_id")},
            "available": available,
            "arrived": available > was_available,
        },
    )


def _entry(event: DomainEvent, lane: str, position: str) -> Entry:
    entry = Entry(position, lane, event.sequence, event.at, event.type, detail(event, event.data))
    if entry.size <= _MAX_BYTES:
        return entry
    # A row can be larger than an event may be: send what identifies the object, the API shows the rest.
    return replace(entry, detail=detail(event, {"id": event.aggregate_id, "truncated": True}))


def detail(event: DomainEvent, shown: Mapping[str, Any]) -> str:
    """The event as its subscribers get it; ``catalogue`` has the models."""
    return wire_json.dumps(
        {
            "id": event.event_id,
            "type": event.type,
            "created_at": rfc3339(event.at),
            "tenant": event.tenant.tenant_id,
            "mode": str(event.tenant.mode),
            "ordering_key": event.aggregate_id,
            "sequence": event.sequence,
            "data": {"object": shown},
        }
    )


def _send(entries: Sequence[Entry]) -> list[str]:
    """Call by call; the positions from the first entry on that the bus did not take."""
    rest = list(entries)
    while rest:
        call = _next_call(rest)
        taken = _put(call)
        if taken < len(call):
            return [entry.position for entry in rest[taken:]]
        rest = rest[len(call) :]
    return []


def _next_call(entries: Sequence[Entry]) -> list[Entry]:
    call: list[Entry] = []
    for entry in entries:
        fits = len(call) < _MAX_ENTRIES and sum(each.size for each in call) + entry.size <= _MAX_BYTES
        if call and (not fits or any(each.lane == entry.lane for each in call)):
            break
        call.append(entry)
    return call


def _put(call: Sequence[Entry]) -> int:
    """How many entries the bus took before the first that it refused."""
    bus = os.environ["EVENT_BUS_NAME"]
    try:
        answer = aws.client("events").put_events(Entries=[entry.request(bus) for entry in call])
    except (BotoCoreError, ClientError) as error:
        logger.warning("event bus is away", error=type(error).__name__)
        return 0
    if answer["FailedEntryCount"]:
        codes = [result.get("ErrorCode") for result in answer["Entries"]]
        logger.warning("event bus refused events", codes=sorted({str(code) for code in codes if code}))
        return next(index for index, code in enumerate(codes) if code)
    return len(call)
