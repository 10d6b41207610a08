"""Rows of the timeline (pattern O5) and of the outbox (pattern E1)."""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.events.model import DomainEvent, TimelineEvent, TimelineType
from commerce.kernel.caller import Tenant
from commerce.table import keys
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

_OUTBOX_KEEP_SECONDS = 30 * 24 * 3600


class TimelineRow(Row, discriminator="timeline"):
    order_id = UnicodeAttribute()
    version = NumberAttribute()
    index = NumberAttribute()
    at = InstantAttribute()
    actor = UnicodeAttribute()
    type = UnicodeAttribute()
    status = UnicodeAttribute(null=True)
    content = UnicodeAttribute(null=True)
    data = DocumentAttribute()
    note_id = UnicodeAttribute(null=True)

    def to_event(self) -> TimelineEvent:
        return TimelineEvent(
            order_id=self.order_id,
            version=int(self.version),
            index=int(self.index),
            at=self.at,
            actor=self.actor,
            type=TimelineType(self.type),
            status=self.status,
            content=self.content,
            data=self.data,
            note_id=self.note_id,
        )


class NoteRow(TimelineRow, discriminator="note"):
    """Words of the merchant's staff; customers never see them."""

    audited: ClassVar[str] = "order_note"


class AttachmentNoteRow(TimelineRow, discriminator="attachment_note"):
    """That a file was attached to an order, or removed; customers never see it."""


INTERNAL = (NoteRow, AttachmentNoteRow)  # for the merchant's staff alone


class OutboxRow(Row, discriminator="outbox"):
    event_id = UnicodeAttribute()
    type = UnicodeAttribute()
    aggregate_id = UnicodeAttribute()
    sequence = NumberAttribute()
    at = InstantAttribute()
    data = DocumentAttribute()


_ROWS = {TimelineType.NOTE: NoteRow, TimelineType.ATTACHMENT: AttachmentNoteRow}


def record(tx: Transaction, tenant: Tenant, event: TimelineEvent) -> None:
    """Add a timeline row to the change it tells of (O5)."""
    row_class = _ROWS.get(event.type, TimelineRow)
    key = keys.timeline(tenant, event.order_id, event.version, event.place)
    tx.add(
        row_class(
            key.pk,
            key.sk,
            order_id=event.order_id,
            version=event.version,
            index=event.index,
            at=event.at,
            actor=event.actor,
            type=str(event.type),
            status=event.status,
            content=event.content,
            data=event.data,
            note_id=event.note_id,
        )
    )


def announce(tx: Transaction, event: DomainEvent) -> None:
    """Add an outbox row to the change it tells of; the stream carries it to the bus (E1)."""
    key = keys.outbox(event.tenant, event.aggregate_id, event.sequence)
    tx.add(
        OutboxRow(
            key.pk,
            key.sk,
            event_id=event.event_id,
            type=event.type,
            aggregate_id=event.aggregate_id,
            sequence=event.sequence,
            at=event.at,
            data=event.data,
            ttl=int(event.at.timestamp()) + _OUTBOX_KEEP_SECONDS,
        )
    )
