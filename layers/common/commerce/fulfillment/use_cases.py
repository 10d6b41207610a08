"""Shipping an order, whole or in parts (contract FU-01, OR-04). One shipment is one transaction with its order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from commerce.events.model import TimelineType
from commerce.fulfillment import store
from commerce.fulfillment.model import Shipment, parcel_id, unnumbered_id
from commerce.fulfillment.representation import as_object
from commerce.inventory import store as inventory
from commerce.inventory.model import GoodsIssue
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, NotFound, require_version
from commerce.mails.notices import NoticeKind, notify
from commerce.orders import store as orders
from commerce.orders import use_cases as order_changes
from commerce.orders.accounting import recognition
from commerce.orders.changing import OrderChange
from commerce.orders.model import Order
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ShipOrder:
    """Units of an order that leave together: ``items`` by line id, None for all that is set aside.

    ``note`` is for the merchant's staff.
    """

    order_id: str
    tracking_number: str | None = None
    carrier: str | None = None
    items: Mapping[str, int] | None = None
    notify_customer: bool = False
    estimated_delivery: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Shipped:
    """An order and a shipment of it; ``already``: it had left before."""

    order: Order
    shipment: Shipment
    already: bool = False


def ship(tx: Transaction, caller: Caller, command: ShipOrder, expected_version: int | None = None) -> Shipped:
    """Let units of an order leave. The order is shipped once the last one has left.

    The same carrier and tracking number again are the same shipment: it is answered as it is, and nothing changes.

    Raises:
        NotFound: no such order.
        VersionMismatch: it is not at ``expected_version``.
        Invalid: it has no such line.
        Conflict: what ``Order.ship`` refuses; or other units left under this tracking number.
    """
    order, earlier = _find(caller.tenant, command)
    if order is None:
        raise NotFound("order")
    if earlier is not None:
        if command.items not in (None, earlier.items):
            raise Conflict(
                "Other units of this order left under this tracking number",
                field="tracking_number",
                reason="tracking_number_used",
            )
        return Shipped(order, earlier, already=True)
    require_version(order.version, expected_version, "order")
    change = OrderChange(tx, caller, order, order)
    shipment = _leave(change, command)
    saved = change.save()
    if command.note is not None:
        order_changes.note(tx, caller, saved, command.note)
    return Shipped(saved, shipment)


def _find(tenant: Tenant, command: ShipOrder) -> tuple[Order | None, Shipment | None]:
    if command.tracking_number is None:
        return orders.find(tenant, command.order_id), None
    shipment_id = parcel_id(command.order_id, command.carrier, command.tracking_number)
    return store.find_with_order(tenant, command.order_id, shipment_id)


def _leave(change: OrderChange, command: ShipOrder) -> Shipment:
    """Add a shipment to an order's change: its goods leave, and with the last of them the order is earned."""
    before = change.before
    after, parts = before.ship(command.items)
    shipment = _shipment(change, command, after)
    change.after = replace(
        after,
        tracking_number=shipment.tracking_number,
        carrier=shipment.carrier,
        estimated_delivery=shipment.estimated_delivery,
        shipped_at=change.at,
    )
    store.add(change.tx, change.tenant, shipment)
    issue = GoodsIssue(shipment.shipment_id, before.order_id, parts, change.at, change.caller.actor)
    inventory.issue(change.tx, change.tenant, issue)
    if after.status is not before.status:
        change.tell(after.status, data={"notify_customer": command.notify_customer})
    parcel = {"tracking_number": shipment.tracking_number, "carrier": shipment.carrier}
    change.tell(after.fulfillment_status, TimelineType.SHIPMENT, data=parcel | {"shipment_id": shipment.shipment_id})
    change.announce("shipment.created", as_object(shipment))
    if command.notify_customer:
        notify(change, NoticeKind.SHIPMENT, shipment.shipment_id)
    if after.is_earned:
        for entry in recognition(after, change.at, change.caller.actor):
            change.post(entry)
    change.announce("order.fulfilled" if after.is_earned else "order.updated")
    return shipment


def _shipment(change: OrderChange, command: ShipOrder, after: Order) -> Shipment:
    """What leaves. Before anything has, an order may know its tracking already: that of the first shipment."""
    before = change.before
    number, carrier, estimated = command.tracking_number, command.carrier, command.estimated_delivery
    if before.shipped_at is None:
        carrier, estimated = carrier or before.carrier, estimated or before.estimated_delivery
    if number is not None:
        shipment_id = parcel_id(before.order_id, command.carrier, number)  # as ``_find`` looks for it
    elif before.shipped_at is None and before.tracking_number is not None:
        number = before.tracking_number
        shipment_id = parcel_id(before.order_id, carrier, number)
    else:
        shipment_id = unnumbered_id(before.order_id, before.version)
    left = {line.line_id: line.shipped for line in before.lines}
    items = {line.line_id: line.shipped - left[line.line_id] for line in after.lines}
    return Shipment(
        shipment_id=shipment_id,
        order_id=before.order_id,
        carrier=carrier,
        tracking_number=number,
        items={line_id: units for line_id, units in items.items() if units},
        notify_customer=command.notify_customer,
        shipped_at=change.at,
        estimated_delivery=estimated,
    )
