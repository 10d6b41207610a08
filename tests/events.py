"""What the outbox tells, held against the catalogue of events."""

from collections.abc import Iterable
from typing import Any

from commerce.events import bus
from commerce.events.catalogue import Event, read
from commerce.events.model import DomainEvent
from commerce.kernel.clock import parse
from commerce.kernel.wire_json import loads
from commerce.table import keys


def told(items: Iterable[dict[str, Any]]) -> list[Event[Any]]:
    """The events in the outbox among rows as boto3 gives them, as they go to the bus.

    Raises:
        Exception: one of them is not in the catalogue, or not as it says.
    """
    return [read(_detail(item)) for item in items if item.get("kind") == "outbox"]


def _detail(item: dict[str, Any]) -> str:
    data = loads(item["data"])
    event = DomainEvent(
        event_id=item["event_id"],
        type=item["type"],
        aggregate_id=item["aggregate_id"],
        sequence=int(item["sequence"]),
        at=parse(item["at"]),
        tenant=keys.tenant_of(item["pk"]),
        data=data,
    )
    return bus.detail(event, data)
