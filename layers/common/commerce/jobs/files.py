"""Files of jobs in S3: the rows that a job is to change, what its slices write, and what it comes to.

The bucket forgets them after ``model.KEPT``. A chunk's name is never used twice, so that of two slices at work on the
same rows neither can spoil what the other's job row names.
"""

import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.jobs.model import Format, Job
from commerce.kernel import downloads, wire_json
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.kernel.uploads import Upload
from commerce.observability import logger

_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a file has around its chunks, and between any two of them."""

    head: bytes
    between: bytes
    tail: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """Where a job's file can be had without a credential, and until when."""

    url: str
    expires_at: datetime


def keep_input(tenant: Tenant, job_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the rows that a job is to change, before there is a job.

    Raises:
        Unavailable: the bucket is away.
    """
    _put(_key(tenant, job_id, "input"), "\n".join(map(wire_json.dumps, rows)).encode(), "application/jsonl")


def input_of(tenant: Tenant, job_id: str) -> list[dict[str, Any]]:
    """The rows that a job is to change, in their order.

    Raises:
        Unavailable: the bucket is away.
    """
    return [wire_json.loads(line) for line in _get(_key(tenant, job_id, "input")).split(b"\n")]


def keep_chunk(tenant: Tenant, job: Job, content: bytes) -> str:
    """Keep what a slice has to say; give the name to find it by.

    Raises:
        Unavailable: the bucket is away.
    """
    name = uuid.uuid4().hex
    _put(_key(tenant, job.job_id, name), content, _TYPES[job.format])
    return name


def join(tenant: Tenant, job: Job, frame: Frame) -> None:
    """Write the job's file out of its chunks, a piece at a time.

    Raises:
        Unavailable: the bucket is away.
    """
    write(tenant, job, frame, (_get(_key(tenant, job.job_id, name)) for name in job.chunks))


def write(tenant: Tenant, job: Job, frame: Frame, chunks: Iterable[bytes]) -> None:
    """Write the job's file out of ``chunks``.

    Raises:
        Unavailable: the bucket is away.
    """
    try:
        with Upload(_result_key(tenant, job), _TYPES[job.format]) as upload:
            upload.write(frame.head)
            for number, chunk in enumerate(chunks):
                if number:
                    upload.write(frame.between)
                upload.write(chunk)
            upload.write(frame.tail)
            upload.complete()
    except (BotoCoreError, ClientError) as error:
        raise _away(error) from None


def link_to(tenant: Tenant, job: Job) -> Link:
    """A link to the file of a job that succeeded, good for 10 to 15 minutes."""
    saved_as = f"{job.type}_{job.created_at:%Y-%m-%d}.{job.format}"
    return Link(downloads.link(_result_key(tenant, job), saved_as), downloads.links_expire_at())


def _result_key(tenant: Tenant, job: Job) -> str:
    return _key(tenant, job.job_id, f"result.{job.format}")


def _key(tenant: Tenant, job_id: str, name: str) -> str:
    return f"jobs/{tenant.tenant_id}/{tenant.mode}/{job_id}/{name}"


def _put(key: str, body: bytes, content_type: str) -> None:
    try:
        client("s3").put_object(Bucket=os.environ["FILES_BUCKET"], Key=key, Body=body, ContentType=content_type)
    except (BotoCoreError, ClientError) as error:
        raise _away(error) from None


def _get(key: str) -> bytes:
    try:
        body: bytes = client("s3").get_object(Bucket=os.environ["FILES_BUCKET"], Key=key)["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise _away(error) from None
    return body


def _away(error: Exception) -> Unavailable:
    logger.warning("bucket is away", error=str(error))
    return Unavailable()
