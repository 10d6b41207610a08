"""Notes on placed orders, and how changes of orders are told."""

from typing import Any

from commerce.customers import store as customers
from commerce.events import store as events
from commerce.events.model import DomainEvent, TimelineEvent, TimelineType
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.money import Money
from commerce.orders import store
from commerce.orders.model import Order
from commerce.orders.representation import as_object
from commerce.table.transaction import Transaction


def add_note(tx: Transaction, caller: Caller, order_id: str, content: str) -> TimelineEvent:
    """Add a note for the merchant's staff (contract NT-02).

    A note is no change of the order: it neither takes a version nor waits for one, so that any number of people write
    notes at once, and none of them gets in the way of a change of status or of its ``If-Match``.

    Raises:
        NotFound: no such order.
    """
    order = store.find(caller.tenant, order_id)
    if order is None:
        raise NotFound("order")
    return note(tx, caller, order, content)


def count_spent(tx: Transaction, tenant: Tenant, order: Order, amount: Money) -> None:
    """Count what the order's customer has paid more, or less, for orders."""
    if amount.minor:
        customers.count_spent(tx, tenant, order.buyer.customer_id, amount)


def note(tx: Transaction, caller: Caller, order: Order, content: str) -> TimelineEvent:
    """Add a note to the timeline, after the version that ``order`` is at."""
    written = TimelineEvent(
        order_id=order.order_id,
        version=order.version,
        index=0,
        at=clock.now(),
        actor=caller.actor,
        type=TimelineType.NOTE,
        content=content,
        note_id=ids.new("note"),
        data={"author": caller.email or caller.actor},
    )
    events.record(tx, caller.tenant, written)
    return written


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


def announce(
    tx: Transaction,
    tenant: Tenant,
    order: Order,
    event_type: str,
    shown: dict[str, Any] | None = None,
    *,
    sequence: int | None = None,
) -> None:
    """Add an outbox row; its number is ``order.sequence``, which the change must have counted up, or ``sequence``.

    ``shown`` is the object that the event is about, where that is not the order itself.
    """
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=event_type,
            aggregate_id=order.order_id,
            sequence=order.sequence if sequence is None else sequence,
            at=order.updated_at,
            tenant=tenant,
            data=as_object(order) if shown is None else shown,
        ),
    )
