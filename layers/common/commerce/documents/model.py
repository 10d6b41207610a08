"""What packing slips, invoices and pick lists say (contract PK-01…03), apart from how they are printed.

A document is what was true when it was made. It is written down whole, so that the page and the PDF of one document say
the same, whatever became of the order in between.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from commerce.kernel.document_policy import DocumentPolicy, Paper
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, total
from commerce.orders.model import COLLECTED, MOVES, Address, Order, PaymentStatus, Status, Tender, TenderKind

MAX_BATCH = 100  # orders of one call for slips or invoices
MAX_PICKED = 200  # orders on one pick list
MAX_LINES = 2_000  # of orders in one PDF: printing 300 takes three seconds, and a download waits for it
_SERIAL_SHOWN = 4
_NOT_COLLECTED = "not charged"
_TENDER_NAMES = {TenderKind.GIFT_CARD: "Gift card", TenderKind.STORE_CREDIT: "Store credit"}
_SHIPPABLE = frozenset({PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED})


@dataclass(frozen=True, slots=True)
class Sender:
    """The shop, as its documents name it; ``logo`` is the picture's name in the files."""

    name: str
    address: tuple[str, ...]
    footer: str | None
    paper: Paper
    logo: str | None

    @classmethod
    def of(cls, name: str, country: str, policy: DocumentPolicy) -> "Sender":
        return cls(name, policy.address, policy.footer, policy.paper_in(country), policy.logo)


@dataclass(frozen=True, slots=True)
class SlipLine:
    """Units of one line: ordered, in this parcel, sent before, and to follow once there is stock."""

    sku: str
    name: str
    ordered: int
    packed: int
    sent: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Slip:
    """What lies in a parcel; no prices (contract PK-01)."""

    order_id: str
    placed_on: date
    sender: Sender
    ship_to: tuple[str, ...]
    shipping_method: str | None
    lines: tuple[SlipLine, ...]
    kind: Literal["slip"] = "slip"

    @property
    def title(self) -> str:
        return f"Packing slip {self.order_id}"

    @property
    def units(self) -> int:
        return sum(line.packed for line in self.lines)

    @property
    def is_partial(self) -> bool:
        return any(line.sent or line.waiting for line in self.lines)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """``quantity`` units at ``unit_price``; ``amount`` is what is asked for them, discount off and tax on."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    discount: Money
    tax: Money

    @property
    def amount(self) -> Money:
        return self.unit_price * self.quantity - self.discount + self.tax


@dataclass(frozen=True, slots=True)
class Payment:
    """A tender that pays for the order, as it is named on the invoice."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """What was sold to whom for how much, under a number that no other invoice has (contract PK-02).

    Stored value is among the ``payments``: it takes nothing off the total. What is refunded later is no part of it.
    Discounts are named where they count: those off the goods, and those off ``shipping``.
    """

    number: str
    issued_on: date
    order_id: str
    placed_on: date
    sender: Sender
    bill_to: tuple[str, ...]
    ship_to: tuple[str, ...]
    currency: str
    lines: tuple[InvoiceLine, ...]
    discount_names: tuple[str, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    payments: tuple[Payment, ...]
    shipping_discount_names: tuple[str, ...] = ()
    kind: Literal["invoice"] = "invoice"

    @property
    def title(self) -> str:
        return f"Invoice {self.number}"

    @property
    def sums(self) -> tuple[tuple[str, Money, bool], ...]:
        """What stands below the lines: a label, an amount, and whether it is the sum that the others lead to."""
        zero = Money.zero(self.currency)
        shipping = _with_names("Shipping", self.shipping_discount_names)
        sums = [("Subtotal", self.subtotal, False)]
        if self.discount.minor:
            sums.append((_with_names("Discount", self.discount_names), zero - self.discount, False))
        sums += [(shipping, self.shipping, False), ("Tax", self.tax, False), ("Total", self.total, True)]
        sums += [(f"Paid by {each.name}", each.amount, False) for each in self.payments]
        paid = total([each.amount for each in self.payments], self.currency)
        return (*sums, ("Amount due", self.total - paid, True))


@dataclass(frozen=True, slots=True)
class Pick:
    """``units`` of a SKU to be taken for the order that stands at ``place`` in the list's orders, from 1."""

    place: int
    units: int


@dataclass(frozen=True, slots=True)
class PickRow:
    """All units of one SKU in one warehouse."""

    sku: str
    name: str
    picks: tuple[Pick, ...]

    @property
    def units(self) -> int:
        return sum(pick.units for pick in self.picks)


@dataclass(frozen=True, slots=True)
class PickPlace:
    """A warehouse and what is picked there, by SKU."""

    warehouse_id: str
    rows: tuple[PickRow, ...]

    @property
    def units(self) -> int:
        return sum(row.units for row in self.rows)


@dataclass(frozen=True, slots=True)
class PickedOrder:
    order_id: str
    units: int


@dataclass(frozen=True, slots=True)
class PickList:
    """What to fetch for several orders, grouped by warehouse and then by SKU (contract PK-03).

    Only what is set aside and has not left is on it.
    """

    sender: Sender
    orders: tuple[PickedOrder, ...]
    places: tuple[PickPlace, ...]
    kind: Literal["pick_list"] = "pick_list"

    @property
    def title(self) -> str:
        return "Pick list"

    @property
    def units(self) -> int:
        return sum(place.units for place in self.places)


type Document = Slip | Invoice | PickList


def require_printable(lines: int) -> None:
    """Raise Invalid where documents have so many lines of orders together that their PDF would take too long."""
    if lines > MAX_LINES:
        raise Invalid(
            f"These orders have {lines} lines, and {MAX_LINES} are printed at once; ask for fewer orders",
            field="order_ids",
            reason="too_large",
        )


def require_packable(order: Order) -> None:
    """Raise Conflict for an order that nobody packs."""
    if order.status is Status.CANCELLED:
        raise Conflict(f"The order {order.order_id} is cancelled", field="order_id", reason="not_packable")


def require_invoiceable(order: Order) -> None:
    """Raise Conflict for an order of which no invoice is made: it is cancelled, or nobody has paid for it yet."""
    if order.status is Status.CANCELLED or order.payment_status not in COLLECTED:
        raise Conflict(
            f"An invoice is made once an order is paid; the payment of {order.order_id} is {order.payment_status}",
            field="order_id",
            reason="not_invoiceable",
        )


def is_pickable(order: Order) -> bool:
    """Whether something of the order may leave: it is paid, not all of it goes back, and units are set aside."""
    if order.is_given_back and order.total.minor:
        return False
    return Status.SHIPPED in MOVES[order.status] and order.payment_status in _SHIPPABLE and bool(order.reserved)


def slip_of(order: Order, sender: Sender, placed_on: date) -> Slip:
    """The slip of the parcel that is packed next; once all that there is has left, of what has left."""
    packing = any(line.shippable for line in order.lines)
    return Slip(
        order_id=order.order_id,
        placed_on=placed_on,
        sender=sender,
        ship_to=address_lines(order.shipping_address),
        shipping_method=order.shipping_method,
        lines=tuple(
            SlipLine(
                sku=line.sku,
                name=line.name,
                ordered=line.quantity,
                packed=line.shippable if packing else line.shipped,
                sent=line.shipped if packing else 0,
                waiting=line.waiting,
            )
            for line in order.lines
        ),
    )


def invoice_of(order: Order, sender: Sender, number: str, issued_on: date, placed_on: date) -> Invoice:
    """The invoice of an order as it is now."""
    ship_to = address_lines(order.shipping_address)
    zero = Money.zero(order.currency)
    goods = [
        InvoiceLine(line.sku, line.name, line.quantity, line.unit_price, line.discount, line.tax)
        for line in order.lines
    ]
    cards = [InvoiceLine("", "Gift card", 1, card.amount, zero, zero) for card in order.gift_cards]
    outside = [Payment(_method(order), order.due_outside)] if order.due_outside.minor else []
    return Invoice(
        number=number,
        issued_on=issued_on,
        order_id=order.order_id,
        placed_on=placed_on,
        sender=sender,
        bill_to=ship_to if order.billing_address is None else address_lines(order.billing_address),
        ship_to=ship_to,
        currency=order.currency,
        lines=(*goods, *cards),
        discount_names=_discount_names(order),
        subtotal=order.subtotal,
        discount=order.discount,
        shipping=order.shipping,
        tax=order.tax,
        total=order.total,
        payments=(*(Payment(_tender(each), each.amount) for each in order.tenders), *outside),
        shipping_discount_names=tuple(each.code or each.name for each in order.discounts if each.shipping.minor),
    )


def pick_list_of(orders: Sequence[Order], sender: Sender) -> PickList:
    """What is picked for the orders, each of which is pickable."""
    names: dict[str, str] = {}
    picks: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for place, order in enumerate(orders, start=1):
        for line in order.lines:
            names.setdefault(line.sku, line.name)
            for stock, units in line.reserved:
                picks[stock.warehouse_id][line.sku][place] += units
    places = tuple(PickPlace(warehouse, _rows(by_sku, names)) for warehouse, by_sku in sorted(picks.items()))
    counted = tuple(PickedOrder(order.order_id, sum(units for _, units in order.reserved)) for order in orders)
    return PickList(sender, counted, places)


def address_lines(address: Address) -> tuple[str, ...]:
    """An address as it is printed."""
    town = " ".join(filter(None, (address.postal_code, address.city, address.state)))
    lines = (address.name, address.company, address.address1, address.address2, town, address.country)
    return tuple(line for line in lines if line)


def _rows(by_sku: Mapping[str, Mapping[int, int]], names: Mapping[str, str]) -> tuple[PickRow, ...]:
    return tuple(
        PickRow(sku, names[sku], tuple(Pick(place, units) for place, units in picks.items()))
        for sku, picks in sorted(by_sku.items())
    )


def _discount_names(order: Order) -> tuple[str, ...]:
    """What took something off the goods: discounts, and that less was collected than was asked (contract PY-04)."""
    names = [each.code or each.name for each in order.discounts if each.amount.minor]
    sold_with = total([each.amount for each in order.discounts], order.currency)
    return (*names, *([_NOT_COLLECTED] if sold_with < order.discount else []))


def _with_names(label: str, names: Sequence[str]) -> str:
    return f"{label} ({', '.join(names)})" if names else label


def _method(order: Order) -> str:
    return (order.payment_method or "card").replace("_", " ").capitalize()


def _tender(tender: Tender) -> str:
    """A gift card by the end of its serial, which is enough to know it by."""
    name = _TENDER_NAMES[tender.kind]
    return f"{name} …{tender.source[-_SERIAL_SHOWN:]}" if tender.kind is TenderKind.GIFT_CARD else name
