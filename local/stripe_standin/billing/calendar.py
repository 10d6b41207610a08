"""Billing periods: where a cycle's boundaries lie. All times are UTC, in seconds since the epoch.

Every boundary is counted from the anchor itself, never from the boundary before it, so that an anchor on the 31st bills
on 28 February and then on 31 March. Source: https://docs.stripe.com/billing/subscriptions/billing-cycle.
"""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..shapes import JsonObject

DAY = 24 * 60 * 60
HOUR = 60 * 60
DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of service. It is ``whole`` from boundary to boundary; a first one may begin later than that."""

    start: int
    end: int
    whole_start: int

    @property
    def whole_seconds(self) -> int:
        """Give the length the full price is for."""
        return self.end - self.whole_start

    def rest(self, moment: int) -> "Period":
        """Give what is left of the period at ``moment``."""
        return Period(max(moment, self.start), self.end, self.whole_start)


def add_months(moment: int, months: int) -> int:
    """Move by calendar months, keeping the time of day; a day the month lacks becomes its last."""
    at = datetime.fromtimestamp(moment, UTC)
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def boundary(anchor: int, recurring: JsonObject, turn: int) -> int:
    """Give the ``turn``-th boundary from the anchor; negative turns lie before it."""
    count = recurring["interval_count"] * turn
    if recurring["interval"] in MONTHS:
        return add_months(anchor, MONTHS[recurring["interval"]] * count)
    return int(anchor + DAYS[recurring["interval"]] * DAY * count)


def period_from(anchor: int, recurring: JsonObject, start: int) -> Period:
    """Give the period that begins at ``start`` and ends at the first boundary after it."""
    longest = {"day": 1, "week": 7, "month": 31, "year": 366}[recurring["interval"]] * DAY
    # From a turn that surely lies before, so that calendar months need no arithmetic of their own.
    turn = (start - anchor) // (longest * recurring["interval_count"]) - 1
    following: Callable[[int], int] = lambda number: boundary(anchor, recurring, number + 1)  # noqa: E731
    while following(turn) <= start:
        turn += 1
    return Period(start, following(turn), boundary(anchor, recurring, turn))
