"""The one clock. Code asks ``now()``; tests put another clock in its place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The current instant, in UTC."""
    return _source()


@contextmanager
def use(source: Callable[[], datetime]) -> Iterator[None]:
    """Take the time from ``source`` inside the block."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


def rfc3339(instant: datetime) -> str:
    """``2026-03-20T12:00:00Z``: RFC 3339 in UTC to the second, as every sample of the contract writes it."""
    return _utc(instant, "seconds")


def sortable(instant: datetime) -> str:
    """RFC 3339 with microseconds: sorts as text in order of time, for keys."""
    return _utc(instant, "microseconds")


def _utc(instant: datetime, precision: str) -> str:
    """``strftime`` writes the year 143 with three digits, which nothing reads again."""
    return instant.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Read what ``rfc3339`` or ``sortable`` wrote."""
    return datetime.fromisoformat(text)
