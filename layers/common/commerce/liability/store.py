"""Closed days in the table (patterns D1, D2), and where a shop's stored value begins (G5, K4)."""

from datetime import date, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.gift_cards import store as cards
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import day_of
from commerce.liability.model import Account, DayExport, Line, Movement
from commerce.store_credit import store as lots
from commerce.table import keys
from commerce.table.reading import get, page, partition
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction


class LiabilityExportRow(Row, discriminator="liability_export"):
    """Only ever added."""

    day = UnicodeAttribute()
    timezone = UnicodeAttribute()
    starts_at = InstantAttribute()
    ends_at = InstantAttribute()
    lines = DocumentAttribute()  # minor units
    entries = NumberAttribute()
    first_entry = UnicodeAttribute(null=True)
    last_entry = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute()
    size = NumberAttribute()  # bytes

    def to_export(self) -> DayExport:
        return DayExport(
            day=date.fromisoformat(self.day),
            timezone=self.timezone,
            lines=tuple(map(_line, self.lines)),
            entries=int(self.entries),
            first_entry=self.first_entry,
            last_entry=self.last_entry,
            sha256=self.sha256,
            size=int(self.size),
        )


def add(tx: Transaction, tenant: Tenant, export: DayExport) -> None:
    """Close a day (D1).

    Raises (at commit):
        Conflict: it is closed already.
    """
    row = LiabilityExportRow(
        *keys.liability_export(tenant, export.day),
        day=export.day.isoformat(),
        timezone=export.timezone,
        starts_at=export.starts_at,
        ends_at=export.ends_at,
        lines=[
            [*line.account, line.opening, [[kind, *each] for kind, each in line.movements]] for line in export.lines
        ],
        entries=export.entries,
        first_entry=export.first_entry,
        last_entry=export.last_entry,
        sha256=export.sha256,
        size=export.size,
    )
    tx.add(row, Conflict(f"{export.day} is closed already", reason="already_closed"))


def find(tenant: Tenant, day: date) -> DayExport | None:
    """A day, if it is closed (D1)."""
    row = get(keys.liability_export(tenant, day))
    return row.to_export() if isinstance(row, LiabilityExportRow) else None


def first(tenant: Tenant) -> DayExport | None:
    """The first day that was closed (D2)."""
    return next(iter(_days(tenant, limit=1)), None)


def newest(tenant: Tenant) -> DayExport | None:
    """The last day that was closed (D2)."""
    return next(iter(_days(tenant, newest_first=True, limit=1)), None)


def span(tenant: Tenant, last: date, count: int) -> list[DayExport]:
    """Those of ``count`` days up to ``last`` that are closed, the oldest first (D2)."""
    earliest = (last - timedelta(days=count - 1)).isoformat()
    return _days(tenant, Row.sk.between(earliest, last.isoformat()))


def page_of(tenant: Tenant, request: PageRequest) -> Page[DayExport]:
    """A page of the closed days, the newest first (D2)."""
    return page(tenant, request, _export, pk=keys.liability_exports(tenant), index=None, query_name="liability_exports")


def first_day(tenant: Tenant) -> date | None:
    """The local day on which the shop first owed stored value; None where it never did (G5, K4)."""
    made = [card.created_at for _, card in zip(range(1), cards.all_of(tenant, None, None), strict=False)]
    made += [lot.issued_at for _, lot in zip(range(1), lots.all_of(tenant), strict=False)]
    return day_of(min(made), tenant.timezone) if made else None


def _days(
    tenant: Tenant, condition: Any = None, *, newest_first: bool = False, limit: int | None = None
) -> list[DayExport]:
    rows = partition(keys.liability_exports(tenant), condition, newest_first=newest_first, limit=limit)
    return [_export(row) for row in rows]


def _export(row: Row) -> DayExport:
    assert isinstance(row, LiabilityExportRow)
    return row.to_export()


def _line(document: list[Any]) -> Line:
    book, currency, funding, opening, movements = document
    moved = tuple((kind, Movement(entries, amount)) for kind, entries, amount in movements)
    return Line(Account(book, currency, funding), opening, moved)
