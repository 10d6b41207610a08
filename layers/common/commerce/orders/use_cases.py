"""What changes a placed order, and how its changes are told."""

from typing import Any

from commerce.events import store as events
from commerce.events.model import DomainEvent, TimelineEvent, TimelineType
from commerce.inventory import store as inventory
from commerce.inventory.model import StockKey
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.orders import store
from commerce.orders.model import Order, Status
from commerce.table.transaction import Transaction


def cancel(tx: Transaction, caller: Caller, order: Order, reason: str) -> Order:
    """Cancel an order and give its reserved stock back, all units at once.

    Raises:
        IllegalMove: it has been shipped, or is cancelled already.
    """
    cancelled = order.move_to(Status.CANCELLED).changed(clock.now(), sequence=order.sequence + 1)
    store.save(tx, caller.tenant, cancelled)
    if order.expires_at is not None:
        store.settle(tx, caller.tenant, order.order_id)
    for line in order.lines:
        for part in line.allocations:
            key = StockKey(line.product_id, line.variant_id, part.warehouse_id)
            inventory.release(tx, caller.tenant, key, part.quantity)
    record(tx, caller, cancelled, status=Status.CANCELLED, content=reason)
    announce(tx, caller.tenant, cancelled, "order.cancelled")
    return cancelled


def record(
    tx: Transaction,
    caller: Caller,
    order: Order,
    *,
    status: str,
    content: str | None = None,
    kind: TimelineType = TimelineType.STATUS_CHANGE,
    index: int = 0,
    data: dict[str, Any] | None = None,
) -> None:
    """Add a timeline row for the change that made ``order``'s version."""
    events.record(
        tx,
        caller.tenant,
        TimelineEvent(
            order_id=order.order_id,
            version=order.version,
            index=index,
            at=order.updated_at,
            actor=caller.actor,
            type=kind,
            status=str(status),
            content=content,
            data=data or {},
        ),
    )


def announce(tx: Transaction, tenant: Tenant, order: Order, event_type: str) -> None:
    """Add an outbox row; its number is ``order.sequence``, which the change must have counted up."""
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=event_type,
            aggregate_id=order.order_id,
            sequence=order.sequence,
            at=order.updated_at,
            tenant=tenant,
            data=_object(order),
        ),
    )


def _object(order: Order) -> dict[str, Any]:
    """The order as events carry it: what v2 shows, without addresses."""
    return {
        "id": order.order_id,
        "customer_id": order.buyer.customer_id,
        "status": str(order.status),
        "payment_status": str(order.payment_status),
        "fulfillment_status": str(order.fulfillment_status),
        "currency": order.currency,
        "total": order.total.major,
        "items": [
            {
                "id": line.line_id,
                "product_id": line.product_id,
                "variant_id": line.variant_id,
                "sku": line.sku,
                "quantity": line.quantity,
                "price": line.unit_price.major,
            }
            for line in order.lines
        ],
        "version": order.version,
        "created_at": order.placed_at,
        "updated_at": order.updated_at,
    }
