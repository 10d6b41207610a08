"""What is done with files of orders: added at once or announced, renamed, removed (contract AT-02, AT-04, AT-05).

Bytes are written before the row that names them: a death in between leaves bytes that nobody can reach. They go before
the row says so: who wants a file gone has it gone, and where somebody dies in between, removing it again ends it. An
addition or a removal is told in the order's timeline; it is no change of the order, and neither takes a version of it
nor waits for one.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from commerce.attachments import files, queries, store
from commerce.attachments.model import (
    ANY_TYPE,
    MAX_PER_ORDER,
    Attachment,
    AttachmentKind,
    AttachmentStatus,
    FileType,
    agreed_type,
    require_ending,
)
from commerce.attachments.sniffing import recognise
from commerce.events import store as events
from commerce.events.model import TimelineEvent, TimelineType
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict, Invalid, require_version
from commerce.orders import queries as orders
from commerce.orders.model import Order
from commerce.table.transaction import Transaction

_FULL = Conflict(f"An order has at most {MAX_PER_ORDER} attachments", reason="too_many_attachments")


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as its sender describes it; ``size`` in bytes."""

    filename: str
    content_type: str
    size: int
    kind: AttachmentKind = AttachmentKind.OTHER
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """An attachment that is to come, and the form that takes it."""

    attachment: Attachment
    form: files.UploadForm


def attach(tx: Transaction, caller: Caller, order_id: str, file: NewFile, content: bytes) -> Attachment:
    """Attach a file that came with the request.

    Raises:
        NotFound: no such order.
        Invalid: the content is none of the types that are taken, or another one than the sender or the name says.
        Conflict: the order has as many attachments as it takes.
    """
    content_type = agreed_type(file.content_type, recognise(content), file.filename)
    order, lapsed = _with_room(caller, order_id)
    attachment = _new(tx, caller, order_id, file, content_type)
    ready = replace(attachment, status=AttachmentStatus.READY, digest=hashlib.sha256(content).hexdigest())
    tx.outside("s3.put_object")
    files.keep(caller.tenant, ready, content)
    store.add(tx, caller.tenant, ready, _FULL, lapsed)
    _tell(tx, caller, order, ready, "added")
    return ready


def announce(tx: Transaction, caller: Caller, order_id: str, file: NewFile) -> Announced:
    """Attach a file that is to come: sent to the form, then completed.

    Raises:
        NotFound: no such order.
        Invalid: the type is not said, or the name is not one of a file of this type.
        Conflict: the order has as many attachments as it takes.
    """
    if file.content_type == ANY_TYPE:
        raise Invalid("Say what type of file it is going to be", field="content_type", reason="type_required")
    content_type = FileType(file.content_type)
    require_ending(file.filename, content_type)
    _, lapsed = _with_room(caller, order_id)
    attachment = _new(tx, caller, order_id, file, content_type)
    store.add(tx, caller.tenant, attachment, _FULL, lapsed)
    tx.outside("s3.post_object")  # which the form would let anybody do
    return Announced(attachment, files.upload_form(caller.tenant, attachment))


def complete(tx: Transaction, caller: Caller, order_id: str, attachment_id: str) -> Attachment:
    """Take what was sent to the form, if its size and its content are what was announced; else it is deleted.

    Completing a second time changes nothing.

    Raises:
        NotFound: no such attachment.
        Conflict: nothing was sent.
        Invalid: it is not what was announced; the form, until it expires, takes another file.
    """
    attachment = queries.get(caller.tenant, order_id, attachment_id)
    if attachment.is_ready:
        return attachment
    order = orders.get(caller.tenant, order_id)
    tx.outside("s3.get_object")
    content = files.read_uploaded(caller.tenant, attachment)
    if content is None:
        raise Conflict("No such file was sent to the upload form", field="status", reason="not_uploaded")
    try:
        if len(content) != attachment.size:
            raise Invalid("The size is not what was announced", field="file", reason="size_mismatch")
        agreed_type(str(attachment.content_type), recognise(content), attachment.filename)
    except Invalid:
        files.forget_uploaded(caller.tenant, attachment)
        raise
    ready = attachment.became(AttachmentStatus.READY, clock.now(), digest=hashlib.sha256(content).hexdigest())
    files.keep(caller.tenant, ready, content)
    store.save(tx, caller.tenant, ready)
    _tell(tx, caller, order, ready, "added")
    return ready


def change(
    tx: Transaction,
    caller: Caller,
    order_id: str,
    attachment_id: str,
    changes: dict[str, Any],
    expected_version: int | None = None,
) -> Attachment:
    """Change an attachment's ``filename``, ``kind`` or ``description``; its bytes never change.

    Raises:
        NotFound: no such attachment.
        VersionMismatch: it is not at ``expected_version``.
        Invalid: the name is not one of a file of its type.
    """
    before = queries.get(caller.tenant, order_id, attachment_id)
    require_version(before.version, expected_version, "attachment")
    if "filename" in changes:
        require_ending(changes["filename"], before.content_type)
    after = replace(before, **changes)
    if after == before:
        return before
    changed = replace(after, updated_at=clock.now(), version=before.version + 1)
    store.save(tx, caller.tenant, changed)
    return changed


def remove(tx: Transaction, caller: Caller, order_id: str, attachment_id: str) -> Attachment:
    """Remove an attachment: no list shows it, and links to it end. What it was called stays in the timeline.

    Raises:
        NotFound: no such attachment.
    """
    attachment = queries.get(caller.tenant, order_id, attachment_id)
    order = orders.get(caller.tenant, order_id)
    removed = attachment.became(AttachmentStatus.REMOVED, clock.now())
    tx.outside("s3.delete_object")
    files.bury(caller.tenant, attachment)
    store.remove(tx, caller.tenant, removed)
    if attachment.is_ready:
        _tell(tx, caller, order, removed, "removed")
    return removed


def _with_room(caller: Caller, order_id: str) -> tuple[Order, Attachment | None]:
    """An order that takes another attachment as far as can be seen; no bytes are written for one that does not.

    With it, where it is full, the last version of one that was announced and never came, which gives its place up.
    """
    order, now = orders.get(caller.tenant, order_id), clock.now()
    if store.count(caller.tenant, order_id) < MAX_PER_ORDER:
        return order, None
    lapsed = [each for each in store.of_order(caller.tenant, order_id) if each.has_lapsed(now)]
    if not lapsed:
        raise _FULL
    return order, lapsed[-1].became(AttachmentStatus.REMOVED, now)


def _new(tx: Transaction, caller: Caller, order_id: str, file: NewFile, content_type: FileType) -> Attachment:
    now = clock.now()
    return Attachment(
        attachment_id=f"att_{tx.operation_id}",  # the same however often it is tried, so that its bytes are, too
        order_id=order_id,
        filename=file.filename,
        content_type=content_type,
        size=file.size,
        kind=file.kind,
        description=file.description,
        added_by=caller.email or caller.actor,
        created_at=now,
        updated_at=now,
    )


def _tell(tx: Transaction, caller: Caller, order: Order, attachment: Attachment, what: str) -> None:
    told = TimelineEvent(
        order_id=order.order_id,
        version=order.version,
        index=0,
        at=attachment.updated_at,
        actor=caller.actor,
        type=TimelineType.ATTACHMENT,
        status=what,
        content=attachment.filename,
        note_id=ids.new("note"),
        data={"attachment_id": attachment.attachment_id},
    )
    events.record(tx, caller.tenant, told)
