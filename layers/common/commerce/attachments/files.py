"""Bytes of attachments in S3. No other code of this context talks to it.

What senders put there themselves stands apart, under a prefix that the bucket empties after a day: the form that lets
them may be used again until it expires. What was checked is written by us, under a name that holds its digest, so that
the bytes of an attachment never change.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.attachments.model import Attachment
from commerce.kernel import clock, downloads
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable

UPLOAD_SECONDS = 15 * 60
# Without permission to list a bucket, a key that is not there is forbidden.
_NOT_THERE = frozenset({"NoSuchKey", "AccessDenied", "404", "403"})


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a file can be sent without a credential, as form data with these fields before it, and until when."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


def upload_form(tenant: Tenant, attachment: Attachment) -> UploadForm:
    """A form for exactly the announced number of bytes of the announced type, at a place of our choice."""
    expires_at = clock.now() + timedelta(seconds=UPLOAD_SECONDS)
    kind = {"Content-Type": str(attachment.content_type)}
    form = _s3().generate_presigned_post(
        Bucket=_bucket(),
        Key=_pending_key(tenant, attachment),
        Fields=dict(kind),
        Conditions=[kind, ["content-length-range", attachment.size, attachment.size]],
        ExpiresIn=UPLOAD_SECONDS,
    )
    return UploadForm(form["url"], form["fields"], expires_at)


def read_uploaded(tenant: Tenant, attachment: Attachment) -> bytes | None:
    """What was sent to the form; None where nothing was, or something longer than announced.

    Raises:
        Unavailable: it cannot be read now.
    """
    try:
        answer = _s3().get_object(Bucket=_bucket(), Key=_pending_key(tenant, attachment))
        if answer["ContentLength"] > attachment.size:
            return None
        content: bytes = answer["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise Unavailable from error
    except BotoCoreError as error:
        raise Unavailable from error
    return content


def forget_uploaded(tenant: Tenant, attachment: Attachment) -> None:
    """Delete what was sent to the form.

    Raises:
        Unavailable: it cannot be deleted now.
    """
    _delete(_pending_key(tenant, attachment))


def keep(tenant: Tenant, attachment: Attachment, content: bytes) -> None:
    """Write the bytes of an attachment; any number of times, they are the same ones.

    Raises:
        Unavailable: they cannot be written now.
    """
    try:
        _s3().put_object(
            Bucket=_bucket(), Key=_key(tenant, attachment), Body=content, ContentType=str(attachment.content_type)
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error


def bury(tenant: Tenant, attachment: Attachment) -> None:
    """Let nobody have the bytes of an attachment any more; the bucket keeps them behind a delete marker for a while.

    Raises:
        Unavailable: it cannot be done now.
    """
    _delete(_key(tenant, attachment) if attachment.is_ready else _pending_key(tenant, attachment))


def link(tenant: Tenant, attachment: Attachment) -> str:
    """Where an attachment can be downloaded from, by whoever has the link, for 10 to 15 minutes."""
    return downloads.link(_key(tenant, attachment), attachment.filename)


def _delete(key: str) -> None:
    try:
        _s3().delete_object(Bucket=_bucket(), Key=key)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error


def _key(tenant: Tenant, attachment: Attachment) -> str:
    place = f"attachments/{tenant.tenant_id}/{tenant.mode}/{attachment.order_id}"
    return f"{place}/{attachment.attachment_id}/{attachment.digest}"


def _pending_key(tenant: Tenant, attachment: Attachment) -> str:
    return f"pending-attachments/{tenant.tenant_id}/{tenant.mode}/{attachment.attachment_id}"


def _bucket() -> str:
    return os.environ["FILES_BUCKET"]


def _s3() -> Any:
    return client("s3")
