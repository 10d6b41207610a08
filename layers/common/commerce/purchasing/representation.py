"""A purchase order as v2 shows it: what ``/v2/purchase-orders`` answers, and what events of purchase orders carry."""

from typing import Any

from commerce.purchasing.model import PurchaseOrder


def as_object(order: PurchaseOrder) -> dict[str, Any]:
    """The purchase order in plain values; instants are instants."""
    return {
        "id": order.purchase_order_id,
        "status": str(order.status),
        "alert_id": order.alert_id,
        "product_id": order.scope.product_id,
        "variant_id": order.scope.variant_id,
        "location": order.scope.warehouse_id,
        "quantity": order.quantity,
        "supplier": order.supplier,
        "version": order.version,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }
