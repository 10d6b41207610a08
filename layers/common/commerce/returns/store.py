"""Returns in the table (patterns V1–V6): a return and its history share a partition."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.refunds.model import Method
from commerce.returns.model import Receipt, Return, ReturnItem, ReturnStatus, Step
from commerce.table import keys, reading
from commerce.table.reading import get, get_all, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

COLLECTION = "returns"


class ReturnRow(Row, discriminator="return"):
    audited: ClassVar[str] = "return"

    return_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    rma_number = UnicodeAttribute()
    items = DocumentAttribute()
    receipts = DocumentAttribute()
    method = UnicodeAttribute()
    status = UnicodeAttribute()
    currency = UnicodeAttribute()
    refund = NumberAttribute()  # minor units
    refund_id = UnicodeAttribute(null=True)
    ended_because = UnicodeAttribute(null=True)
    requested_at = InstantAttribute()
    updated_at = InstantAttribute()
    deadline = InstantAttribute(null=True)
    version = NumberAttribute()
    sequence = NumberAttribute()

    def to_return(self) -> Return:
        return Return(
            return_id=self.return_id,
            order_id=self.order_id,
            customer_id=self.customer_id,
            rma_number=self.rma_number,
            items=tuple(ReturnItem(line_id, quantity, reason) for line_id, quantity, reason in self.items),
            receipts=tuple(Receipt.from_document(each) for each in self.receipts),
            method=Method(self.method),
            status=ReturnStatus(self.status),
            refund=Money(int(self.refund), self.currency),
            refund_id=self.refund_id,
            ended_because=self.ended_because,
            requested_at=self.requested_at,
            updated_at=self.updated_at,
            deadline=self.deadline,
            version=int(self.version),
            sequence=int(self.sequence),
        )


class ReturnStepRow(Row, discriminator="return_step"):
    return_id = UnicodeAttribute()
    version = NumberAttribute()
    at = InstantAttribute()
    actor = UnicodeAttribute()
    what = UnicodeAttribute()
    status = UnicodeAttribute()
    data = DocumentAttribute()

    def to_step(self) -> Step:
        return Step(int(self.version), self.at, self.actor, self.what, ReturnStatus(self.status), self.data)


class ReturnPointerRow(Row, discriminator="return_pointer"):
    """Names a return: one of an order, or the one that a parcel belongs to."""

    return_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, ret: Return) -> None:
    """Write a new return, and what names it (V1, V3, V4).

    Raises (at commit):
        StaleWrite: another return has its RMA number; planning again draws another one.
    """
    tx.add(_row(tenant, ret), StaleWrite("return"))
    of_order = keys.return_of_order(tenant, ret.order_id, ret.requested_at, ret.return_id)
    tx.add(ReturnPointerRow(*of_order, return_id=ret.return_id))
    tx.add(ReturnPointerRow(*keys.rma(tenant, ret.rma_number), return_id=ret.return_id), StaleWrite("RMA number"))


def save(tx: Transaction, tenant: Tenant, ret: Return, since: int) -> None:
    """Write a return that was at version ``since`` (V1).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    tx.put(_row(tenant, ret), ReturnRow.version == since, StaleWrite("return"))


def record(tx: Transaction, tenant: Tenant, return_id: str, step: Step) -> None:
    """Add to a return's history (V2)."""
    tx.add(
        ReturnStepRow(
            *keys.return_step(tenant, return_id, step.version),
            return_id=return_id,
            version=step.version,
            at=step.at,
            actor=step.actor,
            what=step.what,
            status=str(step.status),
            data=step.data,
        )
    )


def find(tenant: Tenant, return_id: str) -> Return | None:
    """One return (V1)."""
    row = get(keys.return_(tenant, return_id))
    return row.to_return() if isinstance(row, ReturnRow) else None


def find_all(tenant: Tenant, return_ids: Iterable[str]) -> dict[str, Return]:
    """The returns that exist, by id (V1)."""
    rows = get_all(keys.return_(tenant, return_id) for return_id in return_ids).values()
    return {row.return_id: row.to_return() for row in rows if isinstance(row, ReturnRow)}


def find_with_history(tenant: Tenant, return_id: str) -> tuple[Return, list[Step]] | None:
    """A return and all that happened to it, oldest first, in one query (V2)."""
    key = keys.return_(tenant, return_id)
    rows = partition(key.pk, Row.sk.between(keys.TIMELINE_PREFIX, key.sk))
    ret = next((row.to_return() for row in rows if isinstance(row, ReturnRow)), None)
    return None if ret is None else (ret, [row.to_step() for row in rows if isinstance(row, ReturnStepRow)])


def with_number(tenant: Tenant, rma_number: str) -> Return | None:
    """The return that a parcel with this number belongs to (V4)."""
    row = get(keys.rma(tenant, rma_number))
    return find(tenant, row.return_id) if isinstance(row, ReturnPointerRow) else None


def page_of(tenant: Tenant, request: PageRequest, status: ReturnStatus | None) -> Page[Return]:
    """A page of returns, newest first: of all, or of those in one status (V5)."""
    return page(
        tenant,
        request,
        _return,
        pk=keys.all_returns(tenant) if status is None else keys.returns_in_status(tenant, status),
        index="gsi1" if status is None else "gsi2",
        query_name=f"{COLLECTION}:{status or 'all'}",
    )


def page_of_order(tenant: Tenant, request: PageRequest, order_id: str) -> Page[Return]:
    """A page of an order's returns, newest first (V3)."""
    named = page(
        tenant,
        request,
        _return_id,
        pk=keys.order(tenant, order_id).pk,
        index=None,
        query_name=f"{COLLECTION}:of:{order_id}",
        condition=Row.sk.startswith(keys.RETURN_PREFIX),
    )
    found = find_all(tenant, named.items)
    return named.over(tuple(found[return_id] for return_id in named.items))


def due(now: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and id of returns past their deadline, the longest first in each shard (V6)."""
    rows = reading.due(keys.due_returns, now, limit, index="gsi3")
    return [(keys.tenant_of(row.pk), row.return_id) for row in rows if isinstance(row, ReturnRow)]


def _return(row: Row) -> Return:
    assert isinstance(row, ReturnRow)
    return row.to_return()


def _return_id(row: Row) -> str:
    assert isinstance(row, ReturnPointerRow)
    return row.return_id


def _row(tenant: Tenant, ret: Return) -> ReturnRow:
    when = keys.by_time(ret.requested_at, ret.return_id)
    row = ReturnRow(
        *keys.return_(tenant, ret.return_id),
        return_id=ret.return_id,
        order_id=ret.order_id,
        customer_id=ret.customer_id,
        rma_number=ret.rma_number,
        items=[[item.line_id, item.quantity, item.reason] for item in ret.items],
        receipts=[receipt.document for receipt in ret.receipts],
        method=str(ret.method),
        status=str(ret.status),
        currency=ret.refund.currency,
        refund=ret.refund.minor,
        refund_id=ret.refund_id,
        ended_because=ret.ended_because,
        requested_at=ret.requested_at,
        updated_at=ret.updated_at,
        deadline=ret.deadline,
        version=ret.version,
        sequence=ret.sequence,
        gsi1pk=keys.all_returns(tenant),
        gsi1sk=when,
        gsi2pk=keys.returns_in_status(tenant, ret.status),
        gsi2sk=when,
    )
    if ret.deadline is not None:
        row.gsi3pk = keys.due_returns(keys.expiry_shard(ret.return_id))
        row.gsi3sk = keys.by_time(ret.deadline, ret.return_id)
    return row
