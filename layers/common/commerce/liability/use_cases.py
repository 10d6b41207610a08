"""Closing a shop's days: what its state machine and its schedule do (contract GC-23, section 6.3).

A day is closed by three tasks. ``begin`` says into which parts the work falls, ``read`` does one part, and
``publishing.publish`` holds their sums against each other and only then writes the files and closes the day. Each task
can be repeated: a day gives the same bytes however often it is exported.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from commerce.access.queries import all_tenants
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.periods import end_of, start_of
from commerce.kernel.uploads import Upload
from commerce.ledger import store as ledger
from commerce.ledger.model import Book, Entry
from commerce.liability import balances, csv_rows, files, queries, store
from commerce.liability.model import (
    NOTHING,
    Movement,
    Movements,
    Part,
    PartKind,
    PartResult,
    account_of,
    days_to_close,
    slices,
)
from commerce.observability import logger

DAYS_AT_ONCE = 31  # of one shop that one run of the schedule starts, the oldest first

type Start = Callable[[Tenant, date, str], bool]
"""Has a day closed, in a named attempt; False where that attempt was made before."""


def close_due(start: Start) -> tuple[int, int]:
    """Start the closing of every shop's days that are over, the oldest first; how many started and how many failed.

    An attempt is named after the hour, so that what went wrong is tried again an hour later, and once.
    """
    now = clock.now()
    started = failed = 0
    for tenant in all_tenants():
        try:
            for day in _open_days(tenant, now):
                started += start(tenant, day, f"{now:%Y%m%dT%H}")
        except Exception:  # noqa: BLE001  one shop must not keep the others' days open
            logger.exception("days not closed", tenant=tenant.tenant_id, mode=str(tenant.mode))
            failed += 1
    return started, failed


def begin(tenant: Tenant, day: date) -> list[Part]:
    """The parts that a day's export falls into; none while the day before is not closed.

    Raises:
        NotFound: the shop owed no stored value by then.
        Conflict: the day is not over.
    """
    first = queries.require_closable(tenant, day)
    if day > first and store.find(tenant, day - timedelta(days=1)) is None:
        return []
    time = slices(start_of(first, tenant.timezone), end_of(day, tenant.timezone))
    return [
        *(Part(PartKind.ENTRIES, shard=shard) for shard in range(ledger.DAY_SHARDS)),
        *(Part(PartKind.CARDS, slice=each) for each in time),
        *(Part(PartKind.LOTS, slice=each) for each in time),
    ]


def read(tenant: Tenant, day: date, run_name: str, part: Part) -> PartResult:
    """Do one part, streaming: entries into a file of their own, balances into sums."""
    if part.kind is PartKind.ENTRIES:
        return _read_entries(tenant, day, part.shard, files.part_key(tenant, day, run_name, f"entries-{part.shard}"))
    assert part.slice is not None
    of_slice = balances.of_cards if part.kind is PartKind.CARDS else balances.of_lots
    return PartResult(balances=of_slice(tenant, part.slice, end_of(day, tenant.timezone)))


def _open_days(tenant: Tenant, now: datetime) -> list[date]:
    closed = store.newest(tenant)
    first = closed.day + timedelta(days=1) if closed else store.first_day(tenant)
    return [] if first is None else days_to_close(tenant, first, now, DAYS_AT_ONCE)


def _read_entries(tenant: Tenant, day: date, shard: int, key: str) -> PartResult:
    movements: Movements = {}
    count = 0
    with Upload(key, files.TYPES[files.CSV]) as upload:
        for entry, line in csv_rows.rows(_stored_value(ledger.of_day(tenant, day, shard))):
            upload.write(line)
            moved = (account_of(entry), str(entry.type))
            movements[moved] = movements.get(moved, NOTHING).plus(Movement(1, entry.growth))
            count += 1
        if count:
            upload.complete()
    return PartResult(key=key if count else "", size=upload.size, entries=count, movements=movements)


def _stored_value(entries: Iterator[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.book is not Book.ORDER)
