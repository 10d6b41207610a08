"""A backorder as events show it, and as ``/admin`` answers it."""

from typing import Any

from commerce.backorders.model import Standing


def as_object(standing: Standing) -> dict[str, Any]:
    """The backorder in plain values; units, and the day as text."""
    backorder, expected = standing.backorder, standing.line.expected_on
    return {
        "id": backorder.backorder_id,
        "type": str(backorder.kind),
        "order_id": backorder.order_id,
        "order_item_id": backorder.line_id,
        "product_id": backorder.product_id,
        "variant_id": backorder.variant_id,
        "quantity": backorder.quantity,
        "allocated": standing.allocated,
        "remaining": standing.remaining,
        "status": str(standing.status),
        "expected_date": None if expected is None else expected.isoformat(),
        "priority": backorder.priority,
        "version": backorder.version,
        "created_at": backorder.placed_at,
    }
