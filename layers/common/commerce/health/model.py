"""How well the platform is, from checks that a schedule makes every five minutes (contract HM-01)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

VERSION = "2.3.0"
CHECK_EVERY = timedelta(minutes=5)
TOO_OLD = 3 * CHECK_EVERY
DAYS = 30


class State(StrEnum):
    """Of one part of the platform."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"  # never checked, or not lately
    NOT_USED = "not_used"


class Part(StrEnum):
    """What the health answer names. Till has no cache: it is named because the contract names it."""

    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    STORAGE = "storage"


CHECKED = (Part.DATABASE, Part.QUEUE, Part.STORAGE)


@dataclass(frozen=True, slots=True)
class Day:
    """The checks of one day in UTC, and what the latest of them found."""

    first_at: datetime
    checked_at: datetime
    checks: int
    checks_ok: int
    states: Mapping[Part, State]


@dataclass(frozen=True, slots=True)
class Health:
    """``uptime`` in percent, rounded down to two places; None before the first check."""

    healthy: bool
    uptime: Decimal | None
    parts: Mapping[Part, State]


def judge(days: Iterable[Day], now: datetime) -> Health:
    """What the last 30 days' checks say, for an answer that has just read the database."""
    known = sorted(days, key=lambda day: day.first_at)
    fresh = known[-1].states if known and now - known[-1].checked_at <= TOO_OLD else {}
    parts = {part: fresh.get(part, State.UNKNOWN) for part in Part} | {
        Part.DATABASE: State.OPERATIONAL,  # it was read a moment ago
        Part.CACHE: State.NOT_USED,
    }
    # A deployment that was never checked is minutes old; one that is not checked any more has a problem.
    well = {State.OPERATIONAL, State.NOT_USED} | (set() if known else {State.UNKNOWN})
    healthy = all(state in well for state in parts.values())
    return Health(healthy=healthy, uptime=_uptime(known, now), parts=parts)


def _uptime(days: list[Day], now: datetime) -> Decimal | None:
    """A check that was never recorded has failed: a table that is away cannot record that it is away."""
    if not days:
        return None
    due = (now - days[0].first_at) // CHECK_EVERY
    made = sum(day.checks for day in days)
    good = sum(day.checks_ok for day in days)
    return (Decimal(100) * good / max(made, due)).quantize(Decimal("0.01"), ROUND_DOWN)
