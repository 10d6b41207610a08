"""What the audit log holds of each row, decided attribute by attribute; its verbs, units, masks and retention."""

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.audit.model import (
    MASK,
    MAX_SHOWN,
    RESOURCES,
    RETENTION,
    Change,
    ResourceType,
    changes_between,
    expiry,
    masked,
    shown_address,
    verb_of,
)
from commerce.limits.model import Plan
from commerce.table.rows import Row
from tests.shop import ROOT

COMMERCE = ROOT / "layers" / "common" / "commerce"
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def row_classes(parent: type[Row] = Row) -> Iterator[type[Row]]:
    for file in COMMERCE.glob("*/*store.py"):
        importlib.import_module(f"commerce.{file.parent.name}.{file.stem}")
    for each in parent.__subclasses__():
        yield each
        yield from row_classes(each)


def kind_of(row_class: type[Row]) -> str:
    return str(row_class.kind.get_discriminator(row_class))


AUDITED = {kind_of(each): each for each in row_classes() if each.audited}


def test_every_audited_row_is_declared_and_every_declared_row_is_audited() -> None:
    assert {kind: each.audited for kind, each in AUDITED.items()} == {
        kind: resource.type for kind, resource in RESOURCES.items()
    }


@pytest.mark.parametrize("kind", RESOURCES)
def test_of_every_attribute_of_an_audited_row_it_is_decided_whether_the_log_holds_it(kind: str) -> None:
    resource = RESOURCES[kind]
    own = set(AUDITED[kind].get_attributes()) - set(Row.get_attributes())
    shown = {each.attribute for each in resource.fields.values()} | {resource.identity, *resource.details}

    assert own - shown - resource.left_out == set(), "decide: a field, a detail, or left out"
    assert (shown | resource.left_out) - own == set(), "no such attribute"
    assert shown & resource.left_out == set()


SECRETS = {"hash", "secret", "pin", "token", "password", "four"}
PERSONAL = {
    "cart": {"gift_card_items", "shipping_address", "billing_address"},
    "gift_card": {"owner_email", "recipient_email", "message", "sender"},
    "customer": {"email", "first_name", "last_name", "phone", "addresses", "metadata"},
    "order": {"customer", "shipping_address", "billing_address", "metadata"},
    "note": {"content"},
    "attachment": {"filename", "description"},
    "payment": {"metadata"},
    "return": {"ended_because"},
}


@pytest.mark.parametrize("kind", RESOURCES)
def test_no_secret_is_shown_and_what_tells_of_a_person_is_masked(kind: str) -> None:
    fields = RESOURCES[kind].fields

    assert [each.attribute for each in fields.values() if SECRETS & set(each.attribute.split("_"))] == []
    assert {name for name, each in fields.items() if each.show is masked} == PERSONAL.get(kind, set())


def verb(kind: str, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    return verb_of(RESOURCES[kind], before, after)


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("product", {}, {"status": "active"}, "created"),
        ("product", {"status": "active"}, {"status": "draft"}, "updated"),
        ("product", {"status": "active"}, {"status": "archived"}, "deleted"),
        ("product", {"status": "archived"}, {"status": "archived"}, "updated"),
        ("product", {"status": "archived"}, {"status": "active"}, "updated"),
        ("order", {"status": "pending"}, {"status": "cancelled"}, "cancelled"),
        ("order", {"status": "pending"}, {"status": "shipped"}, "updated"),
        ("api_key", {}, {"name": "App"}, "created"),
        ("api_key", {"name": "App"}, {"name": "App", "rotated_at": "x"}, "rotated"),
        (
            "api_key",
            {"name": "App", "rotated_at": "x"},
            {"name": "App", "rotated_at": "x", "revoked_at": "y"},
            "revoked",
        ),
        ("stock", {}, {"available": 7, "reserved": 0}, "adjusted"),
        ("stock", {"available": 7, "reserved": 1}, {"available": 9, "reserved": 1}, "adjusted"),
        ("stock", {"available": 7, "reserved": 1}, {"available": 5, "reserved": 3}, None),
        ("stock", {"available": 7, "reserved": 3}, {"available": 7, "reserved": 0}, "adjusted"),
    ],
)
def test_a_change_is_called_what_it_means(
    kind: str, before: dict[str, Any], after: dict[str, Any], expected: str | None
) -> None:
    assert verb(kind, before, after) == expected


@pytest.mark.parametrize(
    ("currency", "minor", "shown"),
    [("USD", 9999, Decimal("99.99")), ("JPY", 500, Decimal(500)), ("KWD", 1500, Decimal("1.500"))],
)
def test_amounts_are_decimal_major_units_as_the_wire_shows_them(currency: str, minor: int, shown: Decimal) -> None:
    changes = changes_between(
        RESOURCES["product"], {"price": 0, "currency": currency}, {"price": minor, "currency": currency}
    )

    assert changes["price"].new == shown
    assert str(changes["price"].new) == str(shown)


def test_only_what_differs_is_told_and_what_is_empty_is_no_value() -> None:
    before = {"names": '{"en":"Tee"}', "descriptions": "{}", "metadata": "{}", "images": "[]", "status": "active"}
    after = {"names": '{"en":"Tee","fr":"Maillot"}', "descriptions": '{"en":"Soft"}', "metadata": "{}"}

    assert changes_between(RESOURCES["product"], before, after) == {
        "name": Change("Tee", {"en": "Tee", "fr": "Maillot"}),
        "description": Change(None, "Soft"),
        "status": Change("active", None),
    }


def test_of_a_person_it_is_told_what_changed_and_not_to_what() -> None:
    before = {"first_name": "Jane", "email": "jane@example.com", "tags": '["vip"]'}
    after = {"first_name": "Joan", "email": "jane@example.com", "phone": "+1 555 0123", "tags": "[]"}

    assert changes_between(RESOURCES["customer"], before, after) == {
        "first_name": Change(MASK, MASK),
        "phone": Change(None, MASK),
        "tags": Change(["vip"], None),
    }


def test_a_long_value_is_told_by_its_length() -> None:
    before, after = ({"descriptions": json.dumps({"en": "x" * length})} for length in (MAX_SHOWN, MAX_SHOWN + 1))

    [change] = changes_between(RESOURCES["product"], before, after).values()

    assert change == Change("x" * MAX_SHOWN, f"[{MAX_SHOWN + 1} characters]")


def test_entries_are_kept_as_long_as_the_plan_promises() -> None:
    assert set(RETENTION) == set(Plan)
    assert [expiry(NOON, plan) - NOON for plan in ("free", "starter", "professional", "business")] == [
        timedelta(days=90),
        timedelta(days=90),
        timedelta(days=365),
        timedelta(days=365),
    ]
    assert expiry(NOON, "enterprise") == NOON.replace(year=2033)
    assert expiry(NOON, "") == expiry(NOON, "free")


@pytest.mark.parametrize(
    ("actor", "address", "shown"),
    [
        ("api_key:key_1", "203.0.113.77", "203.0.113.77"),
        ("owner:user_1", "2001:db8:1:2::3", "2001:db8:1:2::3"),
        ("customer:cust_1", "203.0.113.77", "203.0.113.0"),
        ("customer:cust_1", "2001:db8:1:2::3", "2001:db8:1::"),
        ("public:anonymous", "203.0.113.77", "203.0.113.0"),
        ("customer:cust_1", "not an address", None),
        ("system:stripe", "", None),
    ],
)
def test_of_customers_only_the_network_is_told(actor: str, address: str, shown: str | None) -> None:
    assert shown_address(actor, address) == shown


def test_types_of_resources_are_named_once() -> None:
    assert {resource.type for resource in RESOURCES.values()} == set(ResourceType)
