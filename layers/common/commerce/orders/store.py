"""Orders in the table (patterns O1–O6).

An order is one row with its lines; its timeline, payments, postings and time-out stand beside it in its partition.
"""

import zlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.events.model import TimelineEvent
from commerce.events.store import TimelineRow
from commerce.inventory.model import Allocation
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.orders.model import Address, Buyer, FulfillmentStatus, Order, OrderLine, PaymentStatus, Status
from commerce.table import keys
from commerce.table.reading import get, get_all, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

COLLECTION = "orders"


class OrderRow(Row, discriminator="order"):
    order_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    buyer = DocumentAttribute()
    lines = DocumentAttribute()
    currency = UnicodeAttribute()
    status = UnicodeAttribute()
    payment_status = UnicodeAttribute()
    fulfillment_status = UnicodeAttribute()
    shipping_address = DocumentAttribute()
    billing_address = DocumentAttribute(null=True)
    placed_at = InstantAttribute()
    updated_at = InstantAttribute()
    expires_at = InstantAttribute(null=True)
    discount = NumberAttribute()  # minor units, as all amounts
    shipping = NumberAttribute()
    tax = NumberAttribute()
    total = NumberAttribute()
    refunded = NumberAttribute()
    cart_id = UnicodeAttribute(null=True)
    payment_intent_id = UnicodeAttribute(null=True)
    payment_attempts = NumberAttribute()
    tracking_number = UnicodeAttribute(null=True)
    carrier = UnicodeAttribute(null=True)
    estimated_delivery = UnicodeAttribute(null=True)
    metadata = DocumentAttribute()
    version = NumberAttribute()
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
            cart_id=self.cart_id,
            payment_intent_id=self.payment_intent_id,
            payment_attempts=int(self.payment_attempts),
            tracking_number=self.tracking_number,
            carrier=self.carrier,
            estimated_delivery=self.estimated_delivery,
            metadata=self.metadata,
            version=int(self.version),
            sequence=int(self.sequence),
        )


class TimeoutRow(Row, discriminator="order_timeout"):
    """Stands in the index of due orders as long as the order waits for its payment."""

    order_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Write a new order, and its time-out if it waits for a payment (O1, O4)."""
    tx.add(_row(tenant, order), Conflict("The order exists already"))
    if order.expires_at is not None:
        _watch(tx, tenant, order, order.expires_at)


def save(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Write an order one version on; it leaves the index of due orders when it does not wait any more (O1, O4).

    Raises (at commit):
        StaleWrite: someone else wrote the order since it was read.
    """
    tx.put(_row(tenant, order), OrderRow.version == order.version - 1, StaleWrite("order"))


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


def find_in_any_mode(tenant_id: str, order_id: str) -> Order | None:
    """One order of a tenant named by a public request, live or test, in one read (O6)."""
    wanted = [keys.order(Tenant(tenant_id=tenant_id, mode=mode), order_id) for mode in Mode]
    return next((row.to_order() for row in get_all(wanted).values() if isinstance(row, OrderRow)), None)


def find_with_timeline(tenant: Tenant, order_id: str, newest: int) -> tuple[Order, list[TimelineEvent]] | None:
    """An order and its newest timeline events, newest first, in one query (O2)."""
    key = keys.order(tenant, order_id)
    rows = partition(key.pk, Row.sk.between(keys.TIMELINE_PREFIX, key.sk), newest_first=True, limit=newest + 1)
    order = next((row.to_order() for row in rows if isinstance(row, OrderRow)), None)
    return None if order is None else (order, _events(rows))


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
        condition=TimelineRow.sk.startswith(keys.TIMELINE_PREFIX),
    )


def page_of(tenant: Tenant, request: PageRequest, *, status: Status | None, customer_id: str | None) -> Page[Order]:
    """A page of orders, newest first (O3). A customer's orders are few, so their status is a filter."""
    keep = None
    if customer_id is not None:
        pk, index = keys.orders_of_customer(tenant, customer_id), "gsi3"
        keep = None if status is None else OrderRow.status == str(status)
    elif status is not None:
        pk, index = keys.orders_in_status(tenant, status), "gsi2"
    else:
        pk, index = keys.all_orders(tenant), "gsi1"
    return page(tenant, request, _order, pk=pk, index=index, query_name=f"orders:{status}:{customer_id}", keep=keep)


def due(now: datetime, limit: int) -> list[tuple[str, Mode, str]]:
    """Tenant, mode and id of orders whose time to be paid is over, the longest due first in each shard (O4)."""
    found: list[tuple[str, Mode, str]] = []
    for shard in range(keys.EXPIRY_SHARDS):
        rows = Row.query(keys.due_orders(shard), Row.gsi1sk <= sortable(now), index_name="gsi1", limit=limit)
        named = [(keys.tenant_of(row.pk), row.order_id) for row in rows if isinstance(row, TimeoutRow)]
        found += [(tenant.tenant_id, tenant.mode, order_id) for tenant, order_id in named]
    return found


def _watch(tx: Transaction, tenant: Tenant, order: Order, until: datetime) -> None:
    row = TimeoutRow(*keys.order_timeout(tenant, order.order_id), order_id=order.order_id)
    row.gsi1pk = keys.due_orders(zlib.crc32(order.order_id.encode()) % keys.EXPIRY_SHARDS)
    row.gsi1sk = keys.by_time(until, order.order_id)
    tx.put(row)


def _order(row: Row) -> Order:
    assert isinstance(row, OrderRow)
    return row.to_order()


def _event(row: Row) -> TimelineEvent:
    assert isinstance(row, TimelineRow)
    return row.to_event()


def _events(rows: Iterable[Row]) -> list[TimelineEvent]:
    return [row.to_event() for row in rows if isinstance(row, TimelineRow)]


def _row(tenant: Tenant, order: Order) -> OrderRow:
    key, when = keys.order(tenant, order.order_id), keys.by_time(order.placed_at, order.order_id)
    return OrderRow(
        key.pk,
        key.sk,
        order_id=order.order_id,
        customer_id=order.buyer.customer_id,
        buyer=asdict(order.buyer),
        lines=[_line_document(line) for line in order.lines],
        currency=order.currency,
        status=str(order.status),
        payment_status=str(order.payment_status),
        fulfillment_status=str(order.fulfillment_status),
        shipping_address=asdict(order.shipping_address),
        billing_address=asdict(order.billing_address) if order.billing_address else None,
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        expires_at=order.expires_at,
        discount=order.discount.minor,
        shipping=order.shipping.minor,
        tax=order.tax.minor,
        total=order.total.minor,
        refunded=order.refunded.minor,
        cart_id=order.cart_id,
        payment_intent_id=order.payment_intent_id,
        payment_attempts=order.payment_attempts,
        tracking_number=order.tracking_number,
        carrier=order.carrier,
        estimated_delivery=order.estimated_delivery,
        metadata=order.metadata,
        version=order.version,
        sequence=order.sequence,
        gsi1pk=keys.all_orders(tenant),
        gsi1sk=when,
        gsi2pk=keys.orders_in_status(tenant, order.status),
        gsi2sk=when,
        gsi3pk=keys.orders_of_customer(tenant, order.buyer.customer_id),
        gsi3sk=when,
        counted_in=[f"{COLLECTION}|{order.status}"],
    )


def _line_document(line: OrderLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": line.unit_price.minor,
        "allocations": [[each.warehouse_id, each.quantity] for each in line.allocations],
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
        allocations=tuple(Allocation(warehouse, quantity) for warehouse, quantity in document["allocations"]),
    )
