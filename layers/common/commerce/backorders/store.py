"""Backorders in the table (patterns X1–X6).

A backorder stands once under its id. While any of its units wait, a copy stands in the queue of its variant: a
partition of the table itself, in the order in which it is served, so that who is first is never out of date.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.backorders.model import Backorder, Kind, StockAllocation
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys, reading
from commerce.table.reading import get, get_all, page, partition, stream
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

_RUN_KEEP_SECONDS = 3 * 24 * 3600  # as long as an Idempotency-Key


class BackorderRow(Row, discriminator="backorder"):
    backorder_id = UnicodeAttribute()
    type = UnicodeAttribute()  # backorder, preorder
    order_id = UnicodeAttribute()
    line_id = UnicodeAttribute()
    line_number = NumberAttribute()
    product_id = UnicodeAttribute()
    variant_id = UnicodeAttribute()
    quantity = NumberAttribute()
    placed_at = InstantAttribute()
    priority = NumberAttribute()
    version = NumberAttribute()

    def to_backorder(self) -> Backorder:
        return Backorder(
            backorder_id=self.backorder_id,
            kind=Kind(self.type),
            order_id=self.order_id,
            line_id=self.line_id,
            line_number=int(self.line_number),
            product_id=self.product_id,
            variant_id=self.variant_id,
            quantity=int(self.quantity),
            placed_at=self.placed_at,
            priority=int(self.priority),
            version=int(self.version),
        )


class QueuedRow(BackorderRow, discriminator="queued_backorder"):
    """A backorder's place in the queue of its variant."""


class AllocationRow(Row, discriminator="allocation"):
    """``parts``: warehouse and units of each."""

    allocation_id = UnicodeAttribute()
    backorder_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    parts = DocumentAttribute()
    at = InstantAttribute()
    actor = UnicodeAttribute()


class RunRow(Row, discriminator="allocation_run"):
    """What one request to serve all queues has done so far, however often it is sent."""

    allocations = NumberAttribute()
    units = NumberAttribute()


def enter(tx: Transaction, tenant: Tenant, backorder: Backorder, due: datetime | None) -> None:
    """Write a new backorder, at its place in the queue; ``due`` is when it has waited for too long (X1, X2, X5)."""
    tx.add(_row(tenant, backorder))
    tx.add(_queued(tenant, backorder, due))


def leave(tx: Transaction, tenant: Tenant, backorder: Backorder) -> None:
    """Take a backorder out of the queue (X2).

    Raises (at commit):
        StaleWrite: it is not in it any more.
    """
    tx.delete(QueuedRow(*_place(tenant, backorder)), QueuedRow.pk.exists(), StaleWrite("backorder"))


def save(tx: Transaction, tenant: Tenant, before: Backorder, after: Backorder, due: datetime | None) -> None:
    """Write a backorder that waits one version on, at its place in the queue (X1, X2, X5).

    Raises (at commit):
        StaleWrite: somebody else changed it since, or it waits no more.
    """
    stale = StaleWrite("backorder")
    tx.put(_row(tenant, after), BackorderRow.version == before.version, stale)
    queued = _queued(tenant, after, due)
    if _place(tenant, before) == _place(tenant, after):
        tx.put(queued, QueuedRow.pk.exists(), stale)
    else:
        leave(tx, tenant, before)
        tx.add(queued, stale)


def is_due(tenant: Tenant, backorder: Backorder) -> bool:
    """Whether it stands in the index of those that have waited for too long, or will have (X2)."""
    row = get(_place(tenant, backorder))
    return row is not None and row.gsi3pk is not None


def told(tx: Transaction, tenant: Tenant, backorder: Backorder) -> None:
    """Take a backorder out of the index of those that have waited for too long (X5).

    Raises (at commit):
        Conflict: it is not in it any more.
    """
    tx.update(
        QueuedRow(*_place(tenant, backorder)),
        [QueuedRow.gsi3pk.remove(), QueuedRow.gsi3sk.remove()],
        QueuedRow.gsi3pk.exists(),
        Conflict("The customer was told already", reason="already_told"),
    )


def record(tx: Transaction, tenant: Tenant, allocation: StockAllocation) -> None:
    """Say what was set aside for a backorder (X4)."""
    tx.add(
        AllocationRow(
            *keys.allocation(tenant, allocation.order_id, allocation.allocation_id),
            allocation_id=allocation.allocation_id,
            backorder_id=allocation.backorder_id,
            order_id=allocation.order_id,
            parts=[[part.warehouse_id, part.quantity] for part in allocation.parts],
            at=allocation.at,
            actor=allocation.actor,
        )
    )


def count(tx: Transaction, tenant: Tenant, run_id: str, allocation: StockAllocation) -> None:
    """Count an allocation of a run, with it (X6)."""
    tx.update(
        RunRow(*keys.allocation_run(tenant, run_id)),
        [
            RunRow.allocations.add(1),
            RunRow.units.add(allocation.quantity),
            RunRow.kind.set(RunRow),
            RunRow.ttl.set(int(allocation.at.timestamp()) + _RUN_KEEP_SECONDS),
        ],
    )


def counted(tenant: Tenant, run_id: str) -> tuple[int, int]:
    """The allocations of a run, and their units (X6)."""
    row = get(keys.allocation_run(tenant, run_id))
    return (int(row.allocations), int(row.units)) if isinstance(row, RunRow) else (0, 0)


def find(tenant: Tenant, backorder_id: str) -> Backorder | None:
    """One backorder (X1)."""
    row = get(keys.backorder(tenant, backorder_id))
    return row.to_backorder() if isinstance(row, BackorderRow) else None


def find_all(tenant: Tenant, backorder_ids: Iterable[str]) -> list[Backorder]:
    """Several backorders, one call for up to a hundred (X1)."""
    rows = get_all(keys.backorder(tenant, backorder_id) for backorder_id in backorder_ids)
    return [row.to_backorder() for row in rows.values() if isinstance(row, BackorderRow)]


def first(tenant: Tenant, variant_id: str) -> Backorder | None:
    """Who is served next of those that wait for a variant; None where nobody waits (X2)."""
    rows = partition(keys.queue(tenant, variant_id), limit=1)
    return next((row.to_backorder() for row in rows if isinstance(row, BackorderRow)), None)


def page_of(tenant: Tenant, request: PageRequest, kind: Kind) -> Page[Backorder]:
    """A page of all backorders of a kind, newest first (X3)."""
    pk = keys.backorders(tenant, kind)
    return page(tenant, request, _to_backorder, pk=pk, index="gsi1", query_name=f"backorders:{kind}")


def page_waiting(tenant: Tenant, request: PageRequest, kind: Kind) -> Page[Backorder]:
    """A page of those of a kind that wait, the longest waiting first (X3)."""
    return page(
        tenant,
        request,
        _to_backorder,
        pk=keys.waiting_backorders(tenant, kind),
        index="gsi1",
        query_name=f"waiting_backorders:{kind}",
        ascending=True,
    )


def waiting(tenant: Tenant) -> Iterator[Backorder]:
    """All that wait, streamed: preorders after backorders, the longest waiting of each first (X3)."""
    for kind in Kind:
        yield from map(_to_backorder, stream(keys.waiting_backorders(tenant, kind), index="gsi1"))


def overdue(now: datetime, limit: int) -> list[tuple[Tenant, Backorder]]:
    """Those of all tenants that have waited for too long, at most ``limit`` of each shard; without settings (X5)."""
    rows = reading.due(keys.due_backorders, now, limit, index="gsi3")
    return [(keys.tenant_of(row.pk), _to_backorder(row)) for row in rows]


def _to_backorder(row: Row) -> Backorder:
    assert isinstance(row, BackorderRow)
    return row.to_backorder()


def _place(tenant: Tenant, backorder: Backorder) -> keys.Key:
    return keys.place_in_queue(
        tenant,
        backorder.variant_id,
        backorder.priority,
        backorder.placed_at,
        backorder.line_number,
        backorder.backorder_id,
    )


def _row(tenant: Tenant, backorder: Backorder) -> BackorderRow:
    return BackorderRow(
        *keys.backorder(tenant, backorder.backorder_id),
        gsi1pk=keys.backorders(tenant, backorder.kind),
        gsi1sk=keys.by_time(backorder.placed_at, backorder.backorder_id),
        **_attributes(backorder),
    )


def _queued(tenant: Tenant, backorder: Backorder, due: datetime | None) -> QueuedRow:
    return QueuedRow(
        *_place(tenant, backorder),
        gsi1pk=keys.waiting_backorders(tenant, backorder.kind),
        gsi1sk=keys.by_time(backorder.placed_at, backorder.backorder_id),
        gsi3pk=None if due is None else keys.due_backorders(keys.expiry_shard(backorder.backorder_id)),
        gsi3sk=None if due is None else keys.by_time(due, backorder.backorder_id),
        **_attributes(backorder),
    )


def _attributes(backorder: Backorder) -> dict[str, Any]:
    return {
        "backorder_id": backorder.backorder_id,
        "type": str(backorder.kind),
        "order_id": backorder.order_id,
        "line_id": backorder.line_id,
        "line_number": backorder.line_number,
        "product_id": backorder.product_id,
        "variant_id": backorder.variant_id,
        "quantity": backorder.quantity,
        "placed_at": backorder.placed_at,
        "priority": backorder.priority,
        "version": backorder.version,
    }
