"""What changes a placed order, and how its changes are told."""

from dataclasses import dataclass
from typing import Any

from commerce.customers import store as customers
from commerce.events import store as events
from commerce.events.model import DomainEvent, TimelineEvent, TimelineType
from commerce.inventory import store as inventory
from commerce.inventory.model import GoodsIssue
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import IllegalMove, NotFound, require_version
from commerce.kernel.money import Money
from commerce.ledger import store as ledger
from commerce.orders import store
from commerce.orders.accounting import recognition
from commerce.orders.model import BY_HAND, Order, Status
from commerce.orders.representation import as_object
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SetStatus:
    """A move of an order by the merchant; ``note`` is for the merchant's staff alone.

    ``notify_customer`` is kept with the timeline's event, for whoever sends mails.
    """

    order_id: str
    status: Status
    tracking_number: str | None = None
    carrier: str | None = None
    estimated_delivery: str | None = None
    notify_customer: bool = False
    note: str | None = None


def set_status(tx: Transaction, caller: Caller, command: SetStatus, expected_version: int | None = None) -> Order:
    """Move an order (contract OR-04, OR-09); shipping it lets its reserved stock leave, in the same transaction.

    Raises:
        NotFound: no such order.
        VersionMismatch: the order is not at ``expected_version``.
        IllegalMove: the table of moves does not list this one, or it is the payment's to make.
        Conflict: an order that is not paid, or is refunded, cannot be shipped; and what
            ``payments.cancelling.cancel_order`` refuses.
    """
    order = store.find(caller.tenant, command.order_id)
    if order is None:
        raise NotFound("order")
    require_version(order.version, expected_version, "order")
    if command.status is Status.CANCELLED:
        from commerce.payments import cancelling  # and with it Stripe's SDK, for this one move

        data = {"notify_customer": command.notify_customer}
        return cancelling.cancel_order(tx, caller, order, note=command.note, data=data).order
    if command.status not in BY_HAND:
        raise IllegalMove(f"An order becomes {command.status} by its payment")
    ships = command.status is Status.SHIPPED
    moved, leaving = order.ship() if ships else (order.move_to(command.status), ())
    now = clock.now()
    changed = moved.changed(
        now,
        sequence=order.sequence + 1,
        tracking_number=command.tracking_number or order.tracking_number,
        carrier=command.carrier or order.carrier,
        estimated_delivery=command.estimated_delivery or order.estimated_delivery,
        shipped_at=now if ships else order.shipped_at,
        delivered_at=now if command.status is Status.DELIVERED else order.delivered_at,
    )
    store.save(tx, caller.tenant, changed)
    parcel = {"tracking_number": changed.tracking_number, "carrier": changed.carrier}
    record(tx, caller, changed, status=changed.status, data={"notify_customer": command.notify_customer})
    if ships:
        for entry in recognition(changed, caller.actor):
            ledger.post(tx, caller.tenant, entry)
        issue = GoodsIssue(ids.new("issue"), order.order_id, leaving, changed.updated_at, caller.actor)
        inventory.issue(tx, caller.tenant, issue)
        record(tx, caller, changed, status=changed.fulfillment_status, kind=TimelineType.SHIPMENT, index=1, data=parcel)
    if command.note is not None:
        note(tx, caller, changed, command.note)
    announce(tx, caller.tenant, changed, "order.fulfilled" if ships else "order.updated")
    return changed


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
