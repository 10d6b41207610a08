"""Store credit in the table (patterns K1–K5): a customer's lots and their ledger entries share a partition."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import StaleWrite
from commerce.kernel.money import Money
from commerce.store_credit.model import Lot
from commerce.table import keys, reading
from commerce.table.keys import Key
from commerce.table.reading import get, get_all, partition, stream
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction


class LotRow(Row, discriminator="credit_lot"):
    audited: ClassVar[str] = "store_credit"

    credit_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    currency = UnicodeAttribute()
    issued = NumberAttribute()  # minor units, as all amounts
    used = NumberAttribute()
    expired = NumberAttribute()
    voided = NumberAttribute()
    reason = UnicodeAttribute()
    reference = UnicodeAttribute(null=True)
    issued_at = InstantAttribute()
    updated_at = InstantAttribute()
    expires_on = UnicodeAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    entries = NumberAttribute()
    version = NumberAttribute()

    def to_lot(self) -> Lot:
        def money(minor: float) -> Money:
            return Money(int(minor), self.currency)

        return Lot(
            credit_id=self.credit_id,
            customer_id=self.customer_id,
            issued=money(self.issued),
            used=money(self.used),
            expired=money(self.expired),
            voided=money(self.voided),
            reason=self.reason,
            reference=self.reference,
            issued_at=self.issued_at,
            updated_at=self.updated_at,
            expires_on=date.fromisoformat(self.expires_on) if self.expires_on else None,
            expires_at=self.expires_at,
            entries=int(self.entries),
            version=int(self.version),
        )


class CreditPointerRow(Row, discriminator="credit_pointer"):
    """Tells whose lot it is; never changed."""

    customer_id = UnicodeAttribute()


def add(tx: Transaction, tenant: Tenant, lot: Lot) -> None:
    """Write a new lot, and what leads to it by its id (K1, K2)."""
    tx.add(_row(tenant, lot))
    tx.add(CreditPointerRow(*keys.credit_pointer(tenant, lot.credit_id), customer_id=lot.customer_id))


def save(tx: Transaction, tenant: Tenant, lot: Lot) -> None:
    """Write a lot one version on (K1).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    tx.put(_row(tenant, lot), LotRow.version == lot.version - 1, StaleWrite("store credit"))


def lots_of(tenant: Tenant, customer_id: str) -> list[Lot]:
    """All lots of a customer, in one strongly consistent read (K1)."""
    rows = partition(keys.credit_account(tenant, customer_id).pk, Row.sk.startswith(keys.LOT_PREFIX))
    return [row.to_lot() for row in rows if isinstance(row, LotRow)]


def find_all(tenant: Tenant, customer_id: str, credit_ids: list[str]) -> dict[str, Lot]:
    """Some lots of a customer, by their ids (K1)."""
    rows = get_all([keys.credit_lot(tenant, customer_id, each) for each in credit_ids]).values()
    return {row.credit_id: row.to_lot() for row in rows if isinstance(row, LotRow)}


def find(tenant: Tenant, credit_id: str) -> Lot | None:
    """One lot, whosesoever it is (K2)."""
    pointer = get(keys.credit_pointer(tenant, credit_id))
    if not isinstance(pointer, CreditPointerRow):
        return None
    row = get(keys.credit_lot(tenant, pointer.customer_id, credit_id))
    return row.to_lot() if isinstance(row, LotRow) else None


def with_book(tenant: Tenant, customer_id: str) -> list[Row]:
    """A customer's lots and their ledger entries (K3)."""
    return partition(keys.credit_account(tenant, customer_id).pk)


def all_of(tenant: Tenant, issued_from: datetime | None = None, issued_before: datetime | None = None) -> Iterator[Lot]:
    """Lots of the shop by when they were issued, the oldest first, streamed; None leaves a side open (K4)."""
    first = sortable(issued_from) if issued_from else "0"
    last = sortable(issued_before) if issued_before else "~"
    for row in stream(keys.all_credit_lots(tenant), Row.gsi1sk.between(first, last), index="gsi1"):
        assert isinstance(row, LotRow)
        yield row.to_lot()


def due(now: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and id of lots past their date, the longest first in each shard (K5)."""
    rows = reading.due(keys.due_credit_lots, now, limit, index="gsi3")
    return [(keys.tenant_of(row.pk), row.credit_id) for row in rows if isinstance(row, LotRow)]


def _row(tenant: Tenant, lot: Lot) -> LotRow:
    key: Key = keys.credit_lot(tenant, lot.customer_id, lot.credit_id)
    row = LotRow(
        *key,
        credit_id=lot.credit_id,
        customer_id=lot.customer_id,
        currency=lot.currency,
        issued=lot.issued.minor,
        used=lot.used.minor,
        expired=lot.expired.minor,
        voided=lot.voided.minor,
        reason=lot.reason,
        reference=lot.reference,
        issued_at=lot.issued_at,
        updated_at=lot.updated_at,
        expires_on=lot.expires_on.isoformat() if lot.expires_on else None,
        expires_at=lot.expires_at,
        entries=lot.entries,
        version=lot.version,
        gsi1pk=keys.all_credit_lots(tenant),
        gsi1sk=keys.by_time(lot.issued_at, lot.credit_id),
    )
    if lot.expires_at is not None and lot.remaining.minor:
        row.gsi3pk = keys.due_credit_lots(keys.expiry_shard(lot.credit_id))
        row.gsi3sk = keys.by_time(lot.expires_at, lot.credit_id)
    return row
