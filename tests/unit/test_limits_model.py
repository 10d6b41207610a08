"""RL-01, RL-03: who may call how often, against a simulation that looks at every call again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.limits.model import SECOND, Moment, Plan, Quota, Standing, Usage, plan_quota

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

quotas = st.builds(Quota, calls=st.integers(1, 12), seconds=st.integers(1, 90), burst=st.integers(0, 12))
gaps = st.lists(st.one_of(st.just(0), st.integers(0, 40 * SECOND)), min_size=1, max_size=80)


def moment(microseconds: int) -> Moment:
    return Moment(at=1_774_008_000 * SECOND + microseconds, day="2026-03-20", day_ends=1_774_051_200 * SECOND)


def instants(between: list[int]) -> list[Moment]:
    return [moment(sum(between[: index + 1])) for index in range(len(between))]


def calls(quota: Quota, at: list[Moment], usage: Usage | None = None) -> tuple[list[bool], Usage]:
    """Which of the calls are admitted, and what is kept in the end."""
    kept, verdicts = usage or Usage(), []
    for now in at:
        verdicts.append(quota.admits(kept, now))
        if verdicts[-1]:
            kept = quota.charge(kept, now)
    return verdicts, kept


def admitted_by_looking_back(quota: Quota, at: list[Moment]) -> list[bool]:
    """In no stretch of time, however long, may there be more calls than a rest allows and the stretch brings along."""
    passed: list[int] = []
    verdicts = []
    for now in at:
        rooms = [
            (len(passed) - first + 1) * quota.interval <= (quota.calls + quota.burst) * quota.interval + now.at - begin
            for first, begin in enumerate([*passed, now.at])
        ]
        verdicts.append(all(rooms))
        if verdicts[-1]:
            passed.append(now.at)
    return verdicts


@given(quotas, gaps)
@settings(max_examples=400)
def test_a_call_passes_exactly_when_no_stretch_of_time_has_too_many(quota: Quota, between: list[int]) -> None:
    at = instants(between)

    assert calls(quota, at)[0] == admitted_by_looking_back(quota, at)


@given(quotas, gaps)
def test_what_is_promised_as_remaining_passes_and_what_is_refused_passes_after_the_wait(
    quota: Quota, between: list[int]
) -> None:
    at = instants(between)
    _, kept = calls(quota, at)
    told = quota.standing(kept, at[-1])
    assert all(calls(quota, [at[-1]] * told.remaining, kept)[0])

    _, full = calls(quota, [at[-1]] * (quota.calls + quota.burst), kept)
    refusal = quota.refusal(full, at[-1])
    later = at[-1].at - moment(0).at + refusal.retry_after * SECOND
    assert quota.admits(full, moment(later))
    assert not quota.admits(full, moment(later - SECOND))


@given(quotas, gaps)
def test_at_the_reset_the_whole_limit_is_there_again_and_a_second_before_it_is_not(
    quota: Quota, between: list[int]
) -> None:
    at = instants(between)
    _, kept = calls(quota, at)
    reset = quota.standing(kept, at[-1]).reset * SECOND - moment(0).at

    assert quota.standing(kept, moment(reset)).remaining == quota.calls
    assert quota.standing(kept, moment(reset - SECOND)).remaining < quota.calls


@given(st.integers(1, 500))
def test_after_a_rest_twice_the_limit_passes_in_a_row_and_remaining_counts_the_limit_down(limit: int) -> None:
    quota = plan_quota(Plan.BUSINESS, limit, 10 * limit)
    usage, told = Usage(), []
    for _ in range(2 * limit):
        assert quota.admits(usage, moment(0))
        usage = quota.charge(usage, moment(0))
        told.append(quota.standing(usage, moment(0)))

    assert not quota.admits(usage, moment(0))
    assert [each.remaining for each in told] == [*range(limit - 1, -1, -1), *([0] * limit)]
    assert {each.limit for each in told} == {limit}
    verdicts, _ = calls(quota, [moment(quota.interval), moment(quota.interval)], usage)
    assert verdicts == [True, False]


def test_a_day_of_steady_calls_at_the_limit_is_never_refused_and_at_twice_the_limit_half_of_it_is() -> None:
    quota = Quota(100, burst=100)
    steady = [moment(index * quota.interval) for index in range(2400)]
    double = [moment(index * quota.interval // 2) for index in range(4800)]

    assert all(calls(quota, steady)[0])
    assert sum(calls(quota, double)[0]) == 2400 + 199


@given(st.integers(1, 1_000_000))
def test_an_hour_never_brings_along_more_than_the_limit(limit: int) -> None:
    interval = Quota(limit).interval

    assert 3600 * SECOND <= limit * interval < 3600 * SECOND + limit


@pytest.mark.parametrize(
    ("plan", "own", "hourly", "daily"),
    [
        (Plan.FREE, (None, None), 100, 1_000),
        (Plan.STARTER, (None, None), 1_000, 10_000),
        (Plan.PROFESSIONAL, (None, None), 5_000, 100_000),
        (Plan.BUSINESS, (None, None), 5_000, 100_000),
        (Plan.BUSINESS, (7_000, None), 7_000, 100_000),
        (Plan.BUSINESS, (None, 50_000), 5_000, 50_000),
        (Plan.ENTERPRISE, (20_000, 300_000), 20_000, 300_000),
    ],
)
def test_each_plan_has_its_calls(plan: Plan, own: tuple[int | None, int | None], hourly: int, daily: int) -> None:
    quota = plan_quota(plan, *own)

    assert (quota.calls, quota.burst, quota.seconds, quota.daily) == (hourly, hourly, 3600, daily)


@pytest.mark.parametrize(("own", "calls", "burst"), [(None, 100, 100), (30, 30, 30), (100, 100, 100), (900, 100, 100)])
def test_a_credentials_own_limit_lowers_the_plans_and_never_raises_it(own: int | None, calls: int, burst: int) -> None:
    quota = plan_quota(Plan.FREE).lowered_to(own)

    assert (quota.calls, quota.burst, quota.daily) == (calls, burst, 1_000)


# The day


def test_the_daily_limit_is_hard_and_ends_with_the_tenants_day() -> None:
    quota = Quota(100, burst=100, daily=150)
    evening = Moment.of(datetime(2026, 3, 20, 23, 30, tzinfo=ZoneInfo("America/New_York")), "America/New_York")
    verdicts, usage = calls(quota, [evening] * 151)
    tomorrow = Moment.of(datetime(2026, 3, 21, 0, 0, tzinfo=ZoneInfo("America/New_York")), "America/New_York")

    assert verdicts == [True] * 150 + [False]
    assert quota.refusal(usage, evening) == Standing(150, 0, reset=tomorrow.at // SECOND, retry_after=1800)
    assert quota.admits(usage, tomorrow)
    assert quota.charge(usage, tomorrow).day_calls == 1


def test_the_scarcer_limit_is_told_and_the_one_that_lasts_longer_refuses() -> None:
    quota, now = Quota(10, seconds=3600, burst=10, daily=14), moment(0)
    _, five = calls(quota, [now] * 5)
    hour_later = moment(3600 * SECOND)
    _, nine = calls(quota, [hour_later] * 4, five)
    _, full = calls(quota, [hour_later] * 5, nine)

    assert (quota.standing(five, now).limit, quota.standing(five, now).remaining) == (10, 5)
    assert (quota.standing(nine, hour_later).limit, quota.standing(nine, hour_later).remaining) == (14, 5)
    assert quota.refusal(full, hour_later).limit == 14
    assert quota.refusal(full, hour_later).retry_after == (hour_later.day_ends - hour_later.at) // SECOND

    bursts = Quota(10, seconds=3600, burst=10, daily=20)
    _, both = calls(bursts, [now] * 20)
    just_before_midnight = Moment(now.day_ends - 2 * SECOND, now.day, now.day_ends)
    assert bursts.refusal(both, now).limit == 20
    _, late = calls(bursts, [just_before_midnight] * 20)
    assert bursts.refusal(late, just_before_midnight) == Standing(
        10, 0, reset=just_before_midnight.at // SECOND + 7200, retry_after=360
    )


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 7), 24), ((2026, 3, 8), 23), ((2026, 11, 1), 25), ((2026, 11, 2), 24)]
)
def test_days_are_as_long_as_the_tenants_clocks_make_them(day: tuple[int, int, int], hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    first = Moment.of(datetime(*day, tzinfo=zone), "America/New_York")
    last = Moment.of(datetime(*day, 23, 59, 59, 999_999, tzinfo=zone), "America/New_York")

    assert first.day_ends - first.at == hours * 3600 * SECOND
    assert (last.day, last.day_ends) == (first.day, first.day_ends)
    assert last.day_ends - last.at == 1


def test_a_clock_that_lags_behind_midnight_counts_on_the_day_that_has_begun() -> None:
    quota = Quota(10, daily=10)
    before, after = Moment.of(NOON.replace(hour=23, minute=59)), Moment.of(NOON + 12 * HOUR)
    _, kept = calls(quota, [after] * 3)

    late = quota.charge(kept, before)

    assert (late.day, late.day_calls) == (after.day, 4)
