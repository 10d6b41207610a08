"""Reading shipments."""

from commerce.fulfillment import store
from commerce.fulfillment.model import Shipment
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.orders import store as orders
from commerce.orders.model import FulfillmentStatus, Order


def of_order(tenant: Tenant, order_id: str) -> tuple[Shipment, ...]:
    """An order's shipments, oldest first.

    Raises:
        NotFound: no such order.
    """
    found = store.of_order(tenant, order_id)
    if not found and orders.find(tenant, order_id) is None:
        raise NotFound("order")
    return found


def shipments_of(tenant: Tenant, order: Order) -> tuple[Shipment, ...]:
    """The shipments of an order that was just read, oldest first; of one that nothing has left for, none are read."""
    none = order.fulfillment_status is FulfillmentStatus.UNFULFILLED
    return () if none else store.of_order(tenant, order.order_id)
