"""Events on EventBridge, for webhooks and whoever else subscribes (pattern E2)."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as PutEvents takes it.

    ``position`` is its outbox row's place in the stream; the events of one ``lane`` go out by their ``sequence``.
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
    """Put the outbox rows of a stream batch on the bus, in order; give the positions of those that are not there.

    Events of one aggregate never share a call and never overtake each other: after a refusal nothing more is sent.
    Delivery is at least once, because a batch is delivered again from its first failure on; ``id`` stays the same. An
    unreadable row holds back its own aggregate only, so that nothing else is lost when the stream gives up on it.
    """
    entries: list[Entry] = []
    failed: list[str] = []
    stuck: set[str] = set()
    for record in records:
        stream = record["dynamodb"]
        lane, position = str(stream["Keys"]["pk"]["S"]), str(stream["SequenceNumber"])
        if not _is_new_outbox_row(record):
            continue
        try:
            entry = _entry(stream["NewImage"], lane, position)
        except Exception:  # noqa: BLE001  whatever is wrong with one row must not stop the others
            logger.exception("unreadable outbox row")
            stuck.add(lane)
        else:
            if lane not in stuck:
                entries.append(entry)
                continue
        failed.append(position)
    return failed + _send(_in_sequence(entries))


def _in_sequence(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries, those of each lane by their sequence: a stream keeps no order within one transaction."""
    lanes: dict[str, list[Entry]] = {}
    for entry in entries:
        lanes.setdefault(entry.lane, []).append(entry)
    ordered = {lane: iter(sorted(group, key=lambda entry: entry.sequence)) for lane, group in lanes.items()}
    return [next(ordered[entry.lane]) for entry in entries]


def _is_new_outbox_row(record: Mapping[str, Any]) -> bool:
    kind = (record["dynamodb"].get("NewImage") or {}).get("kind", {}).get("S")
    return bool(record["eventName"] == "INSERT" and kind == OutboxRow.kind.get_discriminator(OutboxRow))


def _entry(image: Mapping[str, Any], lane: str, position: str) -> Entry:
    """The event in an outbox row."""
    row = OutboxRow.from_raw_data(dict(image))
    event = DomainEvent(
        event_id=row.event_id,
        type=row.type,
        aggregate_id=row.aggregate_id,
        sequence=int(row.sequence),
        at=row.at,
        tenant=keys.tenant_of(row.pk),
        data=row.data,
    )
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
