"""How many calls somebody may make: the rule, what is kept of the calls so far, and what callers are told of both.

The rolling limit is GCRA, the generic cell rate algorithm: each call costs one interval, and one instant is kept, at
which all calls so far will have been worked off. A call is refused when it would push that instant too far ahead. Time
is whole microseconds, so nothing is rounded away and any two functions agree to the unit (contract RL-01 to RL-04).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from zoneinfo import ZoneInfo

SECOND = 1_000_000  # microseconds
HOUR_SECONDS = 3600
MAX_HOURLY = 1_000_000
MAX_DAILY = 24 * MAX_HOURLY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in microseconds, and the local day that it falls on: its date, and when it ends."""

    at: int
    day: str
    day_ends: int

    @classmethod
    def of(cls, now: datetime, timezone: str = "UTC") -> "Moment":
        """``timezone`` is an IANA zone; its days have 23 to 25 hours."""
        zone = ZoneInfo(timezone)
        today = now.astimezone(zone).date()
        midnight = datetime.combine(today + timedelta(days=1), time_of_day(), zone)
        return cls(_microseconds(now), today.isoformat(), _microseconds(midnight))


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept of somebody's calls: when all are worked off (``until``, microseconds), and how many of a day."""

    until: int = 0
    day: str = ""
    day_calls: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands: the ``X-RateLimit-*`` headers, and ``retry_after`` seconds when the call is refused.

    They tell of the rolling limit, or of the day's when fewer calls are left of it. ``remaining`` are the calls left of
    ``limit``; bursts above it are granted without being promised, so it is 0 while they last. ``reset`` is the Unix
    second at which, without further calls, all of ``limit`` is there again.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """``calls`` per ``seconds``, ``burst`` more in a row after a rest, and at most ``daily`` on a local day."""

    calls: int
    seconds: int = HOUR_SECONDS
    burst: int = 0
    daily: int | None = None

    @property
    def interval(self) -> int:
        """What one call costs, in microseconds; rounded up, so that a second never holds more than its share."""
        return -(-self.seconds * SECOND // self.calls)

    @property
    def horizon(self) -> int:
        """How far ahead of now ``Usage.until`` may lie, in microseconds: all calls in a row that a rest allows."""
        return (self.calls + self.burst) * self.interval

    def lowered_to(self, calls: int | None) -> "Quota":
        """The same quota for somebody with a lower limit of their own; their bursts are as much lower."""
        if calls is None or calls >= self.calls:
            return self
        return replace(self, calls=calls, burst=min(self.burst, calls))

    def admits(self, usage: Usage, now: Moment) -> bool:
        return self._wait(usage, now) <= 0 and not self._day_is_full(usage, now)

    def charge(self, usage: Usage, now: Moment) -> Usage:
        """What is kept after one more call."""
        same_day = usage.day >= now.day  # a row that a clock ahead of ours wrote keeps its day
        return Usage(
            until=max(usage.until, now.at) + self.interval,
            day=usage.day if same_day else now.day,
            day_calls=usage.day_calls + 1 if same_day else 1,
        )

    def standing(self, usage: Usage, now: Moment) -> Standing:
        """What a caller is told whose calls, this one included, left ``usage``."""
        day = self._standing_of_day(usage, now)
        rolling = self._standing(usage, now)
        return day if day is not None and day.remaining < rolling.remaining else rolling

    def refusal(self, usage: Usage, now: Moment) -> Standing:
        """What a caller is told whose call ``usage`` does not admit: the limit that lasts longer, and how long."""
        rolling = replace(self._standing(usage, now), retry_after=_seconds(self._wait(usage, now)))
        day = self._standing_of_day(usage, now)
        if day is None or not self._day_is_full(usage, now):
            return rolling
        day = replace(day, retry_after=_seconds(now.day_ends - now.at))
        return max(rolling, day, key=lambda each: each.retry_after)

    def _wait(self, usage: Usage, now: Moment) -> int:
        """Microseconds until the rolling limit takes another call; 0 or less: it does."""
        return max(usage.until, now.at) + self.interval - self.horizon - now.at

    def _day_is_full(self, usage: Usage, now: Moment) -> bool:
        return self.daily is not None and _calls_of_day(usage, now) >= self.daily

    def _standing(self, usage: Usage, now: Moment) -> Standing:
        ahead = max(usage.until - now.at, 0)
        remaining = (self.calls * self.interval - ahead) // self.interval
        return Standing(self.calls, max(remaining, 0), _seconds(now.at + ahead))

    def _standing_of_day(self, usage: Usage, now: Moment) -> Standing | None:
        if self.daily is None:
            return None
        return Standing(self.daily, max(self.daily - _calls_of_day(usage, now), 0), _seconds(now.day_ends))


def _calls_of_day(usage: Usage, now: Moment) -> int:
    return usage.day_calls if usage.day >= now.day else 0


def _seconds(microseconds: int) -> int:
    return max(-(-microseconds // SECOND), 0)


class Plan(StrEnum):
    """What a tenant has subscribed to (contract X-22)."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


_HOURLY_AND_DAILY: dict[Plan, tuple[int, int]] = {
    Plan.FREE: (100, 1_000),
    Plan.STARTER: (1_000, 10_000),
    Plan.PROFESSIONAL: (5_000, 100_000),
    Plan.BUSINESS: (5_000, 100_000),
}
CONFIGURABLE = frozenset({Plan.BUSINESS, Plan.ENTERPRISE})  # may have limits of their own; enterprise must


def plan_quota(plan: Plan, hourly: int | None = None, daily: int | None = None) -> Quota:
    """What each credential of a tenant with this plan may call; ``hourly`` and ``daily`` are the tenant's own limits.

    From rest it may make twice the hourly limit in a row (contract RL-03); the daily limit is hard.
    """
    of_plan = _HOURLY_AND_DAILY.get(plan, _HOURLY_AND_DAILY[Plan.PROFESSIONAL])
    calls = hourly or of_plan[0]
    return Quota(calls, burst=calls, daily=daily or of_plan[1])
