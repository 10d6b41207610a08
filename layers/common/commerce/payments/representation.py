"""A payment as v2 shows it: what ``/v2/payments`` answers, and what events of payments carry."""

from typing import Any

from commerce.payments.model import Payment


def as_object(payment: Payment) -> dict[str, Any]:
    """The payment in plain values: amounts are integer minor units, instants are instants."""
    return {
        "id": payment.payment_id,
        "status": str(payment.status),
        "amount": payment.amount.minor,
        "amount_received": payment.received.minor,
        "amount_refunded": payment.refunded.minor,
        "currency": payment.amount.currency.lower(),
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "capture_method": str(payment.capture_method),
        "payment_method": payment.payment_method,
        "metadata": payment.metadata,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }
