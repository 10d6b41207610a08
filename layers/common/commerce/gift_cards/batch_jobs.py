"""Batches of more gift cards than one request can issue (contract GC-02): told of, and issued by a workflow.

The request writes the batch and its event in one transaction. Whoever gets the event issues what is not there yet,
chunk by chunk, in any order and however often; then the batch is issued. One that stands still is told of again.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.gift_cards import batch_files, batch_store, batches, serials, store
from commerce.gift_cards.batch_files import Link
from commerce.gift_cards.batch_model import Batch, BatchStatus, IssueBatch
from commerce.gift_cards.batches import CHUNK
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import Conflict
from commerce.table.transaction import Transaction, run

MAX_AT_ONCE = 100  # cards that a request issues itself
REQUESTED = "gift_card_batch.requested"
STILL_FOR = timedelta(minutes=15)  # far longer than a workflow takes; two at once do no harm


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch, and how many of its cards there are."""

    batch: Batch
    cards_created: int


def issue(tx: Transaction, caller: Caller, command: IssueBatch) -> tuple[Batch, Link | None]:
    """Issue a batch and give a link to its file; have a large one issued, and give none.

    Raises:
        Invalid: as ``issuing.issue`` does, of any of the cards; then none is issued.
        Conflict: as ``batches.issue`` does.
        Unavailable: the file cannot be written for now.
    """
    if command.quantity > MAX_AT_ONCE:
        return request(tx, caller, command), None
    tx.outside("write the batch's file")
    # The file first: without it no card is issued, and it opens nothing until they are.
    link = batch_files.link_to(caller.tenant, batches.begun(tx, caller, command))
    batch, _ = batches.issue(tx, caller, command)
    return batch, link


def request(tx: Transaction, caller: Caller, command: IssueBatch) -> Batch:
    """Have a batch issued.

    Raises:
        Invalid: as ``issuing.issue`` does, of any of the cards; then none is issued.
    """
    earlier = batch_store.find(caller.tenant, batches.id_of(tx))
    if earlier is not None:
        return earlier
    batch = replace(batches.begun(tx, caller, command), sequence=1)
    batch_store.add(tx, caller.tenant, batch)
    _announce(tx, caller.tenant, batch)
    return batch


def missing(tenant: Tenant, batch_id: str) -> list[int]:
    """The chunks that are not issued yet, each as its first card's number.

    Raises:
        NotFound: no such batch.
    """
    batch = batches.get(tenant, batch_id)
    return [] if batch.status is BatchStatus.ISSUED else _missing(tenant, batch)


def issue_chunk(tenant: Tenant, batch_id: str, first: int) -> None:
    """Issue the chunk that begins with card ``first``, unless it is issued.

    Raises:
        NotFound: no such batch.
    """
    batch = batches.get(tenant, batch_id)
    batches.issue_chunk(tenant, batch, first, min(first + CHUNK, batch.quantity), Cause(batch.actor))


def finish(tenant: Tenant, batch_id: str) -> Batch:
    """Write down that a batch is issued.

    Raises:
        NotFound: no such batch.
        Conflict: some of its cards are missing.
    """
    batch = batches.get(tenant, batch_id)
    if batch.status is BatchStatus.PROCESSING and _missing(tenant, batch):
        raise Conflict("Some cards of the batch are missing", field="status", reason="batch_incomplete")
    return run(lambda tx: batches.finish(tx, tenant, batch_id), Cause(batch.actor))


def progress(tenant: Tenant, batch_id: str) -> Progress:
    """How far a batch is.

    Raises:
        NotFound: no such batch.
    """
    batch = batches.get(tenant, batch_id)
    if batch.status is BatchStatus.ISSUED:
        return Progress(batch, batch.quantity)
    left = sum(min(CHUNK, batch.quantity - first) for first in _missing(tenant, batch))
    return Progress(batch, batch.quantity - left)


def download(tx: Transaction, tenant: Tenant, batch_id: str) -> Link:
    """A fresh link to the file of an issued batch; that it was given out is written down.

    Raises:
        NotFound: no such batch.
        Conflict: it is not issued yet.
        Unavailable: the file cannot be written.
    """
    batch = batches.get(tenant, batch_id)
    if batch.status is not BatchStatus.ISSUED:
        raise Conflict("The batch is still being issued", field="status", reason="batch_not_issued")
    batch_store.save(tx, tenant, batch.downloaded(clock.now()))
    tx.outside("write the batch's file")
    return batch_files.link_to(tenant, batch)


def resume(tenant: Tenant, batch_id: str) -> None:
    """Tell again of a batch that stands still, if it still does."""

    def plan(tx: Transaction) -> None:
        batch, now = batches.get(tenant, batch_id), clock.now()
        if batch.status is BatchStatus.PROCESSING and batch.updated_at <= now - STILL_FOR:
            again = batch.requested(now)
            batch_store.save(tx, tenant, again)
            _announce(tx, tenant, again)

    run(plan, Cause("system:gift_card_batches"))


def _missing(tenant: Tenant, batch: Batch) -> list[int]:
    """A chunk is one transaction, so it is there when its first card is."""
    firsts = {serials.of_batch(tenant, batch.batch_id, n): n for n in range(0, batch.quantity, CHUNK)}
    there = store.find_cards(tenant, firsts)
    return [number for serial, number in firsts.items() if serial not in there]


def _announce(tx: Transaction, tenant: Tenant, batch: Batch) -> None:
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=REQUESTED,
            aggregate_id=batch.batch_id,
            sequence=batch.sequence,
            at=batch.updated_at,
            tenant=tenant,
            data={"id": batch.batch_id, "quantity": batch.quantity},
        ),
    )
