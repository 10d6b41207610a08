"""A closed day as a page for people, with a chart of the liability over the last 90 days. Needs the documents layer."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from commerce.kernel.caller import Tenant
from commerce.kernel.money import Money
from commerce.liability.model import DayExport, Total, totals
from commerce.mails.rendering import render

WIDTH, HEIGHT = 720, 160  # of a chart's plot, in the units of its SVG
BOOKS = {"gift_card": "Gift cards", "store_credit": "Store credit"}
MOVEMENTS = {
    "issue": "Issued",
    "commit": "Spent on orders",
    "reversal": "Given back with cancelled orders",
    "refund": "Refunded",
    "expire": "Lapsed",
    "cancel": "Cancelled",
    "transfer": "Moved between cards",
    "adjust": "Adjusted",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A movement: what entries of one type did, and how many there are."""

    label: str
    entries: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Section:
    """One book in one currency; ``fundings`` are the parts of ``closing`` by where the value came from."""

    book: str
    currency: str
    opening: Money
    movements: tuple[Row, ...]
    closing: Money
    fundings: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is owed in one currency at the end of each day; ``points`` and ``area`` are SVG's coordinates."""

    currency: str
    points: str
    area: str
    highest: Money
    latest: Money
    latest_y: str
    first_day: date
    last_day: date


def page(tenant: Tenant, export: DayExport, days: Sequence[DayExport]) -> bytes:
    """The page. ``days`` are closed days before this one, the oldest first; the same days give the same bytes."""
    text = render(
        "liability.html",
        tenant=tenant,
        export=export,
        hours=f"{export.hours:g}",
        sections=[_section(total) for total in totals(export.lines)],
        charts=_charts([*days, export]),
        width=WIDTH,
        height=HEIGHT,
    )
    return text.encode()


def _section(total: Total) -> Section:
    currency = total.currency
    return Section(
        book=BOOKS[total.book],
        currency=currency,
        opening=Money(total.opening, currency),
        movements=tuple(
            Row(MOVEMENTS[kind], each.entries, Money(each.amount, currency)) for kind, each in total.movements
        ),
        closing=Money(total.closing, currency),
        fundings=tuple((line.account.funding, Money(line.closing, currency)) for line in total.by_funding),
    )


def _charts(days: Sequence[DayExport]) -> list[Chart]:
    owed: dict[str, Counter[date]] = defaultdict(Counter)
    for export in days:
        for account, minor in export.closing.items():
            owed[account.currency][export.day] += minor
    return [_chart(currency, owed[currency], [export.day for export in days]) for currency in sorted(owed)]


def _chart(currency: str, owed: Counter[date], days: Sequence[date]) -> Chart:
    first, last = days[0], days[-1]
    values = [(day, owed[day]) for day in days]
    highest = max(minor for _, minor in values)
    width = max((last - first).days, 1)

    def x(day: date) -> str:
        return f"{WIDTH * (day - first).days / width if last > first else WIDTH:.1f}"

    def y(minor: int) -> str:
        return f"{HEIGHT - HEIGHT * minor / highest:.1f}"

    points = " ".join(f"{x(day)},{y(minor)}" for day, minor in values)
    return Chart(
        currency=currency,
        points=points,
        area=f"{x(values[0][0])},{HEIGHT} {points} {x(last)},{HEIGHT}",
        highest=Money(highest, currency),
        latest=Money(values[-1][1], currency),
        latest_y=y(values[-1][1]),
        first_day=first,
        last_day=last,
    )
