"""Ledger entries in the table: in the book that they belong to (patterns L1, L3), by local day for the export (L2), by
order (L4), and by customer (L5)."""

import zlib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Conflict
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.kernel.periods import day_of
from commerce.ledger.model import Book, Entry, EntryType
from commerce.table import keys
from commerce.table.keys import Key
from commerce.table.reading import page, partition, stream
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction

DAY_SHARDS = 8
STATISTICS = "stored_value"  # the collection of counters that entries add to

_BOOKS: dict[Book, Callable[[Tenant, str], Key]] = {
    Book.ORDER: keys.order,
    Book.GIFT_CARD: keys.gift_card,
    Book.STORE_CREDIT: keys.credit_account,
}


class EntryRow(Row, discriminator="posting"):
    """Only ever added. ``day`` is the tenant's local day on which it was booked."""

    entry_id = UnicodeAttribute()
    operation_id = UnicodeAttribute()
    type = UnicodeAttribute()
    book = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    debit = UnicodeAttribute()
    credit = UnicodeAttribute()
    amount = NumberAttribute()  # minor units
    currency = UnicodeAttribute()
    at = InstantAttribute()
    effective_at = InstantAttribute()
    day = UnicodeAttribute()
    actor = UnicodeAttribute()
    order_id = UnicodeAttribute(null=True)
    holder_id = UnicodeAttribute(null=True)
    balance_after = NumberAttribute(null=True)
    funding = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)

    def to_entry(self) -> Entry:
        return Entry(
            entry_id=self.entry_id,
            operation_id=self.operation_id,
            type=EntryType(self.type),
            book=Book(self.book),
            owner_id=self.owner_id,
            debit=self.debit,
            credit=self.credit,
            amount=Money(int(self.amount), self.currency),
            at=self.at,
            effective_at=self.effective_at,
            actor=self.actor,
            order_id=self.order_id,
            holder_id=self.holder_id,
            balance_after=None if self.balance_after is None else Money(int(self.balance_after), self.currency),
            funding=self.funding,
            reason=self.reason,
        )


def post(tx: Transaction, tenant: Tenant, entry: Entry) -> None:
    """Book an entry in the transaction of the change that it accounts for (L1).

    Raises (at commit):
        Conflict: the operation is booked already.
    """
    day = local_day(tenant, entry)
    row = EntryRow(
        *_key(tenant, entry),
        entry_id=entry.entry_id,
        operation_id=entry.operation_id,
        type=str(entry.type),
        book=str(entry.book),
        owner_id=entry.owner_id,
        debit=entry.debit,
        credit=entry.credit,
        amount=entry.amount.minor,
        currency=entry.amount.currency,
        at=entry.at,
        effective_at=entry.effective_at,
        day=day.isoformat(),
        actor=entry.actor,
        order_id=entry.order_id,
        holder_id=entry.holder_id,
        balance_after=None if entry.balance_after is None else entry.balance_after.minor,
        funding=entry.funding,
        reason=entry.reason,
        gsi1pk=keys.ledger_day(tenant, day, zlib.crc32(entry.entry_id.encode()) % DAY_SHARDS),
        gsi1sk=keys.by_time(entry.at, entry.entry_id),
        counted_in=_counted_in(entry) or None,
    )
    if entry.order_id is not None:
        row.gsi2pk = keys.entries_of_order(tenant, entry.order_id)
        row.gsi2sk = keys.by_time(entry.at, entry.entry_id)
    if entry.book is Book.STORE_CREDIT:
        row.gsi3pk = keys.entries_of_credit(tenant, entry.owner_id)
        row.gsi3sk = keys.by_time(entry.at, entry.entry_id)
    tx.add(row, Conflict(f"{entry.operation_id} is booked already", reason="already_booked"))


def local_day(tenant: Tenant, entry: Entry) -> date:
    """The tenant's local day on which an entry was booked, which is the day of its export."""
    return day_of(entry.at, tenant.timezone)


def in_book(tenant: Tenant, book: Book, owner_id: str) -> list[Entry]:
    """All entries of an order's, a card's or a customer's book, strongly consistent, in no order of time (L3)."""
    rows = partition(_BOOKS[book](tenant, owner_id).pk, Row.sk.startswith(keys.POSTING_PREFIX))
    return [entry_in(row) for row in rows]


def of_day(tenant: Tenant, day: date, shard: int) -> Iterator[Entry]:
    """One shard of the entries that were booked on a local day, in order of time, streamed (L2)."""
    for row in stream(keys.ledger_day(tenant, day, shard), index="gsi1"):
        yield entry_in(row)


def of_order(tenant: Tenant, order_id: str) -> list[Entry]:
    """All entries about an order, of its own book and of cards and credit that paid for it, in order of time (L4)."""
    return [entry_in(row) for row in stream(keys.entries_of_order(tenant, order_id), index="gsi2")]


def of_credit(tenant: Tenant, customer_id: str, request: PageRequest) -> Page[Entry]:
    """A page of the entries of a customer's store credit, newest first (L5)."""
    pk = keys.entries_of_credit(tenant, customer_id)
    return page(tenant, request, entry_in, pk=pk, index="gsi3", query_name=f"credit:{customer_id}")


def entry_in(row: Any) -> Entry:
    assert isinstance(row, EntryRow)
    return row.to_entry()


def statistics_of(book: Book, currency: str) -> str:
    """The collection of counters of one instrument and currency."""
    return f"{STATISTICS}:{book}:{currency}"


def currencies_of(book: Book) -> str:
    """The collection of counters that tells in which currencies there are statistics: entries that issued, by each."""
    return f"{STATISTICS}:{book}"


def _counted_in(entry: Entry) -> list[str]:
    """What the entry adds to the statistics of stored value: amounts by type and by funding, and cards by count."""
    if entry.book is Book.ORDER:
        return []
    collection = statistics_of(entry.book, entry.amount.currency)
    amounts = {
        str(entry.type): abs(entry.growth),
        f"{entry.type}:{entry.funding}": abs(entry.growth),
        "outstanding": entry.growth,
        f"outstanding:{entry.funding}": entry.growth,
    }
    counts = {"issued_count": 1, f"issued_count:{entry.funding}": 1} if entry.type is EntryType.ISSUE else {}
    counted = [f"{collection}|{name}={amount}" for name, amount in (amounts | counts).items()]
    return [*counted, f"{currencies_of(entry.book)}|{entry.amount.currency}"] if counts else counted


def _key(tenant: Tenant, entry: Entry) -> Key:
    return Key(_BOOKS[entry.book](tenant, entry.owner_id).pk, f"{keys.POSTING_PREFIX}{entry.operation_id}")
