"""Stock for those who wait (contract BO-02, BO-03, PO-02, PO-03).

Each allocation is one transaction: the order's line, the stock, and the place in the queue. Whoever serves a queue
looks at its head anew each time, in the table itself, so that any number of them at once serve it in turn: two that
found the same head change the same order, and one of them looks again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from commerce.backorders import store
from commerce.backorders.model import Backorder, Standing, StockAllocation
from commerce.backorders.representation import as_object
from commerce.events.model import TimelineType
from commerce.inventory import store as inventory
from commerce.inventory.model import Allocation, Stock, StockKey, allocate_up_to
from commerce.kernel import ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound, StaleWrite, Unavailable
from commerce.kernel.limits import MAX_ENDING_WRITES
from commerce.mails.notices import NoticeKind, notify
from commerce.observability import logger
from commerce.orders import store as orders
from commerce.orders.changing import OrderChange
from commerce.orders.model import Order
from commerce.table.transaction import Transaction, run

_LOOKAHEAD = 20  # variants whose stock is read at once

type HasTime = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Served:
    """What became of serving queues: ``allocations`` were made, of ``units``; there was no time for ``left`` queues at
    least, or not to their end."""

    allocations: int = 0
    units: int = 0
    left: int = 0

    def __add__(self, other: "Served") -> "Served":
        return Served(self.allocations + other.allocations, self.units + other.units, self.left + other.left)


# By hand


def allocate(tx: Transaction, caller: Caller, backorder_id: str, quantity: int | None = None) -> StockAllocation:
    """Set stock aside for one backorder, whoever else waits: it is a person who decides so (contract BO-02, PO-02).

    Args:
        quantity: exactly so many units; None for as many as there are, of those that wait.

    Raises:
        NotFound: no such backorder.
        Invalid: fewer units wait.
        Conflict: it does not wait any more; nothing is available, or not that much.
    """
    standing = get(caller.tenant, backorder_id)
    require_waiting(standing)
    if quantity is not None and quantity > standing.remaining:
        raise Invalid(f"{standing.remaining} units wait", field="quantity", reason="exceeds_waiting")
    parts = _parts(caller.tenant, standing, standing.remaining if quantity is None else quantity)
    found = sum(part.quantity for part in parts)
    if found == 0 or (quantity is not None and found < quantity):
        raise Conflict(f"Only {found} available", field="quantity", reason="insufficient_stock")
    return _set_aside(tx, caller, standing, parts)


def get(tenant: Tenant, backorder_id: str) -> Standing:
    """A backorder as it stands.

    Raises:
        NotFound: no such backorder.
    """
    backorder = store.find(tenant, backorder_id)
    if backorder is None:
        raise NotFound("backorder")
    return Standing(backorder, _order_of(tenant, backorder))


def require_waiting(standing: Standing) -> None:
    """Raise Conflict unless units of it still wait."""
    if not standing.remaining:
        raise Conflict(f"This backorder is {standing.status}", field="backorder_id", reason="not_waiting")


# In turn


def serve_once(caller: Caller, run_id: str, *, whole: bool, has_time: HasTime) -> Served:
    """Serve every queue as ``serve_all`` does; give what was done under ``run_id``, tries that died included."""
    left = serve_all(caller, whole=whole, has_time=has_time, run_id=run_id).left
    allocations, units = store.counted(caller.tenant, run_id)
    return Served(allocations, units, left)


def serve_all(caller: Caller, *, whole: bool, has_time: HasTime, run_id: str | None = None) -> Served:
    """Serve every queue of the tenant as far as stock goes, the longest waiting first (contract BO-03).

    Args:
        whole: nobody gets a part of what they wait for (the tenant's setting).
        run_id: where it is counted, too.
    """
    served, variants = Served(), _waited_for(caller.tenant)
    while batch := list(islice(variants, _LOOKAHEAD)):
        if not has_time():
            return served + Served(left=len(batch))
        stocked = {key.variant_id for key, stock in _stocks(caller.tenant, batch).items() if stock.available}
        for key in batch:
            if key.variant_id in stocked:
                served += serve(caller, key, whole=whole, has_time=has_time, run_id=run_id)
    return served


def waited_for(tenant: Tenant, variants: Iterable[StockKey]) -> list[StockKey]:
    """Those of the variants that somebody waits for; ``tenant`` needs no settings."""
    return [key for key in variants if store.first(tenant, key.variant_id) is not None]


def serve(caller: Caller, variant: StockKey, *, whole: bool, has_time: HasTime, run_id: str | None = None) -> Served:
    """Serve those who wait for a variant, in turn, until stock or the queue comes to its end (contract PO-03)."""
    served = Served()
    while has_time():
        try:
            made = run(lambda tx: _serve_first(tx, caller, variant, whole, run_id), caller.cause())
        except (StaleWrite, Unavailable) as busy:
            logger.info("queue left", variant_id=variant.variant_id, reason=busy.reason)
            break  # others serve it, or sell from the same stock
        if made is None:
            return served
        served += Served(1, made.quantity)
    return served + Served(left=1)


def _waited_for(tenant: Tenant) -> Iterator[StockKey]:
    """The variants that somebody waits for, each once."""
    seen: set[str] = set()
    for backorder in store.waiting(tenant):
        if backorder.variant_id not in seen:
            seen.add(backorder.variant_id)
            yield StockKey(backorder.product_id, backorder.variant_id, "")


def _serve_first(
    tx: Transaction, caller: Caller, variant: StockKey, whole: bool, run_id: str | None
) -> StockAllocation | None:
    """Add an allocation for the head of a queue; None where there is none, or nothing for it."""
    backorder = store.first(caller.tenant, variant.variant_id)
    if backorder is None:
        return None
    standing = Standing(backorder, _order_of(caller.tenant, backorder))
    if not standing.remaining:
        raise StaleWrite("backorder")  # it left the queue between the two reads
    parts = _parts(caller.tenant, standing, standing.remaining)
    found = sum(part.quantity for part in parts)
    if found == 0 or (whole and found < standing.remaining):
        return None
    allocation = _set_aside(tx, caller, standing, parts)
    if run_id is not None:
        store.count(tx, caller.tenant, run_id, allocation)
    return allocation


# Both


def _order_of(tenant: Tenant, backorder: Backorder) -> Order:
    order = orders.find(tenant, backorder.order_id)
    assert order is not None  # it was written with it
    return order


def _stocks(tenant: Tenant, variants: list[StockKey]) -> dict[StockKey, Stock]:
    return inventory.find_all(
        tenant, [replace(key, warehouse_id=warehouse) for key in variants for warehouse in tenant.warehouses]
    )


def _parts(tenant: Tenant, standing: Standing, units: int) -> tuple[Allocation, ...]:
    """Where units come from, as many as there are.

    An order must be called off in one transaction, so that one with very many parts gets them from one warehouse.
    """
    key = StockKey(standing.backorder.product_id, standing.backorder.variant_id, "")
    found = _stocks(tenant, [key])
    stocks = [found[each] for each in (replace(key, warehouse_id=name) for name in tenant.warehouses) if each in found]
    parts = allocate_up_to(units, stocks)
    if _can_end(_with(standing, parts)):
        return parts
    own = {part.warehouse_id for part in standing.line.allocations}
    fullest = max(stocks, key=lambda stock: (stock.key.warehouse_id in own, stock.available))
    parts = allocate_up_to(units, [fullest])
    return parts if _can_end(_with(standing, parts)) else ()


def _can_end(order: Order) -> bool:
    return order.ending_writes <= MAX_ENDING_WRITES


def _with(standing: Standing, parts: tuple[Allocation, ...]) -> Order:
    order = standing.order
    for part in parts:
        order = order.allocate(standing.backorder.line_id, part.warehouse_id, part.quantity)
    return order


def _set_aside(tx: Transaction, caller: Caller, standing: Standing, parts: tuple[Allocation, ...]) -> StockAllocation:
    """Add an allocation: the order's line has the units, the stock keeps them for it, and whoever has all leaves."""
    backorder, tenant = standing.backorder, caller.tenant
    change = OrderChange(tx, caller, standing.order, _with(standing, parts))
    after = Standing(backorder, change.after)
    allocation = StockAllocation(
        ids.new("alloc"), backorder.backorder_id, backorder.order_id, parts, change.at, caller.actor
    )
    for part in parts:
        key = StockKey(backorder.product_id, backorder.variant_id, part.warehouse_id)
        inventory.reserve(tx, tenant, key, part.quantity)
    if not after.remaining:
        store.leave(tx, tenant, backorder)
    store.record(tx, tenant, allocation)
    told = {"allocation_id": allocation.allocation_id, "quantity_allocated": allocation.quantity}
    change.tell(after.status, TimelineType.ALLOCATION, data={"backorder_id": backorder.backorder_id, **told})
    change.announce("backorder.allocated", as_object(after) | told)
    if not after.remaining:
        backorder_id = backorder.backorder_id
        notify(change, NoticeKind.BACKORDER_ALLOCATED, backorder_id, backorder_id=backorder_id)
    change.save()
    return allocation
