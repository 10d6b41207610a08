"""Batches of gift cards in the table (patterns G7, G8)."""

from datetime import date, datetime
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.gift_cards.batch_model import Batch, BatchStatus
from commerce.gift_cards.issuing import IssueCard
from commerce.gift_cards.model import Funding
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction


class GiftCardBatchRow(Row, discriminator="gift_card_batch"):
    audited: ClassVar[str] = "gift_card_batch"

    batch_id = UnicodeAttribute()
    status = UnicodeAttribute()
    rows = DocumentAttribute()
    quantity = NumberAttribute()
    issued = NumberAttribute()
    actor = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    sequence = NumberAttribute()
    downloads = NumberAttribute()
    version = NumberAttribute()

    def to_batch(self) -> Batch:
        return Batch(
            batch_id=self.batch_id,
            status=BatchStatus(self.status),
            rows=tuple(_command(row) for row in self.rows),
            quantity=int(self.quantity),
            issued=int(self.issued),
            actor=self.actor,
            created_at=self.created_at,
            updated_at=self.updated_at,
            sequence=int(self.sequence),
            downloads=int(self.downloads),
            version=int(self.version),
        )


def add(tx: Transaction, tenant: Tenant, batch: Batch) -> None:
    """Write a new batch (G7).

    Raises (at commit):
        StaleWrite: there is such a batch; planning again finds it.
    """
    tx.add(_row(tenant, batch), StaleWrite("batch"))


def save(tx: Transaction, tenant: Tenant, batch: Batch) -> None:
    """Write a batch one version on (G7).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    tx.put(_row(tenant, batch), GiftCardBatchRow.version == batch.version - 1, StaleWrite("batch"))


def find(tenant: Tenant, batch_id: str) -> Batch | None:
    """One batch (G7)."""
    row = get(keys.gift_card_batch(tenant, batch_id))
    return row.to_batch() if isinstance(row, GiftCardBatchRow) else None


def unfinished(since: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and id of batches that nothing happened to ``since``, the longest first (G8)."""
    rows = Row.query(keys.unfinished_gift_card_batches(), Row.gsi3sk <= sortable(since), index_name="gsi3", limit=limit)
    return [(keys.tenant_of(row.pk), row.batch_id) for row in rows if isinstance(row, GiftCardBatchRow)]


def _row(tenant: Tenant, batch: Batch) -> GiftCardBatchRow:
    row = GiftCardBatchRow(
        *keys.gift_card_batch(tenant, batch.batch_id),
        batch_id=batch.batch_id,
        status=str(batch.status),
        rows=[_document(row) for row in batch.rows],
        quantity=batch.quantity,
        issued=batch.issued,
        actor=batch.actor,
        created_at=batch.created_at,
        updated_at=batch.updated_at,
        sequence=batch.sequence,
        downloads=batch.downloads,
        version=batch.version,
    )
    if batch.status is BatchStatus.PROCESSING:
        row.gsi3pk = keys.unfinished_gift_card_batches()
        row.gsi3sk = keys.by_time(batch.updated_at, batch.batch_id)
    return row


_TEXTS = ("owner_email", "recipient_email", "message", "sender", "design")


def _document(row: IssueCard) -> dict[str, Any]:
    return {
        "amount": row.amount.minor,
        "currency": row.amount.currency,
        "funding": str(row.funding),
        "expires_on": row.expires_on.isoformat() if row.expires_on else None,
        "deliver": row.deliver,
        "inactive": row.inactive,
        **{name: getattr(row, name) for name in _TEXTS},
    }


def _command(document: dict[str, Any]) -> IssueCard:
    return IssueCard(
        amount=Money(document["amount"], document["currency"]),
        funding=Funding(document["funding"]),
        expires_on=date.fromisoformat(document["expires_on"]) if document["expires_on"] else None,
        deliver=document["deliver"],
        inactive=document["inactive"],
        **{name: document[name] for name in _TEXTS},
    )
