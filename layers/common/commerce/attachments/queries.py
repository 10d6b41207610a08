"""Reading attachments."""

from commerce.attachments import store
from commerce.attachments.model import Attachment
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.orders import queries as orders


def get(tenant: Tenant, order_id: str, attachment_id: str) -> Attachment:
    """One attachment of an order (contract AT-03).

    Raises:
        NotFound: no such order, or not of this order, or removed.
    """
    found = store.find(tenant, order_id, attachment_id)
    if found is None:
        raise NotFound("attachment")
    return found


def of_order(tenant: Tenant, order_id: str) -> list[Attachment]:
    """All attachments of an order, the newest first (contract AT-01).

    Raises:
        NotFound: no such order.
    """
    found = store.of_order(tenant, order_id)
    if not found:
        orders.get(tenant, order_id)
    return found
