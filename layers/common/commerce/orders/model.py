"""What an order is: three independent axes of state (contract X-15), and the only ways each may move.

status              pending_payment ──► pending ──► processing ──► shipped ──► delivered
                           └────────────────┴───────────┴──► cancelled, while nothing has left
payment_status      pending ⇄ failed ──► authorized ──► paid ⇄ partially_refunded ⇄ refunded
                       └──────┴────────────┴──► voided ──► pending (the next payment)
fulfillment_status  unfulfilled ──► partial ──► fulfilled ──► returned   (partial again with each further part)

The rest of an order of which some has left may be given up: then it is shipped and fulfilled without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from commerce.inventory.model import Allocation, StockKey
from commerce.kernel.errors import Conflict, IllegalMove, Invalid
from commerce.kernel.money import Money, spread, total


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
    VOIDED = "voided"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    RETURNED = "returned"


class LineStatus(StrEnum):
    """Where a line of an order is (contract TR-01)."""

    PENDING = "pending"
    BACKORDERED = "backordered"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Axis(StrEnum):
    """The three axes of state, by which lists are filtered."""

    STATUS = "status"
    PAYMENT = "payment"
    FULFILLMENT = "fulfillment"


type Facets = dict[Axis, Status | PaymentStatus | FulfillmentStatus]


MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING_PAYMENT: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.PROCESSING, Status.SHIPPED, Status.CANCELLED}),
    Status.PROCESSING: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
}

# What a merchant may ask for: an order becomes pending by its payment alone.
BY_HAND = frozenset({Status.PROCESSING, Status.SHIPPED, Status.DELIVERED, Status.CANCELLED})

# Voided: the payment was called off before anything was collected. The order owes what it owed and can be paid anew.
PAYMENT_MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.FAILED, PaymentStatus.AUTHORIZED, PaymentStatus.PAID, PaymentStatus.VOIDED}
    ),
    PaymentStatus.FAILED: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.PAID, PaymentStatus.VOIDED}
    ),
    PaymentStatus.AUTHORIZED: frozenset({PaymentStatus.PAID, PaymentStatus.FAILED, PaymentStatus.VOIDED}),
    PaymentStatus.VOIDED: frozenset({PaymentStatus.PENDING}),
    # Back again, where a refund that had succeeded fails after all: a bank may send it back days later.
    PaymentStatus.PAID: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.PAID, PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED}),
}

FULFILLMENT_MOVES: dict[FulfillmentStatus, frozenset[FulfillmentStatus]] = {
    FulfillmentStatus.UNFULFILLED: frozenset({FulfillmentStatus.PARTIAL, FulfillmentStatus.FULFILLED}),
    FulfillmentStatus.PARTIAL: frozenset({FulfillmentStatus.PARTIAL, FulfillmentStatus.FULFILLED}),
    FulfillmentStatus.FULFILLED: frozenset({FulfillmentStatus.RETURNED}),
    FulfillmentStatus.RETURNED: frozenset(),
}

WAITING = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.VOIDED})  # for money
COLLECTED = frozenset({PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED})


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
    """``quantity`` units at a frozen ``unit_price``; ``allocations`` say which warehouses set them aside.

    Units that no warehouse has set aside wait for stock, as ``backorder_id`` says: until ``expected_on``, as the
    customer was last told; ``preordered`` where they were ordered before there ever was any. ``discount`` and ``tax``
    are the line's part of the order's, frozen with it. ``catalogue_price`` is what the catalogue asked, where somebody
    with the right to do so set another price. ``returning`` counts the units that returns have claimed, for good unless
    the return comes to nothing; ``refunded`` those of them that were refunded. ``given_up`` units will never leave.
    """

    line_id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    quantity: int
    unit_price: Money
    discount: Money
    tax: Money
    allocations: tuple[Allocation, ...] = ()
    catalogue_price: Money | None = None
    returning: int = 0
    refunded: int = 0
    backorder_id: str | None = None
    preordered: bool = False
    expected_on: date | None = None
    given_up: int = 0

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity

    @property
    def allocated(self) -> int:
        """The units that warehouses have set aside, those that have left among them."""
        return sum(part.quantity for part in self.allocations)

    @property
    def shipped(self) -> int:
        """The units that have left."""
        return sum(part.shipped for part in self.allocations)

    @property
    def waiting(self) -> int:
        """The units that wait for stock."""
        return self.quantity - self.allocated - self.given_up

    @property
    def shippable(self) -> int:
        """The units that are set aside and have not left."""
        return self.allocated - self.shipped

    @property
    def unsent(self) -> int:
        """The units that are still to leave, whether they are set aside or wait for stock."""
        return self.quantity - self.given_up - self.shipped

    @property
    def returnable(self) -> int:
        """The units that have left, and that no return has claimed."""
        return self.shipped - self.returning

    @property
    def reserved(self) -> tuple[tuple[StockKey, int], ...]:
        """The stock that is set aside for the line and has not left, with its units."""
        return tuple((self._place(part), part.reserved) for part in self.allocations if part.reserved)

    def ship(self, units: int) -> tuple["OrderLine", tuple[tuple[StockKey, int], ...]]:
        """The same line with more of its units on their way, and the stock that leaves for it.

        Raises:
            Conflict: not that many are set aside.
        """
        if not 0 < units <= self.shippable:
            raise Conflict(
                f"{self.shippable} units of {self.name} can be shipped", field="items", reason="exceeds_shippable"
            )
        left, allocations, parts = units, list[Allocation](), list[tuple[StockKey, int]]()
        for part in self.allocations:
            leaves = min(left, part.reserved)
            left -= leaves
            allocations.append(replace(part, shipped=part.shipped + leaves))
            if leaves:
                parts.append((self._place(part), leaves))
        return replace(self, allocations=tuple(allocations)), tuple(parts)

    def give_up(self) -> "OrderLine":
        """The same line without the units that have not left."""
        left = tuple(replace(part, quantity=part.shipped) for part in self.allocations if part.shipped)
        return replace(self, allocations=left, given_up=self.given_up + self.unsent)

    def allocate(self, warehouse_id: str, units: int) -> "OrderLine":
        """The same line with units that waited set aside in a warehouse."""
        if not 0 < units <= self.waiting:
            raise ValueError(f"{units} of {self.waiting} waiting units")
        merged = {part.warehouse_id: part for part in self.allocations}
        there = merged.get(warehouse_id, Allocation(warehouse_id, 0))
        merged[warehouse_id] = replace(there, quantity=there.quantity + units)
        return replace(self, allocations=tuple(merged.values()))

    def _place(self, part: Allocation) -> StockKey:
        return StockKey(self.product_id, self.variant_id, part.warehouse_id)


class TenderKind(StrEnum):
    """What pays for an order besides the payment provider."""

    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"


@dataclass(frozen=True, slots=True)
class Tender:
    """Stored value that was spent on an order; ``given_back`` of it went back to where it came from.

    ``tender_id`` is a gift card's redemption or a lot of store credit, ``source`` the card's serial or the customer.
    """

    kind: TenderKind
    tender_id: str
    source: str
    amount: Money
    given_back: Money

    @property
    def remaining(self) -> Money:
        return self.amount - self.given_back


class DiscountKind(StrEnum):
    """Whether a discount was asked for by a code, or came by itself."""

    COUPON = "coupon"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class AppliedDiscount:
    """A discount as it was when the order was placed: ``amount`` off the goods, ``shipping`` off shipping.

    ``code`` and ``coupon_kind`` are a coupon's. ``parts`` are what of the amount is each line's, in the lines' order.
    """

    kind: DiscountKind
    discount_id: str
    name: str
    amount: Money
    shipping: Money
    code: str | None = None
    coupon_kind: str | None = None
    parts: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class SoldGiftCard:
    """A gift card that is bought with the order; ``serial`` once it is issued, which is when the order is paid."""

    line_id: str
    amount: Money
    recipient_email: str
    recipient_name: str | None = None
    sender_name: str | None = None
    message: str | None = None
    design: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """What lists show of an order; ``units`` counts what was ordered, over all lines."""

    order_id: str
    customer_id: str
    status: Status
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    currency: str
    total: Money
    refunded: Money
    units: int
    placed_at: datetime
    updated_at: datetime
    version: int

    def meets(self, facets: Facets) -> bool:
        own = {
            Axis.STATUS: self.status,
            Axis.PAYMENT: self.payment_status,
            Axis.FULFILLMENT: self.fulfillment_status,
        }
        return facets.items() <= own.items()


@dataclass(frozen=True, slots=True)
class Order:
    """``version`` counts changes, ``sequence`` the events told of them.

    ``refunded`` is what was given back, to wherever: of that, ``compensated`` as new stored value in place of what was
    paid, and ``shipping_refunded`` for shipping. ``refunding`` is on its way back through the payment provider,
    ``disputed`` is held back by it, or lost, in disputes.
    """

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
    refunding: Money
    compensated: Money
    disputed: Money
    shipping_refunded: Money
    cart_id: str | None = None
    payment_method: str | None = None
    shipping_method: str | None = None
    payment_intent_id: str | None = None
    payment_attempts: int = 0
    tracking_number: str | None = None
    carrier: str | None = None
    estimated_delivery: str | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: int = 1
    sequence: int = 0
    tenders: tuple[Tender, ...] = ()
    gift_cards: tuple[SoldGiftCard, ...] = ()
    discounts: tuple[AppliedDiscount, ...] = ()

    @property
    def subtotal(self) -> Money:
        return total([line.total for line in self.lines], self.currency) + self.sold_value

    @property
    def sold_value(self) -> Money:
        """What the gift cards that are bought with the order are worth."""
        return total([card.amount for card in self.gift_cards], self.currency)

    @property
    def tendered(self) -> Money:
        """What of the order stored value pays for."""
        return total([tender.remaining for tender in self.tenders], self.currency)

    @property
    def coverable(self) -> Money:
        """What stored value may still pay for; a gift card cannot buy a gift card."""
        return self.outstanding - self.sold_value if self.is_payable else Money.zero(self.currency)

    @property
    def total(self) -> Money:
        return self.subtotal - self.discount + self.tax + self.shipping

    @property
    def outstanding(self) -> Money:
        """What is still to be collected outside (contract X-24)."""
        return self.total - self.tendered if self.is_payable else Money.zero(self.currency)

    @property
    def is_payable(self) -> bool:
        return self.payment_status in WAITING and self.status is not Status.CANCELLED

    @property
    def collected(self) -> Money:
        """What was collected for the order and not given back."""
        return self.total - self.refunded if self.payment_status in COLLECTED else Money.zero(self.currency)

    @property
    def collected_outside(self) -> Money:
        """What of that the payment provider holds."""
        return self.collected - self.tendered if self.payment_status in COLLECTED else Money.zero(self.currency)

    @property
    def given_back(self) -> Money:
        """What of its tenders went back."""
        return total([tender.given_back for tender in self.tenders], self.currency)

    @property
    def due_outside(self) -> Money:
        """What the payment provider collects for the order, or has collected."""
        return self.total - total([tender.amount for tender in self.tenders], self.currency)

    @property
    def captured(self) -> Money:
        """What it has collected."""
        return self.due_outside if self.payment_status in COLLECTED else Money.zero(self.currency)

    @property
    def refunded_outside(self) -> Money:
        """What the payment provider gave back of that."""
        back = self.refunded - self.given_back - self.compensated
        return back if self.payment_status in COLLECTED else Money.zero(self.currency)

    @property
    def is_given_back(self) -> bool:
        """Whether all that was collected went back, or is on its way."""
        return self.payment_status in COLLECTED and self.total <= self.refunded + self.refunding

    @property
    def is_earned(self) -> bool:
        """Whether the goods are on their way, so that what was collected for them is revenue."""
        return self.fulfillment_status in (FulfillmentStatus.FULFILLED, FulfillmentStatus.RETURNED)

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def waiting(self) -> int:
        """The units that wait for stock."""
        return sum(line.waiting for line in self.lines)

    @property
    def reserved(self) -> tuple[tuple[StockKey, int], ...]:
        """The stock that is set aside for the order and has not left, with its units."""
        return tuple(part for line in self.lines for part in line.reserved)

    @property
    def waiting_ids(self) -> tuple[str, ...]:
        """The backorders of those units."""
        return tuple(line.backorder_id for line in self.lines if line.waiting and line.backorder_id is not None)

    @property
    def coupon_ids(self) -> tuple[str, ...]:
        """The coupons that it uses."""
        return tuple(each.discount_id for each in self.discounts if each.kind is DiscountKind.COUPON)

    @property
    def ending_writes(self) -> int:
        """The rows of stock, queues, coupons and stored value that calling it off changes, at most.

        A line that waits has a place in a queue, and by then stock of one warehouse.
        """
        stock = sum(max(len(line.reserved), 1) + 1 if line.waiting else len(line.reserved) for line in self.lines)
        tenders = sum(4 if tender.kind is TenderKind.GIFT_CARD else 3 for tender in self.tenders)
        return stock + 3 * len(self.coupon_ids) + tenders

    def line(self, line_id: str) -> OrderLine:
        """One of its lines.

        Raises:
            Invalid: it has no such line.
        """
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise Invalid("The order has no such line", field="items", reason="unknown_line")

    def status_of(self, line: OrderLine) -> LineStatus:
        """Where one of its lines is."""
        if self.status is Status.CANCELLED:
            return LineStatus.CANCELLED
        if line.given_up == line.quantity:
            return LineStatus.CANCELLED
        if not line.unsent:
            return LineStatus.DELIVERED if self.status is Status.DELIVERED else LineStatus.SHIPPED
        if line.shipped:
            return LineStatus.PARTIALLY_SHIPPED
        return LineStatus.BACKORDERED if line.waiting else LineStatus.PENDING

    def move_to(self, target: Status) -> "Order":
        """The same order in ``target``.

        Raises:
            IllegalMove: the table does not list the move, or the order is to be cancelled after some of it has left.
        """
        if target not in MOVES[self.status]:
            raise IllegalMove(f"An order that is {self.status} cannot become {target}")
        if target is Status.CANCELLED and self.fulfillment_status is not FulfillmentStatus.UNFULFILLED:
            raise IllegalMove("Some of this order has left: that is returned, and its rest is given up")
        return replace(self, status=target, expires_at=None)

    def ship(self, units: Mapping[str, int] | None = None) -> tuple["Order", tuple[tuple[StockKey, int], ...]]:
        """The same order with units of its lines on their way, and the stock that leaves for them.

        Args:
            units: by line id; None for all that is set aside. The order is shipped once the last unit has left, and
                ``processing`` before that.

        Raises:
            Invalid: it has no such line.
            Conflict: it is not paid, all of it goes back, nothing can be shipped, or not that many units.
            IllegalMove: the tables do not list the moves.
        """
        self.move_to(Status.SHIPPED)  # what is wrong in any case comes first
        if self.payment_status not in (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED):
            raise Conflict(
                f"An order is shipped once it is paid; this one's payment is {self.payment_status}",
                field="status",
                reason="not_paid",
            )
        if self.is_given_back and self.total.minor:
            raise Conflict(
                "All that was paid for this order goes back: cancel it, or give up its rest",
                field="status",
                reason="being_refunded",
            )
        wanted = {line.line_id: line.shippable for line in self.lines if line.shippable} if units is None else units
        lines, parts = {line.line_id: line for line in self.lines}, list[tuple[StockKey, int]]()
        for line_id, leaving in wanted.items():
            lines[line_id], left = self.line(line_id).ship(leaving)
            parts += left
        after = replace(self, lines=tuple(lines.values()))
        whole = not any(line.unsent for line in after.lines)  # where only gift cards are bought, too
        status = Status.SHIPPED if whole else Status.PROCESSING
        moved = after if status is self.status else after.move_to(status)
        if not parts and self.lines:
            raise Conflict("All units of this order wait for stock", field="items", reason="backordered")
        target = FulfillmentStatus.FULFILLED if whole else FulfillmentStatus.PARTIAL
        if target not in FULFILLMENT_MOVES[self.fulfillment_status]:
            raise IllegalMove(f"An order that is {self.fulfillment_status} cannot become {target}")
        return replace(moved, fulfillment_status=target), tuple(parts)

    def give_up_rest(self) -> "Order":
        """The same order without the units that have not left: it is shipped with those that have.

        Raises:
            IllegalMove: all of it has left, or it is cancelled.
            Conflict: nothing of it has left.
        """
        shipped = self.move_to(Status.SHIPPED)
        if self.fulfillment_status is FulfillmentStatus.UNFULFILLED:
            raise Conflict("Nothing of this order has left: cancel it", field="status", reason="nothing_left")
        lines = tuple(line.give_up() for line in self.lines)
        return replace(shipped, lines=lines, fulfillment_status=FulfillmentStatus.FULFILLED)

    def allocate(self, line_id: str, warehouse_id: str, units: int) -> "Order":
        """The same order with units of a line that waited set aside in a warehouse."""
        allocated = self.line(line_id).allocate(warehouse_id, units)
        return replace(self, lines=tuple(allocated if each.line_id == line_id else each for each in self.lines))

    def expect(self, line_id: str, day: date) -> "Order":
        """The same order with another day on which the units that a line waits for should be there."""
        expecting = replace(self.line(line_id), expected_on=day)
        return replace(self, lines=tuple(expecting if each.line_id == line_id else each for each in self.lines))

    def may_pay(self, target: PaymentStatus) -> bool:
        return target in PAYMENT_MOVES[self.payment_status]

    def pay(self, target: PaymentStatus) -> "Order":
        """The same order with another payment status; what settles it also ends its wait for payment.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if not self.may_pay(target):
            raise IllegalMove(f"A payment that is {self.payment_status} cannot become {target}")
        # A payment that arrives after the order was called off: its stored value has gone back already.
        late = target is PaymentStatus.PAID and self.status is Status.CANCELLED
        paid = replace(self, payment_status=target, refunded=self.given_back if late else self.refunded)
        settled = target in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED)
        return paid.move_to(Status.PENDING) if settled and self.status is Status.PENDING_PAYMENT else paid

    def refund(self, amount: Money) -> "Order":
        """The same order with more of it given back; less, where ``amount`` is below zero."""
        refunded = self.refunded + amount
        some = PaymentStatus.PARTIALLY_REFUNDED if refunded.minor else PaymentStatus.PAID
        target = PaymentStatus.REFUNDED if self.total <= refunded and refunded.minor else some
        again = target is self.payment_status
        return replace(self if again else self.pay(target), refunded=refunded)

    def claim(self, units: Mapping[str, int]) -> "Order":
        """The same order with more of its lines' units claimed by returns; fewer, where a number is below zero.

        Raises:
            Invalid: it has no such line.
            Conflict: not that many units are left to return.
        """
        for line_id, wanted in units.items():
            line = self.line(line_id)
            if line.returnable < wanted:
                raise Conflict(
                    f"{line.returnable} units of {line.name} are left to return",
                    field="items",
                    reason="exceeds_returnable",
                )
        return self._with_lines({each: ("returning", more) for each, more in units.items()})

    def count_refunded(self, units: Mapping[str, int]) -> "Order":
        """The same order with more of its lines' units refunded; returned, once that is all that left."""
        after = self._with_lines({each: ("refunded", more) for each, more in units.items()})
        whole = bool(units) and all(line.refunded == line.quantity - line.given_up for line in after.lines)
        may = FulfillmentStatus.RETURNED in FULFILLMENT_MOVES[self.fulfillment_status]
        return replace(after, fulfillment_status=FulfillmentStatus.RETURNED) if whole and may else after

    def reduce(self, amount: Money) -> "Order":
        """The same order where ``amount`` of it will not be collected: a discount, spread over what is sold."""
        worth = [line.total - line.discount + line.tax for line in self.lines]
        parts = spread(min(amount, total(worth, self.currency)), [each.minor for each in worth])
        lines = [replace(line, discount=line.discount + part) for line, part in zip(self.lines, parts, strict=True)]
        return replace(self, lines=tuple(lines), discount=self.discount + amount)

    def _with_lines(self, more: Mapping[str, tuple[str, int]]) -> "Order":
        """The same order with one count of some lines changed."""
        lines = []
        for line in self.lines:
            name, units = more.get(line.line_id, ("returning", 0))
            lines.append(replace(line, **{name: getattr(line, name) + units}))
        return replace(self, lines=tuple(lines))

    def take_back(self, amounts: Mapping[str, Money]) -> "Order":
        """The same order after amounts of its tenders went back, by tender id; once it was paid, they are refunds."""
        tenders = tuple(
            replace(each, given_back=each.given_back + amounts[each.tender_id]) if each.tender_id in amounts else each
            for each in self.tenders
        )
        if any(tender.remaining.minor < 0 for tender in tenders):
            raise ValueError("more goes back than was spent")
        after = replace(self, tenders=tenders)
        amount = total(list(amounts.values()), self.currency)
        return after.refund(amount) if self.payment_status in COLLECTED and amount.minor else after

    def changed(self, at: datetime, **changes: Any) -> "Order":
        """The same order one version on, with ``changes``. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)
