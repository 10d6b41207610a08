"""An alert as v2 shows it: what ``/v2/inventory/{product_id}/alerts`` answers, and what events of alerts carry."""

from dataclasses import asdict
from typing import Any

from commerce.inventory.model import Alert


def as_object(alert: Alert, available: int) -> dict[str, Any]:
    """The alert in plain values, while ``available`` units are there of what it watches; instants are instants."""
    return {
        "id": alert.alert_id,
        "product_id": alert.scope.product_id,
        "variant_id": alert.scope.variant_id,
        "location": alert.scope.warehouse_id,
        "threshold": alert.threshold,
        "reorder": None if alert.reorder is None else asdict(alert.reorder),
        "available": available,
        "status": str(alert.level(available)),
        "version": alert.version,
        "created_at": alert.created_at,
        "updated_at": alert.updated_at,
    }
