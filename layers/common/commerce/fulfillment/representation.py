"""A shipment as v2 shows it, and as events carry it."""

from typing import Any

from commerce.fulfillment.model import Shipment


def as_object(shipment: Shipment) -> dict[str, Any]:
    """The shipment in plain values; ``carrier`` is the code."""
    return {
        "id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "carrier": shipment.carrier_code,
        "service": None,
        "tracking_number": shipment.tracking_number,
        "status": str(shipment.status),
        "items": [{"order_item_id": line_id, "quantity": units} for line_id, units in shipment.items.items()],
        "estimated_delivery": shipment.estimated_delivery,
        "created_at": shipment.shipped_at,
        "updated_at": shipment.shipped_at,
    }
