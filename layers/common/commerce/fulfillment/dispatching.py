"""Dispatching many orders at once (contract FU-02)."""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.fulfillment.use_cases import ShipOrder, Shipped, ship
from commerce.kernel.caller import Caller
from commerce.kernel.errors import CommerceError, Unavailable
from commerce.table.transaction import Transaction, run


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of a row: its shipment, or why it has none."""

    order_id: str
    shipped: Shipped | None = None
    refusal: CommerceError | None = None


def dispatch(tx: Transaction, caller: Caller, rows: Sequence[ShipOrder]) -> tuple[Dispatched, ...]:
    """Ship each row in a transaction of its own, in their order.

    A row that is refused does not stop the others. A row that has left already stays as it is, so that a batch of which
    some rows are done, for whatever reason, is simply sent again.

    Raises:
        Unavailable: nothing can be read or written for now. The rows before are done.
    """
    tx.outside("ship the orders")
    return tuple(_dispatch(tx, caller, row) for row in rows)


def _dispatch(tx: Transaction, caller: Caller, row: ShipOrder) -> Dispatched:
    try:
        return Dispatched(row.order_id, shipped=run(lambda own: ship(own, caller, row), tx.cause))
    except Unavailable:
        raise
    except CommerceError as refusal:
        return Dispatched(row.order_id, refusal=refusal)
