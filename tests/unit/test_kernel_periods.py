"""Which instants a day, or an instant, stands for."""

from datetime import UTC, date, datetime, timedelta

import pytest

from commerce.kernel.errors import Invalid
from commerce.kernel.periods import Bounds, Period


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 24), ("Europe/Berlin", 23), ("Asia/Tokyo", 24), ("America/New_York", 24)]
)
def test_a_day_is_as_long_as_the_shop_s_clocks_make_it(zone: str, hours: int) -> None:
    period = Bounds(date(2026, 3, 29), date(2026, 3, 29)).period(zone)

    assert period.start is not None
    assert period.end is not None
    assert period.end - period.start == timedelta(hours=hours)


def test_an_instant_covers_its_second_or_exactly_itself() -> None:
    second = datetime(2026, 3, 20, 12, tzinfo=UTC)
    exact = second.replace(microsecond=5)

    assert Bounds(second, second).period("UTC").holds(second + timedelta(microseconds=999_999))
    assert not Bounds(second, second).period("UTC").holds(second + timedelta(seconds=1))
    assert Bounds(exact, exact).period("UTC").holds(exact)
    assert not Bounds(exact, exact).period("UTC").holds(exact + timedelta(microseconds=1))


def test_no_bounds_hold_everything() -> None:
    assert Bounds().period("UTC") == Period()
    assert Period().holds(datetime.max.replace(tzinfo=UTC))


def test_a_period_that_ends_before_it_begins_is_refused_by_the_names_of_its_fields() -> None:
    with pytest.raises(Invalid) as refused:
        Bounds(date(2026, 3, 20), date(2026, 3, 19), ("since", "until")).period("UTC")

    assert (refused.value.details[0].field, refused.value.reason) == ("until", "empty_period")
