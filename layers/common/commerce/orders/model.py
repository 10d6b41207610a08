"""What an order is: three independent axes of state (contract X-15), and the only ways each may move.

status              pending_payment ──► pending ──► processing ──► shipped ──► delivered
                           └────────────────┴───────────┴──► cancelled
payment_status      pending ⇄ failed ──► authorized ──► paid ──► partially_refunded ──► refunded
fulfillment_status  unfulfilled ──► partial ──► fulfilled ──► returned
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.inventory.model import Allocation
from commerce.kernel.errors import IllegalMove
from commerce.kernel.money import Money, total


class Status(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    RETURNED = "returned"


MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING_PAYMENT: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.PROCESSING, Status.SHIPPED, Status.CANCELLED}),
    Status.PROCESSING: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
}

PAYMENT_MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.FAILED, PaymentStatus.AUTHORIZED, PaymentStatus.PAID}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.PAID}),
    PaymentStatus.AUTHORIZED: frozenset({PaymentStatus.PAID, PaymentStatus.FAILED}),
    PaymentStatus.PAID: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes, as it was when the order was placed (contract X-19: ``name`` is kept whole)."""

    name: str
    address1: str
    city: str
    country: str
    state: str | None = None
    postal_code: str | None = None
    address2: str | None = None
    company: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """The customer as they were when the order was placed."""

    customer_id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """``quantity`` units at a frozen ``unit_price``; ``allocations`` say which warehouses set them aside."""

    line_id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    quantity: int
    unit_price: Money
    allocations: tuple[Allocation, ...] = ()

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """``version`` counts changes, ``sequence`` the events told of them."""

    order_id: str
    buyer: Buyer
    lines: tuple[OrderLine, ...]
    currency: str
    status: Status
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    shipping_address: Address
    billing_address: Address | None
    placed_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    discount: Money
    shipping: Money
    tax: Money
    refunded: Money
    cart_id: str | None = None
    payment_intent_id: str | None = None
    payment_attempts: int = 0
    tracking_number: str | None = None
    carrier: str | None = None
    estimated_delivery: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: int = 1
    sequence: int = 0

    @property
    def subtotal(self) -> Money:
        return total([line.total for line in self.lines], self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount + self.tax + self.shipping

    @property
    def outstanding(self) -> Money:
        """What is still to be collected outside."""
        return self.total if self.is_payable else Money.zero(self.currency)

    @property
    def is_payable(self) -> bool:
        waiting = self.payment_status in (PaymentStatus.PENDING, PaymentStatus.FAILED)
        return waiting and self.status is not Status.CANCELLED

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    def move_to(self, target: Status) -> "Order":
        """The same order in ``target``.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if target not in MOVES[self.status]:
            raise IllegalMove(f"An order that is {self.status} cannot become {target}")
        return replace(self, status=target, expires_at=None)

    def may_pay(self, target: PaymentStatus) -> bool:
        return target in PAYMENT_MOVES[self.payment_status]

    def pay(self, target: PaymentStatus) -> "Order":
        """The same order with another payment status; what settles it also ends its wait for payment.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if not self.may_pay(target):
            raise IllegalMove(f"A payment that is {self.payment_status} cannot become {target}")
        paid = replace(self, payment_status=target)
        settled = target in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED)
        return paid.move_to(Status.PENDING) if settled and self.status is Status.PENDING_PAYMENT else paid

    def refund(self, amount: Money) -> "Order":
        """The same order with more of it given back."""
        refunded = self.refunded + amount
        whole = self.total <= refunded
        target = PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
        again = target is self.payment_status
        return replace(self if again else self.pay(target), refunded=refunded)

    def changed(self, at: datetime, **changes: Any) -> "Order":
        """The same order one version on, with ``changes``. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)
