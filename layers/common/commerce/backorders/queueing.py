"""Orders take their place in the queues for stock when they are placed, and leave them when they are called off.

An unpaid order has its place, and stock that arrives is set aside for it as for any other: should it expire, it leaves
the queue and gives back what it has, which goes to those behind it.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain

from commerce.backorders import store
from commerce.backorders.model import Backorder, Kind
from commerce.inventory import store as inventory
from commerce.inventory.model import Allocation, Stock, StockKey, allocate_up_to
from commerce.kernel.caller import Tenant
from commerce.kernel.periods import end_of
from commerce.mails.notices import NOTICE, NoticeKind, told_of
from commerce.orders import use_cases as orders
from commerce.orders.model import Order, OrderLine
from commerce.table.transaction import Transaction


def set_aside(tenant: Tenant, variant_id: str, units: int, stocks: list[Stock]) -> tuple[Allocation, ...]:
    """Where units of a variant that may be waited for come from: as many as there are.

    None, where others wait for it already: what is there is theirs.
    """
    there = allocate_up_to(units, stocks)
    return () if there and store.first(tenant, variant_id) is not None else there


def foresee(tenant: Tenant, wanted: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """How many units would have to wait, by variant, if what is wanted (product, variant, units) were ordered now."""
    places = {
        (product_id, variant_id, units): [StockKey(product_id, variant_id, name) for name in tenant.warehouses]
        for product_id, variant_id, units in wanted
    }
    found = inventory.find_all(tenant, chain.from_iterable(places.values()))
    waiting = {}
    for (_, variant_id, units), own in places.items():
        parts = set_aside(tenant, variant_id, units, [found[each] for each in own if each in found])
        waiting[variant_id] = units - sum(part.quantity for part in parts)
    return waiting


def enter(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Add the places in the queues of an order that is being placed, and the notice that tells its buyer."""
    for number, line in enumerate(order.lines):
        if line.waiting:
            store.enter(tx, tenant, _of(order, line, number), late_from(tenant, line.expected_on))
    told = told_of(NoticeKind.BACKORDER_EXPECTED, order.order_id, order.order_id)
    orders.announce(tx, tenant, order, NOTICE, told)


def leave(tx: Transaction, tenant: Tenant, order: Order) -> None:
    """Add that an order that is called off waits no more."""
    for backorder in store.find_all(tenant, order.waiting_ids):
        store.leave(tx, tenant, backorder)


def late_from(tenant: Tenant, expected_on: date | None) -> datetime | None:
    """When the day is over on which units should be there; None where the customer was told none."""
    return None if expected_on is None else end_of(expected_on, tenant.timezone)


def _of(order: Order, line: OrderLine, number: int) -> Backorder:
    assert line.backorder_id is not None
    return Backorder(
        backorder_id=line.backorder_id,
        kind=Kind.PREORDER if line.preordered else Kind.BACKORDER,
        order_id=order.order_id,
        line_id=line.line_id,
        line_number=number,
        product_id=line.product_id,
        variant_id=line.variant_id,
        quantity=line.waiting,
        placed_at=order.placed_at,
    )
