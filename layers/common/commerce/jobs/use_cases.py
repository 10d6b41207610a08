"""Jobs are asked for, told of again where they stand still, and given up (contract JB-01).

The request writes the job and its event in one transaction. Whoever gets the event does the job slice by slice
(``running``); one that stands still is told of again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.jobs import files, queries, store
from commerce.jobs.model import Format, Job, JobStatus, JobType
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.cause import Cause
from commerce.table.transaction import Transaction, run

REQUESTED = "job.requested"
STILL_FOR = timedelta(minutes=15)  # longer than a slice may take; two workflows at once do no harm
_SYSTEM = Cause("system:jobs")


def new(caller: Caller, job_id: str, type: JobType, format: Format, total: int) -> Job:
    """A job of ``total`` rows that is not written yet."""
    now = clock.now()
    return Job(
        job_id=job_id,
        type=type,
        format=format,
        status=JobStatus.QUEUED,
        total=total,
        actor=caller.actor,
        created_at=now,
        updated_at=now,
    )


def request_changes(tx: Transaction, caller: Caller, type: JobType, rows: Sequence[dict[str, Any]]) -> Job:
    """Have a job change many rows; the same operation asks for it once.

    Raises:
        Unavailable: the table or the bucket is away.
    """
    job_id = f"job_{tx.operation_id}"
    earlier = store.find(caller.tenant, job_id)
    if earlier is not None:
        return earlier
    tx.outside("keep the rows for a job")
    files.keep_input(caller.tenant, job_id, rows)
    return request(tx, caller.tenant, new(caller, job_id, type, Format.CSV, len(rows)))


def request(tx: Transaction, tenant: Tenant, job: Job) -> Job:
    """Have a new job done."""
    requested = job.requested(job.created_at)
    store.add(tx, tenant, requested)
    _announce(tx, tenant, requested)
    return requested


def resume(tenant: Tenant, job_id: str) -> None:
    """Tell again of a job that stands still, if it still does."""

    def plan(tx: Transaction) -> None:
        job, now = queries.get(tenant, job_id), clock.now()
        if not job.is_over and job.updated_at <= now - STILL_FOR:
            again = job.requested(now)
            store.save(tx, tenant, again)
            _announce(tx, tenant, again)

    run(plan, _SYSTEM)


def give_up(tenant: Tenant, job_id: str) -> Job:
    """Say of a job that it failed, unless it is over."""

    def plan(tx: Transaction) -> Job:
        job = queries.get(tenant, job_id)
        if job.is_over:
            return job
        failed = job.failed(clock.now())
        store.save(tx, tenant, failed)
        return failed

    return run(plan, _SYSTEM)


def _announce(tx: Transaction, tenant: Tenant, job: Job) -> None:
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=REQUESTED,
            aggregate_id=job.job_id,
            sequence=job.sequence,
            at=job.updated_at,
            tenant=tenant,
            data={"id": job.job_id, "type": str(job.type)},
        ),
    )
