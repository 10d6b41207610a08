"""Jobs on the wire (contract JB-01)."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Instant, Output
from commerce.jobs import files
from commerce.jobs.model import Job, JobStatus, JobType
from commerce.kernel import clock
from commerce.kernel.caller import Tenant


class JobResultOut(Output):
    """A link that needs no credential; ask for the job again for a fresh one. Files are kept for seven days."""

    download_url: str
    expires_at: Instant


class JobErrorOut(Output):
    code: str
    message: str


class JobRowsOut(Output):
    """``done`` rows are dealt with, ``refused`` of them came to nothing; the file says why."""

    total: int
    done: int
    refused: int


class JobOut(Output):
    id: str
    type: JobType
    status: JobStatus
    progress: Annotated[int, Field(ge=0, le=100, description="Percent")]
    rows: JobRowsOut
    result: JobResultOut | None
    error: JobErrorOut | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, tenant: Tenant, job: Job) -> "JobOut":
        link = files.link_to(tenant, job) if job.has_file(clock.now()) else None
        return cls(
            id=job.job_id,
            type=job.type,
            status=job.status,
            progress=job.progress,
            rows=JobRowsOut(total=job.total, done=job.done, refused=job.refused),
            result=None if link is None else JobResultOut(download_url=link.url, expires_at=link.expires_at),
            error=_GIVEN_UP if job.status is JobStatus.FAILED else None,
            created_at=job.created_at,
            updated_at=job.updated_at,
        )


_GIVEN_UP = JobErrorOut(code="server_error", message="The job was tried too often and given up; ask for it again")
