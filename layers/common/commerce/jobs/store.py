"""Jobs in the table (patterns X7, X8)."""

from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.jobs.model import Format, Job, JobStatus, JobType
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import StaleWrite
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction


class JobRow(Row, discriminator="job"):
    audited: ClassVar[str] = "job"

    job_id = UnicodeAttribute()
    type = UnicodeAttribute()
    format = UnicodeAttribute()
    status = UnicodeAttribute()
    total = NumberAttribute()
    done = NumberAttribute()
    refused = NumberAttribute()
    position = UnicodeAttribute(null=True)
    chunks = WordsAttribute()
    actor = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    sequence = NumberAttribute()
    version = NumberAttribute()

    def to_job(self) -> Job:
        return Job(
            job_id=self.job_id,
            type=JobType(self.type),
            format=Format(self.format),
            status=JobStatus(self.status),
            total=int(self.total),
            done=int(self.done),
            refused=int(self.refused),
            position=self.position,
            chunks=tuple(self.chunks),
            actor=self.actor,
            created_at=self.created_at,
            updated_at=self.updated_at,
            sequence=int(self.sequence),
            version=int(self.version),
        )


def add(tx: Transaction, tenant: Tenant, job: Job) -> None:
    """Write a new job (X7).

    Raises (at commit):
        StaleWrite: there is such a job; planning again finds it.
    """
    tx.add(_row(tenant, job), StaleWrite("job"))


def save(tx: Transaction, tenant: Tenant, job: Job) -> None:
    """Write a job one version on (X7).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    tx.put(_row(tenant, job), JobRow.version == job.version - 1, StaleWrite("job"))


def find(tenant: Tenant, job_id: str) -> Job | None:
    """One job (X7)."""
    row = get(keys.job(tenant, job_id))
    return row.to_job() if isinstance(row, JobRow) else None


def unfinished(since: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and id of jobs that nothing happened to ``since``, the longest first (X8)."""
    rows = Row.query(keys.unfinished_jobs(), Row.gsi3sk <= sortable(since), index_name="gsi3", limit=limit)
    return [(keys.tenant_of(row.pk), row.job_id) for row in rows if isinstance(row, JobRow)]


def _row(tenant: Tenant, job: Job) -> JobRow:
    row = JobRow(
        *keys.job(tenant, job.job_id),
        job_id=job.job_id,
        type=str(job.type),
        format=str(job.format),
        status=str(job.status),
        total=job.total,
        done=job.done,
        refused=job.refused,
        position=job.position,
        chunks=list(job.chunks),
        actor=job.actor,
        created_at=job.created_at,
        updated_at=job.updated_at,
        sequence=job.sequence,
        version=job.version,
    )
    if not job.is_over:
        row.gsi3pk = keys.unfinished_jobs()
        row.gsi3sk = keys.by_time(job.updated_at, job.job_id)
    return row
