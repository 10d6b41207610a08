"""Bulk requests: what is little is done by the time of the answer, what is much becomes a job (contract BU-01…05)."""

import hashlib
from collections.abc import Sequence
from itertools import islice

from commerce.bulk import changes, exports, tables
from commerce.bulk.changes import Batch, Document, RowResult
from commerce.jobs import files, store
from commerce.jobs import use_cases as jobs
from commerce.jobs.model import MAX_AT_ONCE, Format, Job, JobType
from commerce.kernel import clock, wire_json
from commerce.kernel.caller import Caller
from commerce.table.transaction import Transaction, run

_PAGES_AT_ONCE = 2  # that a request exports itself: a thousand products or orders
_READ_ANEW_SECONDS = 5 * 60  # between two exports of the same by GET


def change(tx: Transaction, caller: Caller, type: JobType, rows: Sequence[Document]) -> list[RowResult] | Job:
    """Change rows, each by itself, and give what came of each; or have many of them changed by a job.

    Raises:
        Unavailable: the table or the bucket is away; the same request, with its key, goes on where this one stopped.
    """
    if len(rows) <= MAX_AT_ONCE:
        tx.outside("change the rows, each in a transaction of its own")
        return changes.apply(Batch(type, caller, tx.cause, f"bulk_{tx.operation_id}", rows))
    return jobs.request_changes(tx, caller, type, rows)


def export(tx: Transaction, caller: Caller, type: JobType, format: Format) -> Job:
    """Export all products, orders, or stock: a small shop's at once, a larger one's by a job.

    Raises:
        Unavailable: the table or the bucket is away.
    """
    tenant, export_id = caller.tenant, f"exp_{tx.operation_id}"
    earlier = store.find(tenant, export_id)
    if earlier is not None:
        return earlier
    tx.outside("write the file")
    job = jobs.new(caller, export_id, type, format, exports.total(tenant, type))
    first = list(islice(exports.extracts(tenant, type, job.position or ""), _PAGES_AT_ONCE))
    if first[-1].position is not None:
        return jobs.request(tx, tenant, job)
    records = [record for extract in first for record in extract.records]
    chunks = [tables.rows(type, format, records)] if records else []
    files.write(tenant, job, tables.frame(type, format), chunks)
    read = sum(extract.read for extract in first)
    done = job.advanced(clock.now(), read, 0, None, None).succeeded(clock.now())
    store.add(tx, tenant, done)
    return done


def recent_export(caller: Caller, type: JobType, format: Format) -> Job:
    """The caller's export of the last minutes, made where there is none: asking again is how to wait for it.

    Raises:
        Unavailable: the table or the bucket is away.
    """
    tenant, window = caller.tenant, int(clock.now().timestamp()) // _READ_ANEW_SECONDS
    named = [tenant.tenant_id, str(tenant.mode), caller.principal_id, str(type), str(format), window]
    operation_id = hashlib.sha256(wire_json.canonical(named).encode()).hexdigest()[:32]
    return run(lambda tx: export(tx, caller, type, format), caller.cause(), operation_id)
