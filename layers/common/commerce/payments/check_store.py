"""Daily checks in the table (Y5), and the payments that they look at (Y6)."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import StaleWrite
from commerce.kernel.periods import Period
from commerce.payments.checks import Check, Difference, DifferenceKind
from commerce.payments.model import Payment
from commerce.payments.store import PaymentRow
from commerce.table import keys
from commerce.table.reading import get, in_period, stream
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction

_KEEP = timedelta(days=400)


class PaymentCheckRow(Row, discriminator="payment_check"):
    mode = UnicodeAttribute()
    day = UnicodeAttribute()
    done = NumberAttribute()
    compared = NumberAttribute()
    counts = DocumentAttribute()
    told = DocumentAttribute()
    finished_at = InstantAttribute(null=True)

    def to_check(self) -> Check:
        return Check(
            mode=Mode(self.mode),
            day=date.fromisoformat(self.day),
            done=int(self.done),
            compared=int(self.compared),
            counts={kind: (found, repaired) for kind, (found, repaired) in self.counts.items()},
            told=tuple(_difference(document) for document in self.told),
            finished_at=self.finished_at,
        )


def find(mode: Mode, day: date) -> Check | None:
    """A day's check, as far as it has come (Y5)."""
    row = get(keys.payment_check(mode, day))
    return row.to_check() if isinstance(row, PaymentCheckRow) else None


def save(tx: Transaction, check: Check) -> None:
    """Write that one more part is done (Y5).

    Raises (at commit):
        StaleWrite: another run has done it.
    """
    row = PaymentCheckRow(
        *keys.payment_check(check.mode, check.day),
        mode=str(check.mode),
        day=check.day.isoformat(),
        done=check.done,
        compared=check.compared,
        counts=check.counts,
        told=[asdict(each) for each in check.told],
        finished_at=check.finished_at,
        ttl=int(datetime.combine(check.day + _KEEP, time(), UTC).timestamp()),
    )
    before = PaymentCheckRow.done == check.done - 1
    tx.put(row, before if check.done > 1 else PaymentCheckRow.pk.does_not_exist(), StaleWrite("payment check"))


def payments_of(tenant: Tenant, period: Period) -> dict[str, Payment]:
    """A shop's payments that were made in a period, by id (Y6)."""
    rows = stream(keys.all_payments(tenant), in_period(period, "gsi1"), index="gsi1")
    return {row.intent_id: row.to_payment() for row in rows if isinstance(row, PaymentRow)}


def _difference(document: dict[str, Any]) -> Difference:
    return Difference(**(document | {"kind": DifferenceKind(document["kind"])}))
