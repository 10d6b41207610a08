"""A payment as the provider sees it, and what it means for an order.

The provider's object is the truth: whatever event arrives, in whatever order and however often, its object is fetched
again and the order moves to what that object says. No payment state goes back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from commerce.kernel.money import Money
from commerce.orders.model import Order, PaymentStatus
from commerce.refunds.records import RefundStatus

OURS = "till_"  # how the names of our own metadata begin


class IntentStatus(StrEnum):
    """Stripe's documented states of a payment intent."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"


class CaptureMethod(StrEnum):
    """When the money is taken: with the authorisation, or later and by a call of its own."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund as the provider knows it. ``refund_id`` is ours, where it was made for one; ``failure`` says why it
    failed, in the provider's word."""

    provider_id: str
    amount: Money
    status: RefundStatus
    created_at: datetime
    refund_id: str | None = None
    failure: str | None = None


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
    created_at: datetime
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    payment_method: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    refunds: tuple[ProviderRefund, ...] = field(default=())

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
            return PaymentStatus.VOIDED
        refused = self.failed and self.status is IntentStatus.REQUIRES_PAYMENT_METHOD
        return PaymentStatus.FAILED if refused else PaymentStatus.PENDING


@dataclass(frozen=True, slots=True)
class Payment:
    """What is recorded of one intent. Its id is the intent's: an intent collects once, so it is the payment.

    ``refunded`` is what of it went back and has its ledger entry.
    """

    payment_id: str
    order_id: str
    customer_id: str
    status: IntentStatus
    amount: Money
    received: Money
    refunded: Money
    capture_method: CaptureMethod
    payment_method: str | None
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    version: int = 1


def record_of(
    order: Order, intent: Intent, at: datetime, before: Payment | None, refunded: Money | None = None
) -> Payment:
    """What is to be recorded of ``intent`` after ``before``, where ``refunded`` is booked as given back now."""
    already = before.refunded if before is not None else Money.zero(order.currency)
    return Payment(
        payment_id=intent.intent_id,
        order_id=order.order_id,
        customer_id=order.buyer.customer_id,
        status=intent.status,
        amount=intent.amount,
        received=intent.received,
        refunded=already if refunded is None else already + refunded,
        capture_method=intent.capture_method,
        payment_method=intent.payment_method,
        metadata=intent.metadata,
        created_at=intent.created_at,
        updated_at=at,
        version=1 if before is None else before.version + 1,
    )


@dataclass(frozen=True, slots=True)
class StartPayment:
    """``minor`` units of ``currency`` for an order, as the caller understands what is owed.

    ``payment_method`` is one that the buyer chose before (``pm_…``). ``capture_method`` None takes what there is.
    """

    order_id: str
    minor: int
    currency: str
    customer_id: str | None = None
    payment_method: str | None = None
    capture_method: CaptureMethod | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """What is kept of a delivered event: enough to apply it, nothing about a person.

    ``intent_id`` is the payment intent that the event is about, None for events of other kinds; ``dispute_id`` the
    dispute, for events about one.
    """

    event_id: str
    type: str
    intent_id: str | None
    mode: str
    dispute_id: str | None = None


HANDLED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
