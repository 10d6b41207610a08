"""Shipments going out (contract FU-01, OR-03, OR-11, MO-03, TR-01)."""

from typing import Any

from commerce.fulfillment.model import Shipment, ShipmentStatus
from commerce.fulfillment.representation import as_object
from commerce.http.contracts import Instant, Output
from commerce.http.dates import DayOut


class ShippedItemOut(Output):
    order_item_id: str
    quantity: int


class ShipmentFields(Output):
    """``carrier`` is as it was given; ``tracking_url`` is the carrier's own page, of carriers whose page is known."""

    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    estimated_delivery: DayOut | None
    shipped_at: Instant


class ShipmentOut(ShipmentFields):
    """Units of an order that left together."""

    id: str
    status: ShipmentStatus
    items: list[ShippedItemOut]

    @classmethod
    def of(cls, shipment: Shipment) -> "ShipmentOut":
        return cls(**shared(shipment), id=shipment.shipment_id, status=shipment.status, items=items_of(shipment))


class V2ShipmentOut(Output):
    """A shipment as v2 and its events show it; ``carrier`` is the code, in lower case."""

    id: str
    order_id: str
    carrier: str | None
    service: str | None
    tracking_number: str | None
    status: ShipmentStatus
    items: list[ShippedItemOut]
    estimated_delivery: DayOut | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, shipment: Shipment) -> "V2ShipmentOut":
        return cls(**as_object(shipment))


def items_of(shipment: Shipment) -> list[ShippedItemOut]:
    return [ShippedItemOut(order_item_id=line_id, quantity=units) for line_id, units in shipment.items.items()]


def shared(shipment: Shipment) -> dict[str, Any]:
    """Values of ``ShipmentFields``."""
    return {
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "estimated_delivery": shipment.estimated_delivery,
        "shipped_at": shipment.shipped_at,
    }
