"""What a shop owed its customers in stored value at the end of each of its days (contract GC-23, section 6.3).

A day is the shop's local day, 23 to 25 hours long. What was owed when it began and what was booked on it give what was
owed when it ended; that has to be what was on all cards and lots at that instant, or the day is not closed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple

from commerce.kernel.caller import Tenant
from commerce.kernel.periods import day_of, end_of, start_of
from commerce.ledger.model import Entry

SETTLES_IN = timedelta(minutes=10)  # after a day's end nothing is booked on it any more, and all indexes show it
CHARTED_DAYS = 90
MAX_SLICES, SLICE_DAYS = 8, 7


class Account(NamedTuple):
    """Stored value that is told apart: in which book, in which currency, and where it came from."""

    book: str
    currency: str
    funding: str


class Movement(NamedTuple):
    """What entries of one type did to an account: how many, and by how many minor units they changed it."""

    entries: int
    amount: int

    def plus(self, other: "Movement") -> "Movement":
        return Movement(self.entries + other.entries, self.amount + other.amount)


NOTHING = Movement(0, 0)

type Balances = dict[Account, int]
"""Minor units owed."""

type Movements = dict[tuple[Account, str], Movement]
"""By account and type of entry."""


@dataclass(frozen=True, slots=True)
class Line:
    """An account over one day, in minor units; ``movements`` in order of their types."""

    account: Account
    opening: int
    movements: tuple[tuple[str, Movement], ...]

    @property
    def closing(self) -> int:
        return self.opening + sum(movement.amount for _, movement in self.movements)


@dataclass(frozen=True, slots=True)
class Difference:
    """An account of which the books say ``booked`` and its cards or lots ``found``, in minor units."""

    account: Account
    booked: int
    found: int

    def __str__(self) -> str:
        return f"{' '.join(self.account)}: booked {self.booked}, found {self.found}"


@dataclass(frozen=True, slots=True)
class DayExport:
    """A closed day. ``entries`` counts those of stored value; ``sha256`` and ``size`` are of its CSV file."""

    day: date
    timezone: str
    lines: tuple[Line, ...]
    entries: int
    first_entry: str | None
    last_entry: str | None
    sha256: str
    size: int

    @property
    def starts_at(self) -> datetime:
        return start_of(self.day, self.timezone)

    @property
    def ends_at(self) -> datetime:
        return end_of(self.day, self.timezone)

    @property
    def hours(self) -> float:
        return (self.ends_at - self.starts_at) / timedelta(hours=1)

    @property
    def closing(self) -> Balances:
        """What the next day opens with."""
        return {line.account: line.closing for line in self.lines if line.closing}


@dataclass(frozen=True, slots=True)
class Slice:
    """Cards or lots that were made from ``start`` on and before ``end``."""

    start: datetime
    end: datetime


class PartKind(StrEnum):
    ENTRIES = "entries"
    CARDS = "cards"
    LOTS = "lots"


@dataclass(frozen=True, slots=True)
class Part:
    """One task's share: a shard of the day's entries, or the cards or lots of a slice of time."""

    kind: PartKind
    shard: int = 0
    slice: Slice | None = None


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a part came to; ``key`` and ``size`` are of its file, where there are entries."""

    key: str = ""
    size: int = 0
    entries: int = 0
    movements: Movements | None = None
    balances: Balances | None = None


def account_of(entry: Entry) -> Account:
    """Whose change a ledger entry of stored value is."""
    return Account(str(entry.book), entry.amount.currency, entry.funding or "")


def is_over(tenant: Tenant, day: date, at: datetime) -> bool:
    """Whether a local day can be closed."""
    return end_of(day, tenant.timezone) + SETTLES_IN <= at


def days_to_close(tenant: Tenant, first: date, at: datetime, limit: int) -> list[date]:
    """The days from ``first`` on that are over, the oldest first, at most ``limit`` of them."""
    last = day_of(at, tenant.timezone)
    days = [first + timedelta(days=number) for number in range(min(limit, (last - first).days + 1))]
    return [day for day in days if is_over(tenant, day, at)]


def slices(start: datetime, end: datetime) -> list[Slice]:
    """The time from ``start`` to ``end`` in at most ``MAX_SLICES`` equal parts, of ``SLICE_DAYS`` at least."""
    count = max(1, min(MAX_SLICES, (end - start) // timedelta(days=SLICE_DAYS)))
    bounds = [start + (end - start) * number / count for number in range(count)] + [end]
    return [Slice(*each) for each in pairwise(bounds)]


def lines(opening: Balances, movements: Movements) -> tuple[Line, ...]:
    """The day's lines in order of their accounts; accounts without value and without entries have none."""
    moved: dict[Account, list[tuple[str, Movement]]] = defaultdict(list)
    for (account, kind), movement in sorted(movements.items()):
        moved[account].append((kind, movement))
    return tuple(
        Line(account, opening.get(account, 0), tuple(moved[account]))
        for account in sorted({account for account, minor in opening.items() if minor} | moved.keys())
    )


def differences(found: Sequence[Line], balances: Balances) -> list[Difference]:
    """Where what was booked is not what is on the cards and lots. Nothing to report is what lets a day be closed."""
    booked = {line.account: line.closing for line in found}
    return [
        Difference(account, booked.get(account, 0), balances.get(account, 0))
        for account in sorted(booked.keys() | balances.keys())
        if booked.get(account, 0) != balances.get(account, 0)
    ]


def merged(parts: Iterable[Movements]) -> Movements:
    """All movements together."""
    sums: Movements = {}
    for part in parts:
        for key, movement in part.items():
            sums[key] = sums.get(key, NOTHING).plus(movement)
    return sums


def summed(parts: Iterable[Balances]) -> Balances:
    """All balances together, without those that are nothing."""
    sums: dict[Account, int] = defaultdict(int)
    for part in parts:
        for account, minor in part.items():
            sums[account] += minor
    return {account: minor for account, minor in sums.items() if minor}


@dataclass(frozen=True, slots=True)
class Total:
    """The lines of one book and currency together."""

    book: str
    currency: str
    opening: int
    movements: tuple[tuple[str, Movement], ...]
    closing: int
    by_funding: tuple[Line, ...]


def totals(found: Sequence[Line]) -> list[Total]:
    """By book and currency, whatever the funding; movements in order of their types."""
    result = []
    for (book, currency), group in groupby(found, key=lambda line: line.account[:2]):
        own = tuple(group)
        moved: dict[str, Movement] = {}
        for kind, movement in (each for line in own for each in line.movements):
            moved[kind] = moved.get(kind, NOTHING).plus(movement)
        result.append(
            Total(
                book=book,
                currency=currency,
                opening=sum(line.opening for line in own),
                movements=tuple(sorted(moved.items())),
                closing=sum(line.closing for line in own),
                by_funding=own,
            )
        )
    return result
