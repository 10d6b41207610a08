"""Orders in the table (patterns O1–O7).

An order is one row with its lines; its timeline, payments, postings and time-out stand beside it in its partition. A
copy with what lists show stands in the list of all orders, indexed by each of the three axes of state; it is written
with the order, in place, so that no list ever shows a state that the order has left.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from functools import reduce
from operator import and_
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.events.model import TimelineEvent
from commerce.events.store import INTERNAL, NoteRow, TimelineRow
from commerce.inventory.model import Allocation
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Period
from commerce.orders.model import (
    Address,
    AppliedDiscount,
    Axis,
    Buyer,
    DiscountKind,
    Facets,
    FulfillmentStatus,
    ListedOrder,
    Order,
    OrderLine,
    PaymentStatus,
    SoldGiftCard,
    Status,
    Tender,
    TenderKind,
)
from commerce.table import keys, reading
from commerce.table.reading import count, get, get_all, in_period, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

COLLECTION = "orders"
_ALL = "all"


class ListedOrderRow(Row, discriminator="listed_order"):
    """An order's place in the lists, with what lists show."""

    order_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    status = UnicodeAttribute()
    payment_status = UnicodeAttribute()
    fulfillment_status = UnicodeAttribute()
    currency = UnicodeAttribute()
    total = NumberAttribute()  # minor units, as all amounts
    refunded = NumberAttribute()
    units = NumberAttribute()
    placed_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_listed(self) -> ListedOrder:
        return ListedOrder(
            order_id=self.order_id,
            customer_id=self.customer_id,
            status=Status(self.status),
            payment_status=PaymentStatus(self.payment_status),
            fulfillment_status=FulfillmentStatus(self.fulfillment_status),
            currency=self.currency,
            total=Money(int(self.total), self.currency),
            refunded=Money(int(self.refunded), self.currency),
            units=int(self.units),
            placed_at=self.placed_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


class OrderRow(ListedOrderRow, discriminator="order"):
    audited: ClassVar[str] = "order"

    buyer = DocumentAttribute()
    lines = DocumentAttribute()
    shipping_address = DocumentAttribute()
    billing_address = DocumentAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    discount = NumberAttribute()
    shipping = NumberAttribute()
    tax = NumberAttribute()
    cart_id = UnicodeAttribute(null=True)
    payment_method = UnicodeAttribute(null=True)
    shipping_method = UnicodeAttribute(null=True)
    payment_intent_id = UnicodeAttribute(null=True)
    payment_attempts = NumberAttribute()
    tracking_number = UnicodeAttribute(null=True)
    carrier = UnicodeAttribute(null=True)
    estimated_delivery = UnicodeAttribute(null=True)
    refunding = NumberAttribute()
    compensated = NumberAttribute()
    disputed = NumberAttribute()
    shipping_refunded = NumberAttribute()
    shipped_at = InstantAttribute(null=True)
    delivered_at = InstantAttribute(null=True)
    metadata = DocumentAttribute()
    tenders = DocumentAttribute(null=True)
    gift_cards = DocumentAttribute(null=True)
    discounts = DocumentAttribute(null=True)
    sequence = NumberAttribute()

    def to_order(self) -> Order:
        currency = self.currency
        return Order(
            order_id=self.order_id,
            buyer=Buyer(**self.buyer),
            lines=tuple(_line(document, currency) for document in self.lines),
            currency=currency,
            status=Status(self.status),
            payment_status=PaymentStatus(self.payment_status),
            fulfillment_status=FulfillmentStatus(self.fulfillment_status),
            shipping_address=Address(**self.shipping_address),
            billing_address=Address(**self.billing_address) if self.billing_address else None,
            placed_at=self.placed_at,
            updated_at=self.updated_at,
            expires_at=self.expires_at,
            discount=Money(int(self.discount), currency),
            shipping=Money(int(self.shipping), currency),
            tax=Money(int(self.tax), currency),
            refunded=Money(int(self.refunded), currency),
            refunding=Money(int(self.refunding), currency),
            compensated=Money(int(self.compensated), currency),
            disputed=Money(int(self.disputed), currency),
            shipping_refunded=Money(int(self.shipping_refunded), currency),
            shipped_at=self.shipped_at,
            delivered_at=self.delivered_at,
            cart_id=self.cart_id,
            payment_method=self.payment_method,
            shipping_method=self.shipping_method,
            payment_intent_id=self.payment_intent_id,
            payment_attempts=int(self.payment_attempts),
            tracking_number=self.tracking_number,
            carrier=self.carrier,
            estimated_delivery=self.estimated_delivery,
            metadata=self.metadata,
            tenders=tuple(_tender(document, currency) for document in self.tenders or []),
            gift_cards=tuple(_sold(document, currency) for document in self.gift_cards or []),
            discounts=tuple(_discount(document, currency) for document in self.discounts or []),
            version=int(self.version),
            sequence=int(self.sequence),
        )


_OF_CUSTOMER = "gsi1"  # of the order's own row
_INDEXES = {Axis.STATUS: "gsi1", Axis.PAYMENT: "gsi2", Axis.FULFILLMENT: "gsi3"}  # of its copy in the lists
_ATTRIBUTES = {
    Axis.STATUS: OrderRow.status,
    Axis.PAYMENT: OrderRow.payment_status,
    Axis.FULFILLMENT: OrderRow.fulfillment_status,
}


class TimeoutRow(Row, discriminator="order_timeout"):
    """Stands in the index of due orders as long as the order waits for its payment."""

    order_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Write a new order, its place in the lists, and its time-out if it waits for a payment (O1, O3, O4)."""
    tx.add(_row(tenant, order), Conflict("The order exists already"))
    tx.put(_listed_row(tenant, order))
    if order.expires_at is not None:
        _watch(tx, tenant, order, order.expires_at)


def save(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Write an order one version on, and what lists show of it (O1, O3).

    Raises (at commit):
        StaleWrite: someone else wrote the order since it was read.
    """
    tx.put(_row(tenant, order), OrderRow.version == order.version - 1, StaleWrite("order"))
    tx.put(_listed_row(tenant, order))


def settle(tx: Transaction, tenant: Tenant, order_id: str) -> None:
    """Take an order out of the index of due orders (O4)."""
    tx.update(
        TimeoutRow(*keys.order_timeout(tenant, order_id)), [TimeoutRow.gsi1pk.remove(), TimeoutRow.gsi1sk.remove()]
    )


def postpone(tx: Transaction, tenant: Tenant, order: Order, until: datetime) -> None:
    """Let the order fall due later (O4)."""
    _watch(tx, tenant, order, until)


def find(tenant: Tenant, order_id: str) -> Order | None:
    """One order (O1)."""
    row = get(keys.order(tenant, order_id))
    return row.to_order() if isinstance(row, OrderRow) else None


def find_all(tenant: Tenant, order_ids: Iterable[str]) -> dict[str, Order]:
    """Several orders, one call for up to a hundred (O1)."""
    rows = get_all(keys.order(tenant, order_id) for order_id in order_ids)
    return {row.order_id: row.to_order() for row in rows.values() if isinstance(row, OrderRow)}


def find_in_any_mode(tenant_id: str, order_id: str) -> tuple[Tenant, Order] | None:
    """One order of a tenant named by a public request, live or test, in one read (O6). The tenant has no settings."""
    wanted = [keys.order(Tenant(tenant_id=tenant_id, mode=mode), order_id) for mode in Mode]
    rows = [row for row in get_all(wanted).values() if isinstance(row, OrderRow)]
    return next(((keys.tenant_of(row.pk), row.to_order()) for row in rows), None)


def find_with_timeline(
    tenant: Tenant, order_id: str, newest: int, *, notes: bool = True
) -> tuple[Order, list[TimelineEvent]] | None:
    """An order and its newest timeline events, newest first, in one query (O2). Customers see no ``notes``."""
    key = keys.order(tenant, order_id)
    rows = partition(
        key.pk,
        Row.sk.between(keys.TIMELINE_PREFIX, key.sk),
        newest_first=True,
        limit=newest + 1,
        keep=None if notes else ~Row.kind.is_in(*INTERNAL),
    )
    order = next((row.to_order() for row in rows if isinstance(row, OrderRow)), None)
    return None if order is None else (order, [row.to_event() for row in rows if isinstance(row, TimelineRow)])


def timeline(tenant: Tenant, order_id: str, request: PageRequest) -> Page[TimelineEvent]:
    """A page of an order's timeline, oldest first (O5)."""
    return page(
        tenant,
        request,
        _event,
        pk=keys.order(tenant, order_id).pk,
        index=None,
        query_name=f"timeline:{order_id}",
        ascending=True,
        condition=Row.sk.startswith(keys.TIMELINE_PREFIX),
    )


def notes(tenant: Tenant, order_id: str, request: PageRequest) -> Page[TimelineEvent]:
    """A page of an order's notes, newest first; an order's timeline is short, so that a filter finds them (O7)."""
    return page(
        tenant,
        request,
        _event,
        pk=keys.order(tenant, order_id).pk,
        index=None,
        query_name=f"notes:{order_id}",
        condition=Row.sk.startswith(keys.TIMELINE_PREFIX),
        keep=Row.kind == NoteRow,
    )


def page_of(
    tenant: Tenant, request: PageRequest, axis: Axis | None, facets: Facets, within: Period, total: int | None
) -> Page[ListedOrder]:
    """A page of orders of a period, newest first: of all, or of those in one state of ``axis`` (O3)."""
    pk, index = _list(tenant, axis, facets)
    return page(
        tenant,
        request,
        _listed,
        pk=pk,
        index=index,
        query_name=f"{COLLECTION}:{axis or _ALL}:{_name(facets)}:{_span(within)}",
        condition=in_period(within, index),
        total=total,
    )


def page_of_customer(
    tenant: Tenant, request: PageRequest, customer_id: str, facets: Facets, within: Period, total: int | None
) -> Page[ListedOrder]:
    """A page of a customer's orders, newest first. They are few, so that their states are a filter (O3)."""
    return page(
        tenant,
        request,
        _listed,
        pk=keys.orders_of_customer(tenant, customer_id),
        index=_OF_CUSTOMER,
        query_name=f"{COLLECTION}:of:{customer_id}:{_name(facets)}:{_span(within)}",
        condition=in_period(within, _OF_CUSTOMER),
        keep=_in_states(facets),
        total=total,
    )


def count_within(tenant: Tenant, axis: Axis | None, facets: Facets, within: Period) -> int | None:
    """How many orders a list holds of a period; None beyond what page numbers reach (O3)."""
    pk, index = _list(tenant, axis, facets)
    return count(pk, in_period(within, index), index=index)


def count_of_customer(tenant: Tenant, customer_id: str, facets: Facets, within: Period) -> int | None:
    """How many orders a customer has of a period; None beyond what page numbers reach (O3)."""
    pk, condition = keys.orders_of_customer(tenant, customer_id), in_period(within, _OF_CUSTOMER)
    return count(pk, condition, _in_states(facets), index=_OF_CUSTOMER)


def counter_of(axis: Axis, state: str) -> str:
    """The counter's name for orders in a state."""
    return state if axis is Axis.STATUS else f"{axis}:{state}"


def _list(tenant: Tenant, axis: Axis | None, facets: Facets) -> tuple[str, str | None]:
    """Partition and index of the list of all orders, or of those in one state of ``axis``."""
    if axis is None:
        return keys.listing(tenant, COLLECTION, _ALL), None
    return keys.listing(tenant, COLLECTION, f"{axis}:{facets[axis]}"), _INDEXES[axis]


def _in_states(facets: Facets) -> Any:
    wanted = [_ATTRIBUTES[axis] == str(state) for axis, state in facets.items()]
    return reduce(and_, wanted) if wanted else None


def _name(facets: Facets) -> str:
    return ",".join(f"{axis}:{facets[axis]}" for axis in sorted(facets))


def _span(period: Period) -> str:
    return "..".join("" if bound is None else sortable(bound) for bound in (period.start, period.end))


def due(now: datetime, limit: int) -> list[tuple[str, Mode, str]]:
    """Tenant, mode and id of orders whose time to be paid is over, the longest due first in each shard (O4)."""
    rows = reading.due(keys.due_orders, now, limit, index="gsi1")
    named = [(keys.tenant_of(row.pk), row.order_id) for row in rows if isinstance(row, TimeoutRow)]
    return [(tenant.tenant_id, tenant.mode, order_id) for tenant, order_id in named]


def _watch(tx: Transaction, tenant: Tenant, order: Order, until: datetime) -> None:
    row = TimeoutRow(*keys.order_timeout(tenant, order.order_id), order_id=order.order_id)
    row.gsi1pk = keys.due_orders(keys.expiry_shard(order.order_id))
    row.gsi1sk = keys.by_time(until, order.order_id)
    tx.put(row)


def _listed(row: Row) -> ListedOrder:
    assert isinstance(row, ListedOrderRow)
    return row.to_listed()


def _event(row: Row) -> TimelineEvent:
    assert isinstance(row, TimelineRow)
    return row.to_event()


def _listed_row(tenant: Tenant, order: Order) -> ListedOrderRow:
    when = keys.by_time(order.placed_at, order.order_id)
    row = ListedOrderRow(keys.listing(tenant, COLLECTION, _ALL), when, **_shown(order))
    states: Facets = {
        Axis.STATUS: order.status,
        Axis.PAYMENT: order.payment_status,
        Axis.FULFILLMENT: order.fulfillment_status,
    }
    for axis, index in _INDEXES.items():
        setattr(row, f"{index}pk", _list(tenant, axis, states)[0])
        setattr(row, f"{index}sk", when)
    return row


def _row(tenant: Tenant, order: Order) -> OrderRow:
    key = keys.order(tenant, order.order_id)
    return OrderRow(
        key.pk,
        key.sk,
        **_shown(order),
        buyer=asdict(order.buyer),
        lines=[_line_document(line) for line in order.lines],
        shipping_address=asdict(order.shipping_address),
        billing_address=asdict(order.billing_address) if order.billing_address else None,
        expires_at=order.expires_at,
        discount=order.discount.minor,
        shipping=order.shipping.minor,
        tax=order.tax.minor,
        refunding=order.refunding.minor,
        compensated=order.compensated.minor,
        disputed=order.disputed.minor,
        shipping_refunded=order.shipping_refunded.minor,
        shipped_at=order.shipped_at,
        delivered_at=order.delivered_at,
        cart_id=order.cart_id,
        payment_method=order.payment_method,
        shipping_method=order.shipping_method,
        payment_intent_id=order.payment_intent_id,
        payment_attempts=order.payment_attempts,
        tracking_number=order.tracking_number,
        carrier=order.carrier,
        estimated_delivery=order.estimated_delivery,
        metadata=order.metadata,
        tenders=[_tender_document(tender) for tender in order.tenders] or None,
        gift_cards=[_sold_document(card) for card in order.gift_cards] or None,
        discounts=[_discount_document(each) for each in order.discounts] or None,
        sequence=order.sequence,
        gsi1pk=keys.orders_of_customer(tenant, order.buyer.customer_id),
        gsi1sk=keys.by_time(order.placed_at, order.order_id),
        counted_in=[
            f"{COLLECTION}|{counter_of(Axis.STATUS, order.status)}",
            f"{COLLECTION}|{counter_of(Axis.PAYMENT, order.payment_status)}",
            f"{COLLECTION}|{counter_of(Axis.FULFILLMENT, order.fulfillment_status)}",
        ],
    )


def _shown(order: Order) -> dict[str, Any]:
    """What the order and its copy in the lists have in common."""
    return {
        "order_id": order.order_id,
        "customer_id": order.buyer.customer_id,
        "status": str(order.status),
        "payment_status": str(order.payment_status),
        "fulfillment_status": str(order.fulfillment_status),
        "currency": order.currency,
        "total": order.total.minor,
        "refunded": order.refunded.minor,
        "units": order.units,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "version": order.version,
    }


def _line_document(line: OrderLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price.minor,
        "discount": line.discount.minor,
        "tax": line.tax.minor,
        "returning": line.returning,
        "refunded": line.refunded,
        "allocations": [[each.warehouse_id, each.quantity, each.shipped] for each in line.allocations],
        **({} if line.catalogue_price is None else {"catalogue_price": line.catalogue_price.minor}),
        **({} if line.backorder_id is None else {"backorder_id": line.backorder_id, "preordered": line.preordered}),
        **({} if line.expected_on is None else {"expected_on": line.expected_on.isoformat()}),
        **({"given_up": line.given_up} if line.given_up else {}),
    }


def _line(document: dict[str, Any], currency: str) -> OrderLine:
    return OrderLine(
        line_id=document["id"],
        product_id=document["product_id"],
        variant_id=document["variant_id"],
        sku=document["sku"],
        name=document["name"],
        quantity=document["quantity"],
        unit_price=Money(document["unit_price"], currency),
        discount=Money(document["discount"], currency),
        tax=Money(document["tax"], currency),
        returning=document["returning"],
        refunded=document["refunded"],
        allocations=tuple(Allocation(*each) for each in document["allocations"]),
        catalogue_price=Money(document["catalogue_price"], currency) if "catalogue_price" in document else None,
        backorder_id=document.get("backorder_id"),
        preordered=document.get("preordered", False),
        expected_on=date.fromisoformat(document["expected_on"]) if "expected_on" in document else None,
        given_up=document.get("given_up", 0),
    )


def _tender_document(tender: Tender) -> dict[str, Any]:
    return asdict(tender) | {"amount": tender.amount.minor, "given_back": tender.given_back.minor}


def _tender(document: dict[str, Any], currency: str) -> Tender:
    amounts = {name: Money(document[name], currency) for name in ("amount", "given_back")}
    return Tender(**(document | amounts | {"kind": TenderKind(document["kind"])}))


def _sold_document(card: SoldGiftCard) -> dict[str, Any]:
    return asdict(card) | {"amount": card.amount.minor}


def _sold(document: dict[str, Any], currency: str) -> SoldGiftCard:
    return SoldGiftCard(**(document | {"amount": Money(document["amount"], currency)}))


def _discount_document(discount: AppliedDiscount) -> dict[str, Any]:
    amounts = {"amount": discount.amount.minor, "shipping": discount.shipping.minor}
    return asdict(discount) | amounts | {"parts": [part.minor for part in discount.parts]}


def _discount(document: dict[str, Any], currency: str) -> AppliedDiscount:
    amounts = {name: Money(document[name], currency) for name in ("amount", "shipping")}
    parts = tuple(Money(part, currency) for part in document["parts"])
    return AppliedDiscount(**(document | amounts | {"kind": DiscountKind(document["kind"]), "parts": parts}))
