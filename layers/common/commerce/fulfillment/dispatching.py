"""Dispatching many orders: few are shipped by the time of the answer, many by a job (contract FU-02)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from commerce.fulfillment.use_cases import ShipOrder, Shipped, ship
from commerce.jobs.model import MAX_AT_ONCE, Job, JobType
from commerce.kernel.caller import Caller
from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError, Unavailable
from commerce.table.transaction import Transaction, run


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of a row: its shipment, or why it has none."""

    order: ShipOrder
    shipped: Shipped | None = None
    refusal: CommerceError | None = None


def dispatch(tx: Transaction, caller: Caller, rows: Sequence[ShipOrder]) -> tuple[Dispatched, ...] | Job:
    """Ship each row, or have many of them shipped by a job.

    Raises:
        Unavailable: nothing can be read or written for now. The rows before are done.
    """
    if len(rows) <= MAX_AT_ONCE:
        tx.outside("ship the orders")
        return ship_each(caller, tx.cause, rows)
    from commerce.jobs import use_cases as jobs  # and with it S3, for batches that are many rows

    return jobs.request_changes(tx, caller, JobType.BULK_DISPATCH, [asdict(row) for row in rows])


def ship_each(caller: Caller, cause: Cause, rows: Sequence[ShipOrder]) -> tuple[Dispatched, ...]:
    """Ship each row in a transaction of its own, in their order.

    A row that is refused does not stop the others. A row that has left already stays as it is, so that a batch of which
    some rows are done, for whatever reason, is simply sent again.

    Raises:
        Unavailable: nothing can be read or written for now. The rows before are done.
    """
    return tuple(_dispatched(caller, cause, row) for row in rows)


def _dispatched(caller: Caller, cause: Cause, row: ShipOrder) -> Dispatched:
    try:
        return Dispatched(row, shipped=run(lambda tx: ship(tx, caller, row), cause))
    except Unavailable:
        raise
    except CommerceError as refusal:
        return Dispatched(row, refusal=refusal)
