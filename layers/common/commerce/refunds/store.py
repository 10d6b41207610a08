"""Refunds in the table (patterns F1–F3): each is a row in its order's partition."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.refunds.model import LineRefund, Part, SourceKind, Step
from commerce.refunds.records import Door, Refund, RefundStatus
from commerce.table import keys, reading
from commerce.table.reading import get, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

UNHEARD = timedelta(minutes=15)  # after which a refund that the provider knows nothing of is asked for again


class RefundRow(Row, discriminator="refund"):
    audited: ClassVar[str] = "refund"

    refund_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    door = UnicodeAttribute()
    status = UnicodeAttribute()
    currency = UnicodeAttribute()
    amount = NumberAttribute()  # minor units, as all amounts
    parts = DocumentAttribute()
    steps = DocumentAttribute()
    lines = DocumentAttribute()
    requested_at = InstantAttribute()
    updated_at = InstantAttribute()
    actor = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    return_id = UnicodeAttribute(null=True)
    payment_id = UnicodeAttribute(null=True)
    provider_id = UnicodeAttribute(null=True)
    attempts = NumberAttribute()
    failure = UnicodeAttribute(null=True)
    version = NumberAttribute()

    def to_refund(self) -> Refund:
        currency = self.currency
        return Refund(
            refund_id=self.refund_id,
            order_id=self.order_id,
            door=Door(self.door),
            status=RefundStatus(self.status),
            parts=tuple(
                Part(SourceKind(kind), source_id, Money(minor, currency)) for kind, source_id, minor in self.parts
            ),
            steps=tuple(Step(what, Money(minor, currency)) for what, minor in self.steps),
            lines=tuple(_line(line, currency) for line in self.lines),
            requested_at=self.requested_at,
            updated_at=self.updated_at,
            actor=self.actor,
            currency=currency,
            reason=self.reason,
            return_id=self.return_id,
            payment_id=self.payment_id,
            provider_id=self.provider_id,
            attempts=int(self.attempts),
            failure=self.failure,
            version=int(self.version),
        )


def find(tenant: Tenant, order_id: str, refund_id: str) -> Refund | None:
    """One refund (F1)."""
    row = get(keys.refund(tenant, order_id, refund_id))
    return row.to_refund() if isinstance(row, RefundRow) else None


def of_order(tenant: Tenant, order_id: str) -> list[Refund]:
    """An order's refunds, oldest first (F2)."""
    rows = partition(keys.order(tenant, order_id).pk, Row.sk.startswith(keys.REFUND_PREFIX))
    return [_refund(row) for row in rows]


def page_of_payment(tenant: Tenant, request: PageRequest, order_id: str, payment_id: str) -> Page[Refund]:
    """A page of what went back through a payment, newest first; an order has few, so that a filter finds them (F2)."""
    return page(
        tenant,
        request,
        _refund,
        pk=keys.order(tenant, order_id).pk,
        index=None,
        query_name=f"refunds:{payment_id}",
        condition=Row.sk.startswith(keys.REFUND_PREFIX),
        keep=RefundRow.payment_id == payment_id,
    )


def unheard_of(now: datetime, limit: int) -> list[tuple[str, Mode, str, str]]:
    """Tenant, mode, order and id of refunds that the provider has not answered for a while (F3)."""
    rows = reading.due(keys.due_refunds, now, limit, index="gsi1")
    named = [(keys.tenant_of(row.pk), row) for row in rows if isinstance(row, RefundRow)]
    return [(tenant.tenant_id, tenant.mode, row.order_id, row.refund_id) for tenant, row in named]


def add(tx: Transaction, tenant: Tenant, refund: Refund) -> None:
    """Write a new refund (F1).

    Raises (at commit):
        StaleWrite: somebody else has just heard of the same refund.
    """
    tx.add(_row(tenant, refund), StaleWrite("refund"))


def save(tx: Transaction, tenant: Tenant, refund: Refund) -> None:
    """Write a refund one version on (F1).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    tx.put(_row(tenant, refund), RefundRow.version == refund.version - 1, StaleWrite("refund"))


def _refund(row: Row) -> Refund:
    assert isinstance(row, RefundRow)
    return row.to_refund()


def _row(tenant: Tenant, refund: Refund) -> RefundRow:
    row = RefundRow(
        *keys.refund(tenant, refund.order_id, refund.refund_id),
        refund_id=refund.refund_id,
        order_id=refund.order_id,
        door=str(refund.door),
        status=str(refund.status),
        currency=refund.currency,
        amount=refund.amount.minor,
        parts=[[str(part.kind), part.source_id, part.amount.minor] for part in refund.parts],
        steps=[[step.what, step.amount.minor] for step in refund.steps],
        lines=[_line_document(line) for line in refund.lines],
        requested_at=refund.requested_at,
        updated_at=refund.updated_at,
        actor=refund.actor,
        reason=refund.reason,
        return_id=refund.return_id,
        payment_id=refund.payment_id,
        provider_id=refund.provider_id,
        attempts=refund.attempts,
        failure=refund.failure,
        version=refund.version,
    )
    if refund.status is RefundStatus.PENDING and refund.provider_id is None:
        row.gsi1pk = keys.due_refunds(keys.expiry_shard(refund.refund_id))
        row.gsi1sk = keys.by_time(refund.updated_at + UNHEARD, refund.refund_id)
    return row


def _line_document(line: LineRefund) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "units": line.units,
        "price": line.price.minor,
        "discount": line.discount.minor,
        "tax": line.tax.minor,
    }


def _line(document: dict[str, Any], currency: str) -> LineRefund:
    price, discount, tax = (Money(document[name], currency) for name in ("price", "discount", "tax"))
    return LineRefund(document["id"], document["units"], price, discount, tax)
