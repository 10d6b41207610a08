"""Disputes in the table (patterns J1–J4): in their order's partition, a pointer by id, and beside it the evidence."""

from dataclasses import dataclass
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from commerce.disputes.model import Dispute, DisputeStatus
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys
from commerce.table.reading import get, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row, WordsAttribute
from commerce.table.transaction import Transaction


class DisputeRow(Row, discriminator="dispute"):
    """What the provider last said of a dispute, and what is booked of it."""

    audited: ClassVar[str] = "dispute"

    dispute_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    payment_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    status = UnicodeAttribute()
    reason = UnicodeAttribute()
    amount = NumberAttribute()  # minor units, as all amounts
    withdrawn = NumberAttribute()
    reinstated = NumberAttribute()
    lost = NumberAttribute()
    currency = UnicodeAttribute()
    due_by = InstantAttribute(null=True)
    past_due = BooleanAttribute()
    submissions = NumberAttribute()
    movements = WordsAttribute()
    attempts = NumberAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_dispute(self) -> Dispute:
        currency = self.currency
        return Dispute(
            dispute_id=self.dispute_id,
            order_id=self.order_id,
            payment_id=self.payment_id,
            customer_id=self.customer_id,
            status=DisputeStatus(self.status),
            reason=self.reason,
            amount=Money(int(self.amount), currency),
            withdrawn=Money(int(self.withdrawn), currency),
            reinstated=Money(int(self.reinstated), currency),
            lost=Money(int(self.lost), currency),
            due_by=self.due_by,
            past_due=self.past_due,
            submissions=int(self.submissions),
            created_at=self.created_at,
            updated_at=self.updated_at,
            movements=frozenset(self.movements),
            attempts=int(self.attempts),
            version=int(self.version),
        )


class DisputePointerRow(Row, discriminator="dispute_pointer"):
    """Tells which order a dispute is about, and so where it stands."""

    order_id = UnicodeAttribute()
    created_at = InstantAttribute()


class EvidenceRow(Row, discriminator="dispute_evidence"):
    """What the provider holds of our evidence: what a person wrote, so apart from what lists show."""

    evidence = DocumentAttribute()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A dispute with the evidence that the provider holds."""

    dispute: Dispute
    evidence: dict[str, str]


def find(tenant: Tenant, dispute_id: str) -> Recorded | None:
    """One dispute, by its id (J1)."""
    rows = partition(keys.dispute_pointer(tenant, dispute_id).pk)
    pointer = next((row for row in rows if isinstance(row, DisputePointerRow)), None)
    if pointer is None:
        return None
    row = get(keys.dispute(tenant, pointer.order_id, pointer.created_at, dispute_id))
    evidence: dict[str, str] = next((each.evidence for each in rows if isinstance(each, EvidenceRow)), {})
    return Recorded(row.to_dispute(), evidence) if isinstance(row, DisputeRow) else None


def page_of(
    tenant: Tenant, request: PageRequest, *, order_id: str | None = None, status: DisputeStatus | None = None
) -> Page[Dispute]:
    """A page of disputes, newest first (J3). An order's are few, so that their status is a filter."""
    condition, keep = None, None
    if order_id is not None:
        pk, index = keys.order(tenant, order_id).pk, None
        condition = Row.sk.startswith(keys.DISPUTE_PREFIX)
        keep = None if status is None else DisputeRow.status == str(status)
    elif status is not None:
        pk, index = keys.disputes_in_status(tenant, status), "gsi2"
    else:
        pk, index = keys.all_disputes(tenant), "gsi1"
    return page(
        tenant,
        request,
        _dispute,
        pk=pk,
        index=index,
        query_name=f"disputes:{order_id}:{status}",
        condition=condition,
        keep=keep,
    )


def add(tx: Transaction, tenant: Tenant, dispute: Dispute) -> None:
    """Record a dispute that is seen for the first time (J1, J2).

    Raises (at commit):
        StaleWrite: somebody else saw it first.
    """
    tx.add(_row(tenant, dispute), StaleWrite("dispute"))
    key = keys.dispute_pointer(tenant, dispute.dispute_id)
    tx.put(DisputePointerRow(key.pk, key.sk, order_id=dispute.order_id, created_at=dispute.created_at))


def save(tx: Transaction, tenant: Tenant, dispute: Dispute) -> None:
    """Record what became of a dispute (J2).

    Raises (at commit):
        StaleWrite: somebody else recorded something since it was read.
    """
    tx.put(_row(tenant, dispute), DisputeRow.version == dispute.version - 1, StaleWrite("dispute"))


def keep_evidence(tx: Transaction, tenant: Tenant, dispute: Dispute, evidence: dict[str, str]) -> None:
    """Keep what the provider holds of our evidence (J4)."""
    tx.put(EvidenceRow(*keys.dispute_evidence(tenant, dispute.dispute_id), evidence=evidence))


def _dispute(row: Row) -> Dispute:
    assert isinstance(row, DisputeRow)
    return row.to_dispute()


def _row(tenant: Tenant, dispute: Dispute) -> DisputeRow:
    when = keys.by_time(dispute.created_at, dispute.dispute_id)
    return DisputeRow(
        *keys.dispute(tenant, dispute.order_id, dispute.created_at, dispute.dispute_id),
        dispute_id=dispute.dispute_id,
        order_id=dispute.order_id,
        payment_id=dispute.payment_id,
        customer_id=dispute.customer_id,
        status=str(dispute.status),
        reason=dispute.reason,
        amount=dispute.amount.minor,
        withdrawn=dispute.withdrawn.minor,
        reinstated=dispute.reinstated.minor,
        lost=dispute.lost.minor,
        currency=dispute.amount.currency,
        due_by=dispute.due_by,
        past_due=dispute.past_due,
        submissions=dispute.submissions,
        movements=sorted(dispute.movements),
        attempts=dispute.attempts,
        created_at=dispute.created_at,
        updated_at=dispute.updated_at,
        version=dispute.version,
        gsi1pk=keys.all_disputes(tenant),
        gsi1sk=when,
        gsi2pk=keys.disputes_in_status(tenant, dispute.status),
        gsi2sk=when,
    )
