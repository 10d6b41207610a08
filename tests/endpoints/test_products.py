"""PD-01…03: the catalogue through its handlers."""

from decimal import Decimal
from typing import Any

import pytest

from tests.shop import OTHER_TENANT, Call, Credential

HEADPHONES = {
    "name": "Premium Wireless Headphones",
    "description": "High-quality audio experience",
    "price": Decimal("199.99"),
    "sku": "HEADPHONE-001",
    "status": "active",
    "categories": ["electronics", "audio"],
}


def create(call: Call, **changes: Any) -> Any:
    answered = call("v2/catalog/create_product", body=HEADPHONES | changes)
    assert answered.status == 201, answered.text
    return answered.body


def names(call: Call, **query: str) -> list[str]:
    answered = call("v2/catalog/list_products", query=query)
    assert answered.status == 200, answered.text
    return [product["name"] for product in answered.body["data"]]


def test_a_product_is_found_by_its_id_its_sku_and_a_variants_sku(call: Call) -> None:
    product = create(call, variants=[{"sku": "HEADPHONE-RED", "inventory": 7}, {"sku": "HEADPHONE-BLUE"}])

    by_id = call("v2/catalog/get_product", id=product["id"])
    by_sku = call("v2/catalog/get_product", id="HEADPHONE-001")
    by_variant = call("v2/catalog/get_product", id="HEADPHONE-BLUE")

    assert by_id.body == product
    assert by_sku.body == product
    assert by_variant.body == product | {"matched_variant_id": product["variants"][1]["id"]}
    assert [variant["inventory"] for variant in product["variants"]] == [7, 0]


def test_a_sku_is_unique_across_products_and_variants_and_a_refusal_writes_nothing(call: Call, table: Any) -> None:
    create(call, variants=[{"sku": "RED"}])
    before = table.scan()["Items"]

    answered = call("v2/catalog/create_product", body=HEADPHONES | {"sku": "RED"})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (409, "duplicate_sku")
    assert table.scan()["Items"] == before


def test_archived_products_are_listed_only_when_asked_for(call: Call) -> None:
    for status in ("active", "draft", "archived"):
        create(call, name=status, sku=status, status=status)

    assert sorted(names(call)) == ["active", "draft"]
    assert names(call, status="archived") == ["archived"]
    assert names(call, status="draft") == ["draft"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["C", "B", "A"]),
        ({"sort": "name"}, ["A", "B", "C"]),
        ({"sort": "-name"}, ["C", "B", "A"]),
        ({"sort": "price"}, ["B", "C", "A"]),
        ({"sort": "price", "order": "desc"}, ["A", "C", "B"]),
        ({"sort": "-price", "order": "asc"}, ["B", "C", "A"]),
        ({"sort": "created_at"}, ["A", "B", "C"]),
        ({"category": "odd", "sort": "name"}, ["A", "C"]),
        ({"category": "none"}, []),
    ],
)
def test_lists_come_in_the_order_asked_for(call: Call, query: dict[str, str], expected: list[str]) -> None:
    for name, price, category in (("A", 100, "odd"), ("B", Decimal("9.5"), "even"), ("C", 20, "odd")):
        create(call, name=name, sku=name, price=price, categories=[category])

    assert names(call, **query) == expected


def test_search_finds_by_the_beginnings_of_words_and_by_sku(call: Call) -> None:
    create(call)
    create(call, name="Wired Headset", sku="HEADSET-9")

    assert names(call, search="wireless headph") == ["Premium Wireless Headphones"]
    assert sorted(names(call, search="head")) == ["Premium Wireless Headphones", "Wired Headset"]
    assert names(call, search="HEADSET-9") == ["Wired Headset"]
    assert names(call, search="zz") == []


def test_the_pages_of_a_list_are_the_whole_list(call: Call) -> None:
    for number in range(7):
        create(call, name=f"P{number}", sku=f"P{number}")

    seen: list[str] = []
    query = {"limit": "3", "sort": "name"}
    while True:
        answered = call("v2/catalog/list_products", query=query)
        seen += [product["name"] for product in answered.body["data"]]
        cursor = answered.body["pagination"]["next_cursor"]
        if cursor is None:
            break
        query["cursor"] = cursor

    assert seen == [f"P{number}" for number in range(7)]
    assert names(call, limit="3", page="3", sort="name") == ["P6"]


def test_a_cursor_is_refused_by_another_tenant_another_query_and_after_tampering(call: Call) -> None:
    for number in range(3):
        create(call, name=f"P{number}", sku=f"P{number}")
    cursor = call("v2/catalog/list_products", query={"limit": "1"}).body["pagination"]["next_cursor"]
    stranger = Credential(tenant=OTHER_TENANT)

    refusals = [
        call("v2/catalog/list_products", query={"cursor": cursor}, credential=stranger),
        call("v2/catalog/list_products", query={"cursor": cursor, "sort": "name"}),
        call("v2/catalog/list_products", query={"cursor": ("B" if cursor[0] == "A" else "A") + cursor[1:]}),
        call("v2/catalog/list_products", query={"cursor": "not a cursor"}),
    ]

    assert [(r.status, r.body["error"]["details"][0]["code"]) for r in refusals] == [(400, "bad_cursor")] * 4


def test_another_tenants_product_does_not_exist(call: Call) -> None:
    product = create(call)
    stranger = Credential(tenant=OTHER_TENANT)

    theirs = call("v2/catalog/get_product", id=product["id"], credential=stranger)
    missing = call("v2/catalog/get_product", id="prod_missing", credential=stranger)

    assert theirs.status == 404
    assert theirs.body == missing.body


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"price": Decimal("1.999")}, 422, "too_many_decimal_places"),
        ({"price": -1}, 422, "negative_amount"),
        ({"price": "10"}, 422, "value_error"),
        ({"price": {"amount": 100, "currency": "EUR"}}, 422, "foreign_currency"),
        ({"surprise": 1}, 422, "unknown_field"),
        ({"sku": "with blank"}, 422, "string_pattern_mismatch"),
        ({"name": 7}, 422, "string_type"),
        ({"id": "prod_mine"}, 422, "unknown_field"),
        ({"name": "4242 4242 4242 4242"}, 422, "card_number"),
        ({"variants": [{"sku": "A"}, {"sku": "A"}]}, 422, "duplicate_sku"),
        ({"metadata": {str(n): "" for n in range(51)}}, 422, "value_error"),
    ],
)
def test_a_bad_product_is_refused_and_nothing_is_written(
    call: Call, table: Any, change: dict[str, Any], status: int, code: str
) -> None:
    answered = call("v2/catalog/create_product", body=HEADPHONES | change)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (status, code)
    assert table.scan()["Count"] == 0


def test_the_price_object_in_minor_units_is_read_too(call: Call) -> None:
    assert create(call, price={"amount": 19999, "currency": "usd"})["price"] == Decimal("199.99")
