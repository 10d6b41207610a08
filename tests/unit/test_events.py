"""The catalogue of events: what is documented, what is told, and that the page says both."""

import ast
import json
from typing import Any

import pytest
from pydantic import ValidationError

from commerce.events.catalogue import CATALOGUE, Customer, Truncated, read
from local import generate_events
from tests.shop import ROOT

DOCUMENTED = """
    order.created order.updated order.cancelled order.fulfilled order.refunded
    product.created product.updated product.deleted
    inventory.low inventory.out_of_stock
    customer.created customer.updated
    payment.succeeded payment.failed payment.refunded
    shipment.created shipment.in_transit shipment.delivered
    subscription.trial_ending subscription.renewed subscription.canceled
""".split()  # contract 4.5


def named_in_the_code() -> set[str]:
    """Every type of the catalogue that the code names where it could tell it."""
    files = [
        *(ROOT / "functions").rglob("*.py"),
        *(file for file in (ROOT / "layers" / "common" / "commerce").rglob("*.py") if file.name != "catalogue.py"),
    ]
    return {
        node.value
        for file in files
        if "audit" not in file.parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in CATALOGUE
    }


def test_the_catalogue_has_every_documented_type() -> None:
    assert set(DOCUMENTED) - set(CATALOGUE) == set()


def test_what_the_catalogue_calls_told_is_told_somewhere_and_nothing_else_is() -> None:
    assert {name for name, model in CATALOGUE.items() if model.emitted} == named_in_the_code()


def test_the_page_is_what_the_catalogue_says() -> None:
    assert generate_events.FILE.read_text() == generate_events.page(), "run: python local/generate_events.py"


def test_the_page_says_which_types_are_not_told_yet() -> None:
    told, not_told = generate_events.page().split("### Not told yet")

    for name, model in CATALOGUE.items():
        assert (f"`{name}`" in told) == model.emitted, name
        assert (f"`{name}`" in not_told) != model.emitted, name


def event(**changes: Any) -> str:
    customer: dict[str, Any] = {
        "id": "cust_1",
        "email": "jane@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "phone": None,
        "tags": [],
        "created_at": "2026-03-20T12:00:00Z",
    }
    told = {
        "id": "evt_1",
        "type": "customer.created",
        "created_at": "2026-03-20T12:00:00Z",
        "tenant": "ten_1",
        "mode": "live",
        "ordering_key": "cust_1",
        "sequence": 1,
        "data": {"object": customer},
    }
    return json.dumps(told | changes)


def test_an_event_as_documented_is_read() -> None:
    shown = read(event()).data.object

    assert isinstance(shown, Customer)
    assert shown.first_name == "Jane"


def test_an_object_that_is_too_large_is_told_by_its_id() -> None:
    shown = read(event(data={"object": {"id": "cust_1", "truncated": True}})).data.object

    assert shown == Truncated(id="cust_1", truncated=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 0},
        {"id": "cust_1"},
        {"mode": "sandbox"},
        {"surprise": 1},
        {"data": {"object": {"id": "cust_1"}}},
        {"created_at": "2026-03-20T12:00:00"},
    ],
)
def test_an_event_that_is_not_as_documented_is_noticed(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(event(**changes))


def test_a_type_that_is_not_documented_is_noticed() -> None:
    with pytest.raises(KeyError):
        read(event(type="customer.exploded"))
