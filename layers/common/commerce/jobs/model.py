"""Work that is too much for one request: what a job is, how far it is, and the only ways it moves (contract JB-01).

queued ──first slice──► running ──last slice, file written──► succeeded
   └──────────────────────┴──tried too often──► failed
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MAX_AT_ONCE = 100  # rows that a request changes itself; more are a job's
MAX_ROWS = 10_000  # of such a job
KEPT = timedelta(days=7)  # files of jobs, by the bucket's lifecycle rule


class JobType(StrEnum):
    PRODUCT_UPDATE = "product_update"
    PRODUCT_IMPORT = "product_import"
    STOCK_ADJUSTMENT = "stock_adjustment"
    BULK_DISPATCH = "bulk_dispatch"
    PRODUCT_EXPORT = "product_export"
    ORDER_EXPORT = "order_export"
    INVENTORY_EXPORT = "inventory_export"

    @property
    def scope(self) -> str:
        """What a credential must carry to read what came of it."""
        return _SCOPES[self]

    @property
    def is_export(self) -> bool:
        return self in (JobType.PRODUCT_EXPORT, JobType.ORDER_EXPORT, JobType.INVENTORY_EXPORT)


_SCOPES = {
    JobType.PRODUCT_UPDATE: "products:read",
    JobType.PRODUCT_IMPORT: "products:read",
    JobType.STOCK_ADJUSTMENT: "inventory:read",
    JobType.BULK_DISPATCH: "orders:read",
    JobType.PRODUCT_EXPORT: "products:read",
    JobType.ORDER_EXPORT: "orders:read",
    JobType.INVENTORY_EXPORT: "inventory:read",
}


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Format(StrEnum):
    """Of a job's file."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    ``total`` rows are expected, ``done`` of them are dealt with, and ``refused`` of these came to nothing. The next
    slice begins at ``position`` (empty: at the first row; None: all rows are dealt with, the file is to be written).
    ``chunks`` name what slices have written of the file, in its order. ``sequence`` counts the job's events.
    """

    job_id: str
    type: JobType
    format: Format
    status: JobStatus
    total: int
    actor: str
    created_at: datetime
    updated_at: datetime
    done: int = 0
    refused: int = 0
    position: str | None = ""
    chunks: tuple[str, ...] = ()
    sequence: int = 0
    version: int = 1

    @property
    def is_over(self) -> bool:
        return self.status in (JobStatus.SUCCEEDED, JobStatus.FAILED)

    @property
    def progress(self) -> int:
        """Percent."""
        if self.status is JobStatus.SUCCEEDED:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0

    def has_file(self, at: datetime) -> bool:
        """Whether there is a file to download: it is written, and the bucket keeps it still."""
        return self.status is JobStatus.SUCCEEDED and at < self.updated_at + KEPT

    def advanced(self, at: datetime, done: int, refused: int, position: str | None, chunk: str | None) -> "Job":
        """The same job after a slice of ``done`` rows that wrote ``chunk``, if anything; one version on."""
        return self._changed(
            at,
            status=JobStatus.RUNNING,
            done=self.done + done,
            refused=self.refused + refused,
            position=position,
            chunks=self.chunks if chunk is None else (*self.chunks, chunk),
        )

    def succeeded(self, at: datetime) -> "Job":
        """The same job with its file written, one version on."""
        return self._changed(at, status=JobStatus.SUCCEEDED, position=None, chunks=())

    def failed(self, at: datetime) -> "Job":
        """The same job given up, one version on."""
        return self._changed(at, status=JobStatus.FAILED)

    def requested(self, at: datetime) -> "Job":
        """The same job with whoever does jobs told of it, one version on."""
        return self._changed(at, sequence=self.sequence + 1)

    def _changed(self, at: datetime, **changes: Any) -> "Job":
        return replace(self, updated_at=at, version=self.version + 1, **changes)
