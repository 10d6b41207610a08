"""Issuing batches of gift cards (contract GC-02, GC-08, X-08): all of a batch, however often it has to be tried.

A batch that fits into one transaction is issued by the request's own. A larger one is written down first and then
issued in chunks; a retry finds what is there and goes on, because batch and number decide a card's serial.
"""

from dataclasses import replace
from datetime import timedelta

from commerce.gift_cards import batch_store, pins, serials, store
from commerce.gift_cards.batch_model import Batch, BatchStatus, IssueBatch
from commerce.gift_cards.issuing import Issued, make, require_issuable
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import Conflict, NotFound
from commerce.table.transaction import Transaction, run

CHUNK = 32  # cards: three writes each, with the batch and the record of its answer, are at most 98
_TOLD_FOR = timedelta(minutes=15)  # after this, a repeated request is not told the PINs again


def issue(tx: Transaction, caller: Caller, command: IssueBatch) -> tuple[Batch, list[Issued]]:
    """Issue a batch; its cards stand in the order of their numbers.

    Raises:
        Invalid: as ``issuing.issue`` does, of any of the cards; then none is issued.
        Conflict: it was issued before, by a request with this key longer ago than secrets are repeated.
    """
    tenant = caller.tenant
    batch = batch_store.find(tenant, id_of(tx))
    if batch is not None and batch.status is BatchStatus.ISSUED and clock.now() - batch.created_at > _TOLD_FOR:
        raise Conflict(
            "This batch was issued; its PINs are not repeated any more",
            field="Idempotency-Key",
            reason="secret_not_replayable",
        )
    if batch is None:
        batch = begun(tx, caller, command)
        if command.quantity <= CHUNK:
            issued = _cards(tx, tenant, batch, 0, command.quantity)
            complete = replace(batch, status=BatchStatus.ISSUED, issued=batch.quantity)
            batch_store.add(tx, tenant, complete)
            return complete, issued
        tx.outside("issue the batch")
        started = batch
        run(lambda own: batch_store.add(own, tenant, started), tx.cause)
    issued = []
    for first in range(0, batch.quantity, CHUNK):
        issued += issue_chunk(tenant, batch, first, min(first + CHUNK, batch.quantity), tx.cause)
    return finish(tx, tenant, batch.batch_id), issued


def begun(tx: Transaction, caller: Caller, command: IssueBatch) -> Batch:
    """The batch that this unit of work is to issue, not written yet.

    Raises:
        Invalid: as ``issuing.issue`` does, of any of the cards.
    """
    now = clock.now()
    for row in command.rows:
        require_issuable(caller.tenant, row, now)
    return Batch(
        batch_id=id_of(tx),
        status=BatchStatus.PROCESSING,
        rows=command.rows,
        quantity=command.quantity,
        issued=0,
        actor=caller.actor,
        created_at=now,
        updated_at=now,
    )


def issue_chunk(tenant: Tenant, batch: Batch, first: int, last: int, cause: Cause) -> list[Issued]:
    """Issue the cards from number ``first`` on and before ``last``, at most ``CHUNK``, in a transaction of their own.

    Cards that are there already stay as they are.
    """
    return run(lambda tx: _cards(tx, tenant, batch, first, last), cause)


def finish(tx: Transaction, tenant: Tenant, batch_id: str) -> Batch:
    """Write down that all cards of a batch are issued; nothing when that is written already.

    Raises:
        NotFound: no such batch.
    """
    batch = get(tenant, batch_id)
    if batch.status is BatchStatus.ISSUED:
        return batch
    done = batch.finished(clock.now())
    batch_store.save(tx, tenant, done)
    return done


def get(tenant: Tenant, batch_id: str) -> Batch:
    """One batch.

    Raises:
        NotFound: no such batch.
    """
    batch = batch_store.find(tenant, batch_id)
    if batch is None:
        raise NotFound("batch")
    return batch


def id_of(tx: Transaction) -> str:
    """The id of the batch that a unit of work issues."""
    return f"batch_{tx.operation_id}"


def _cards(tx: Transaction, tenant: Tenant, batch: Batch, first: int, last: int) -> list[Issued]:
    """The cards of these numbers: those that there are, and the others made."""
    wanted = {number: serials.of_batch(tenant, batch.batch_id, number) for number in range(first, last)}
    there = store.find_cards(tenant, wanted.values())
    issued = []
    for number, serial in wanted.items():
        if serial in there:
            # The first PIN, which opens nothing any more where it was replaced.
            issued.append(Issued(there[serial], pins.derive(tenant, serial, 1)))
        else:
            command = replace(batch.row(number), batch_id=batch.batch_id)
            issued.append(make(tx, tenant, command, serial, batch.actor))
    return issued
