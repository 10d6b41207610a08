"""PD-01: filters, metadata, order and search of a product list, and what is refused (contract 4.4, X-53, X-54)."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from commerce.kernel import clock
from tests.cases import try_each
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.shop import Answered, Call

PRODUCTS: list[dict[str, Any]] = [
    {"name": "Radio", "price": 50, "categories": ["electronics", "audio"], "metadata": {"shelf": "a"}},
    {"name": "Radio, red", "price": 60, "categories": ["electronics", "audio"], "status": "draft"},
    {"name": "record player", "price": 200, "categories": ["audio"], "metadata": {"shelf": "a", "row": "1"}},
    {"name": "Lamp", "price": Decimal("49.99"), "categories": ["electronics"], "metadata": {"shelf": "b"}},
    {"name": "Éclair", "price": 3, "categories": ["food"], "metadata": {"shelf": "x,y"}},
    {"name": "Old lamp", "price": 10, "categories": ["electronics"], "status": "archived"},
]


@pytest.fixture
def shop(call: Call) -> Shop:
    """The products above, one second after another from noon on the first of March; SKU-0 to SKU-5."""
    shop = Shop(call)
    for number, product in enumerate(PRODUCTS):
        noon = clock.parse(f"2026-03-01T12:00:0{number}Z")
        with clock.use(partial(min, [noon])):
            shop.do("v2/catalog/create_product", body=product | {"sku": f"SKU-{number}"})
    return shop


def ask(shop: Shop, **query: str) -> Answered:
    return shop.call("v2/catalog/list_products", query=query)


def names(shop: Shop, **query: str) -> list[str]:
    answered = ask(shop, **query)
    assert answered.status == 200, answered.text
    return [product["name"] for product in answered.body["data"]]


LISTED: list[tuple[dict[str, str], list[str]]] = [
    # The documented examples
    (
        {"filter[price][gte]": "50", "filter[price][lte]": "200", "filter[category][in]": "electronics,audio"},
        ["Radio", "Radio, red", "record player"],
    ),
    ({"metadata[shelf]": "a"}, ["record player", "Radio"]),
    ({"sort": "price"}, ["Éclair", "Lamp", "Radio", "Radio, red", "record player"]),
    ({"sort": "-created_at"}, ["Éclair", "Lamp", "record player", "Radio, red", "Radio"]),
    # Each operator
    ({"filter[category][eq]": "food"}, ["Éclair"]),
    ({"filter[status][ne]": "draft"}, ["Éclair", "Lamp", "record player", "Radio"]),
    ({"filter[status][nin]": "draft,archived"}, ["Éclair", "Lamp", "record player", "Radio"]),
    ({"filter[status][in]": "draft,archived"}, ["Old lamp", "Radio, red"]),
    ({"filter[price][gt]": "50"}, ["Radio, red", "record player"]),
    ({"filter[price][gte]": "50.00"}, ["Radio", "Radio, red", "record player"]),
    ({"filter[price][lt]": "49.99"}, ["Éclair"]),
    ({"filter[price][lte]": "49.99"}, ["Éclair", "Lamp"]),
    ({"filter[price][eq]": "49.99"}, ["Lamp"]),
    ({"filter[name][starts_with]": "RADIO"}, ["Radio", "Radio, red"]),
    ({"filter[name][eq]": "radio"}, ["Radio"]),
    ({"filter[name][gt]": "radio"}, ["Radio, red", "record player", "Éclair"]),
    ({"filter[name][lt]": "radio"}, ["Lamp"]),
    ({"category": "audio", "filter[name][contains]": "O, R"}, ["Radio, red"]),
    ({"category": "audio", "filter[name][ends_with]": "er"}, ["record player"]),
    ({"category": "audio", "filter[sku][starts_with]": "SKU-2"}, ["record player"]),
    ({"category": "audio", "filter[category][ne]": "electronics"}, ["record player"]),
    ({"filter[created_at][gte]": "2026-03-01T12:00:03Z"}, ["Lamp", "Éclair"]),
    ({"filter[created_at][gt]": "2026-03-01T12:00:03Z"}, ["Éclair"]),
    ({"filter[created_at][lte]": "2026-03-01T07:00:00-05:00"}, ["Radio"]),
    ({"filter[created_at][lte]": "2026-03-01T12:00:00 00:00"}, ["Radio"]),
    ({"filter[created_at][eq]": "2026-03-01", "sort": "name", "filter[status][eq]": "draft"}, ["Radio, red"]),
    ({"filter[created_at][lt]": "2026-03-01"}, []),
    ({"filter[created_at][gte]": "2026-03-02"}, []),
    # Orders
    ({"filter[category][in]": "audio,electronics", "sort": "category,-price"},
     ["record player", "Radio, red", "Radio", "Lamp"]),
    ({"filter[category][in]": "audio,electronics", "sort": "-category,price"},
     ["Lamp", "Radio", "Radio, red", "record player"]),
    ({"sort": "status,name"}, ["Lamp", "Radio", "record player", "Éclair", "Radio, red"]),
    ({"sort": "-status"}, ["Radio, red", "Éclair", "Lamp", "record player", "Radio"]),
    ({"sort": "category,name", "order": "desc", "category": "audio"}, ["record player", "Radio, red", "Radio"]),
    ({"filter[price][gte]": "50", "sort": "-price"}, ["record player", "Radio, red", "Radio"]),
    # Several at once
    ({"metadata[shelf]": "a", "metadata[row]": "1"}, ["record player"]),
    ({"metadata[shelf]": "x,y"}, ["Éclair"]),
    ({"metadata[shelf]": "a", "status": "draft"}, []),
    ({"filter[category][in]": "food,f%2Cood"}, ["Éclair"]),
    ({"filter[category][in]": "f%2Cood"}, []),
    ({"status": "active", "filter[status][eq]": "draft"}, []),
    ({"filter[price][gt]": "60", "filter[price][lt]": "50"}, []),
    ({"search": "rad", "filter[price][gt]": "50"}, ["Radio, red"]),
    ({"search": "lamp", "filter[status][in]": "active,archived"}, ["Lamp", "Old lamp"]),
]  # fmt: skip


def test_a_list_holds_what_was_asked_for_in_that_order(shop: Shop) -> None:
    def attempt(case: tuple[dict[str, str], list[str]]) -> None:
        query, expected = case
        assert names(shop, **query) == expected

    try_each(LISTED, attempt)


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "name"},
        {"filter[category][in]": "audio,electronics"},
        {"filter[category][in]": "audio,electronics", "sort": "category,-price"},
        {"sort": "-status,name"},
        {"filter[price][gte]": "49.99", "filter[price][lt]": "200"},
        {"category": "audio", "filter[name][contains]": "r"},
    ],
    ids=str,
)
def test_pages_of_one_are_the_list_one_by_one(shop: Shop, query: dict[str, str]) -> None:
    whole, found = names(shop, **query), []
    turned = query | {"limit": "1"}
    while True:
        body = ask(shop, **turned).body
        assert len(body["data"]) <= 1
        found += [product["name"] for product in body["data"]]
        if body["pagination"]["next_cursor"] is None:
            break
        turned["cursor"] = body["pagination"]["next_cursor"]

    assert found == whole


REFUSED: list[tuple[dict[str, str], int, str, str]] = [
    ({"filter[colour][eq]": "red"}, 400, "unknown_filter", "filter[colour][eq]"),
    ({"filter[metadata][eq]": "red"}, 400, "unknown_filter", "filter[metadata][eq]"),
    ({"filter[status][gt]": "draft"}, 400, "unknown_operator", "filter[status][gt]"),
    ({"filter[price][contains]": "5"}, 400, "unknown_operator", "filter[price][contains]"),
    ({"filter[price][like]": "5"}, 400, "unknown_parameter", "filter[price][like]"),
    ({"filter[price]": "5"}, 400, "unknown_parameter", "filter[price]"),
    ({"metadata[]": "5"}, 400, "unknown_parameter", "metadata[]"),
    ({"filter[price][gt]": "cheap"}, 400, "bad_value", "filter[price][gt]"),
    ({"filter[price][gt]": "-1"}, 400, "bad_value", "filter[price][gt]"),
    ({"filter[price][gt]": "1.0001"}, 400, "bad_value", "filter[price][gt]"),
    ({"filter[price][gt]": "\u0661"}, 400, "bad_value", "filter[price][gt]"),
    ({"filter[created_at][gt]": "yesterday"}, 400, "bad_value", "filter[created_at][gt]"),
    ({"filter[created_at][gt]": "2026-02-30"}, 400, "bad_value", "filter[created_at][gt]"),
    ({"filter[created_at][gt]": "9999-12-31"}, 400, "bad_value", "filter[created_at][gt]"),
    ({"filter[created_at][gt]": "0001-01-01T00:00:00+05:00"}, 400, "bad_value", "filter[created_at][gt]"),
    ({"filter[name][eq]": ""}, 400, "bad_value", "filter[name][eq]"),
    ({"filter[category][in]": "a,,b"}, 400, "bad_value", "filter[category][in]"),
    ({"filter[status][in]": "active,gone"}, 422, "enum", "filter[status][in]"),
    ({"sort": "colour"}, 422, "string_pattern_mismatch", "sort"),
    ({"sort": "price,colour"}, 422, "string_pattern_mismatch", "sort"),
    # What no list is kept by
    ({"filter[name][contains]": "a"}, 400, "not_indexed", "filter[name][contains]"),
    ({"filter[category][ne]": "food"}, 400, "not_indexed", "filter[category][ne]"),
    ({"filter[price][gt]": "5", "sort": "name"}, 400, "not_indexed", "filter[price][gt]"),
    ({"filter[category][in]": ",".join("abcdefghijk")}, 400, "not_indexed", "filter[category][in]"),
    ({"sort": "category,-price"}, 400, "not_indexed", "sort"),
    ({"sort": "price,-name"}, 400, "not_indexed", "sort"),
    ({"sort": "status,name", "metadata[shelf]": "a"}, 400, "not_indexed", "metadata[shelf]"),
    ({"category": "audio", "filter[name][contains]": "a", "page": "2"}, 400, "not_indexed", "page"),
    ({"filter[category][in]": "audio,food", "page": "2"}, 400, "not_indexed", "page"),
    ({"metadata[shelf]": "a", "status": "draft", "page": "2"}, 400, "not_indexed", "page"),
    ({"search": "radio", "page": "2"}, 400, "not_indexed", "page"),
    ({"search": "radio", "sort": "name"}, 400, "not_indexed", "sort"),
]


def test_what_a_list_cannot_be_asked_is_refused_with_what_it_can_be(shop: Shop) -> None:
    def attempt(case: tuple[dict[str, str], int, str, str]) -> None:
        query, status, code, field = case

        answered = ask(shop, **query)

        detail = answered.body["error"]["details"][0]
        assert (answered.status, detail["code"], detail["field"]) == (status, code, field)
        if code == "not_indexed" and "[" in field:
            assert "Lists are kept by metadata, status, category (eq, or in" in detail["message"]

    try_each(REFUSED, attempt)


def test_a_date_is_a_day_where_the_reader_is(shop: Shop) -> None:
    """At noon in London it is the second of March in Kiritimati already."""
    query = {"filter[created_at][gte]": "2026-03-02"}

    here = shop.call("v2/catalog/list_products", query=query)
    there = shop.call("v2/catalog/list_products", query=query, headers={"X-Timezone": "Pacific/Kiritimati"})

    assert (len(here.body["data"]), len(there.body["data"])) == (0, 5)


def test_only_a_list_that_is_counted_tells_how_many_it_holds(shop: Shop, table: Any) -> None:
    count(rows_as_inserted(table))
    counted = {
        json: ask(shop, **query).body["pagination"].get("total_items")
        for json, query in (
            ("all", {}),
            ("one", {"category": "audio", "sort": "name"}),
            ("status", {"filter[status][in]": "draft,active"}),
            ("range", {"filter[price][gt]": "5"}),
            ("several", {"filter[category][in]": "audio,food"}),
            ("narrowed", {"category": "audio", "filter[name][contains]": "a"}),
            ("metadata", {"metadata[shelf]": "a"}),
        )
    }

    assert counted == dict.fromkeys(("range", "several", "narrowed", "metadata")) | {"all": 5, "one": 3, "status": 5}


def test_a_narrowed_page_comes_out_short_and_goes_on_until_all_is_found(shop: Shop) -> None:
    for number in range(11):
        body = {"name": "Hit" if number == 10 else "Miss", "price": 1, "categories": ["many"], "sku": f"MANY-{number}"}
        shop.do("v2/catalog/create_product", body=body)
    query = {"category": "many", "filter[name][eq]": "hit", "sort": "created_at", "limit": "1"}
    found, pages = [], []
    while True:
        body = ask(shop, **query).body
        pages.append(len(body["data"]))
        found += [product["sku"] for product in body["data"]]
        if body["pagination"]["next_cursor"] is None:
            break
        query["cursor"] = body["pagination"]["next_cursor"]

    assert found == ["MANY-10"]
    assert pages == [0, 1]


def test_metadata_beyond_the_first_ten_keys_is_stored_and_asking_for_it_is_refused(shop: Shop, table: Any) -> None:
    many = {f"key {number:02d}|": "v" for number in range(12)}
    shop.do("v2/catalog/create_product", body={"name": "Full", "sku": "FULL", "price": 1, "metadata": many})
    shop.do("v2/catalog/create_product", body={"name": "Sparse", "sku": "S", "price": 1, "metadata": {"key 11|": "v"}})
    count(rows_as_inserted(table))

    assert shop.do("v2/catalog/get_product", id="FULL")["metadata"] == many
    assert names(shop, **{"metadata[key 09|]": "v"}) == ["Full"]
    refused = ask(shop, **{"metadata[key 11|]": "v"})
    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (400, "not_indexed")
    assert names(shop, **{"metadata[key 11|]": "v", "metadata[key 00|]": "v"}) == ["Full"]


def test_a_search_shows_a_product_once_however_many_of_its_words_it_finds(shop: Shop) -> None:
    for number in range(3):
        body = {"name": f"Wire wired wireless {number}x", "sku": f"W{number}", "price": 1}
        shop.do("v2/catalog/create_product", body=body)
    query, found = {"search": "wir", "limit": "1"}, []
    while True:
        body = ask(shop, **query).body
        found += [product["sku"] for product in body["data"]]
        if body["pagination"]["next_cursor"] is None:
            break
        query["cursor"] = body["pagination"]["next_cursor"]

    assert sorted(found) == ["W0", "W1", "W2"]


def test_names_that_differ_far_behind_are_told_apart(shop: Shop) -> None:
    """Keys hold 200 characters of a name; a name has up to 255."""
    for end in "ab":
        body = {"name": "x" * 250 + end, "sku": f"LONG-{end}", "price": 1}
        shop.do("v2/catalog/create_product", body=body)

    assert names(shop, **{"filter[name][eq]": "x" * 250 + "b"}) == ["x" * 250 + "b"]
    assert names(shop, **{"filter[name][starts_with]": "X" * 250}) == ["x" * 250 + "a", "x" * 250 + "b"]


def test_the_longest_name_of_the_widest_letters_fits_into_the_keys(shop: Shop) -> None:
    name = "\U0001f3a7" * 255
    shop.do("v2/catalog/create_product", body={"name": name, "sku": "WIDE", "price": 1})

    assert names(shop, sort="-name")[0] == name


# Readers of other languages and currencies


def test_texts_come_by_language_where_one_is_asked_for(call: Call) -> None:
    shop = Shop(call)
    texts = {"fr": "Casque", "es": "Auriculares", "en": "Headphones"}
    body = {"name": texts, "description": {"es": "Buenos"}, "sku": "H", "price": 5}
    shop.do("v2/catalog/create_product", body=body)

    def shown(**headers: str) -> tuple[Any, Any]:
        product = call("v2/catalog/get_product", id="H", headers=headers).body
        return product["name"], product["description"]

    assert shown() == ("Headphones", "Buenos")
    assert shown(**{"Accept-Language": "de, es;q=0.5"}) == (texts, {"es": "Buenos"})
    assert shown(**{"Accept-Language": "tlh"}) == ("Headphones", "Buenos")
    assert names(shop, search="auric") == names(shop, search="casq") == names(shop, search="head") == ["Headphones"]


def test_a_plain_text_is_the_one_of_the_default_language(call: Call) -> None:
    shop = Shop(call)
    product = shop.do("v2/catalog/create_product", body={"name": "Cup", "sku": "C", "price": 5})

    translated = call("v2/catalog/get_product", id="C", headers={"Accept-Language": "ja"}).body
    shop.do("v2/catalog/update_product", id=product["id"], body={"name": {"en": "Cup", "de": "Tasse"}})
    shop.do("v2/catalog/update_product", id=product["id"], body={"name": "Mug"})

    assert translated["name"] == {"en": "Cup"}
    assert call("v2/catalog/get_product", id="C", headers={"Accept-Language": "de"}).body["name"] == {"en": "Mug"}
    assert names(shop, search="tasse") == []


def test_prices_come_in_minor_units_where_the_shops_currency_is_asked_for(call: Call) -> None:
    shop = Shop(call)
    body = {"name": "Cup", "sku": "C", "price": Decimal("199.99"), "variants": [{"sku": "C-S", "price": 1}]}
    shop.do("v2/catalog/create_product", body=body)
    headers = {"X-Currency": "usd"}

    product = call("v2/catalog/get_product", id="C", headers=headers).body
    listed = call("v2/catalog/list_products", headers=headers).body["data"][0]

    assert product["price"] == listed["price"] == {"amount": 19999, "currency": "USD"}
    assert product["variants"][0]["price"] == {"amount": 100, "currency": "USD"}


@pytest.mark.parametrize(("currency", "code"), [("EUR", "no_exchange_rate"), ("KWD", "unsupported_value")])
def test_a_currency_without_a_rate_is_refused(call: Call, currency: str, code: str) -> None:
    Shop(call).do("v2/catalog/create_product", body={"name": "Cup", "sku": "C", "price": 5})

    answered = call("v2/catalog/get_product", id="C", headers={"X-Currency": currency})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)
