"""What happened: rows of an order's timeline, and events for the world outside."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.kernel.caller import Tenant


class TimelineType(StrEnum):
    """Contract NT-03."""

    STATUS_CHANGE = "status_change"
    NOTE = "note"
    PAYMENT = "payment"
    REFUND = "refund"
    SHIPMENT = "shipment"
    RETURN = "return"
    DISPUTE = "dispute"
    ALLOCATION = "allocation"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One row of an order's timeline.

    (``version`` of the order, ``place`` within it) puts all of them into one order. What a change tells has an
    ``index``; notes, and what is noted of attachments, are not changes: they stand after the version that the order was
    at, in the order of their ids.
    """

    order_id: str
    version: int
    index: int
    at: datetime
    actor: str
    type: TimelineType
    status: str | None = None
    content: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    note_id: str | None = None

    @property
    def event_id(self) -> str:
        return self.note_id or f"tl_{self.version:08d}{self.index:02d}"

    @property
    def place(self) -> str:
        return self.note_id or f"{self.index:02d}"


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """An event of the documented catalogue (contract 4.5), written with the change that it tells of.

    ``sequence`` counts without gaps per aggregate; ``data`` is the object as v2 shows it.
    """

    event_id: str
    type: str
    aggregate_id: str
    sequence: int
    at: datetime
    tenant: Tenant
    data: dict[str, Any]
