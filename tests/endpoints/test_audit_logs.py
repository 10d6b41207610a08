"""AL-01: who changed what, out of the table's stream and through the log's endpoint."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.client import BaseClient

from commerce.access.model import MERCHANT_SCOPES
from commerce.audit import store
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role
from commerce.limits.model import Plan
from commerce.table import keys
from tests.cases import try_each
from tests.contract.shops import HOME, Shop
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential, handler
from tests.streams import Record, Stream, audited, deliver

MARCH = datetime(2026, 3, 20, 12, tzinfo=UTC)
STAFF = Credential(role=Role.STAFF, principal_id="user_1")
OWNER = Credential(role=Role.OWNER, principal_id="key_owner", scopes=MERCHANT_SCOPES)


class Clock:
    def __init__(self) -> None:
        self.now = MARCH

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time(table: Any) -> Iterator[Clock]:
    hands = Clock()
    with clock.use(hands):
        yield hands


@pytest.fixture
def shop(call: Call, time: Clock) -> Shop:
    return Shop(call).open()


@pytest.fixture
def stream(shop: Shop, table: Any) -> Stream:
    """From the open shop on."""
    return Stream(table)


@pytest.fixture
def record(stream: Stream) -> Callable[[], list[Record]]:
    """Writes the audit log of what happened since; gives the stream's records of it."""

    def record() -> list[Record]:
        records = audited(stream.read())
        assert deliver("record_audit", records) == []
        return records

    return record


type Recorder = Callable[[], list[Record]]


def logs(call: Call, query: dict[str, str] | None = None, *, credential: Credential | None = None) -> list[Any]:
    answered: Answered = call("v2/audit/list_audit_logs", query=query, credential=credential)
    assert answered.status == 200, answered.text
    return list(answered.body["logs"])


def actions(found: list[Any]) -> list[str]:
    return [log["action"] for log in found]


def patch(shop: Shop, product_id: str, **changes: Any) -> Any:
    return shop.do("v2/catalog/update_product", id=product_id, body=changes)


# What is told


def test_a_changed_price_is_told_with_both_values_the_actor_and_the_request(
    shop: Shop, record: Recorder, time: Clock
) -> None:
    product = shop.product("TEE", Decimal("99.99"))
    record()
    time.now += timedelta(minutes=5)
    shop.call(
        "v2/catalog/update_product",
        id=product["id"],
        body={"price": Decimal("79.99")},
        credential=STAFF,
        headers={"user-agent": "SDK/1.0", "x-request-id": "req_1"},
        source_ip="198.51.100.7",
    )
    record()

    newest = logs(shop.call)[0]

    assert newest == {
        "id": newest["id"],
        "timestamp": "2026-03-20T12:05:00Z",
        "actor": "staff:user_1",
        "action": "product.updated",
        "resource_id": product["id"],
        "changes": {"price": {"old": Decimal("99.99"), "new": Decimal("79.99")}},
        "ip_address": "198.51.100.7",
        "user_agent": "SDK/1.0",
        "request_id": "req_1",
        "details": {},
    }
    assert newest["id"].startswith("log_")


def test_every_kind_of_change_is_told_once_as_what_it_means(shop: Shop, record: Recorder) -> None:
    product = shop.product("TEE", 10, stock=5)
    jane = shop.customer()
    shop.do("v2/customers/update_customer", id=jane.customer_id, body={"first_name": "Joan"})
    shop.add_to_cart(jane, product["id"], 2)
    order_id = shop.do("storefront/carts/checkout_cart", by=jane)["order_id"]
    key = shop.do("v2/access/create_api_key", by=OWNER, body={"name": "App", "scopes": ["orders:read"]})
    record()
    shop.add_to_cart(jane, product["id"], 1)
    record()
    shop.do("v2/access/rotate_api_key", by=OWNER, id=key["id"])
    record()
    shop.do("v2/access/revoke_api_key", by=OWNER, id=key["id"])
    shop.do("admin/orders/set_order_status", method="PUT", order_id=order_id, body={"status": "cancelled"})
    shop.do("v2/catalog/delete_product", id=product["id"])
    record()

    found = logs(shop.call)

    assert sorted(actions(found)) == sorted(
        [
            *("product.created", "inventory.adjusted", "customer.created", "cart.created", "order.created"),
            *("api_key.created", "cart.updated", "api_key.rotated", "api_key.revoked"),
            *("order.cancelled", "product.deleted"),
        ]
    )


def test_stock_tells_variant_and_warehouse_and_setting_it_aside_is_the_orders_entry(
    shop: Shop, record: Recorder
) -> None:
    product = shop.product("TEE", 10, stock=5)
    record()
    shop.receive(product["id"], 3)
    record()
    order_id = shop.order(shop.customer(), (product["id"], 2))
    record()

    adjusted = logs(shop.call, {"resource": "inventory"})

    assert [log["changes"]["available"] for log in adjusted] == [{"old": 5, "new": 8}, {"old": None, "new": 5}]
    assert adjusted[0]["resource_id"] == product["id"]
    assert adjusted[0]["details"] == {"variant_id": product["variants"][0]["id"], "warehouse_id": "wh_001"}
    [order] = logs(shop.call, {"resource_id": order_id})
    assert order["changes"]["total"] == {"old": None, "new": Decimal("20.00")}
    assert order["changes"]["items"]["new"][0]["price"] == Decimal("10.00")


def test_changes_that_no_request_made_name_what_made_them(shop: Shop, record: Recorder, time: Clock) -> None:
    jane = shop.customer()
    shop.add_to_cart(jane, shop.product("TEE", 10, stock=5)["id"], 1)
    shop.do("storefront/carts/checkout_cart", by=jane)
    record()
    time.now += timedelta(minutes=61)
    assert handler("schedules/expire_orders").handler({}, None) == {"done": 1, "failed": 0}
    record()

    [entry] = logs(shop.call, {"action": "order.cancelled"})

    assert (entry["actor"], entry["ip_address"], entry["user_agent"], entry["request_id"]) == (
        "system:expiry",
        None,
        None,
        None,
    )
    assert entry["changes"]["status"] == {"old": "pending_payment", "new": "cancelled"}


# What is not told


def test_secrets_and_persons_pass_through_every_change_and_appear_in_no_entry(
    shop: Shop, record: Recorder, table: Any
) -> None:
    canaries = {
        "email": "canary@example.com",
        "first_name": "Canaria",
        "last_name": "Canariensis",
        "phone": "+1 555 867 5309",
        "metadata": {"passport": "CANARY-PASSPORT"},
        "addresses": [HOME | {"address1": "1 Canary Wharf"}],
    }
    customer = shop.do("v2/customers/create_customer", body=canaries)
    key = shop.do("v2/access/create_api_key", by=OWNER, body={"name": "App", "scopes": ["orders:read"]})
    record()
    rotated = shop.do("v2/access/rotate_api_key", by=OWNER, id=key["id"])
    order = shop.do(
        "admin/orders/create_order",
        body={
            "customer_id": customer["id"],
            "items": [{"product_id": shop.product("TEE", 10, stock=5)["id"], "quantity": 1}],
            "shipping_address": {"name": "Canaria", "street": "1 Canary Wharf", "city": "London", "zip": "E14 9GT"},
        },
        headers={"user-agent": "app/1.0 (canary@example.com)"},
    )
    shop.do("admin/orders/add_note", order_id=order["id"], body={"content": "Canary note"})
    record()

    rows = [item for item in table.scan()["Items"] if item["kind"] == "audit"]
    text = json.dumps(rows, default=str).lower()

    assert {item["type"] for item in rows} >= {"customer", "api_key", "order", "order_note"}
    secrets = [each["key"].rsplit("_", 1)[1] for each in (key, rotated)]
    hashes = [item[name] for item in table.scan()["Items"] for name in ("secret_hash", "previous_hash") if name in item]
    assert len(hashes) == 3  # two of the rotated key, one of the owner's
    for word in (*secrets, *hashes, *("canar", "867 5309", "8675309", "passport", "wharf", "e14 9gt")):
        assert word not in text, word
    [created] = logs(shop.call, {"action": "customer.created"})
    assert created["changes"]["email"] == {"old": None, "new": "***"}


def test_of_a_customer_only_the_network_is_told(shop: Shop, record: Recorder) -> None:
    jane, product = shop.customer(), shop.product("TEE", 10, stock=5)
    body = {"product_id": product["id"], "quantity": 1}
    shop.call("storefront/carts/add_cart_item", credential=jane, body=body, source_ip="198.51.100.7")
    record()

    [entry] = logs(shop.call, {"resource": "cart"})

    assert entry["ip_address"] == "198.51.100.0"
    assert entry["actor"] == f"customer:{jane.customer_id}"
    assert entry["details"] == {"customer_id": jane.customer_id}


def test_rows_that_expire_or_that_nobody_audits_are_not_told(shop: Shop, stream: Stream, table: Any) -> None:
    jane, product = shop.customer(), shop.product("TEE", 10, stock=5)
    shop.add_to_cart(jane, product["id"], 1)
    stream.read()
    key = keys.cart(TENANT, str(jane.customer_id))
    table.delete_item(Key={"pk": key.pk, "sk": key.sk})

    removed = stream.read()

    assert [each["eventName"] for each in removed] == ["REMOVE"]
    assert deliver("record_audit", removed) == []
    assert logs(shop.call) == []


# Exactly once


def test_records_delivered_again_in_any_company_are_told_once(shop: Shop, record: Recorder) -> None:
    shop.product("A", 10, stock=5)
    records = record()
    before = logs(shop.call)

    assert deliver("record_audit", records + records[:1]) == []
    assert deliver("record_audit", records[1:]) == []

    assert logs(shop.call) == before
    assert len(before) == len(records) == 2


def test_an_entry_that_is_there_is_never_written_over(shop: Shop, record: Recorder) -> None:
    shop.product("A", 10)
    [made] = record()
    before = logs(shop.call)
    made["dynamodb"]["NewImage"]["price"] = {"N": "1"}

    assert deliver("record_audit", [made]) == []

    assert logs(shop.call) == before


@pytest.mark.parametrize(
    "poison",
    [
        lambda each: each["dynamodb"]["NewImage"].update(cause={"S": "not JSON"}),
        lambda each: each["dynamodb"]["NewImage"].update(kind={"S": "nobody's"}),
        lambda each: each["dynamodb"].update(Keys={"pk": {"S": "nobody's"}}),
        lambda each: each["dynamodb"]["NewImage"].pop("product_id"),
        lambda each: each.pop("eventID"),
    ],
)
def test_a_record_that_cannot_be_told_is_reported_and_the_others_are_told(
    shop: Shop, stream: Stream, poison: Callable[[Record], Any]
) -> None:
    for number in range(3):
        shop.product(f"P{number}", 10)
    records = audited(stream.read())
    poison(records[1])

    assert deliver("record_audit", records) == [records[1]["dynamodb"]["SequenceNumber"]]
    assert len(logs(shop.call)) == 2


# How it is found


@pytest.fixture
def busy(shop: Shop, record: Recorder, time: Clock) -> dict[str, Any]:
    """Three days of changes by three actors."""
    first = shop.product("A", 10)
    record()
    time.now += timedelta(days=1)
    patch(shop, first["id"], name="Second name")
    shop.do("v2/catalog/create_product", by=STAFF, body={"name": "B", "sku": "B", "price": 5})
    record()
    time.now += timedelta(days=1)
    jane = shop.customer()
    shop.do("v2/catalog/delete_product", by=STAFF, id=first["id"])
    record()
    return {"first": first["id"], "jane": jane.customer_id}


FOUND: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["product.deleted", "customer.created", "product.created", "product.updated", "product.created"]),
    ({"actor": "user_1"}, ["product.deleted", "product.created"]),
    ({"actor": "staff:user_1"}, ["product.deleted", "product.created"]),
    ({"actor": "api_key:user_1"}, []),
    ({"actor": "nobody"}, []),
    ({"action": "created"}, ["customer.created", "product.created", "product.created"]),
    ({"action": "product.created"}, ["product.created", "product.created"]),
    ({"resource": "customer"}, ["customer.created"]),
    ({"resource": "order"}, []),
    ({"resource_id": "FIRST"}, ["product.deleted", "product.updated", "product.created"]),
    ({"date_from": "2026-03-21"}, ["product.deleted", "customer.created", "product.created", "product.updated"]),
    ({"date_to": "2026-03-20"}, ["product.created"]),
    ({"date_from": "2026-03-21", "date_to": "2026-03-21"}, ["product.created", "product.updated"]),
    ({"actor": "key_1", "date_from": "2026-03-21"}, ["customer.created", "product.updated"]),
    ({"action": "created", "date_from": "2026-03-21T00:00:00Z"}, ["customer.created", "product.created"]),
    ({"resource": "product", "date_to": "2026-03-20T12:00:00Z"}, ["product.created"]),
    ({"resource_id": "FIRST", "date_from": "2026-03-22"}, ["product.deleted"]),
    ({"actor": "user_1", "action": "created", "resource": "product"}, ["product.created"]),
    ({"resource_id": "FIRST", "actor": "key_1"}, ["product.updated", "product.created"]),
    ({"action": "product.created", "resource": "customer"}, []),
]


def test_filters_find_alone_with_dates_and_together(shop: Shop, busy: dict[str, Any]) -> None:
    def attempt(case: tuple[dict[str, str], list[str]]) -> None:
        query, expected = case
        asked = {name: busy["first"] if value == "FIRST" else value for name, value in query.items()}

        found = logs(shop.call, asked)

        assert sorted(actions(found)) == sorted(expected)
        assert [log["timestamp"] for log in found] == sorted((log["timestamp"] for log in found), reverse=True)

    try_each(FOUND, attempt)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"actor": "key_1"},
        {"action": "created"},
        {"action": "product.created"},
        {"resource": "product"},
        {"resource_id": "prod_1"},
    ],
)
def test_each_filter_alone_with_dates_is_one_query(
    shop: Shop, busy: dict[str, Any], query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    page_of = store.page_of

    def counted(*given: Any) -> Any:
        asked.append(given[2])
        return page_of(*given)

    monkeypatch.setattr(store, "page_of", counted)

    logs(shop.call, {**query, "date_from": "2026-03-20", "date_to": "2026-03-22", "limit": "3"})

    assert len(asked) == 1


def test_pages_together_are_the_whole_log(shop: Shop, busy: dict[str, Any]) -> None:
    whole = logs(shop.call)
    narrowed: list[dict[str, str]] = [{}, {"action": "created"}, {"actor": "key_1", "resource": "product"}]
    for filters in narrowed:
        found: list[Any] = []
        cursor = None
        while True:
            query = {"limit": "1", **filters, **({"cursor": cursor} if cursor else {})}
            body = shop.call("v2/audit/list_audit_logs", query=query).body
            found += body["logs"]
            cursor = body["pagination"]["next_cursor"]
            assert body["pagination"]["has_more"] == (cursor is not None)
            if cursor is None:
                break
        assert found == logs(shop.call, filters)
    assert len(whole) == 5


def test_a_cursor_belongs_to_its_filters_and_its_shop(shop: Shop, busy: dict[str, Any]) -> None:
    cursor = shop.call("v2/audit/list_audit_logs", query={"limit": "1"}).body["pagination"]["next_cursor"]

    for query, credential in (
        ({"cursor": cursor, "action": "created"}, None),
        ({"cursor": cursor}, Credential(tenant=OTHER_TENANT)),
        ({"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}, None),
    ):
        refused = shop.call("v2/audit/list_audit_logs", query=query, credential=credential)
        assert (refused.status, refused.body["error"]["details"][0]["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resource": "spaceship"}, 422),
        ({"action": "Product.Updated"}, 422),
        ({"date_from": "yesterday"}, 400),
        ({"date_from": "2026-03-21", "date_to": "2026-03-20"}, 422),
        ({"page": "2"}, 400),
    ],
)
def test_what_no_filter_means_is_refused(shop: Shop, query: dict[str, str], status: int) -> None:
    assert shop.call("v2/audit/list_audit_logs", query=query).status == status


# Whose it is


def test_live_and_test_and_each_shop_have_logs_of_their_own(shop: Shop, record: Recorder) -> None:
    live = Credential(tenant=replace(TENANT, mode=Mode.LIVE))
    other = Credential(tenant=OTHER_TENANT)
    shop.product("TEST", 1)
    shop.do("v2/catalog/create_product", by=live, body={"name": "Live", "sku": "L", "price": 1})
    shop.do("v2/catalog/create_product", by=other, body={"name": "Other", "sku": "O", "price": 1})
    record()

    names = [
        [log["changes"]["name"]["new"] for log in logs(shop.call, credential=each)] for each in (None, live, other)
    ]

    assert names == [["Product TEST"], ["Live"], ["Other"]]


def test_a_keys_entries_stand_in_the_log_of_its_mode_and_the_shops_own_in_the_live_one(
    call: Call, table: Any, time: Clock
) -> None:
    stream = Stream(table)
    Shop(call).open()
    deliver("record_audit", audited(stream.read()))
    live = Credential(tenant=replace(TENANT, mode=Mode.LIVE))

    assert actions(logs(call)) == ["api_key.created"]
    assert actions(logs(call, credential=live)) == ["tenant.created"]


def test_the_log_asks_for_a_scope_of_its_own_and_customers_never_see_it(shop: Shop) -> None:
    without = Credential(scopes=MERCHANT_SCOPES - {"audit:read"})

    assert shop.call("v2/audit/list_audit_logs", credential=without).status == 403
    assert shop.call("v2/audit/list_audit_logs", credential=shop.customer()).status == 403
    assert shop.call("v2/audit/list_audit_logs", credential=OWNER).status == 200


# How long it is kept


@pytest.mark.parametrize(
    ("plan", "days"), [(Plan.FREE, 90), (Plan.PROFESSIONAL, 365), (Plan.BUSINESS, 365), (Plan.ENTERPRISE, 2557)]
)
def test_an_entry_is_kept_for_as_long_as_the_shops_plan_of_that_time_promises(
    shop: Shop, record: Recorder, table: Any, time: Clock, plan: Plan, days: int
) -> None:
    key = keys.tenant_row(TENANT.tenant_id)
    table.update_item(
        Key={"pk": key.pk, "sk": key.sk},
        UpdateExpression="SET #plan = :plan",
        ExpressionAttributeNames={"#plan": "plan"},
        ExpressionAttributeValues={":plan": str(plan)},
    )
    shop.product("A", 1)
    record()

    kept = {int(item["ttl"]) for item in table.scan()["Items"] if item["kind"] == "audit"}

    assert kept == {int((MARCH + timedelta(days=days)).timestamp())}
    time.now = MARCH + timedelta(days=days) - timedelta(seconds=1)
    assert len(logs(shop.call)) == 1
    time.now = MARCH + timedelta(days=days)
    assert logs(shop.call) == []


def test_an_entry_costs_two_writes_and_a_batch_one_read_of_the_plan(
    shop: Shop, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shop.product(f"P{number}", 1)
    records = audited(stream.read())
    names: list[str] = []
    call = BaseClient._make_api_call

    def counted(client: Any, name: str, given: Any) -> Any:
        names.append(name)
        return call(client, name, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)

    assert deliver("record_audit", records) == []

    assert names == ["GetItem", *["PutItem"] * 6]
