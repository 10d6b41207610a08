"""Periods as callers name them: from a day or an instant to a day or an instant, both inclusive."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` on, and before ``end``; None leaves a side open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a caller gives, both sides inclusive; ``names`` are those of the caller's fields, for refusals."""

    start: date | datetime | None = None
    end: date | datetime | None = None
    names: tuple[str, str] = ("date_from", "date_to")

    def period(self, timezone: str) -> Period:
        """The instants meant: a date is that whole day in ``timezone``, an instant without a fraction its whole second.

        Raises:
            Invalid: the end lies before the start.
        """
        zone = ZoneInfo(timezone)
        start = None if self.start is None else _first_instant(self.start, zone)
        end = None if self.end is None else _instant_after(self.end, zone)
        if start is not None and end is not None and end <= start:
            first, last = self.names
            raise Invalid(f"{last} lies before {first}", field=last, reason="empty_period")
        return Period(start, end)


def day_of(instant: datetime, timezone: str) -> date:
    """The local day of an instant."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def start_of(day: date, timezone: str) -> datetime:
    """The instant at which a local day begins."""
    return _first_instant(day, ZoneInfo(timezone))


def end_of(day: date, timezone: str) -> datetime:
    """The instant at which a local day is over: what is good on that day is good before it (contract X-30)."""
    return start_of(day + timedelta(days=1), timezone)


def _first_instant(bound: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC)
    return datetime.combine(bound, time.min, zone).astimezone(UTC)


def _instant_after(bound: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC) + (timedelta(microseconds=1) if bound.microsecond else timedelta(seconds=1))
    return _first_instant(bound + timedelta(days=1), zone)
