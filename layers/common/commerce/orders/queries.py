"""Reading orders. Apart from what changes them, so that a function that only reads loads little."""

from dataclasses import dataclass

from commerce.counters import store as counters
from commerce.events.model import TimelineEvent
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.orders import store
from commerce.orders.model import Order, Status

TIMELINE_EMBEDDED = 50


@dataclass(frozen=True, slots=True)
class Detailed:
    """An order with its newest timeline events, newest first."""

    order: Order
    timeline: tuple[TimelineEvent, ...]


def get(tenant: Tenant, order_id: str) -> Order:
    """One order.

    Raises:
        NotFound: no such order of this tenant.
    """
    order = store.find(tenant, order_id)
    if order is None:
        raise NotFound("order")
    return order


def get_detailed(tenant: Tenant, order_id: str, *, customer_id: str | None = None) -> Detailed:
    """One order with its newest timeline events; only if it belongs to ``customer_id`` where that is given.

    Raises:
        NotFound: no such order, or another customer's.
    """
    found = store.find_with_timeline(tenant, order_id, TIMELINE_EMBEDDED)
    if found is None or customer_id not in (None, found[0].buyer.customer_id):
        raise NotFound("order")
    return Detailed(found[0], tuple(found[1]))


def find(tenant: Tenant, request: PageRequest, *, status: Status | None, customer_id: str | None) -> Page[Order]:
    """A page of orders, newest first."""
    return store.page_of(tenant, request, status=status, customer_id=customer_id)


def timeline(tenant: Tenant, order_id: str, request: PageRequest) -> Page[TimelineEvent]:
    """A page of an order's timeline, oldest first (contract NT-03).

    Raises:
        NotFound: no such order: every order has a timeline.
    """
    page = store.timeline(tenant, order_id, request)
    if not page.items and request.offset == 0 and request.cursor is None:
        raise NotFound("order")
    return page


def count(tenant: Tenant) -> dict[str, int]:
    """How many orders stand in each status, zero-filled, and in all (contract OR-06)."""
    counted = counters.read(tenant, store.COLLECTION)
    by_status = {str(status): counted.get(status, 0) for status in Status}
    return by_status | {"total": sum(by_status.values())}
