"""The export's files in S3. No other code of this context talks to it."""

import hashlib
import os
from collections.abc import Iterator
from datetime import date
from types import TracebackType
from typing import Any

from commerce.kernel import downloads
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant

CSV, JSON, HTML = "csv", "json", "html"
TYPES = {CSV: "text/csv; charset=utf-8", JSON: "application/json", HTML: "text/html; charset=utf-8"}
_PART_BYTES = 8 * 1024 * 1024  # S3 wants 5 MiB or more
_READ_BYTES = 1024 * 1024


def name(day: date, kind: str) -> str:
    """How a file is called, and saved by whoever downloads it."""
    return f"liability-{day}.{kind}"


def key(tenant: Tenant, day: date, kind: str) -> str:
    """Where a published file stands."""
    return f"liability/{tenant.tenant_id}/{tenant.mode}/{day}/{name(day, kind)}"


def part_key(tenant: Tenant, day: date, run: str, part: str) -> str:
    """Where a run keeps a part until all of them are merged; the bucket forgets it after some days."""
    return f"liability-parts/{tenant.tenant_id}/{tenant.mode}/{day}/{run}/{part}.csv"


class Upload:
    """Writes one object, however large, in little memory. It is there once ``complete`` was called, and not before."""

    def __init__(self, key: str, kind: str) -> None:
        self.size = 0
        self._where = {"Bucket": os.environ["FILES_BUCKET"], "Key": key}
        self._type = TYPES[kind]
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._upload_id is not None:  # not completed
            _s3().abort_multipart_upload(**self._where, UploadId=self._upload_id)

    @property
    def sha256(self) -> str:
        """Of all that was written, in hexadecimal digits."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._buffer += data
        if len(self._buffer) >= _PART_BYTES:
            self._send()

    def complete(self) -> None:
        """Make the object visible."""
        if self._upload_id is None:
            put(self._where["Key"], bytes(self._buffer), self._type)
            return
        if self._buffer:
            self._send()
        _s3().complete_multipart_upload(**self._where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts})
        self._upload_id = None

    def _send(self) -> None:
        if self._upload_id is None:
            self._upload_id = _s3().create_multipart_upload(**self._where, ContentType=self._type)["UploadId"]
        number = len(self._parts) + 1
        sent = _s3().upload_part(**self._where, UploadId=self._upload_id, PartNumber=number, Body=bytes(self._buffer))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._buffer.clear()


def put(key: str, body: bytes, content_type: str) -> None:
    """Write a small object."""
    _s3().put_object(Bucket=os.environ["FILES_BUCKET"], Key=key, Body=body, ContentType=content_type)


def lines(key: str, size: int) -> Iterator[bytes]:
    """The lines of an object of ``size`` bytes, read a piece at a time: a connection held open might be dropped."""
    rest = b""
    for start in range(0, size, _READ_BYTES):
        span = f"bytes={start}-{min(start + _READ_BYTES, size) - 1}"
        body = _s3().get_object(Bucket=os.environ["FILES_BUCKET"], Key=key, Range=span)["Body"]
        *whole, rest = (rest + body.read()).split(b"\n")
        yield from (line + b"\n" for line in whole)


def links(tenant: Tenant, day: date) -> dict[str, str]:
    """Where each file of a closed day can be downloaded from, by whoever has the link, for 10 to 15 minutes."""
    return {kind: downloads.link(key(tenant, day, kind), name(day, kind)) for kind in TYPES}


def _s3() -> Any:
    return client("s3")
