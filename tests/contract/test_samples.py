"""Every documented sample is sent, and its answer keeps the sample's names, JSON types, envelope and units.

``samples/`` is the data: one file per documented sample. In a sample file

- ``given`` names the state of the shop (``GIVEN`` below), which also tells what the sample's ids stand for here,
- ``response`` is the documented answer; answers may have more fields, not fewer and not of other types,
- ``units`` names its amounts: each equals the documented number, in decimal major or integer minor units,
- ``same`` names what else equals the documented value.
"""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from commerce.kernel import clock, wire_json
from commerce.kernel.caller import Role
from tests.contract.comparing import differences, kind, spoiled, values
from tests.contract.endpoints import endpoints
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.invariants import check
from tests.payments import Stripe, signature
from tests.shop import Answered, Call, Credential, handler
from tests.streams import Stream, audited, deliver

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(SAMPLES.glob("*.json"))
NAMES = [file.stem for file in FILES]
KEYS = {"id", "method", "path", "given", "status", "response", "units", "same"}
OPTIONAL_KEYS = {"query", "headers", "path_parameters", "request", "request_units", "note"}
# What the contract documents with a sample for the endpoints that there are.
DOCUMENTED = {
    "AL-01",
    "BO-01",
    "BO-02",
    "BO-03",
    "PO-01",
    "PO-02",
    "CA-01",
    "CA-02",
    "CA-03",
    "CU-03",
    "HM-01",
    "IN-01",
    "IN-02",
    "NT-03",
    "OR-01",
    "OR-02",
} | {
    *("FU-01", "FU-02"),
    *("GC-01", "GC-02", "GC-03", "GC-04", "GC-05", "GC-06", "GC-07", "GC-18"),
    *("NT-01", "NT-02", "OR-04", "OR-05", "OR-08", "OR-09", "OR-10"),
    *("PY-03", "PY-04", "PY-05", "PY-06", "PY-07"),
    *("PD-01", "PD-02", "PD-03", "PD-04", "PD-05", "PY-01", "PY-02", "TR-01", "TR-02", "X-03"),
    *("RT-01", "RT-02", "RT-03"),
    *("PK-01", "PK-02", "PK-03"),
    *("BU-01", "BU-02", "BU-03"),
    *("CP-01", "CP-02", "CP-03", "PR-01", "PR-02"),
    *("SC-01", "SC-02", "SC-04"),  # SC-03: tests/contract/test_checkout_sample.py
}

Known = dict[str, Any]


def load(name: str) -> dict[str, Any]:
    sample: dict[str, Any] = wire_json.loads((SAMPLES / f"{name}.json").read_text())
    return sample


@pytest.fixture
def shop(call: Call, table: Any) -> Any:
    yield Shop(call).open()
    check(table.scan()["Items"])


# The states that samples speak of. Each gives what the sample's ids, and other stand-ins, are in this shop.


def an_open_shop(shop: Shop, request: pytest.FixtureRequest) -> Known:
    return {}


def a_shirt(shop: Shop, request: pytest.FixtureRequest) -> Known:
    shirt = shop.product("TEE", Decimal("29.99"), name="Custom T-Shirt", stock=10)
    return {"prod_123": shirt["id"], "cust_123": shop.customer().customer_id}


def a_cart_with_two_shirts(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = a_shirt(shop, request)
    shop.add_to_cart(shopper(known), known["prod_123"], 2)
    return known


def a_customer_in_march(shop: Shop, request: pytest.FixtureRequest) -> Known:
    then = datetime(2026, 3, 20, 10, tzinfo=UTC)
    request.getfixturevalue("monkeypatch").setattr(clock, "_source", lambda: then)
    return {"cust_123": shop.customer().customer_id}


def store_credit_of_100(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = an_order(shop, request)
    issued = {"customer_id": known["cust_123"], "amount": 100, "reason": "refund"}
    shop.do("admin/store_credit/issue_store_credit", body=issued)
    spent = {"customer_id": known["cust_123"], "order_id": known["order_789"], "amount_to_redeem": 30}
    shop.do("admin/store_credit/redeem_store_credit", body=spent)
    return known


def a_checkout_with_store_credit(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = a_cart_with_two_shirts(shop, request)
    shop.do(
        "admin/store_credit/issue_store_credit",
        body={"customer_id": known["cust_123"], "amount": 100, "reason": "refund"},
    )
    cart_id = shop.do("storefront/carts/get_cart", by=shopper(known))["id"]
    shop.do("storefront/checkouts/apply_store_credit", by=shopper(known), checkout_id=cart_id)
    return known | {"497f6eca-6276-4993-bfeb-53cbbbba6f08": cart_id}


def an_order(shop: Shop, request: pytest.FixtureRequest) -> Known:
    """Three units: 2 × 50.00 + 49.99."""
    jane = shop.customer()
    first = shop.product("A", 50, stock=5)["id"]
    second = shop.product("B", Decimal("49.99"), stock=5)["id"]
    return {"order_789": shop.order(jane, (first, 2), (second, 1)), "cust_123": jane.customer_id}


def an_order_and_a_place_for_files(shop: Shop, request: pytest.FixtureRequest) -> Known:
    place_for_files(request)
    return an_order(shop, request)


def place_for_files(request: pytest.FixtureRequest) -> None:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    request.addfinalizer(lambda: [bucket.objects.delete(), bucket.delete()])


def an_order_and_stripe(shop: Shop, request: pytest.FixtureRequest) -> Known:
    request.getfixturevalue("stripe")
    return an_order(shop, request)


def a_paid_intent(shop: Shop, request: pytest.FixtureRequest) -> Known:
    stripe: Stripe = request.getfixturevalue("stripe")
    known = an_order(shop, request)
    stripe.pay(shop.start_payment(known["order_789"], 14999))
    event = json.dumps(next(each for each in stripe.events() if each["type"] == "payment_intent.succeeded"))
    return {"payment_intent.succeeded": event, "t=1234567890,v1=abc123...": signature(event.encode())}


def an_order_with_a_note(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = an_order(shop, request)
    shop.add_note(known["order_789"], "Order received")
    return known


def a_paid_order(shop: Shop, request: pytest.FixtureRequest) -> Known:
    stripe: Stripe = request.getfixturevalue("stripe")
    known = an_order(shop, request)
    stripe.pay(shop.start_payment(known["order_789"], 14999))
    shop.settle(stripe)
    return known | {"order_999": known["order_789"]}


def a_paid_order_and_a_place_for_files(shop: Shop, request: pytest.FixtureRequest) -> Known:
    place_for_files(request)
    return a_paid_order(shop, request)


def three_paid_orders_of_twelve_units(shop: Shop, request: pytest.FixtureRequest) -> Known:
    place_for_files(request)
    stripe: Stripe = request.getfixturevalue("stripe")
    jane, shirt = shop.customer(), shop.product("TEE", 25, stock=12)["id"]
    orders = {}
    for name, units in (("order_123", 7), ("order_456", 3), ("order_789", 2)):
        orders[name] = shop.order(jane, (shirt, units))
        stripe.pay(shop.start_payment(orders[name], 2500 * units))
    shop.settle(stripe)
    return orders | {",".join(orders): ",".join(orders.values())}


def two_paid_orders(shop: Shop, request: pytest.FixtureRequest) -> Known:
    stripe: Stripe = request.getfixturevalue("stripe")
    jane, shirt = shop.customer(), shop.product("TEE", 25, stock=2)["id"]
    orders = [shop.order(jane, (shirt, 1)) for _ in range(2)]
    for order_id in orders:
        stripe.pay(shop.start_payment(order_id, 2500))
    shop.settle(stripe)
    return dict(zip(("order_100", "order_101"), orders, strict=True))


def a_coupon_that_twelve_orders_use(shop: Shop, request: pytest.FixtureRequest) -> Known:
    terms = {"discount_type": "percentage", "discount_value": 20, "max_uses": 100, "expires_at": "2026-06-01T00:00:00Z"}
    coupon = shop.do("admin/coupons/create_coupon", body={"code": "TEAM20", **terms})
    shirt = shop.product("TEE", Decimal("29.99"), stock=12)["id"]
    order = {"customer_id": shop.customer().customer_id, "items": [{"product_id": shirt, "quantity": 1}]}
    then = datetime(2026, 3, 20, 10, tzinfo=UTC)
    with clock.use(lambda: then):
        for _ in range(12):
            shop.do("admin/orders/create_order", body=order | {"coupon_codes": ["TEAM20"]})
    return {"cpn_01": coupon["id"]}


def a_coupon_of_a_quarter(shop: Shop, request: pytest.FixtureRequest) -> Known:
    terms = {"discount_type": "percentage", "discount_value": 25, "max_uses": 50, "min_order_amount": 100}
    shop.do("admin/coupons/create_coupon", body={"code": "SPRING25", **terms})
    return {}


def an_order_at_v2(shop: Shop, request: pytest.FixtureRequest) -> Known:
    """One line of 199.99, whose ids the v2 samples name otherwise."""
    request.getfixturevalue("stripe")
    jane = shop.customer()
    product = shop.product("HEADPHONES", Decimal("199.99"), stock=5)
    ids = {"ord_123": shop.order(jane, (product["id"], 1)), "cust_123": jane.customer_id, "cust_456": jane.customer_id}
    return ids | {"prod_456": product["id"], "var_789": product["variants"][0]["id"]}


def a_payment_at_v2(shop: Shop, request: pytest.FixtureRequest, card: str = "pm_card_visa", **how: str) -> Known:
    known = an_order_at_v2(shop, request)
    stripe: Stripe = request.getfixturevalue("stripe")
    body = {"order_id": known["ord_123"], "amount": 19999, "currency": "usd"} | how
    known["pi_123"] = shop.do("v2/payments/create_payment_intent", body=body)["id"]
    stripe.pay(known["pi_123"], card)
    shop.settle(stripe)
    return known


def an_authorised_payment_at_v2(shop: Shop, request: pytest.FixtureRequest) -> Known:
    return a_payment_at_v2(shop, request, capture_method="manual")


def a_disputed_order_at_v2(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = a_payment_at_v2(shop, request, "pm_card_createDispute")
    [dispute] = shop.do("v2/disputes/list_disputes")["data"]
    return known | {"du_123": dispute["id"]}


def a_shipped_order(shop: Shop, request: pytest.FixtureRequest) -> Known:
    jersey = shop.product("JERSEY", 25, name="Custom Jersey", stock=2)["id"]
    order_id = shop.order(shop.customer(), (jersey, 2))
    stripe: Stripe = request.getfixturevalue("stripe")
    stripe.pay(shop.start_payment(order_id, 5000))
    shop.settle(stripe)
    parcel = {"tracking_number": "1Z999AA10123456784", "carrier": "UPS", "estimated_delivery": "2026-03-25"}
    shop.move(order_id, "shipped", **parcel)
    return {"order_789": order_id}


def a_shipped_shirt(shop: Shop, request: pytest.FixtureRequest) -> Known:
    stripe: Stripe = request.getfixturevalue("stripe")
    shirt = shop.product("TEE", Decimal("29.99"), stock=1)
    order_id = shop.order(shop.customer(), (shirt["id"], 1))
    stripe.pay(shop.start_payment(order_id, 2999))
    shop.settle(stripe)
    shop.move(order_id, "shipped")
    [item] = shop.do("admin/orders/get_order", order_id=order_id)["items"]
    return {"order_789": order_id, "item_01": item["id"]}


def a_requested_return(shop: Shop, request: pytest.FixtureRequest) -> Known:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    request.addfinalizer(lambda: [bucket.objects.delete(), bucket.delete()])
    known = a_shipped_shirt(shop, request)
    body = in_this_shop(load("rt-02-create-return")["request"], known)
    return known | {"ret_001": shop.do("admin/returns/create_return", body=body)["id"]}


def three_products(shop: Shop, request: pytest.FixtureRequest) -> Known:
    for number in range(3):
        shop.product(f"SKU-{number}", number)
    count(rows_as_inserted(request.getfixturevalue("table")))
    first = shop.do("v2/catalog/list_products", query={"limit": "1"})
    return {"eyJpZCI6MTIzfQ==": first["pagination"]["next_cursor"]}


def three_products_in_stock(shop: Shop, request: pytest.FixtureRequest) -> Known:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    request.addfinalizer(lambda: [bucket.objects.delete(), bucket.delete()])
    numbers = ("123", "456", "789")
    return {f"prod_{number}": shop.product(f"SKU-{number}", 5, stock=5)["id"] for number in numbers}


def headphones(shop: Shop, request: pytest.FixtureRequest) -> Known:
    made = shop.do("v2/catalog/create_product", body=load("pd-03-create-product")["request"])
    return {"prod_456": made["id"]}


def a_shirt_in_two_warehouses(shop: Shop, request: pytest.FixtureRequest) -> Known:
    """315 in the first warehouse and 158 in the second; of these 15 and 8 are set aside for orders."""
    known = a_shirt(shop, request)
    jane = shopper(known)
    shop.receive(known["prod_123"], 305)
    shop.order(jane, (known["prod_123"], 15))
    shop.receive(known["prod_123"], 158, "wh_002")
    shop.do("v2/inventory/adjust_inventory", product_id=known["prod_123"], body={"quantity": -300, "reason": "lost"})
    shop.order(jane, (known["prod_123"], 8))
    shop.receive(known["prod_123"], 300)
    return known


def waiting(shop: Shop, *orders: int, kind: str = "backorder", stock: int = 0) -> Known:
    """Orders of so many units of a shirt of which there was none."""
    shirt = shop.product("TEE", Decimal("29.99"), when_out_of_stock=kind, expected_on="2026-04-01")
    jane = shop.customer()
    placed = [shop.order(jane, (shirt["id"], units)) for units in orders]
    if stock:
        shop.receive(shirt["id"], stock)
    item = shop.do("admin/orders/get_order", order_id=placed[0])["items"][0]
    return {"prod_123": shirt["id"], "order_100": placed[0], "bo_01": item["backorder_id"]}


def ten_waiting(shop: Shop, request: pytest.FixtureRequest) -> Known:
    return waiting(shop, 10)


def ten_arrived(shop: Shop, request: pytest.FixtureRequest) -> Known:
    return waiting(shop, 10, stock=12)


def five_orders_arrived(shop: Shop, request: pytest.FixtureRequest) -> Known:
    return waiting(shop, 9, 9, 9, 9, 9, stock=50)


def in_march(request: pytest.FixtureRequest) -> None:
    then = datetime(2026, 3, 20, 10, tzinfo=UTC)
    request.getfixturevalue("monkeypatch").setattr(clock, "_source", lambda: then)


def a_preorder(shop: Shop, request: pytest.FixtureRequest) -> Known:
    in_march(request)
    return waiting(shop, 5, kind="preorder")


def an_arrived_preorder(shop: Shop, request: pytest.FixtureRequest) -> Known:
    in_march(request)
    return waiting(shop, 5, kind="preorder", stock=5)


def a_checked_platform(shop: Shop, request: pytest.FixtureRequest) -> Known:
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    bucket, queue = boto3.client("s3"), boto3.client("sqs").create_queue(QueueName="health")["QueueUrl"]
    bucket.create_bucket(Bucket="till-files")
    request.addfinalizer(lambda: bucket.delete_bucket(Bucket="till-files"))
    request.addfinalizer(lambda: boto3.client("sqs").delete_queue(QueueUrl=queue))
    monkeypatch.setenv("FILES_BUCKET", "till-files")
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", queue)
    handler("schedules/probe_health").handler({}, None)
    return {}


def a_product_whose_price_was_changed(shop: Shop, request: pytest.FixtureRequest) -> Known:
    then = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    stream = Stream(request.getfixturevalue("table"))
    with clock.use(lambda: then):
        product = shop.product("TEE", Decimal("99.99"))
        assert deliver("record_audit", audited(stream.read())) == []
        answered = shop.call(
            "v2/catalog/update_product",
            id=product["id"],
            body={"price": Decimal("79.99")},
            credential=Credential(role=Role.STAFF, principal_id="user_456"),
            headers={"user-agent": "SDK/1.0"},
            source_ip="192.168.1.1",
        )
        assert answered.status == 200
        assert deliver("record_audit", audited(stream.read())) == []
    request.getfixturevalue("monkeypatch").setattr(clock, "_source", lambda: then)
    return {"prod_789": product["id"]}


def a_shop_in_march(shop: Shop, request: pytest.FixtureRequest) -> Known:
    """Its samples have dates that lie ahead then."""
    then = datetime(2026, 3, 20, 10, tzinfo=UTC)
    request.getfixturevalue("monkeypatch").setattr(clock, "_source", lambda: then)
    return {}


def a_place_for_files_in_march(shop: Shop, request: pytest.FixtureRequest) -> Known:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    request.addfinalizer(lambda: [bucket.objects.delete(), bucket.delete()])
    return a_shop_in_march(shop, request)


def a_card_with_75_left(shop: Shop, request: pytest.FixtureRequest) -> Known:
    """An order took 25.00 of it; another one waits."""
    order_id = an_order(shop, request)["order_789"]
    other = shop.order(shop.customer("joe@example.com"), (shop.product("C", 75, stock=1)["id"], 1))
    code = shop.do("admin/gift_cards/issue_gift_card", body={"amount": 100})["code"]
    body = {"code": code, "order_id": order_id, "amount_to_redeem": 25}
    shop.do("admin/gift_cards/redeem_gift_card", body=body)
    return {"GC-ABC-DEF-123": code, "order_999": other}


def a_card_and_a_cart(shop: Shop, request: pytest.FixtureRequest) -> Known:
    known = a_cart_with_two_shirts(shop, request)
    card = shop.do("storefront/gift_cards/issue_card", body={"amount": 75})
    cart_id = shop.do("storefront/carts/get_cart", by=shopper(known))["id"]
    named = {"GC-ABCD-1234": card["serial"], "4892": card["pin"], "cart_123": cart_id}
    return known | named | {"my-org": shop.tenant.tenant_id}


GIVEN: dict[str, Callable[[Shop, pytest.FixtureRequest], Known]] = {
    "an open shop": an_open_shop,
    "a shirt at 29.99": a_shirt,
    "a coupon that twelve orders use": a_coupon_that_twelve_orders_use,
    "a coupon of a quarter": a_coupon_of_a_quarter,
    "a cart with two shirts": a_cart_with_two_shirts,
    "an order of 149.99": an_order,
    "three products in stock": three_products_in_stock,
    "an order of 149.99 and Stripe": an_order_and_stripe,
    "a paid intent at Stripe": a_paid_intent,
    "an order with a note": an_order_with_a_note,
    "an order and a place for files": an_order_and_a_place_for_files,
    "a paid order": a_paid_order,
    "a paid order and a place for files": a_paid_order_and_a_place_for_files,
    "three paid orders of twelve units": three_paid_orders_of_twelve_units,
    "two paid orders": two_paid_orders,
    "an order of 199.99 at v2": an_order_at_v2,
    "a paid order of 199.99 at v2": a_payment_at_v2,
    "an authorised payment of 199.99 at v2": an_authorised_payment_at_v2,
    "a disputed order of 199.99 at v2": a_disputed_order_at_v2,
    "a shipped order": a_shipped_order,
    "a shipped shirt at 29.99": a_shipped_shirt,
    "a return that was asked for": a_requested_return,
    "three products": three_products,
    "headphones": headphones,
    "a shirt in two warehouses": a_shirt_in_two_warehouses,
    "ten units that wait": ten_waiting,
    "ten units that wait though stock is there": ten_arrived,
    "five orders of nine units that wait though stock is there": five_orders_arrived,
    "a preorder of five units": a_preorder,
    "a preorder of five units though stock is there": an_arrived_preorder,
    "a customer in March 2026": a_customer_in_march,
    "store credit of 100.00, of which 30.00 are used": store_credit_of_100,
    "a checkout that store credit pays for": a_checkout_with_store_credit,
    "a shop in March 2026": a_shop_in_march,
    "a place for files in March 2026": a_place_for_files_in_march,
    "a gift card of 100.00 with 75.00 left on it": a_card_with_75_left,
    "a gift card of 75.00 and a cart": a_card_and_a_cart,
    "a checked platform": a_checked_platform,
    "a product whose price was changed": a_product_whose_price_was_changed,
}


def shopper(known: Known) -> Credential:
    return Credential(role=Role.CUSTOMER, principal_id=known["cust_123"], customer_id=known["cust_123"])


def in_this_shop(value: Any, known: Known) -> Any:
    """A sample's request with the ids of this shop."""
    if isinstance(value, dict):
        return {name: in_this_shop(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [in_this_shop(inner, known) for inner in value]
    return known.get(value, value) if isinstance(value, str) else value


def send(shop: Shop, sample: dict[str, Any], known: Known) -> Answered:
    endpoint = endpoints()[f"{sample['method']} {sample['path']}"]
    answered: Answered = endpoint.ask(
        shop.call,
        body=in_this_shop(sample.get("request"), known),
        query=in_this_shop(sample.get("query"), known),
        headers=in_this_shop(sample.get("headers"), known),
        credential=shopper(known) if endpoint.surface.name in ("portal", "checkouts") else shop.merchant,
        **in_this_shop(sample.get("path_parameters", {}), known),
    )
    return answered


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_sample_is_taken_and_answered_as_documented(
    name: str, shop: Shop, request: pytest.FixtureRequest
) -> None:
    sample = load(name)

    answered = send(shop, sample, GIVEN[sample["given"]](shop, request))

    assert answered.status == sample["status"], answered.text
    assert differences(sample["response"], answered.body, decimals_of(sample)) == []
    for path in [*sample["units"], *sample["same"]]:
        assert values(answered.body, path) == values(sample["response"], path), path
    for path in sample["units"]:
        written = re.findall(rf'"{path.split(".")[-1]}":([^,}}\]]*)', answered.text)
        assert written, path
        assert all(re.fullmatch(r"\d+(\.\d+)?", number) for number in written), f"{path}: {written}"


def decimals_of(sample: dict[str, Any]) -> frozenset[str]:
    return frozenset(path for path, unit in sample["units"].items() if unit == "major")


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_breaks_its_sample_anywhere_is_noticed(name: str) -> None:
    sample = load(name)
    decimals = decimals_of(sample)

    unnoticed = [
        what for what, broken in spoiled(sample["response"]) if not differences(sample["response"], broken, decimals)
    ]

    assert differences(sample["response"], sample["response"], decimals) == []
    assert unnoticed == []


@pytest.mark.parametrize(
    ("sample", "answer"),
    [
        ({"total": Decimal("59.98")}, {"total": "59.98"}),
        ({"total": Decimal("59.98")}, {"total": None}),
        ({"amount": 14999}, {"amount": Decimal("149.99")}),
        ({"quantity": 2}, {"quantity": True}),
        ({"success": True}, {"success": "true"}),
        ({"created_at": "2026-03-20T12:00:00Z"}, {"created_at": "2026-03-20"}),
        ({"created_at": "2026-03-20T12:00:00Z"}, {"created_at": "2026-03-20T12:00:00.000001+00:00"}),
        ({"id": "order_789"}, {"id": "cust_789"}),
        ({"id": "order_789"}, {"id": "789"}),
        ({"data": [{"id": 1}]}, {"data": []}),
        ({"data": [{"id": 1}]}, {"data": [{"id": 1}, {"id": "2"}]}),
        ({"data": []}, {"data": {}}),
        ([{"type": "note", "content": "x"}, {"type": "payment"}], [{"type": "payment"}]),
    ],
)
def test_what_the_comparer_must_notice(sample: Any, answer: Any) -> None:
    assert differences(sample, answer) != []


def test_further_fields_are_no_difference() -> None:
    assert differences({"id": "order_1"}, {"id": "order_2", "version": 1}) == []


def test_every_sample_file_is_complete_and_names_a_route_and_a_state_that_exist() -> None:
    used = set()
    for name in NAMES:
        sample = load(name)
        assert KEYS <= set(sample) <= KEYS | OPTIONAL_KEYS, name
        assert f"{sample['method']} {sample['path']}" in endpoints(), name
        used.add(sample["given"])

    assert used == set(GIVEN)
    assert {load(name)["id"] for name in NAMES} == DOCUMENTED
    assert sorted(SAMPLES.iterdir()) == FILES


def test_every_amount_in_a_sample_states_its_unit() -> None:
    amounts = re.compile(r"(^|\.)(total|subtotal|discount|unit_price|price|amount)$")
    for name in NAMES:
        sample = load(name)
        for part, stated in (("response", "units"), ("request", "request_units")):
            found = {path for path in paths(sample.get(part)) if amounts.search(path.replace("[]", ""))}
            assert found <= set(sample.get(stated, {})) | set(sample["units"]), f"{name}: {found}"


def test_minor_units_are_integers_and_major_units_have_the_currencys_places() -> None:
    for name in NAMES:
        sample = load(name)
        for part, stated in (("response", "units"), ("request", "request_units")):
            for path, unit in sample.get(stated, {}).items():
                for value in values(sample[part], path):
                    assert kind(value) in (("integer",) if unit == "minor" else ("integer", "decimal")), name


def paths(document: Any, above: str = "") -> set[str]:
    """Every path to a number, as ``comparing.values`` reads it."""
    if isinstance(document, dict):
        found = [paths(inner, f"{above}.{name}".lstrip(".")) for name, inner in document.items()]
    elif isinstance(document, list):
        found = [paths(inner, f"{above}[]") for inner in document]
    else:
        return {above} if kind(document) in ("integer", "decimal") else set()
    return set().union(*found)


@pytest.mark.parametrize("prefix", ["order_", "ord_"])
def test_an_order_is_found_under_both_documented_prefixes_of_its_id(
    prefix: str, shop: Shop, request: pytest.FixtureRequest
) -> None:
    order_id = an_order(shop, request)["order_789"]
    named = prefix + order_id.removeprefix("order_")

    assert shop.do("admin/orders/get_order", order_id=named)["id"] == order_id
    assert shop.do("admin/orders/get_timeline", order_id=named)


@pytest.mark.parametrize("currency", ["usd", "USD", "Usd"])
def test_a_currency_is_read_in_any_case(
    currency: str, shop: Shop, request: pytest.FixtureRequest, stripe: Stripe
) -> None:
    sample = load("py-01-create-payment-intent")
    sample["request"]["currency"] = currency

    assert send(shop, sample, an_order(shop, request)).status == 201
