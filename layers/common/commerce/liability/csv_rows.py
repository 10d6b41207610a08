"""Ledger entries as lines of the export's CSV file (RFC 4180, UTF-8).

Lines begin with instant and entry id and never hold a line break, so lines in order of their bytes are in order of
time. Spreadsheets run texts that begin like a formula; such texts get an apostrophe in front.
"""

import csv
from collections.abc import Iterable, Iterator

from commerce.kernel.clock import sortable
from commerce.kernel.csv_text import defused
from commerce.kernel.money import Money
from commerce.ledger.model import Entry

_COLUMNS = (
    "booked_at",
    "entry_id",
    "effective_at",
    "book",
    "type",
    "funding",
    "currency",
    "amount",
    "change",
    "balance_after",
    "holder_id",
    "debit",
    "credit",
    "order_id",
    "actor",
    "reason",
)


class _Text:
    """Keeps the last line that a csv writer wrote."""

    def __init__(self) -> None:
        self.line = ""

    def write(self, line: str) -> None:
        self.line = line


def header() -> bytes:
    """The first line."""
    return ",".join(_COLUMNS).encode() + b"\r\n"


def rows(entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Each entry with its line. Amounts are decimal major units; ``change`` is what it does to the liability."""
    kept = _Text()
    writer = csv.writer(kept)
    for entry in entries:
        currency = entry.amount.currency
        writer.writerow(
            (
                sortable(entry.at),
                entry.entry_id,
                sortable(entry.effective_at),
                entry.book,
                entry.type,
                entry.funding,
                currency,
                _amount(entry.amount),
                _amount(Money(entry.growth, currency)),
                _amount(entry.balance_after),
                text(entry.holder_id),
                text(entry.debit),
                text(entry.credit),
                text(entry.order_id),
                text(entry.actor),
                text(entry.reason),
            )
        )
        yield entry, kept.line.encode()


def entry_id(line: bytes) -> str:
    """The id in a line."""
    return line.split(b",", 2)[1].decode()


def text(value: str | None) -> str:
    """A cell that no spreadsheet takes for a formula, in one line."""
    if not value:
        return ""
    return defused(value if value.isprintable() else "".join(each if each.isprintable() else " " for each in value))


def _amount(money: Money | None) -> str:
    return "" if money is None else f"{money.major:f}"
