"""Rules of customers that need no table."""

from datetime import UTC, date, datetime, timedelta

import pytest

from commerce.customers.model import Address, Period, Registered, with_defaults, words
from commerce.kernel.errors import Invalid


def address(number: int, *, shipping: bool = False, billing: bool = False) -> Address:
    return Address(
        address_id=f"addr_{number}",
        first_name="Jane",
        last_name="Doe",
        address1="123 Main St",
        city="New York",
        postal_code="10001",
        country="US",
        is_default_shipping=shipping,
        is_default_billing=billing,
    )


@pytest.mark.parametrize(
    ("addresses", "shipping", "billing"),
    [
        ((address(0),), 0, 0),
        ((address(0), address(1)), 0, 0),
        ((address(0), address(1, shipping=True)), 1, 0),
        ((address(0), address(1, shipping=True), address(2, billing=True)), 1, 2),
        ((address(0, billing=True), address(1)), 0, 0),
    ],
)
def test_each_purpose_has_one_default(addresses: tuple[Address, ...], shipping: int, billing: int) -> None:
    settled = with_defaults(addresses)

    assert [each.is_default_shipping for each in settled].index(True) == shipping
    assert [each.is_default_billing for each in settled].index(True) == billing
    assert sum(each.is_default_shipping for each in settled) == sum(each.is_default_billing for each in settled) == 1


def test_two_addresses_cannot_be_the_same_default() -> None:
    with pytest.raises(Invalid) as refused:
        with_defaults((address(0, billing=True), address(1, billing=True)))

    assert refused.value.details[0].field == "addresses.1.is_default_billing"
    assert with_defaults(()) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Jane Doe", ["jane", "doe"]),
        ("José Ångström", ["jose", "angstrom"]),
        ("O'Brien-Smith", ["o", "brien", "smith"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ﬁne_name", ["fine", "name"]),
        ("王 芳", ["王", "芳"]),
        ("x" * 300, ["x" * 64]),
        ("...", []),
    ],
)
def test_a_name_is_found_by_its_words_without_case_and_accents(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 24), ("Europe/Berlin", 23), ("Asia/Tokyo", 24), ("America/New_York", 24)]
)
def test_a_day_is_as_long_as_the_shop_s_clocks_make_it(zone: str, hours: int) -> None:
    period = Registered(date(2026, 3, 29), date(2026, 3, 29)).period(zone)

    assert period.start is not None
    assert period.end is not None
    assert period.end - period.start == timedelta(hours=hours)


def test_an_instant_covers_its_second_or_exactly_itself() -> None:
    second = datetime(2026, 3, 20, 12, tzinfo=UTC)
    exact = second.replace(microsecond=5)

    assert Registered(second, second).period("UTC").holds(second + timedelta(microseconds=999_999))
    assert not Registered(second, second).period("UTC").holds(second + timedelta(seconds=1))
    assert Registered(exact, exact).period("UTC").holds(exact)
    assert not Registered(exact, exact).period("UTC").holds(exact + timedelta(microseconds=1))


def test_no_bounds_hold_everything() -> None:
    assert Registered().period("UTC") == Period()
    assert Period().holds(datetime.max.replace(tzinfo=UTC))
