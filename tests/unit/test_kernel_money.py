"""Money: exact in major and minor units, whatever the currency's number of decimal places."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.errors import Invalid
from commerce.kernel.money import MAX_MINOR, Money, currency_code, exponent, total

CURRENCIES = ["JPY", "USD", "KWD"]
minor_units = st.integers(-MAX_MINOR, MAX_MINOR)


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (14999, "USD", "149.99"),
        (500, "USD", "5.00"),
        (0, "USD", "0.00"),
        (-1, "USD", "-0.01"),
        (500, "JPY", "500"),
        (5000, "KWD", "5.000"),
        (1, "KWD", "0.001"),
    ],
)
def test_an_amount_is_written_with_its_currencys_decimal_places(minor: int, currency: str, written: str) -> None:
    money = Money(minor, currency)

    assert str(money.major) == written
    assert Money.of_major(Decimal(written), currency) == money


@given(minor_units, st.sampled_from(CURRENCIES))
def test_major_to_minor_to_major_loses_nothing(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.of_major(money.major, currency) == money


@given(st.decimals(-(10**18), 10**18, allow_nan=False), st.sampled_from(CURRENCIES))
def test_a_decimal_is_taken_exactly_or_refused(amount: Decimal, currency: str) -> None:
    minor = Fraction(amount) * 10 ** exponent(currency)

    if minor.denominator == 1 and abs(minor) <= MAX_MINOR:
        assert Money.of_major(amount, currency).minor == minor
    else:
        with pytest.raises(Invalid):
            Money.of_major(amount, currency)


@given(minor_units, st.sampled_from(CURRENCIES), st.integers(1, 40))
def test_a_digit_beyond_the_currencys_places_is_refused_however_far_out_it_stands(
    minor: int, currency: str, beyond: int
) -> None:
    text = f"{Money(minor, currency).major:f}"
    finer = Decimal(text + ("" if "." in text else ".") + "0" * (beyond - 1) + "1")

    with pytest.raises(Invalid):
        Money.of_major(finer, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("500.50", "JPY"), ("0.1", "JPY"), ("5.001", "USD"), ("5.0001", "KWD"), ("1e-999999999", "USD")],
)
def test_nothing_is_rounded(amount: str, currency: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Money.of_major(Decimal(amount), currency, field="price")

    assert refusal.value.reason == "too_many_decimal_places"
    assert refusal.value.details[0].field == "price"


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "sNaN", "1e400", "1e999999999", "10000000000000.01"]
)
def test_what_no_order_is_worth_is_out_of_range(amount: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Money.of_major(Decimal(amount), "USD")

    assert refusal.value.reason == "amount_out_of_range"


@pytest.mark.parametrize("amount", ["5", "5.0", "5.00", "5.000000", "5e0", "0.5e1", "50e-1"])
def test_trailing_zeros_are_no_further_places(amount: str) -> None:
    assert Money.of_major(Decimal(amount), "USD") == Money(500, "USD")


@given(minor_units, minor_units, st.integers(0, 10_000), st.sampled_from(CURRENCIES))
def test_arithmetic_is_that_of_minor_units(a: int, b: int, quantity: int, currency: str) -> None:
    one, other = Money(a, currency), Money(b, currency)

    assert (one + other).minor == a + b
    assert (one - other).minor == a - b
    assert (one * quantity).minor == a * quantity
    assert (one < other, one <= other) == (a < b, a <= b)
    assert total([one, other], currency) == one + other


@pytest.mark.parametrize("mix", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a <= b])
def test_currencies_do_not_mix(mix: Any) -> None:
    with pytest.raises(ValueError, match="do not mix"):
        mix(Money(1, "USD"), Money(1, "EUR"))
    with pytest.raises(ValueError, match="do not mix"):
        total([Money(1, "USD")], "EUR")


def test_the_sum_of_nothing_is_nothing() -> None:
    assert total([], "JPY") == Money.zero("JPY")


@pytest.mark.parametrize("text", ["usd", "USD", "Usd"])
def test_a_currency_is_read_in_any_case(text: str) -> None:
    assert currency_code(text) == "USD"


@pytest.mark.parametrize("text", ["", "US", "USDD", "XXX", "XTS", "BTC", "ﬁx", "$", "usd "])
def test_what_is_no_currency_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        currency_code(text)

    assert refusal.value.reason == "unknown_currency"
    assert not text.strip() or text not in refusal.value.message


@pytest.mark.parametrize(
    ("currency", "places"), [("JPY", 0), ("KRW", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("TND", 3)]
)
def test_the_exponents_are_those_of_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places
