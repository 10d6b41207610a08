"""Objects in S3 that are written a piece at a time."""

import hashlib
import os
from types import TracebackType
from typing import Any

from commerce.kernel.aws import client

PART_BYTES = 8 * 1024 * 1024  # S3 wants 5 MiB or more


class Upload:
    """Writes one object, however large, in little memory. It is there once ``complete`` was called, and not before."""

    def __init__(self, key: str, content_type: str) -> None:
        self.size = 0
        self._where = {"Bucket": os.environ["FILES_BUCKET"], "Key": key}
        self._type = content_type
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._upload_id is not None:  # not completed
            client("s3").abort_multipart_upload(**self._where, UploadId=self._upload_id)

    @property
    def sha256(self) -> str:
        """Of all that was written, in hexadecimal digits."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._buffer += data
        if len(self._buffer) >= PART_BYTES:
            self._send()

    def complete(self) -> None:
        """Make the object visible."""
        s3 = client("s3")
        if self._upload_id is None:
            s3.put_object(**self._where, Body=bytes(self._buffer), ContentType=self._type)
            return
        if self._buffer:
            self._send()
        s3.complete_multipart_upload(**self._where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts})
        self._upload_id = None

    def _send(self) -> None:
        s3 = client("s3")
        if self._upload_id is None:
            self._upload_id = s3.create_multipart_upload(**self._where, ContentType=self._type)["UploadId"]
        number = len(self._parts) + 1
        sent = s3.upload_part(**self._where, UploadId=self._upload_id, PartNumber=number, Body=bytes(self._buffer))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._buffer.clear()
