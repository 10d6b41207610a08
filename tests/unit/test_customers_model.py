"""Rules of customers that need no table."""

import pytest

from commerce.customers.model import Address, with_defaults, words
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
