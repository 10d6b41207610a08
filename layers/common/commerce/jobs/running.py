"""Doing a job, a slice at a time (contract JB-01).

A slice deals with some rows, keeps what it has to say of them as a chunk, and then writes down how far the job is, on
the condition that nobody else did. So a slice that dies is done again from where the last one ended; its rows may be
dealt with twice, which changes nothing (``bulk.changes``, ``fulfillment.dispatching``), and only one of its chunks is
ever named. The last slice joins the chunks into the file.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commerce.bulk import changes, exports, tables
from commerce.bulk.changes import Batch, Document
from commerce.bulk.tables import Record
from commerce.fulfillment import dispatching
from commerce.fulfillment.use_cases import ShipOrder
from commerce.jobs import files, queries, store
from commerce.jobs.model import Job, JobType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.cause import Cause
from commerce.table.transaction import Transaction, run

SLICE_SECONDS = 60.0  # after which a slice ends with the page that it is at
SLICE_ROWS = 10_000  # of an export; what it holds of them is some MB
_BATCH = 25  # changed rows between two looks at the clock


@dataclass(frozen=True, slots=True)
class _Step:
    """``records`` for the file, out of ``read`` rows, of which ``refused`` came to nothing."""

    records: list[Record]
    read: int
    refused: int
    position: str | None


def run_slice(tenant: Tenant, job_id: str) -> Job:
    """Bring a job on; give it as it is then. Nothing happens to one that is over.

    Raises:
        NotFound: no such job.
        Unavailable: the table or the bucket is away.
    """
    job = queries.get(tenant, job_id)
    if job.is_over:
        return job
    if job.position is None:
        files.join(tenant, job, tables.frame(job.type, job.format))
        return _saved(tenant, job.succeeded(clock.now()))
    ends, steps, read = time.monotonic() + SLICE_SECONDS, [], 0
    for step in _steps(tenant, job, job.position):
        steps.append(step)
        read += step.read
        if read >= SLICE_ROWS or time.monotonic() >= ends:
            break
    records = [record for step in steps for record in step.records]
    chunk = files.keep_chunk(tenant, job, tables.rows(job.type, job.format, records)) if records else None
    refused = sum(step.refused for step in steps)
    return _saved(tenant, job.advanced(clock.now(), read, refused, steps[-1].position, chunk))


def _saved(tenant: Tenant, after: Job) -> Job:
    """Write a job one version on; where somebody else did so first, give what they wrote."""

    def plan(tx: Transaction) -> Job:
        found = queries.get(tenant, after.job_id)
        if found.version != after.version - 1:
            return found
        store.save(tx, tenant, after)
        return after

    return run(plan, Cause(after.actor))


def _steps(tenant: Tenant, job: Job, position: str) -> Iterator[_Step]:
    if job.type.is_export:
        for each in exports.extracts(tenant, job.type, position):
            yield _Step(each.records, each.read, 0, each.position)
        return
    rows, role, principal_id = files.input_of(tenant, job.job_id), *job.actor.split(":", 1)
    caller = Caller(tenant, principal_id, Role(role))
    for first in range(int(position or 0), len(rows), _BATCH):
        records = _changed(job, caller, rows[first : first + _BATCH], first + 1)
        refused = sum(not record["ok"] for record in records)
        following = first + len(records)
        yield _Step(records, len(records), refused, str(following) if following < len(rows) else None)


def _changed(job: Job, caller: Caller, rows: Sequence[Document], first: int) -> list[Record]:
    """Change some rows, of which the first has number ``first``; give what came of each."""
    cause = Cause(job.actor)
    if job.type is JobType.BULK_DISPATCH:
        shipped = dispatching.ship_each(caller, cause, [ShipOrder(**row) for row in rows])
        return [tables.record_of_dispatched(number, row) for number, row in enumerate(shipped, start=first)]
    batch = Batch(job.type, caller, cause, job.job_id, rows, first)
    return [tables.record_of(result) for result in changes.apply(batch)]
