"""PM-20: a purchase order is a draft until somebody orders or drops it."""

from datetime import UTC, datetime, timedelta

import pytest

from commerce.inventory.model import Scope
from commerce.kernel.errors import IllegalMove
from commerce.purchasing.model import PurchaseOrder, PurchaseOrderStatus

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
DRAFT, ORDERED, CANCELLED = PurchaseOrderStatus
LEGAL = [(DRAFT, ORDERED), (DRAFT, CANCELLED)]
OTHERS = [
    (was, becomes) for was in PurchaseOrderStatus for becomes in PurchaseOrderStatus if (was, becomes) not in LEGAL
]


def purchase_order(status: PurchaseOrderStatus) -> PurchaseOrder:
    return PurchaseOrder("po_1", "alert_1", Scope("prod_1"), 100, "Harbor Textiles", status, NOON, NOON)


@pytest.mark.parametrize(("was", "becomes"), LEGAL)
def test_a_draft_is_ordered_or_dropped(was: PurchaseOrderStatus, becomes: PurchaseOrderStatus) -> None:
    closed = purchase_order(was).close(becomes, LATER)

    assert (closed.status, closed.updated_at, closed.version) == (becomes, LATER, 2)
    assert (closed.quantity, closed.supplier, closed.created_at) == (100, "Harbor Textiles", NOON)


@pytest.mark.parametrize(("was", "becomes"), OTHERS)
def test_no_other_move_is_legal(was: PurchaseOrderStatus, becomes: PurchaseOrderStatus) -> None:
    with pytest.raises(IllegalMove, match=f"{was} cannot become {becomes}"):
        purchase_order(was).close(becomes, LATER)
