"""What a backorder is: units of an order line that wait for stock (contract BO-01…PO-04).

waiting ──► partially_allocated ──► allocated ──► fulfilled
   └───────────────┴────────────────────┴──► cancelled, with its order

What of it is allocated, has left, or is called off, its order's line says and nothing else: it is written once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commerce.inventory.model import Allocation
from commerce.orders.model import Order, OrderLine, Status

MAX_PRIORITY = 9


class Kind(StrEnum):
    """Whether there had been stock before."""

    BACKORDER = "backorder"
    PREORDER = "preorder"


class BackorderStatus(StrEnum):
    """Contract PO-01."""

    WAITING = "waiting"
    PARTIALLY_ALLOCATED = "partially_allocated"
    ALLOCATED = "allocated"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Backorder:
    """``quantity`` units of an order line that were not there when the order was placed.

    Those who wait for one variant are served by ``priority``, the highest first; then in the order in which they were
    placed, and of one order by ``line_number``. ``version`` counts what was changed of these.
    """

    backorder_id: str
    kind: Kind
    order_id: str
    line_id: str
    line_number: int
    product_id: str
    variant_id: str
    quantity: int
    placed_at: datetime
    priority: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A backorder, and its order, which says how far it is."""

    backorder: Backorder
    order: Order

    @property
    def line(self) -> OrderLine:
        return self.order.line(self.backorder.line_id)

    @property
    def remaining(self) -> int:
        """The units that still wait."""
        return 0 if self.order.status is Status.CANCELLED else self.line.waiting

    @property
    def allocated(self) -> int:
        """The units that do not any more."""
        return self.backorder.quantity - self.line.waiting

    @property
    def status(self) -> BackorderStatus:
        if self.order.status is Status.CANCELLED or self.line.given_up:
            return BackorderStatus.CANCELLED
        if not self.remaining:
            return BackorderStatus.ALLOCATED if self.line.unsent else BackorderStatus.FULFILLED
        return BackorderStatus.PARTIALLY_ALLOCATED if self.allocated else BackorderStatus.WAITING


@dataclass(frozen=True, slots=True)
class StockAllocation:
    """Units set aside for a backorder at once, by warehouse. These are only ever added."""

    allocation_id: str
    backorder_id: str
    order_id: str
    parts: tuple[Allocation, ...]
    at: datetime
    actor: str

    @property
    def quantity(self) -> int:
        return sum(part.quantity for part in self.parts)
