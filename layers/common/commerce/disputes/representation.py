"""A dispute as v2 shows it: what ``/v2/payments/disputes`` answers, and what events of disputes carry."""

from typing import Any

from commerce.disputes.model import Dispute


def as_object(dispute: Dispute) -> dict[str, Any]:
    """The dispute in plain values: amounts are integer minor units, instants are instants."""
    return {
        "id": dispute.dispute_id,
        "payment_id": dispute.payment_id,
        "order_id": dispute.order_id,
        "customer_id": dispute.customer_id,
        "status": str(dispute.status),
        "reason": dispute.reason,
        "amount": dispute.amount.minor,
        "amount_withdrawn": dispute.withdrawn.minor,
        "amount_reinstated": dispute.reinstated.minor,
        "amount_lost": dispute.lost.minor,
        "currency": dispute.amount.currency.lower(),
        "evidence_due_by": dispute.due_by,
        "evidence_overdue": dispute.past_due,
        "evidence_submissions": dispute.submissions,
        "created_at": dispute.created_at,
        "updated_at": dispute.updated_at,
    }
