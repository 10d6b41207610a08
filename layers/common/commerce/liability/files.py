"""The export's files in S3. No other code of this context talks to it."""

import os
from collections.abc import Iterator
from datetime import date
from typing import Any

from commerce.kernel import downloads
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant

CSV, JSON, HTML = "csv", "json", "html"
TYPES = {CSV: "text/csv; charset=utf-8", JSON: "application/json", HTML: "text/html; charset=utf-8"}
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
