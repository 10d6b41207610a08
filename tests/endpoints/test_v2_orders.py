"""OR-07, OR-08, OR-11: orders over v2, listed by any of their states and dates, placed at the catalogue's prices."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from tests.cases import try_each
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, TENANT, Call, Credential

NEW_YORK = replace(TENANT, timezone="America/New_York")


@pytest.fixture
def shop(call: Call, table: Any) -> Iterator[Shop]:
    yield Shop(call, NEW_YORK).open()
    check(table.scan()["Items"])


@pytest.fixture
def shirt(shop: Shop) -> Any:
    return shop.product("TEE", Decimal("29.99"), stock=100)


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


def listed(shop: Shop, headers: Any = None, **query: str) -> Any:
    answered = shop.call("v2/orders/list_orders", credential=shop.merchant, query=query or None, headers=headers)
    assert answered.status == 200, answered.text
    return answered.body


def ids_of(page: Any) -> list[str]:
    return [order["id"] for order in page["data"]]


def placed_at(shop: Shop, who: Credential, product: Any, instant: str) -> str:
    with clock.use(lambda: datetime.fromisoformat(instant)):
        return shop.order(who, (product["id"], 1))


# Lists


@pytest.fixture
def orders(shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, table: Any) -> dict[str, str]:
    """One order in each of the states that filters tell apart, placed in this order, and one of another customer."""
    joe = shop.customer("joe@example.com")
    item = {"items": [{"product_id": shirt["id"], "quantity": 1}]}
    made = {"waiting": shop.do("storefront/orders/place_my_order", by=jane, body=item)["id"]}
    for name in ("pending", "failed", "paid", "shipped", "refunded", "cancelled"):
        made[name] = shop.order(jane, (shirt["id"], 1))
    made["joes"] = shop.order(joe, (shirt["id"], 1))
    for name in ("failed", "paid", "shipped", "refunded"):
        intent = shop.start_payment(made[name], 2999)
        stripe.pay(intent, "pm_card_visa_chargeDeclined" if name == "failed" else "pm_card_visa")
        if name == "refunded":
            stripe.sdk.v1.refunds.create({"payment_intent": intent})
    shop.settle(stripe)
    for name, status in (("shipped", "shipped"), ("cancelled", "cancelled")):
        shop.do("v2/orders/set_order_status", id=made[name], body={"status": status})
    count(rows_as_inserted(table))
    return made


LISTED: list[tuple[dict[str, str], str]] = [
    ({}, "joes cancelled refunded shipped paid failed pending waiting"),
    ({"status": "pending"}, "joes refunded paid failed pending"),
    ({"status": "pending_payment"}, "waiting"),
    ({"status": "shipped"}, "shipped"),
    ({"status": "processing"}, ""),
    ({"payment_status": "pending"}, "joes cancelled pending waiting"),
    ({"payment_status": "paid"}, "shipped paid"),
    ({"payment_status": "failed"}, "failed"),
    ({"payment_status": "refunded"}, "refunded"),
    ({"fulfillment_status": "fulfilled"}, "shipped"),
    ({"fulfillment_status": "unfulfilled"}, "joes cancelled refunded paid failed pending waiting"),
    ({"fulfillment_status": "partial"}, ""),
    ({"status": "pending", "payment_status": "pending"}, "joes pending"),
    ({"status": "pending", "fulfillment_status": "unfulfilled"}, "joes refunded paid failed pending"),
    ({"status": "pending", "payment_status": "paid", "fulfillment_status": "unfulfilled"}, "paid"),
    ({"payment_status": "paid", "fulfillment_status": "fulfilled"}, "shipped"),
    ({"customer_id": "joe"}, "joes"),
    ({"customer_id": "joe", "payment_status": "paid"}, ""),
    ({"customer_id": "joe", "status": "pending", "payment_status": "pending"}, "joes"),
    ({"customer_id": "cust_missing"}, ""),
]


def test_orders_are_listed_by_any_of_their_states(shop: Shop, orders: dict[str, str]) -> None:
    joe = shop.do("v2/orders/get_order", id=orders["joes"])["customer_id"]

    def attempt(case: tuple[dict[str, str], str]) -> None:
        query, expected = case
        if query.get("customer_id") == "joe":
            query = query | {"customer_id": joe}

        page = listed(shop, **query)

        assert ids_of(page) == [orders[name] for name in expected.split()]
        narrows = len(query.keys() - {"customer_id"}) > 1 and "customer_id" not in query
        assert ("total_items" in page["pagination"]) != narrows
        if not narrows:
            assert page["pagination"]["total_items"] == len(page["data"])

    try_each(LISTED, attempt)


def test_a_row_says_the_same_as_the_order_itself(shop: Shop, orders: dict[str, str]) -> None:
    for row in listed(shop)["data"]:
        whole = shop.do("v2/orders/get_order", id=row["id"])
        assert {name: whole[name] for name in row} == row


@pytest.mark.parametrize(
    ("bounds", "zone", "expected"),
    [
        ({"date_from": "2026-03-20", "date_to": "2026-03-20"}, None, ["first", "last"]),
        ({"date_from": "2026-03-20"}, None, ["first", "last", "after"]),
        ({"date_to": "2026-03-19"}, None, ["before"]),
        ({"date_from": "2026-03-20", "date_to": "2026-03-20"}, "UTC", ["before", "first"]),
        ({"date_from": "2026-03-21", "date_to": "2026-03-21"}, "Asia/Tokyo", ["last", "after"]),
        ({"date_from": "2026-03-20T04:00:00Z", "date_to": "2026-03-21T03:59:59Z"}, None, ["first", "last"]),
        ({"date_from": "2026-03-20T00:00:00-04:00", "date_to": "2026-03-20T23:59:59-04:00"}, None, ["first", "last"]),
    ],
)
def test_dates_are_whole_days_where_the_reader_is_and_else_where_the_shop_is(
    shop: Shop, jane: Credential, shirt: Any, bounds: dict[str, str], zone: str | None, expected: list[str]
) -> None:
    """New York is four hours behind UTC on these days, Tokyo nine ahead."""
    made = {
        "before": placed_at(shop, jane, shirt, "2026-03-20T03:59:59.999999+00:00"),
        "first": placed_at(shop, jane, shirt, "2026-03-20T04:00:00+00:00"),
        "last": placed_at(shop, jane, shirt, "2026-03-21T03:59:59.999999+00:00"),
        "after": placed_at(shop, jane, shirt, "2026-03-21T04:00:00+00:00"),
    }
    headers = {"X-Timezone": zone} if zone else None
    own = {"customer_id": str(jane.customer_id)}
    unfulfilled = {"fulfillment_status": "unfulfilled"}
    both = {"status": "pending", "payment_status": "pending"}

    for query in ({}, {"status": "pending"}, {"payment_status": "pending"}, unfulfilled, own, own | both, both):
        page = listed(shop, headers, **bounds, **query)
        assert ids_of(page) == [made[name] for name in reversed(expected)], query
        if query != both:
            assert page["pagination"]["total_items"] == len(expected)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"date_from": "2026-03-21", "date_to": "2026-03-20"}, 422, "empty_period"),
        ({"date_from": "yesterday"}, 400, "date_parsing"),
        ({"status": "open"}, 422, "enum"),
        ({"payment_status": "unpaid"}, 422, "enum"),
        ({"page": "2", "status": "pending", "payment_status": "paid"}, 400, "not_indexed"),
        ({"limit": "201"}, 422, "less_than_equal"),
        ({"colour": "red"}, 400, "unknown_parameter"),
        ({"cursor": "AAAA"}, 400, "bad_cursor"),
    ],
)
def test_a_bad_question_is_refused(shop: Shop, query: dict[str, str], status: int, code: str) -> None:
    refused = shop.call("v2/orders/list_orders", query=query)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    "query",
    [{}, {"status": "pending"}, {"payment_status": "pending"}, {"status": "pending", "payment_status": "pending"}],
    ids=["all", "one index", "another index", "narrowed"],
)
def test_random_pages_together_are_the_whole_list_while_orders_come_in(
    shop: Shop, jane: Credential, shirt: Any, table: Any, query: dict[str, str]
) -> None:
    """What was there when the first page was read is on exactly one of them."""
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    start = datetime(2026, 3, 20, tzinfo=UTC)
    made = [placed_at(shop, jane, shirt, (start + timedelta(minutes=n)).isoformat()) for n in range(12)]
    cancelled = made[5]
    shop.do("v2/orders/set_order_status", id=cancelled, body={"status": "cancelled"})
    expected = [each for each in reversed(made) if each != cancelled or query.get("status") is None]
    found: list[str] = []
    cursor = None
    while True:
        page = listed(shop, limit=str(draw.randint(1, 4)), **query, **({"cursor": cursor} if cursor else {}))
        found += ids_of(page)
        placed_at(shop, jane, shirt, (start + timedelta(hours=1, minutes=len(found))).isoformat())
        if draw.random() < 0.5:
            count(rows_as_inserted(table))  # another state may now be the rarest
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break

    assert found == expected, f"seed {seed}"


def test_a_cursor_fits_no_other_filter_period_or_shop(shop: Shop, jane: Credential, shirt: Any) -> None:
    for _ in range(2):
        shop.order(jane, (shirt["id"], 1))
    cursor = listed(shop, limit="1", status="pending")["pagination"]["next_cursor"]
    stranger = Credential(tenant=OTHER_TENANT)
    others: list[tuple[Credential, dict[str, str]]] = [
        (shop.merchant, {}),
        (shop.merchant, {"status": "processing"}),
        (shop.merchant, {"payment_status": "pending"}),
        (shop.merchant, {"status": "pending", "payment_status": "pending"}),
        (shop.merchant, {"status": "pending", "date_from": "2026-01-01"}),
        (shop.merchant, {"status": "pending", "customer_id": str(jane.customer_id)}),
        (stranger, {"status": "pending"}),
    ]

    for who, query in others:
        refused = shop.call("v2/orders/list_orders", credential=who, query=query | {"cursor": cursor})
        assert refused.body["error"]["details"][0]["code"] == "bad_cursor", query


def test_a_shop_lists_its_own_orders_only(shop: Shop, jane: Credential, shirt: Any) -> None:
    shop.order(jane, (shirt["id"], 1))

    theirs = shop.call("v2/orders/list_orders", credential=Credential(tenant=OTHER_TENANT))

    assert theirs.body["data"] == []


# One order


def test_an_order_is_the_same_on_both_surfaces(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))

    v2, admin = shop.do("v2/orders/get_order", id=order_id), shop.do("admin/orders/get_order", order_id=order_id)

    same = set(v2) & set(admin) - {"items", "shipping_address"}
    assert {name: v2[name] for name in same} == {name: admin[name] for name in same}
    assert [item["price"] for item in v2["items"]] == [item["unit_price"] for item in admin["items"]]
    assert v2["shipping_address"]["address1"] == admin["shipping_address"]["street"]
    assert shop.do("v2/orders/get_order", id=order_id.replace("order_", "ord_")) == v2


def test_an_order_read_again_unchanged_is_a_304_and_is_kept_by_nobody(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    first = shop.call("v2/orders/get_order", id=order_id)

    again = shop.call("v2/orders/get_order", id=order_id, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status, again.text) == (304, "")
    assert first.headers["ETag"].startswith('"1-')
    assert first.headers["Cache-Control"] == "no-store"


def test_anothers_order_does_not_exist(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))

    theirs = shop.call("v2/orders/get_order", credential=Credential(tenant=OTHER_TENANT), id=order_id)

    assert (theirs.status, theirs.body["error"]["code"]) == (404, "not_found")


# Placing


def place(shop: Shop, jane: Credential, product: Any, **item: Any) -> Any:
    more = item.pop("order", {})
    body = {
        "customer_id": jane.customer_id,
        "items": [{"product_id": product["id"], "quantity": 2} | item],
        "shipping_address": {"name": "Jane Doe", "address1": "1 Main St", "city": "Boston", "postal_code": "02101"},
        "billing_address": {"name": "J. Doe", "address1": "2 Main St", "city": "Boston", "postal_code": "02102"},
        "payment_method": "card",
        "shipping_method": "standard",
    }
    return shop.call("v2/orders/create_order", credential=more.pop("by", shop.merchant), body=body | more)


@pytest.mark.parametrize("price", [{}, {"price": Decimal("29.99")}, {"price": {"amount": 2999, "currency": "usd"}}])
def test_an_order_is_placed_at_the_catalogues_price(shop: Shop, jane: Credential, shirt: Any, price: Any) -> None:
    placed = place(shop, jane, shirt, **price)

    assert placed.status == 201
    assert (placed.body["status"], placed.body["total"]) == ("pending", Decimal("59.98"))
    assert (placed.body["payment_method"], placed.body["shipping_method"]) == ("card", "standard")
    assert placed.body["billing_address"]["address1"] == "2 Main St"
    whole = shop.do("v2/orders/get_order", id=placed.body["id"])
    assert {name: whole[name] for name in placed.body} == placed.body


def test_another_price_is_refused_and_both_are_named(shop: Shop, jane: Credential, shirt: Any, table: Any) -> None:
    before = table.scan()["Items"]

    refused = place(shop, jane, shirt, price=Decimal("19.99"))

    assert refused.status == 422
    [detail] = refused.body["error"]["details"]
    assert (detail["code"], detail["field"]) == ("price_mismatch", "items.0.price")
    assert "29.99" in detail["message"]
    assert "19.99" in detail["message"]
    assert table.scan()["Items"] == before


def test_who_may_set_prices_sets_them_and_the_catalogues_stays_on_record(
    shop: Shop, jane: Credential, shirt: Any
) -> None:
    manager = replace(shop.merchant, scopes=frozenset({"orders:write", "orders:price_override"}))

    placed = place(shop, jane, shirt, price=Decimal("19.99"), order={"by": manager})

    assert (placed.status, placed.body["total"]) == (201, Decimal("39.98"))
    [item] = placed.body["items"]
    assert (item["price"], item["catalogue_price"]) == (Decimal("19.99"), Decimal("29.99"))


@pytest.mark.parametrize(
    ("item", "order", "status", "code"),
    [
        ({"price": Decimal("29.999")}, {}, 422, "too_many_decimal_places"),
        ({"price": -1}, {}, 422, "negative_amount"),
        ({"price": {"amount": 2999, "currency": "EUR"}}, {}, 422, "foreign_currency"),
        ({"price": "29.99"}, {}, 422, "value_error"),
        ({}, {"payment_method": "crypto"}, 403, "plan_required"),
        ({}, {"payment_method": "wire"}, 422, "unsupported_payment_method"),
        ({}, {"payment_method": "pm_card_visa"}, 422, "unsupported_payment_method"),
        ({}, {"shipping_method": "drone"}, 422, "unsupported_shipping_method"),
        ({}, {"status": "paid"}, 422, "unknown_field"),
        ({"quantity": 101}, {}, 409, "insufficient_stock"),
        ({}, {"customer_id": "cust_missing"}, 422, "unknown_customer"),
    ],
)
def test_a_bad_order_is_refused_and_nothing_is_written(
    shop: Shop, jane: Credential, shirt: Any, table: Any, item: Any, order: Any, status: int, code: str
) -> None:
    before = table.scan()["Items"]

    refused = place(shop, jane, shirt, **item, order=order)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (status, code)
    assert table.scan()["Items"] == before


def test_one_variant_has_one_price_in_an_order(shop: Shop, jane: Credential, shirt: Any) -> None:
    manager = replace(shop.merchant, scopes=frozenset({"orders:write", "orders:price_override"}))
    prices = (Decimal("19.99"), Decimal("18.99"))
    items = [{"product_id": shirt["id"], "quantity": 1, "price": price} for price in prices]

    refused = place(shop, jane, shirt, order={"by": manager, "items": items})
    merged = place(shop, jane, shirt, order={"by": manager, "items": [items[0], items[0]]})

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "two_prices")
    assert [(item["quantity"], item["price"]) for item in merged.body["items"]] == [(2, Decimal("19.99"))]
