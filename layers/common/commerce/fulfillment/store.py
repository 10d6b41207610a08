"""Shipments in the table: rows in their order's partition (patterns T1, T2)."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from commerce.fulfillment.model import Shipment, ShipmentStatus
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.orders.model import Order
from commerce.orders.store import OrderRow
from commerce.table import keys
from commerce.table.reading import get, get_all, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction


class ShipmentRow(Row, discriminator="shipment"):
    shipment_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    carrier = UnicodeAttribute(null=True)
    carrier_code = UnicodeAttribute(null=True)
    tracking_number = UnicodeAttribute(null=True)
    items = DocumentAttribute()
    notify_customer = BooleanAttribute()
    estimated_delivery = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    shipped_at = InstantAttribute()

    def to_shipment(self) -> Shipment:
        return Shipment(
            shipment_id=self.shipment_id,
            order_id=self.order_id,
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            items=self.items,
            notify_customer=self.notify_customer,
            shipped_at=self.shipped_at,
            estimated_delivery=self.estimated_delivery,
            status=ShipmentStatus(self.status),
        )


def add(tx: Transaction, tenant: Tenant, shipment: Shipment) -> None:
    """Write a new shipment (T1).

    Raises (at commit):
        StaleWrite: it is there already.
    """
    key = keys.shipment(tenant, shipment.order_id, shipment.shipment_id)
    row = ShipmentRow(
        key.pk,
        key.sk,
        shipment_id=shipment.shipment_id,
        order_id=shipment.order_id,
        carrier=shipment.carrier,
        carrier_code=shipment.carrier_code,
        tracking_number=shipment.tracking_number,
        items=dict(shipment.items),
        notify_customer=shipment.notify_customer,
        estimated_delivery=shipment.estimated_delivery,
        status=str(shipment.status),
        shipped_at=shipment.shipped_at,
    )
    tx.add(row, StaleWrite("order"))


def find(tenant: Tenant, order_id: str, shipment_id: str) -> Shipment | None:
    """One shipment of an order (T1)."""
    row = get(keys.shipment(tenant, order_id, shipment_id))
    return row.to_shipment() if isinstance(row, ShipmentRow) else None


def find_with_order(tenant: Tenant, order_id: str, shipment_id: str) -> tuple[Order | None, Shipment | None]:
    """An order, and a shipment of it (T1)."""
    order_key, shipment_key = keys.order(tenant, order_id), keys.shipment(tenant, order_id, shipment_id)
    rows = get_all([order_key, shipment_key])
    order, shipment = rows.get(order_key), rows.get(shipment_key)
    return (
        order.to_order() if isinstance(order, OrderRow) else None,
        shipment.to_shipment() if isinstance(shipment, ShipmentRow) else None,
    )


def of_order(tenant: Tenant, order_id: str) -> tuple[Shipment, ...]:
    """An order's shipments, oldest first (T2)."""
    rows = partition(keys.order(tenant, order_id).pk, Row.sk.startswith(keys.SHIPMENT_PREFIX))
    found = [row.to_shipment() for row in rows if isinstance(row, ShipmentRow)]
    return tuple(sorted(found, key=lambda each: (each.shipped_at, each.shipment_id)))
