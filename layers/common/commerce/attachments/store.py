"""Attachments in the table (patterns O11–O13): rows of the order's partition."""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from commerce.attachments.model import MAX_PER_ORDER, Attachment, AttachmentKind, AttachmentStatus, FileType
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import CommerceError, StaleWrite
from commerce.table import keys
from commerce.table.reading import get, partition
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction


class AttachmentRow(Row, discriminator="attachment"):
    """A removed attachment's row stays, so that who removed it is on record."""

    audited: ClassVar[str] = "attachment"

    attachment_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    filename = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size = NumberAttribute()
    file_kind = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    added_by = UnicodeAttribute()
    status = UnicodeAttribute()
    digest = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_attachment(self) -> Attachment:
        return Attachment(
            attachment_id=self.attachment_id,
            order_id=self.order_id,
            filename=self.filename,
            content_type=FileType(self.content_type),
            size=int(self.size),
            kind=AttachmentKind(self.file_kind),
            description=self.description,
            added_by=self.added_by,
            created_at=self.created_at,
            updated_at=self.updated_at,
            status=AttachmentStatus(self.status),
            digest=self.digest,
            version=int(self.version),
        )


class AttachmentSetRow(Row, discriminator="attachment_set"):
    """How many attachments an order has, the pending ones too."""

    held = NumberAttribute()


def find(tenant: Tenant, order_id: str, attachment_id: str) -> Attachment | None:
    """One attachment of an order, unless it is removed (O11)."""
    row = get(keys.attachment(tenant, order_id, attachment_id))
    found = row.to_attachment() if isinstance(row, AttachmentRow) else None
    return None if found is None or found.is_removed else found


def of_order(tenant: Tenant, order_id: str) -> list[Attachment]:
    """An order's attachments, the newest first (O12)."""
    rows = partition(
        keys.order(tenant, order_id).pk,
        Row.sk.startswith(keys.ATTACHMENT_PREFIX),
        keep=AttachmentRow.status != str(AttachmentStatus.REMOVED),
    )
    found = [row.to_attachment() for row in rows if isinstance(row, AttachmentRow)]
    return sorted(found, key=lambda each: (each.created_at, each.attachment_id), reverse=True)


def count(tenant: Tenant, order_id: str) -> int:
    """How many attachments an order has (O13)."""
    row = get(keys.attachment_set(tenant, order_id))
    return int(row.held) if isinstance(row, AttachmentSetRow) else 0


def add(
    tx: Transaction, tenant: Tenant, attachment: Attachment, otherwise: CommerceError, removed: Attachment | None = None
) -> None:
    """Add an attachment, if the order takes another one; or in the place of one, whose last version is ``removed``
    (O11, O13).

    Raises (at commit):
        CommerceError: ``otherwise``, if it has as many as it takes.
        StaleWrite: somebody changed the one that gives its place up since it was read.
    """
    tx.add(_row(tenant, attachment), StaleWrite("attachment"))
    if removed is not None:
        save(tx, tenant, removed)
        return
    room = AttachmentSetRow.held.does_not_exist() | (AttachmentSetRow.held < MAX_PER_ORDER)
    _count(tx, tenant, attachment, 1, room, otherwise)


def remove(tx: Transaction, tenant: Tenant, removed: Attachment) -> None:
    """Write the last version of an attachment, which makes room for another one (O11, O13).

    Raises (at commit):
        StaleWrite: somebody changed it since it was read.
    """
    save(tx, tenant, removed)
    _count(tx, tenant, removed, -1, AttachmentSetRow.held > 0, StaleWrite("attachments"))


def save(tx: Transaction, tenant: Tenant, attachment: Attachment) -> None:
    """Write the next version of an attachment (O11).

    Raises (at commit):
        StaleWrite: somebody changed it since it was read.
    """
    tx.put(_row(tenant, attachment), AttachmentRow.version == attachment.version - 1, StaleWrite("attachment"))


def _count(
    tx: Transaction, tenant: Tenant, attachment: Attachment, change: int, condition: Condition, otherwise: CommerceError
) -> None:
    row = AttachmentSetRow(*keys.attachment_set(tenant, attachment.order_id))
    actions = [AttachmentSetRow.held.add(change), AttachmentSetRow.kind.set(AttachmentSetRow)]
    tx.update(row, actions, condition, otherwise)


def _row(tenant: Tenant, attachment: Attachment) -> AttachmentRow:
    return AttachmentRow(
        *keys.attachment(tenant, attachment.order_id, attachment.attachment_id),
        attachment_id=attachment.attachment_id,
        order_id=attachment.order_id,
        filename=attachment.filename,
        content_type=str(attachment.content_type),
        size=attachment.size,
        file_kind=str(attachment.kind),
        description=attachment.description,
        added_by=attachment.added_by,
        status=str(attachment.status),
        digest=attachment.digest,
        created_at=attachment.created_at,
        updated_at=attachment.updated_at,
        version=attachment.version,
    )
