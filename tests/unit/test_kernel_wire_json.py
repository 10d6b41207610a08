"""JSON on the wire: numbers are exact on the way in and numbers on the way out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel import wire_json

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("59.98", Decimal("59.98")),
        ("0.1", Decimal("0.1")),
        ("1e2", Decimal("1e2")),
        ("29.990", Decimal("29.990")),
        ("14999", 14999),
        ("123456789012345678901234567890.12", Decimal("123456789012345678901234567890.12")),
    ],
)
def test_a_number_comes_in_exactly(text: str, value: Any) -> None:
    read = wire_json.loads(text)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("59.98"), "59.98"),
        (Decimal("59.90"), "59.90"),
        (Decimal("0.00"), "0.00"),
        (Decimal("500"), "500"),
        (14999, "14999"),
        ({"total": Decimal("59.98")}, '{"total":59.98}'),
        ([None, True, "é"], '[null,true,"é"]'),
    ],
)
def test_a_number_goes_out_as_a_number_with_its_digits(value: Any, text: str) -> None:
    assert wire_json.dumps(value) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_a_decimal_survives_the_wire(amount: Decimal) -> None:
    assert wire_json.loads(wire_json.dumps({"total": amount}))["total"] == amount


@given(documents)
def test_a_document_survives_the_wire(document: Any) -> None:
    assert wire_json.loads(wire_json.dumps(document)) == document


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"price":NaN}', "[Infinity]"])
def test_there_is_no_nan_and_no_infinity_in_json(text: str) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        wire_json.loads(text)


@pytest.mark.parametrize("text", ["", "{", "{'a':1}", "[1,]", "01", "1.", ".5", "+1", "nul", '"\n"'])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        wire_json.loads(text)


def test_an_instant_is_rfc_3339_in_utc_to_the_second() -> None:
    noon = datetime(2026, 3, 20, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))

    assert wire_json.dumps({"at": noon}) == '{"at":"2026-03-20T12:00:00Z"}'
    assert wire_json.dumps(datetime(2026, 3, 20, tzinfo=UTC)) == '"2026-03-20T00:00:00Z"'


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_what_json_cannot_say_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        wire_json.dumps(value)


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_equal_documents_have_equal_canonical_text(document: dict[str, int]) -> None:
    shuffled = dict(reversed(document.items()))

    assert wire_json.canonical(document) == wire_json.canonical(shuffled)
    assert wire_json.loads(wire_json.canonical(document)) == document
