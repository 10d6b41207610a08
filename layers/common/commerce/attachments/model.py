"""What a file attached to an order is: its type, its name, and the only ways it may change state."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from commerce.kernel.errors import Conflict, Invalid

MAX_BYTES = 25_000_000  # of a file
MAX_PER_ORDER = 50
ANNOUNCED_FOR = timedelta(days=1)  # the bucket keeps what was sent and not completed for as long


class FileType(StrEnum):
    """The types that are taken, each known by its content.

    Neither HTML nor SVG, which run scripts, nor archives, which hold anything; of Office files those without macros.
    """

    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    PDF = "application/pdf"
    TEXT = "text/plain"
    CSV = "text/csv"
    WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


ANY_TYPE = "application/octet-stream"  # what senders say who do not know; the content decides

ENDINGS: dict[FileType, tuple[str, ...]] = {
    FileType.PNG: (".png",),
    FileType.JPEG: (".jpg", ".jpeg"),
    FileType.GIF: (".gif",),
    FileType.WEBP: (".webp",),
    FileType.PDF: (".pdf",),
    FileType.TEXT: (".txt", ".csv"),
    FileType.CSV: (".csv",),
    FileType.WORD: (".docx",),
    FileType.EXCEL: (".xlsx",),
}


class AttachmentKind(StrEnum):
    """What the merchant attached it as."""

    DESIGN_PROOF = "design_proof"
    RECEIPT = "receipt"
    OTHER = "other"


class AttachmentStatus(StrEnum):
    PENDING = "pending"  # announced, not there yet
    READY = "ready"
    REMOVED = "removed"


MOVES: dict[AttachmentStatus, frozenset[AttachmentStatus]] = {
    AttachmentStatus.PENDING: frozenset({AttachmentStatus.READY, AttachmentStatus.REMOVED}),
    AttachmentStatus.READY: frozenset({AttachmentStatus.REMOVED}),
    AttachmentStatus.REMOVED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an order.

    ``size`` in bytes. ``digest`` is the SHA-256 of its bytes, which never change; None while it is pending.
    """

    attachment_id: str
    order_id: str
    filename: str
    content_type: FileType
    size: int
    kind: AttachmentKind
    description: str | None
    added_by: str
    created_at: datetime
    updated_at: datetime
    status: AttachmentStatus = AttachmentStatus.PENDING
    digest: str | None = None
    version: int = 1

    @property
    def is_ready(self) -> bool:
        return self.status is AttachmentStatus.READY

    @property
    def is_removed(self) -> bool:
        return self.status is AttachmentStatus.REMOVED

    def has_lapsed(self, now: datetime) -> bool:
        """Whether it was announced and can be completed no more."""
        return self.status is AttachmentStatus.PENDING and self.created_at + ANNOUNCED_FOR <= now

    def became(self, status: AttachmentStatus, at: datetime, *, digest: str | None = None) -> "Attachment":
        """The same file in another state.

        Raises:
            Conflict: the table of moves does not list this one.
        """
        if status not in MOVES[self.status]:
            raise Conflict(f"A {self.status} attachment cannot become {status}", reason="illegal_transition")
        return replace(self, status=status, digest=digest or self.digest, updated_at=at, version=self.version + 1)


def is_plain_name(filename: str) -> bool:
    """Whether a text is a file's name and nothing else: no path, no control, no character that turns text around."""
    if filename != filename.strip() or filename.strip(".") == "":
        return False
    return not any(
        char in '/\\:*?"<>|' or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        for char in filename
    )


def require_ending(filename: str, content_type: FileType) -> None:
    """A computer opens a file by its name's ending, so this says the same as the content.

    Raises:
        Invalid: it does not.
    """
    if not filename.lower().endswith(ENDINGS[content_type]):
        wanted = " or ".join(ENDINGS[content_type])
        raise Invalid(f"The name of such a file ends in {wanted}", field="filename", reason="wrong_ending")


def agreed_type(claimed: str, found: FileType | None, filename: str) -> FileType:
    """The type of a file whose sender says ``claimed`` and whose content says ``found`` (None: nothing we take).

    That a text is a table of values only its name or its sender can say.

    Raises:
        Invalid: they differ, or the name's ending does.
    """
    if found is None:
        raise Invalid("Files of this type are not taken", field="file", reason="unsupported_type")
    named_table = claimed == ANY_TYPE and filename.lower().endswith(ENDINGS[FileType.CSV])
    is_table = found is FileType.TEXT and (claimed == FileType.CSV or named_table)
    agreed = FileType.CSV if is_table else found
    if claimed not in (ANY_TYPE, agreed):
        raise Invalid(f"The content is not {claimed}", field="file", reason="content_mismatch")
    require_ending(filename, agreed)
    return agreed
