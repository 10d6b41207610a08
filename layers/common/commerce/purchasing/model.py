"""Purchase orders: what is to be bought of a supplier. Low stock drafts them; a person orders or drops them.

Nothing is sent to a supplier, and no stock changes: what arrives is received as any other goods are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from commerce.inventory.model import Scope
from commerce.kernel.errors import IllegalMove


class PurchaseOrderStatus(StrEnum):
    DRAFT = "draft"
    ORDERED = "ordered"
    CANCELLED = "cancelled"


MOVES: Mapping[PurchaseOrderStatus, frozenset[PurchaseOrderStatus]] = {
    PurchaseOrderStatus.DRAFT: frozenset({PurchaseOrderStatus.ORDERED, PurchaseOrderStatus.CANCELLED}),
    PurchaseOrderStatus.ORDERED: frozenset(),
    PurchaseOrderStatus.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """``quantity`` units of what the alert ``alert_id`` watches: one variant or any, for one warehouse or any."""

    purchase_order_id: str
    alert_id: str
    scope: Scope
    quantity: int
    supplier: str | None
    status: PurchaseOrderStatus
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def close(self, status: PurchaseOrderStatus, at: datetime) -> "PurchaseOrder":
        """The same purchase order, no draft any more.

        Raises:
            IllegalMove: it cannot become ``status``.
        """
        if status not in MOVES[self.status]:
            raise IllegalMove(f"A purchase order that is {self.status} cannot become {status}")
        return replace(self, status=status, updated_at=at, version=self.version + 1)
