"""PD-04 and PD-05: changing and archiving a product through the handlers."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import boto3
import pytest

from commerce.catalog import store
from commerce.table.transaction import run
from tests.contract.shops import HOME, Shop
from tests.invariants import check
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential, handler

MUG = {
    "name": "Blue Mug",
    "sku": "MUG",
    "price": Decimal("9.50"),
    "categories": ["kitchen"],
    "metadata": {"shelf": "7"},
}


@pytest.fixture
def shop(call: Call, table: Any) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


def create(shop: Shop, **changes: Any) -> Any:
    return shop.do("v2/catalog/create_product", body=MUG | changes)


def change(shop: Shop, product_id: str, body: Any, **more: Any) -> Answered:
    return shop.call("v2/catalog/update_product", id=product_id, body=body, **more)


def changed(shop: Shop, product_id: str, body: Any, **more: Any) -> Any:
    answered = change(shop, product_id, body, **more)
    assert answered.status == 200, answered.text
    return answered.body


def archive(shop: Shop, product_id: str, **more: Any) -> Answered:
    return shop.call("v2/catalog/delete_product", id=product_id, **more)


def get(shop: Shop, name: str) -> Any:
    answered = shop.call("v2/catalog/get_product", id=name)
    return answered.body if answered.status == 200 else None


def listed(shop: Shop, **query: str) -> list[str]:
    return [product["name"] for product in shop.do("v2/catalog/list_products", query=query)["data"]]


def events(table: Any, product_id: str) -> list[tuple[int, str]]:
    rows = [row for row in table.scan()["Items"] if row["kind"] == "outbox" and row["aggregate_id"] == product_id]
    return sorted((int(row["sequence"]), row["type"]) for row in rows)


def rows(table: Any, *kinds: str) -> list[dict[str, Any]]:
    found = [row for row in table.scan()["Items"] if row["kind"] in kinds]
    return sorted(found, key=lambda row: (row["pk"], row["sk"]))


def refusal(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def test_what_a_change_leaves_out_stays_as_it_is(shop: Shop) -> None:
    product = create(shop, variants=[{"sku": "MUG-S"}], images=["https://x.example/mug.png"])

    after = changed(shop, product["id"], {"price": 8})

    assert after == product | {"price": Decimal("8.00"), "version": 2, "updated_at": after["updated_at"]}
    assert get(shop, product["id"]) == after


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "Red Mug"}, {"name": "Red Mug"}),
        ({"description": ""}, {"description": ""}),
        ({"price": {"amount": 850, "currency": "USD"}}, {"price": Decimal("8.50")}),
        ({"sku": "MUG-2"}, {"sku": "MUG-2"}),
        ({"status": "draft"}, {"status": "draft"}),
        ({"categories": ["bar", "bar", "gifts"]}, {"categories": ["bar", "gifts"]}),
        ({"images": ["https://x.example/1.png"]}, {"images": ["https://x.example/1.png"]}),
        ({"images": [], "categories": [], "metadata": {}}, {"images": [], "categories": [], "metadata": {}}),
        ({"metadata": {"row": "1"}}, {"metadata": {"row": "1"}}),
    ],
)
def test_every_field_can_be_changed(shop: Shop, body: Any, expected: Any) -> None:
    product = create(shop, description="For tea", images=["https://x.example/0.png"])

    after = changed(shop, product["id"], body)

    assert {name: after[name] for name in expected} == expected
    assert get(shop, product["id"]) == after


def test_lists_words_and_skus_are_exactly_those_of_a_product_made_that_way(shop: Shop, table: Any) -> None:
    """Changed step by step, or created so at once: the same rows stand in the table."""
    product = create(shop, variants=[{"sku": "A"}, {"sku": "B"}])
    first, second = (variant["id"] for variant in product["variants"])
    steps: list[dict[str, Any]] = [
        {"name": "Green Cup", "categories": ["bar"]},
        {"status": "archived", "metadata": {"shelf": "8", "row": "1"}},
        {"status": "active", "variants": [{"id": second, "sku": "A"}, {"id": first, "sku": "C"}]},
        {"sku": "CUP", "price": 7},
        {"variants": [{"id": first}, {"sku": "D", "attributes": {"size": "S"}}], "metadata": {"row": "2"}},
    ]
    for step in steps:
        after = changed(shop, product["id"], step)

        stored = store.find(TENANT, product["id"])
        assert stored is not None
        found = rows(table, "product", "listed_product", "term", "sku")
        with table.batch_writer() as batch:
            for row in found:
                batch.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})
        run(partial(store.add, tenant=TENANT, product=stored))
        made = rows(table, "product", "listed_product", "term", "sku")
        assert [row | {"cause": ""} for row in found] == [row | {"cause": ""} for row in made]
        assert get(shop, after["sku"])["version"] == after["version"]


def test_a_changed_product_is_found_by_what_it_is_and_no_longer_by_what_it_was(shop: Shop) -> None:
    product = create(shop)

    changed(shop, product["id"], {"name": "Green Cup", "sku": "CUP", "categories": ["bar"], "status": "draft"})

    assert get(shop, "MUG") is None
    assert get(shop, "CUP")["id"] == product["id"]
    assert listed(shop, category="kitchen") == listed(shop, status="active") == listed(shop, search="blue") == []
    assert listed(shop, category="bar") == listed(shop, status="draft") == listed(shop, search="gre") == ["Green Cup"]


def test_a_change_that_changes_nothing_writes_nothing_and_tells_nobody(shop: Shop, table: Any) -> None:
    product = create(shop)
    before = table.scan()["Items"]

    assert changed(shop, product["id"], {"name": "Blue Mug", "price": 9.5}) == product
    assert table.scan()["Items"] == before


def test_every_change_is_told_once_in_order_without_a_gap(shop: Shop, table: Any) -> None:
    product = create(shop)

    changed(shop, product["id"], {"price": 8})
    assert refusal(change(shop, product["id"], {"price": -1})) == (422, "negative_amount")
    changed(shop, product["id"], {"price": 8})
    changed(shop, product["id"], {"price": 7})
    archive(shop, product["id"])
    archive(shop, product["id"])
    changed(shop, product["id"], {"status": "active"})

    told = ["product.created", "product.updated", "product.updated", "product.deleted", "product.updated"]
    assert events(table, product["id"]) == list(enumerate(told, start=1))


# Versions


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ({}, None, 200),
        ({"If-Match": '"2-0123456789abcdef"'}, None, 200),
        ({"If-Match": '"1-0123456789abcdef"'}, None, 409),
        ({"If-Match": "*"}, None, 200),
        ({}, 2, 200),
        ({}, 1, 409),
        ({"If-Match": '"2"'}, 1, 409),
        ({"If-Match": '"1"'}, 2, 409),
    ],
)
def test_a_change_based_on_an_older_version_is_refused(
    shop: Shop, headers: dict[str, str], version: int | None, status: int
) -> None:
    product = create(shop)
    changed(shop, product["id"], {"price": 8})

    body = {"price": 7} | ({} if version is None else {"version": version})
    answered = change(shop, product["id"], body, headers=headers)

    assert answered.status == status
    assert get(shop, product["id"])["price"] == (7 if status == 200 else 8)
    if status == 409:
        assert refusal(answered) == (409, "version_mismatch")


def test_of_two_changes_at_once_the_second_builds_on_the_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    product = create(shop)
    _interrupt(monkeypatch, lambda: changed(shop, product["id"], {"name": "Red Mug"}))

    changed(shop, product["id"], {"price": 8})

    after = get(shop, product["id"])
    assert (after["name"], after["price"], after["version"]) == ("Red Mug", 8, 3)


def test_of_two_changes_of_one_version_at_once_the_second_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = create(shop)
    _interrupt(monkeypatch, lambda: changed(shop, product["id"], {"name": "Red Mug", "version": 1}))

    answered = change(shop, product["id"], {"price": 8, "version": 1})

    assert refusal(answered) == (409, "version_mismatch")
    assert get(shop, product["id"])["price"] == product["price"]


def _interrupt(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Let ``act`` happen between the reading and the writing of the next change."""
    save = store.save

    def interrupted(*arguments: Any) -> None:
        monkeypatch.setattr(store, "save", save)
        act()
        save(*arguments)

    monkeypatch.setattr(store, "save", interrupted)


# SKUs


def test_a_sku_that_another_product_has_is_refused_and_a_released_one_is_free(shop: Shop, table: Any) -> None:
    mug, cup = create(shop), create(shop, sku="CUP", variants=[{"sku": "CUP-S"}])
    before = table.scan()["Items"]

    for taken in ("CUP", "CUP-S"):
        assert refusal(change(shop, mug["id"], {"sku": taken})) == (409, "duplicate_sku")
        assert refusal(change(shop, mug["id"], {"variants": [{"sku": taken}]})) == (409, "duplicate_sku")
    assert table.scan()["Items"] == before

    changed(shop, cup["id"], {"sku": "BOWL", "variants": []})
    changed(shop, mug["id"], {"sku": "CUP", "variants": [{"sku": "CUP-S"}]})
    assert get(shop, "CUP")["id"] == get(shop, "CUP-S")["id"] == mug["id"]


def test_two_products_that_swap_their_skus_at_once_both_keep_theirs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug, cup = create(shop), create(shop, sku="CUP")
    refused = []
    _interrupt(monkeypatch, lambda: refused.append(refusal(change(shop, cup["id"], {"sku": "MUG"}))))

    assert refusal(change(shop, mug["id"], {"sku": "CUP"})) == (409, "duplicate_sku")
    assert refused == [(409, "duplicate_sku")]
    assert (get(shop, "MUG")["id"], get(shop, "CUP")["id"]) == (mug["id"], cup["id"])


def test_of_two_products_that_want_one_sku_at_once_one_gets_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    mug, cup = create(shop), create(shop, sku="CUP")
    _interrupt(monkeypatch, lambda: changed(shop, cup["id"], {"sku": "NEW"}))

    assert refusal(change(shop, mug["id"], {"sku": "NEW"})) == (409, "duplicate_sku")
    assert get(shop, "NEW")["id"] == cup["id"]


def test_variants_of_a_product_may_swap_their_skus(shop: Shop) -> None:
    product = create(shop, variants=[{"sku": "A"}, {"sku": "B"}])
    first, second = (variant["id"] for variant in product["variants"])

    changed(shop, product["id"], {"variants": [{"id": first, "sku": "B"}, {"id": second, "sku": "A"}]})

    assert (get(shop, "A")["matched_variant_id"], get(shop, "B")["matched_variant_id"]) == (second, first)


# Variants


def test_variants_are_added_changed_and_removed(shop: Shop) -> None:
    small = {"sku": "S", "price": 5, "attributes": {"size": "S"}, "image": "https://x.example/s.png"}
    product = create(shop, variants=[small, {"sku": "M", "inventory": 3}])
    small_id, medium_id = (variant["id"] for variant in product["variants"])

    after = changed(
        shop,
        product["id"],
        {"variants": [{"id": medium_id, "price": 6}, {"sku": "L", "inventory": 4, "attributes": {"size": "L"}}]},
    )

    medium, large = after["variants"]
    assert medium == product["variants"][1] | {"price": 6}
    assert (large["sku"], large["inventory"], large["attributes"]) == ("L", 4, {"size": "L"})
    assert get(shop, product["id"]) == after
    assert (get(shop, "S"), get(shop, "L")["matched_variant_id"]) == (None, large["id"])
    assert small_id not in {variant["id"] for variant in after["variants"]}


def test_a_variant_keeps_what_its_entry_leaves_out_and_null_takes_its_price_and_image_away(shop: Shop) -> None:
    given = {"sku": "S", "price": 5, "attributes": {"size": "S"}, "image": "https://x.example/s.png"}
    product = create(shop, variants=[given])
    variant = product["variants"][0]

    same = changed(shop, product["id"], {"variants": [{"sku": "S"}]})
    bare = changed(shop, product["id"], {"variants": [{"id": variant["id"], "price": None, "image": None}]})

    assert same == product
    assert bare["variants"] == [variant | {"price": None, "image": None}]


def test_the_stock_of_a_product_without_variants_goes_to_the_variant_with_its_sku(shop: Shop) -> None:
    product = create(shop)
    shop.receive(product["id"], 5)

    refused = change(shop, product["id"], {"variants": [{"sku": "MUG-S"}]})
    after = changed(shop, product["id"], {"variants": [{"sku": "MUG"}, {"sku": "MUG-S"}]})

    assert refusal(refused) == (409, "variant_in_stock")
    assert [(variant["id"], variant["inventory"]) for variant in after["variants"]] == [
        (product["variants"][0]["id"], 5),
        (after["variants"][1]["id"], 0),
    ]


def test_a_variant_with_stock_or_reservations_cannot_go(shop: Shop) -> None:
    product = create(shop, variants=[{"sku": "S", "inventory": 1}, {"sku": "M"}])
    small_id, medium_id = (variant["id"] for variant in product["variants"])
    only_medium = {"variants": [{"id": medium_id}]}

    in_stock = change(shop, product["id"], only_medium)
    items = [{"product_id": product["id"], "variant_id": small_id, "quantity": 1}]
    placed = shop.do("admin/orders/create_order", body={"customer_id": shop.customer().customer_id, "items": items})
    reserved = change(shop, product["id"], only_medium)

    assert placed["status"] == "pending"
    for answered, words in ((in_stock, "1 in stock and 0 set aside"), (reserved, "0 in stock and 1 set aside")):
        assert refusal(answered) == (409, "variant_in_stock")
        assert f"S cannot go: {words}" in answered.body["error"]["message"]
    assert get(shop, product["id"])["version"] == 1


@pytest.mark.parametrize("known", [False, True], ids=["new warehouse", "emptied warehouse"])
def test_stock_that_arrives_while_its_variant_is_taken_away_stops_that(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    product = create(shop, variants=[{"sku": "S"}, {"sku": "M"}])
    small_id, medium_id = (variant["id"] for variant in product["variants"])

    def adjust(units: int) -> None:
        body = {"quantity": units, "reason": "found", "variant_id": small_id, "location": "wh_002"}
        shop.do("v2/inventory/adjust_inventory", product_id=product["id"], body=body)

    if known:
        adjust(2)
        adjust(-2)
    _interrupt(monkeypatch, lambda: adjust(1))

    assert refusal(change(shop, product["id"], {"variants": [{"id": medium_id}]})) == (409, "variant_in_stock")


@pytest.mark.parametrize(
    ("variants", "code", "field"),
    [
        ([{"id": "var_missing"}], "unknown_variant", "variants.0.id"),
        ([{"sku": "S"}, {"sku": "S"}], "duplicate_sku", "variants"),
        ([{"sku": "NEW"}, {"sku": "NEW"}], "duplicate_sku", "variants"),
        ([{"attributes": {"size": "L"}}], "missing", "variants.0.sku"),
        ([{"sku": "S", "inventory": 1}], "inventory_not_settable", "variants.0.inventory"),
        ([{"sku": None}], "value_error", "variants.0.sku"),
        ([{"sku": "S", "price": Decimal("1.001")}], "too_many_decimal_places", "variants.0.price"),
        ([{"sku": "S", "surprise": 1}], "unknown_field", "variants.0.surprise"),
    ],
)
def test_variants_that_cannot_be_are_refused(shop: Shop, table: Any, variants: Any, code: str, field: str) -> None:
    product = create(shop, variants=[{"sku": "S"}])
    before = table.scan()["Items"]

    answered = change(shop, product["id"], {"variants": variants})

    assert refusal(answered) == (422, code)
    assert answered.body["error"]["details"][0]["field"] == field
    assert table.scan()["Items"] == before


def test_one_variant_under_its_id_and_under_its_sku_is_named_twice(shop: Shop) -> None:
    product = create(shop, variants=[{"sku": "S"}])

    body = {"variants": [{"id": product["variants"][0]["id"], "sku": "S2"}, {"sku": "S"}]}

    assert refusal(change(shop, product["id"], body)) == (422, "duplicate_variant")


# What cannot be


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"version": 1}, "missing"),
        ({"name": None}, "value_error"),
        ({"version": None, "name": "Cup"}, "value_error"),
        ({"name": ""}, "string_too_short"),
        ({"name": {}}, "too_short"),
        ({"name": {"xx": "Tasse"}}, "string_pattern_mismatch"),
        ({"price": Decimal("1.999")}, "too_many_decimal_places"),
        ({"price": {"amount": 1, "currency": "EUR"}}, "foreign_currency"),
        ({"status": "gone"}, "enum"),
        ({"categories": ["Not a slug"]}, "string_pattern_mismatch"),
        ({"id": "prod_other"}, "unknown_field"),
        ({"metadata": {"k" * 41: "v"}}, "value_error"),
        ({"metadata": {"k": "v" * 501}}, "value_error"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_is_written(
    shop: Shop, table: Any, body: Any, code: str
) -> None:
    product = create(shop)
    before = table.scan()["Items"]

    assert refusal(change(shop, product["id"], body)) == (422, code)
    assert table.scan()["Items"] == before


def test_a_change_of_more_rows_than_one_transaction_holds_is_refused(shop: Shop, table: Any) -> None:
    product = create(shop, variants=[{"sku": f"OLD-{number}"} for number in range(60)])
    before = table.scan()["Items"]

    answered = change(shop, product["id"], {"variants": [{"sku": f"NEW-{number}"} for number in range(60)]})

    assert refusal(answered) == (422, "too_large")
    assert "100 fit in one; split it" in answered.body["error"]["message"]
    assert table.scan()["Items"] == before


@pytest.mark.parametrize("act", [change, archive])
def test_a_sku_another_tenants_product_and_a_missing_one_are_404(shop: Shop, act: Any) -> None:
    product = create(shop)
    stranger = Credential(tenant=OTHER_TENANT)
    body = {"body": {"price": 1}} if act is change else {}

    answers = [
        act(shop, "MUG", **body),
        act(shop, "prod_missing", **body),
        act(shop, product["id"], credential=stranger, **body),
    ]

    assert [answered.status for answered in answers] == [404] * 3
    assert len({answered.body["error"]["message"] for answered in answers}) == 1
    assert get(shop, product["id"])["version"] == 1


# Archived


def test_an_archived_product_is_read_by_id_listed_only_on_demand_and_comes_back(shop: Shop) -> None:
    product = create(shop)

    answered = archive(shop, product["id"])

    assert (answered.status, answered.text) == (204, "")
    assert get(shop, product["id"])["status"] == get(shop, "MUG")["status"] == "archived"
    assert listed(shop) == listed(shop, category="kitchen") == listed(shop, search="mug") == []
    assert listed(shop, status="archived") == ["Blue Mug"]

    changed(shop, product["id"], {"status": "active"})
    assert listed(shop) == listed(shop, category="kitchen") == listed(shop, search="mug") == ["Blue Mug"]


def test_archiving_twice_is_like_once_whatever_version_the_second_names(shop: Shop, table: Any) -> None:
    product = create(shop)
    first = archive(shop, product["id"], headers={"If-Match": '"1"'})
    before = table.scan()["Items"]

    second = archive(shop, product["id"], headers={"If-Match": '"1"'})

    assert (first.status, second.status) == (204, 204)
    assert table.scan()["Items"] == before


def test_archiving_an_older_version_is_refused(shop: Shop) -> None:
    product = create(shop)
    changed(shop, product["id"], {"price": 8})

    assert refusal(archive(shop, product["id"], headers={"If-Match": '"1"'})) == (409, "version_mismatch")
    assert get(shop, product["id"])["status"] == "active"


def test_orders_keep_an_archived_product_and_carts_with_it_are_not_checked_out(shop: Shop) -> None:
    product, jane = create(shop), shop.customer()
    shop.receive(product["id"], 5)
    order_id = shop.order(jane, (product["id"], 1))
    shop.add_to_cart(jane, product["id"], 1)

    archive(shop, product["id"])

    refused = shop.call("storefront/carts/checkout_cart", credential=jane, body={"shipping_address": HOME})
    assert refusal(refused) == (409, "not_for_sale")
    order = shop.do("admin/orders/get_order", order_id=order_id)
    assert [(item["name"], item["sku"]) for item in order["items"]] == [("Blue Mug", "MUG")]
    assert get(shop, product["id"])["variants"][0]["inventory"] == 4


def test_counters_follow_a_product_from_list_to_list(shop: Shop, table: Any) -> None:
    product = create(shop)
    steps: list[Any] = [{"status": "draft"}, {"categories": ["bar"]}, {"status": "archived"}, {"status": "active"}]
    _count_since(table, {})
    for step in steps:
        before = _images(table)
        changed(shop, product["id"], step)
        _count_since(table, before)

        for query in ({}, {"status": "draft"}, {"status": "archived"}, {"category": "bar"}, {"category": "kitchen"}):
            body = shop.do("v2/catalog/list_products", query=query)
            assert body["pagination"]["total_items"] == len(body["data"]), (step, query)


def _images(table: Any) -> dict[tuple[str, str], Any]:
    rows = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
    return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}


def _count_since(table: Any, before: dict[tuple[str, str], Any]) -> None:
    """Let the counters see what the table's stream tells of since ``before``."""
    after = _images(table)
    records = []
    for number, (pk, sk) in enumerate(sorted(before.keys() | after.keys()), start=1):
        images = {"OldImage": before.get((pk, sk)), "NewImage": after.get((pk, sk))}
        if images["OldImage"] != images["NewImage"]:
            keys = {"pk": {"S": pk}, "sk": {"S": sk}}
            known = {name: image for name, image in images.items() if image}
            records.append(
                {"eventID": uuid.uuid4().hex, "dynamodb": {"Keys": keys, "SequenceNumber": str(number)} | known}
            )
    assert handler("streams/count_rows").handler({"Records": records}, None) == {"batchItemFailures": []}
