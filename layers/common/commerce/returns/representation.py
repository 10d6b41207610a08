"""A return as events carry it."""

from typing import Any

from commerce.returns.model import Receipt, Return


def as_object(ret: Return) -> dict[str, Any]:
    """The return in plain values: amounts are decimal major units, instants are instants."""
    return {
        "id": ret.return_id,
        "order_id": ret.order_id,
        "customer_id": ret.customer_id,
        "status": str(ret.status),
        "reason": ret.reason,
        "rma_number": ret.rma_number if ret.is_approved else None,
        "refund_method": str(ret.method),
        "total_refund": ret.refund.major,
        "currency": ret.refund.currency,
        "refund_id": ret.refund_id,
        "items": [
            {"order_item_id": item.line_id, "quantity": item.quantity, "reason": item.reason} for item in ret.items
        ],
        "receipts": [_receipt(receipt) for receipt in ret.receipts],
        "ended_because": ret.ended_because,
        "version": ret.version,
        "deadline": ret.deadline,
        "created_at": ret.requested_at,
        "updated_at": ret.updated_at,
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "order_item_id": receipt.line_id,
        "quantity": receipt.quantity,
        "disposition": str(receipt.disposition),
        "condition": receipt.condition,
        "location": receipt.warehouse_id,
    }
