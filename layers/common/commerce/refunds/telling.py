"""What is told of refunds: to an order's timeline, and to our own consumers."""

from typing import Any

from commerce.refunds.records import Refund

REQUESTED = "refund.requested"  # for whoever asks the payment provider
SETTLED = "refund.settled"  # for the return that waits for it


def as_data(refund: Refund) -> dict[str, Any]:
    """What the timeline says of a refund; ``failure`` is the provider's word."""
    told = {"refund_id": refund.refund_id, "amount": str(refund.amount.major), "currency": refund.currency}
    known = {"reason": refund.reason, "return_id": refund.return_id, "failure": refund.failure}
    return told | {name: text for name, text in known.items() if text is not None}


def told_of(refund: Refund) -> dict[str, Any]:
    """What our own consumers are told: which refund it is."""
    return {
        "order_id": refund.order_id,
        "refund_id": refund.refund_id,
        "return_id": refund.return_id,
        "status": str(refund.status),
    }
