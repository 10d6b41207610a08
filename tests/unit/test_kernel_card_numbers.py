"""Card numbers are recognised however they are written; ids, amounts and telephone numbers are not card numbers."""

import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
import uuid6
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel import ids
from commerce.kernel.card_numbers import holds_card_number, refuse_card_numbers
from commerce.kernel.errors import Invalid

CARDS = {
    "Visa": "4242424242424242",
    "Visa of 13 digits": "4222222222222",
    "Mastercard": "5555555555554444",
    "American Express": "378282246310005",
    "Diners": "30569309025904",
    "Discover": "6011111111111117",
    "JCB": "3530111333300000",
    "UnionPay of 19 digits": "6205500000000000004",
}
PREFIXES = ["order", "cust", "prod", "var", "key", "cart", "li", "evt", "req", "pi", "cus"]


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize(
    "written",
    [
        "{}",
        " {} ",
        "card: {}",
        "{}.",
        "({})",
        "card={}&x=1",
        "x,{},y",
        "{}\n",
        "12/29 {}",
        "{} 12/29",
        "{} 123",
        "{} 12 29 123",
        "7 {}",
        "no. 12-{}-34",
    ],
)
def test_a_card_number_is_found_wherever_it_stands(number: str, written: str) -> None:
    assert holds_card_number(written.format(number))


@pytest.mark.parametrize("separator", [" ", "-"])
@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
def test_blanks_and_dashes_hide_no_card_number(number: str, separator: str) -> None:
    assert holds_card_number(separator.join(number[at : at + 4] for at in range(0, len(number), 4)))
    assert holds_card_number(separator.join(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",  # fails the check digit
        "4242 4242 4242",
        "0000000000000000",
        "1" * 16,
        "+1-555-0123",
        "2026-03-20T12:00:00Z",
        "TRK123456789",
        "1Z999AA10123456784",
        "HEADPHONE-001",
        "14999",
        "149.99",
    ],
)
def test_what_is_no_card_number_is_let_through(text: str) -> None:
    assert not holds_card_number(text)


@given(st.sampled_from(PREFIXES), st.integers(0, 2**128 - 1))
def test_no_id_of_ours_is_a_card_number(prefix: str, bits: int) -> None:
    assert not holds_card_number(f"{prefix}_{uuid.UUID(int=bits).hex}")
    assert not holds_card_number(f"{prefix}_{bits % 10**32:032d}")


@given(st.integers(0, 10**19 - 1))
def test_not_even_an_id_of_digits_alone_is_one(digits: int) -> None:
    with ids.use(lambda: f"{digits:019d}"):
        assert not holds_card_number(ids.new("order"))


@pytest.mark.parametrize("text", ["1 " * 500_000, "1" * 1_000_000, "1-" * 500_000, "a1" * 500_000, "12345 " * 160_000])
def test_a_long_text_is_looked_through_in_a_few_seconds(text: str) -> None:
    began = time.process_time()

    assert not holds_card_number(text + "a")

    assert time.process_time() - began < 5


def test_ten_thousand_real_ids_pass() -> None:
    assert not any(holds_card_number(f"order_{uuid6.uuid7().hex}") for _ in range(10_000))


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"note": CARDS["Visa"]}, "note"),
        ({"items": [{"product_id": "prod_1"}, {"note": "4242 4242 4242 4242"}]}, "items.1.note"),
        ({"shipping_address": {"street": "4242-4242-4242-4242"}}, "shipping_address.street"),
        ({"quantity": 4242424242424242}, "quantity"),
        ({"price": Decimal("4242424242424242.0")}, "price"),
        ({"price": Decimal("4.242424242424242e15")}, "price"),
        ({"metadata": {CARDS["Visa"]: "x"}}, "metadata"),
        ([CARDS["Visa"]], ".0"),
        (CARDS["Visa"], "body"),
    ],
)
def test_a_document_with_a_card_number_is_refused_naming_the_field_and_not_the_number(
    document: Any, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_card_numbers(document)

    detail = refusal.value.details[0]
    assert (detail.field, detail.code) == (field, "card_number")
    assert "4242" not in refusal.value.message


@pytest.mark.parametrize(
    "document",
    [None, True, 1, Decimal("199.99"), Decimal("1e999999999"), Decimal("1e-999999999"), {}, [], {"a": [None, "b"]}],
)
def test_a_document_without_one_is_not(document: Any) -> None:
    refuse_card_numbers(document)
