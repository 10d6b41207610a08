"""Reading orders. Apart from what changes them, so that a function that only reads loads little."""

from contextlib import suppress
from dataclasses import dataclass, field

from commerce.counters import store as counters
from commerce.events.model import TimelineEvent
from commerce.fulfillment.model import Shipment
from commerce.fulfillment.queries import shipments_of
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Malformed, NotFound
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import Bounds, Period
from commerce.orders import store
from commerce.orders.model import Axis, Facets, ListedOrder, Order, Status

TIMELINE_EMBEDDED = 50
_ROUNDS = 8  # how often a narrowed page goes on reading to fill up


@dataclass(frozen=True, slots=True)
class Detailed:
    """An order with its newest timeline events, newest first, and its shipments, oldest first."""

    order: Order
    timeline: tuple[TimelineEvent, ...]
    shipments: tuple[Shipment, ...]


@dataclass(frozen=True, slots=True)
class FindOrders:
    """Filters of an order list (contract OR-01, OR-07); an order in it meets all of them.

    ``placed`` bounds the date of the order; its days are those of ``timezone``, the tenant's own when None.
    ``counted``: the page also says how many orders there are in all, where one index knows it.
    """

    page: PageRequest
    facets: Facets = field(default_factory=dict)
    customer_id: str | None = None
    placed: Bounds = field(default_factory=Bounds)
    timezone: str | None = None
    counted: bool = False


def get(tenant: Tenant, order_id: str) -> Order:
    """One order.

    Raises:
        NotFound: no such order of this tenant.
    """
    order = store.find(tenant, order_id)
    if order is None:
        raise NotFound("order")
    return order


def get_detailed(tenant: Tenant, order_id: str) -> Detailed:
    """One order with its newest timeline events and its shipments.

    Raises:
        NotFound: no such order.
    """
    found = store.find_with_timeline(tenant, order_id, TIMELINE_EMBEDDED)
    if found is None:
        raise NotFound("order")
    return Detailed(found[0], tuple(found[1]), shipments_of(tenant, found[0]))


def get_own(tenant: Tenant, order_id: str, customer_id: str) -> Detailed:
    """A customer's own order, as ``get_detailed`` gives it, without the notes (contract MO-03, NT-01).

    Raises:
        NotFound: no such order, or another customer's.
    """
    found = store.find_with_timeline(tenant, order_id, TIMELINE_EMBEDDED, notes=False)
    if found is None or found[0].buyer.customer_id != customer_id:
        raise NotFound("order")
    return Detailed(found[0], tuple(found[1]), shipments_of(tenant, found[0]))


def find(tenant: Tenant, wanted: FindOrders) -> Page[ListedOrder]:
    """A page of orders, newest first.

    One index finds, within the period: the customer's, else that of the rarest state asked for, else the list of all.
    Further states of a customer's few orders are a filter of the same query. Further states otherwise narrow what the
    index finds: such a page goes on reading for a while to fill up and can still come out shorter than ``limit`` with
    more to follow.

    Raises:
        Malformed: a page number together with filters that narrow.
        Invalid: a period that ends before it begins.
    """
    within = wanted.placed.period(wanted.timezone or tenant.timezone)
    counted = wanted.counted and wanted.page.cursor is None
    if wanted.customer_id is not None:
        customer_id = wanted.customer_id
        total = store.count_of_customer(tenant, customer_id, wanted.facets, within) if counted else None
        return store.page_of_customer(tenant, wanted.page, customer_id, wanted.facets, within, total)
    if len(wanted.facets) > 1:
        return _narrowed(tenant, wanted, within)
    axis = next(iter(wanted.facets), None)
    total = _count(tenant, axis, wanted.facets, within) if counted else None
    return store.page_of(tenant, wanted.page, axis, wanted.facets, within, total)


def timeline(tenant: Tenant, order_id: str, request: PageRequest) -> Page[TimelineEvent]:
    """A page of an order's timeline, oldest first (contract NT-03).

    Raises:
        NotFound: no such order: every order has a timeline.
    """
    page = store.timeline(tenant, order_id, request)
    if not page.items and request.offset == 0 and request.cursor is None:
        raise NotFound("order")
    return page


def notes(tenant: Tenant, order_id: str, request: PageRequest) -> Page[TimelineEvent]:
    """A page of an order's notes, newest first (contract NT-01).

    Raises:
        NotFound: no such order.
    """
    page = store.notes(tenant, order_id, request)
    if not page.items:
        get(tenant, order_id)
    return page


def count(tenant: Tenant) -> dict[str, int]:
    """How many orders stand in each status, zero-filled, and in all (contract OR-06)."""
    counted = counters.read(tenant, store.COLLECTION)
    by_status = {str(status): counted.get(status, 0) for status in Status}
    return by_status | {"total": sum(by_status.values())}


def _narrowed(tenant: Tenant, wanted: FindOrders, within: Period) -> Page[ListedOrder]:
    if wanted.page.offset:
        raise Malformed(
            "These filters are not counted by one index; follow next_cursor instead of page",
            field="page",
            reason="not_indexed",
        )
    counted = counters.read(tenant, store.COLLECTION)
    rarest, *others = sorted(
        wanted.facets, key=lambda axis: counted.get(store.counter_of(axis, wanted.facets[axis]), 0)
    )
    if wanted.page.cursor is not None:
        # Another state may have been the rarest when the first page was read; a cursor goes on where it began.
        for axis in others:
            with suppress(Malformed):
                return _filled(tenant, wanted, axis, within)
    return _filled(tenant, wanted, rarest, within)


def _filled(tenant: Tenant, wanted: FindOrders, axis: Axis, within: Period) -> Page[ListedOrder]:
    """A page of what meets all filters, out of the list of one axis."""
    kept: list[ListedOrder] = []
    cursor = wanted.page.cursor
    for _ in range(_ROUNDS):
        # What is still missing is the most that may be read, so that the cursor stands right after the last row shown.
        request = PageRequest(limit=wanted.page.limit - len(kept), cursor=cursor)
        page = store.page_of(tenant, request, axis, wanted.facets, within, total=None)
        kept += [order for order in page.items if order.meets(wanted.facets)]
        cursor = page.next_cursor
        if cursor is None or len(kept) == wanted.page.limit:
            break
    return Page(items=tuple(kept), request=wanted.page, next_cursor=cursor)


def _count(tenant: Tenant, axis: Axis | None, facets: Facets, within: Period) -> int | None:
    if within != Period():
        return store.count_within(tenant, axis, facets, within)
    if axis is None:
        return count(tenant)["total"]
    return counters.read(tenant, store.COLLECTION).get(store.counter_of(axis, facets[axis]), 0)
