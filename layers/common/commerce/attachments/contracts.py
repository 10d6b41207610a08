"""Attachments of orders on the wire (contract AT-01…05)."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from commerce.attachments import files
from commerce.attachments.model import MAX_BYTES, Attachment, AttachmentKind, AttachmentStatus, FileType, is_plain_name
from commerce.attachments.use_cases import NewFile
from commerce.http.contracts import Changes, Input, Instant, Output, Says
from commerce.kernel.caller import Tenant
from commerce.kernel.downloads import links_expire_at
from commerce.orders.changes import NoteText


def _plain_name(text: str) -> str:
    if not is_plain_name(text):
        raise PydanticCustomError("not_a_filename", "Must be a file's name, without a path and all printable")
    return text


Filename = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=150, examples=["proof-front.png"]),
    AfterValidator(_plain_name),
    Says(pattern=r'^[^\x00-\x20/\\:*?"<>|\x7f.][^\x00-\x1f/\\:*?"<>|\x7f]*$'),
]
Description = Annotated[NoteText, Field(max_length=1000, examples=["Front side, second version"])]


class AttachmentIn(Input):
    """A file to attach to an order.

    As `multipart/form-data` the file itself is the part `file`, of at most 4.5 MB with all of the form; it tells its
    name, type and size, and `kind` and `description` are further parts. As JSON it is announced, of at most 25 MB; the
    answer's `upload` says where to send it. `application/octet-stream` leaves it to the content of a file that comes
    along what type it is. What is not of one of these types by its content is refused.
    """

    filename: Filename
    content_type: Annotated[FileType | Literal["application/octet-stream"], Field(examples=["image/png"])]
    size: Annotated[int, Field(strict=True, ge=1, le=MAX_BYTES, description="Bytes", examples=[48213])]
    kind: AttachmentKind = AttachmentKind.OTHER
    description: Description | None = None

    def to_file(self) -> NewFile:
        return NewFile(self.filename, str(self.content_type), self.size, self.kind, self.description)


def _kept() -> Any:
    """A field that may be left out and then stays as it is. Only what was sent is looked at."""
    return Field(default_factory=lambda: None)


class AttachmentChanges(Changes):
    """What is left out stays as it is. The ending of a name stays that of the file's type."""

    filename: Filename = _kept()
    kind: AttachmentKind = _kept()
    description: Description | None = _kept()


class UploadOut(Output):
    """Send the file to `url` with POST as form data: all `fields` first, then the file as the part `file`."""

    url: Annotated[str, Field(examples=["https://till-files.s3.amazonaws.com/"])]
    fields: dict[str, str]
    expires_at: Instant


class AttachmentRowOut(Output):
    """`status` is `pending` until a file that was announced is there. `sha256` is of its bytes."""

    id: Annotated[str, Field(examples=["att_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    order_id: str
    filename: str
    content_type: FileType
    size: int
    kind: AttachmentKind
    description: str | None
    status: AttachmentStatus
    sha256: str | None
    added_by: Annotated[str, Field(examples=["marc@example.com"])]
    version: Annotated[int, Field(examples=[1])]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, attachment: Attachment) -> "AttachmentRowOut":
        return cls(**_shown(attachment))


class AttachmentOut(AttachmentRowOut):
    """`download_url` is for whoever has it, until `download_expires_at`; it always saves, never shows the file."""

    download_url: str | None
    download_expires_at: Instant | None

    @classmethod
    def linked(cls, tenant: Tenant, attachment: Attachment) -> "AttachmentOut":
        return cls(**_shown(attachment), **_link(tenant, attachment))


class AttachedOut(AttachmentOut):
    """An attachment as it was added; `upload` says where to send a file that was announced."""

    upload: UploadOut | None

    @classmethod
    def added(cls, tenant: Tenant, attachment: Attachment, form: files.UploadForm | None) -> "AttachedOut":
        upload = None if form is None else UploadOut(url=form.url, fields=form.fields, expires_at=form.expires_at)
        return cls(**_shown(attachment), **_link(tenant, attachment), upload=upload)


class RemovedOut(Output):
    id: str
    deleted: Literal[True] = True


def _shown(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": attachment.attachment_id,
        "order_id": attachment.order_id,
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "kind": attachment.kind,
        "description": attachment.description,
        "status": attachment.status,
        "sha256": attachment.digest,
        "added_by": attachment.added_by,
        "version": attachment.version,
        "created_at": attachment.created_at,
        "updated_at": attachment.updated_at,
    }


def _link(tenant: Tenant, attachment: Attachment) -> dict[str, Any]:
    if not attachment.is_ready:
        return {"download_url": None, "download_expires_at": None}
    return {"download_url": files.link(tenant, attachment), "download_expires_at": links_expire_at()}
