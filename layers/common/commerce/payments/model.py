"""A payment as the provider sees it, and what it means for an order.

The provider's object is the truth: whatever event arrives, in whatever order and however often, its object is fetched
again and the order moves to what that object says. No payment state goes back.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from commerce.kernel.money import Money
from commerce.orders.model import PaymentStatus


class IntentStatus(StrEnum):
    """Stripe's documented states of a payment intent."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class Refund:
    refund_id: str
    amount: Money
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Intent:
    """One payment intent. ``received`` is what was captured; ``failed`` that the last try to pay was refused."""

    intent_id: str
    status: IntentStatus
    amount: Money
    received: Money
    failed: bool
    client_secret: str | None
    order_id: str | None
    tenant_id: str | None
    mode: str | None
    refunds: tuple[Refund, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        return self.status not in (IntentStatus.CANCELED, IntentStatus.SUCCEEDED)

    @property
    def means(self) -> PaymentStatus:
        """The order's payment status that this intent stands for, refunds aside."""
        if self.status is IntentStatus.SUCCEEDED:
            return PaymentStatus.PAID
        if self.status is IntentStatus.REQUIRES_CAPTURE:
            return PaymentStatus.AUTHORIZED
        if self.status is IntentStatus.CANCELED:
            return PaymentStatus.FAILED
        refused = self.failed and self.status is IntentStatus.REQUIRES_PAYMENT_METHOD
        return PaymentStatus.FAILED if refused else PaymentStatus.PENDING


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """What is kept of a delivered event: enough to apply it, nothing about a person.

    ``intent_id`` is the payment intent that the event is about, None for events of other kinds.
    """

    event_id: str
    type: str
    intent_id: str | None
    mode: str


HANDLED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
