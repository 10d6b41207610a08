"""BO-01…BO-03, PO-03: units that wait for stock, through their handlers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Role
from commerce.kernel.limits import MAX_LINES
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Call, Credential, handler
from tests.waiting import EXPECTED, Waiting, arrival

LONG_AGO = datetime(2029, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop(call: Call, table: Any) -> Any:
    yield Shop(call).open()
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name)
    check(row for page in pages for row in page["Items"])


@pytest.fixture
def lamps(shop: Shop, table: Any) -> Waiting:
    return Waiting.open(shop, table)


# Ordering what is not there


def test_what_is_not_there_waits_and_the_rest_is_set_aside(lamps: Waiting) -> None:
    lamps.receive(2)
    order_id = lamps.order(5)

    line = lamps.line(order_id)

    assert (line["quantity"], line["waiting"], line["expected_date"]) == (5, 3, EXPECTED)
    assert lamps.stock() == (0, 2)
    (waiting,) = lamps.backorders()
    assert waiting["id"] == line["backorder_id"]
    shown = {name: waiting[name] for name in ("quantity", "allocated", "remaining", "status", "order_id", "type")}
    assert shown == {
        "quantity": 3,
        "allocated": 0,
        "remaining": 3,
        "status": "waiting",
        "order_id": order_id,
        "type": "backorder",
    }


def test_a_product_that_nobody_may_wait_for_is_refused_as_ever(shop: Shop, table: Any) -> None:
    lamps = Waiting.open(shop, table, when_out_of_stock="deny")

    refused = shop.call(
        "admin/orders/create_order",
        body={"customer_id": lamps.buyer.customer_id, "items": [{"product_id": lamps.product_id, "quantity": 1}]},
    )

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "insufficient_stock")


def test_whoever_comes_while_others_wait_waits_behind_them_though_stock_is_there(lamps: Waiting) -> None:
    first = lamps.order(3)
    lamps.receive(2)  # nobody has heard of it yet
    second = lamps.order(1)

    assert (lamps.waiting(first), lamps.waiting(second)) == (3, 1)
    lamps.arrives()
    assert (lamps.waiting(first), lamps.waiting(second)) == (1, 1)


def test_who_waits_is_served_before_newcomers_though_the_product_may_be_waited_for_no_more(lamps: Waiting) -> None:
    waiting = lamps.order(2)
    denied = {"when_out_of_stock": "deny"}
    changed = lamps.shop.do("v2/catalog/update_product", id=lamps.product_id, body=denied)
    assert changed["when_out_of_stock"] == "deny"
    lamps.receive(3)
    items = [{"product_id": lamps.product_id, "quantity": 1}]
    wanted = {"customer_id": lamps.buyer.customer_id, "items": items}

    refused = lamps.shop.call("admin/orders/create_order", body=wanted)
    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "insufficient_stock")

    lamps.arrives()
    assert lamps.waiting(waiting) == 0
    assert lamps.shop.call("admin/orders/create_order", body=wanted).status == 201
    assert lamps.shop.call("admin/orders/create_order", body=wanted).status == 409


def test_whoever_came_to_wait_just_when_stock_arrived_is_not_overlooked(lamps: Waiting) -> None:
    first = lamps.order(1)
    lamps.receive(3)
    second = lamps.order(1)  # waits, since the first one does
    lamps.published()  # what was said before is lost
    lamps.auto_allocate()
    assert (lamps.waiting(first), lamps.waiting(second)) == (0, 0)

    third = lamps.order(3)
    assert lamps.waiting(third) == 2
    lamps.shop.do("v2/inventory/adjust_inventory", product_id=lamps.product_id, body={"quantity": 2, "reason": "found"})
    events = [event for event in lamps.published() if event.type == "order.created"]
    records = [{"messageId": "m", "body": f'{{"detail":{event.model_dump_json()}}}'} for event in events]
    assert handler("queues/allocate_arrivals").handler({"Records": records}, None) == {"batchItemFailures": []}
    assert lamps.waiting(third) == 0


def test_an_order_of_forty_lines_that_wait_fits_and_is_called_off_at_once(shop: Shop, table: Any) -> None:
    lamps = Waiting.open(shop, table)
    others = [
        shop.product(f"P-{number}", 1, stock=1, when_out_of_stock="backorder")["id"] for number in range(MAX_LINES - 1)
    ]
    order_id = lamps.order(2, *((product_id, 2) for product_id in others))

    items = shop.do("admin/orders/get_order", order_id=order_id)["items"]
    assert {item["waiting"] for item in items} == {2}  # no line is split, so that one transaction holds them all
    assert lamps.auto_allocate()["total_allocated"] == MAX_LINES - 1  # now they are
    shop.move(order_id, "cancelled")

    assert lamps.backorders() == []
    assert lamps.stock() == (0, 0)


def test_a_variant_that_somebody_waits_for_stays_with_its_product(shop: Shop, table: Any) -> None:
    made = shop.product("TEE", 5, variants=[{"sku": "TEE-S"}, {"sku": "TEE-M"}], when_out_of_stock="backorder")
    small, medium = (variant["id"] for variant in made["variants"])
    item = {"product_id": made["id"], "variant_id": small, "quantity": 1}
    placed = shop.do("admin/orders/create_order", body={"customer_id": shop.customer().customer_id, "items": [item]})
    without_small = {"id": made["id"], "body": {"variants": [{"id": medium}]}}

    refused = shop.call("v2/catalog/update_product", **without_small)
    shop.move(placed["id"], "cancelled")
    taken = shop.call("v2/catalog/update_product", **without_small)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "variant_waited_for")
    assert taken.status == 200


# The cart


def test_a_cart_takes_more_than_there_is_and_says_what_has_to_wait(lamps: Waiting) -> None:
    lamps.receive(2)
    cart = lamps.shop.add_to_cart(lamps.buyer, lamps.product_id, 5)

    (item,) = cart["items"]
    assert (item["quantity"], item["waiting"], item["expected_date"], item["problem"]) == (5, 3, EXPECTED, None)

    placed = lamps.shop.do("storefront/carts/checkout_cart", by=lamps.buyer)
    assert lamps.waiting(placed["order_id"]) == 3


def test_a_cart_shows_that_all_has_to_wait_where_others_do(lamps: Waiting) -> None:
    lamps.order(1)
    lamps.receive(4)

    (item,) = lamps.shop.add_to_cart(lamps.buyer, lamps.product_id, 2)["items"]

    assert item["waiting"] == 2


# In turn


def test_stock_that_arrives_goes_to_those_who_wait_in_the_order_in_which_they_ordered(lamps: Waiting) -> None:
    orders = [lamps.order(units) for units in (3, 2, 4)]
    lamps.published()

    lamps.receive(4)
    events = lamps.arrives()

    assert [lamps.waiting(each) for each in orders] == [0, 1, 4]
    told: list[Any] = [event.data.object for event in events if event.type == "backorder.allocated"]
    assert [(each.order_id, each.quantity_allocated, each.remaining, each.status) for each in told] == [
        (orders[0], 3, 0, "allocated"),
        (orders[1], 1, 1, "partially_allocated"),
    ]
    assert lamps.stock() == (0, 4)
    timeline = lamps.shop.do("admin/orders/get_timeline", order_id=orders[1])
    assert [(each["type"], each["status"]) for each in timeline][-1] == ("allocation", "partially_allocated")


def test_units_come_from_several_warehouses_where_no_one_has_them_all(lamps: Waiting) -> None:
    order_id = lamps.order(5)
    lamps.receive(2)
    lamps.receive(2, "wh_002")

    assert lamps.auto_allocate() == {"allocations_created": 1, "total_allocated": 4, "remaining": 0}

    assert lamps.waiting(order_id) == 1
    locations = lamps.shop.do("v2/inventory/get_inventory", product_id=lamps.product_id)["locations"]
    assert [(each["warehouse_id"], each["reserved"]) for each in locations] == [("wh_001", 2), ("wh_002", 2)]


def test_a_shop_without_parts_serves_nobody_before_the_first_can_be_served_whole(lamps: Waiting) -> None:
    owner = Credential(tenant=lamps.shop.tenant, role=Role.OWNER)
    settings = {"allows_partial_allocation": False}
    changed = lamps.shop.do("v2/access/update_tenant", by=owner, id=lamps.shop.tenant.tenant_id, body=settings)
    assert changed["allows_partial_allocation"] is False
    first, second = lamps.order(5), lamps.order(1)

    lamps.receive(4)
    assert lamps.auto_allocate()["allocations_created"] == 0
    lamps.arrives()
    assert (lamps.waiting(first), lamps.waiting(second)) == (5, 1)

    lamps.receive(1)
    lamps.arrives()
    assert (lamps.waiting(first), lamps.waiting(second)) == (0, 1)


def test_all_products_are_served_and_a_second_call_finds_nothing_to_do(lamps: Waiting, table: Any) -> None:
    chairs = Waiting.open(lamps.shop, table, "CHAIR")
    orders = [lamps.order(2), chairs.order(3), lamps.order(1)]
    lamps.receive(3)
    chairs.receive(2)

    assert lamps.auto_allocate() == {"allocations_created": 3, "total_allocated": 5, "remaining": 0}
    assert [lamps.waiting(each) for each in orders] == [0, 1, 0]
    assert lamps.auto_allocate() == {"allocations_created": 0, "total_allocated": 0, "remaining": 0}


def test_what_nobody_heard_of_is_set_aside_within_the_hour(lamps: Waiting) -> None:
    order_id = lamps.order(2)
    lamps.receive(2)

    swept = handler("schedules/sweep_backorders").handler({}, None)

    assert swept == {"told": 0, "units": 2}
    assert lamps.waiting(order_id) == 0


def test_a_message_about_nobody_or_an_unknown_shop_is_done(lamps: Waiting) -> None:
    consumer = handler("queues/allocate_arrivals").handler
    messages = [arrival(lamps.shop.tenant, lamps.product_id, "var_none"), arrival(OTHER_TENANT, "prod_1", "var_1")]

    assert consumer({"Records": messages}, None) == {"batchItemFailures": []}


def test_a_message_that_cannot_be_read_comes_back_alone(lamps: Waiting) -> None:
    order_id = lamps.order(1)
    lamps.receive(1)
    variant_id = lamps.line(order_id)["variant_id"]
    bad = {"messageId": "bad", "body": "{}"}

    answer = handler("queues/allocate_arrivals").handler(
        {"Records": [bad, arrival(lamps.shop.tenant, lamps.product_id, variant_id)]}, None
    )

    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert lamps.waiting(order_id) == 0


def test_work_that_there_was_no_time_for_comes_back(lamps: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = lamps.order(1)
    lamps.receive(1)
    variant_id = lamps.line(order_id)["variant_id"]
    records = {"Records": [arrival(lamps.shop.tenant, lamps.product_id, variant_id)]}
    monkeypatch.setattr(handler("queues/allocate_arrivals"), "SECONDS", -1)
    monkeypatch.setattr(handler("admin/backorders/auto_allocate"), "SECONDS", -1)

    assert handler("queues/allocate_arrivals").handler(records, None)["batchItemFailures"] != []
    assert lamps.auto_allocate() == {"allocations_created": 0, "total_allocated": 0, "remaining": 1}
    assert lamps.waiting(order_id) == 1


# By hand


def test_a_merchant_allocates_what_there_is_to_one_item_whoever_else_waits(lamps: Waiting) -> None:
    first, second = lamps.order(2), lamps.order(5)
    lamps.receive(4)

    answered = lamps.allocate(lamps.line(second)["backorder_id"])

    assert answered.status == 200, answered.text
    assert answered.body["data"]["quantity_allocated"] == 4
    assert answered.body["data"]["allocation_id"].startswith("alloc_")
    assert (lamps.waiting(first), lamps.waiting(second)) == (2, 1)


def test_no_more_is_allocated_than_waits(lamps: Waiting) -> None:
    order_id = lamps.order(2)
    lamps.receive(9)

    assert lamps.allocate(lamps.line(order_id)["backorder_id"]).body["data"]["quantity_allocated"] == 2
    assert lamps.stock() == (7, 2)


def test_nothing_there_and_nothing_waiting_are_conflicts(lamps: Waiting) -> None:
    backorder_id = lamps.line(lamps.order(2))["backorder_id"]

    empty = lamps.allocate(backorder_id)
    lamps.receive(2)
    lamps.allocate(backorder_id)
    done = lamps.allocate(backorder_id)

    assert (empty.status, empty.body["error"]["details"][0]["code"]) == (409, "insufficient_stock")
    assert (done.status, done.body["error"]["details"][0]["code"]) == (409, "not_waiting")


def test_another_shops_backorder_is_not_found(lamps: Waiting) -> None:
    backorder_id = lamps.line(lamps.order(1))["backorder_id"]
    stranger = Credential(tenant=OTHER_TENANT)

    answered = lamps.shop.call("admin/backorders/allocate_backorder", item_id=backorder_id, credential=stranger)

    assert answered.status == 404


def test_a_key_makes_one_allocation_however_often_it_is_sent(lamps: Waiting) -> None:
    order_id = lamps.order(5)
    lamps.receive(2)
    sent = {"item_id": lamps.line(order_id)["backorder_id"], "headers": {"Idempotency-Key": "once"}}

    first = lamps.shop.call("admin/backorders/allocate_backorder", **sent)
    lamps.receive(2)
    again = lamps.shop.call("admin/backorders/allocate_backorder", **sent)

    assert first.body == again.body
    assert lamps.waiting(order_id) == 3


# The order's end


def test_a_cancelled_order_leaves_the_queue_and_what_it_had_goes_to_the_next(lamps: Waiting) -> None:
    first, second = lamps.order(3), lamps.order(2)
    lamps.receive(2)
    lamps.arrives()
    assert (lamps.waiting(first), lamps.waiting(second)) == (1, 2)

    lamps.shop.move(first, "cancelled")
    lamps.arrives()

    assert lamps.waiting(second) == 0
    assert lamps.backorders() == []
    assert lamps.stock() == (0, 2)


def test_an_order_that_is_not_paid_in_time_leaves_the_queue(lamps: Waiting) -> None:
    body = {"items": [{"product_id": lamps.product_id, "quantity": 3}]}
    with clock.use(lambda: LONG_AGO):
        unpaid = lamps.shop.do("storefront/orders/place_my_order", by=lamps.buyer, body=body)["id"]
        patient = lamps.order(1)
        lamps.receive(2)
        lamps.arrives()
        assert (lamps.waiting(unpaid), lamps.waiting(patient)) == (1, 1)  # it had its place, and its turn

    with clock.use(lambda: LONG_AGO + timedelta(hours=2)):
        assert handler("schedules/expire_orders").handler({}, None) == {"done": 1, "failed": 0}
        lamps.arrives()

    assert lamps.waiting(patient) == 0
    assert lamps.stock() == (1, 1)


def test_an_order_is_shipped_as_far_as_it_has_its_stock_and_whole_at_last(lamps: Waiting, stripe: Stripe) -> None:
    lamps.receive(1)
    order_id = lamps.order(3)
    stripe.pay(lamps.shop.start_payment(order_id, 3000))
    lamps.shop.settle(stripe)

    lamps.shop.move(order_id, "shipped")
    half = lamps.shop.do("admin/orders/get_order", order_id=order_id)
    lamps.receive(5)
    lamps.arrives()
    lamps.shop.move(order_id, "shipped")
    whole = lamps.shop.do("admin/orders/get_order", order_id=order_id)

    assert (half["status"], half["fulfillment_status"]) == ("processing", "partial")
    assert (whole["status"], whole["fulfillment_status"]) == ("shipped", "fulfilled")
    assert lamps.stock() == (3, 0)


def test_an_order_that_waits_for_what_never_comes_leaves_the_queue_though_some_has_left(
    lamps: Waiting, stripe: Stripe
) -> None:
    lamps.receive(1)
    order_id = lamps.order(4)
    stripe.pay(lamps.shop.start_payment(order_id, 4000))
    lamps.shop.settle(stripe)
    lamps.shop.move(order_id, "shipped")
    lamps.receive(1)
    lamps.arrives()
    behind = lamps.order(1)
    assert (lamps.waiting(order_id), lamps.waiting(behind), lamps.stock()) == (2, 1, (0, 1))

    refund = lamps.shop.do("admin/orders/close_rest", order_id=order_id)["refund"]
    lamps.arrives()

    assert refund["amount"] == 30
    line = lamps.line(order_id)
    assert (line["shipped"], line["waiting"], line["given_up"]) == (1, 0, 3)
    assert lamps.allocate(line["backorder_id"]).body["error"]["details"][0]["code"] == "not_waiting"
    assert lamps.waiting(behind) == 0
    assert (lamps.backorders(), lamps.stock()) == ([], (0, 1))
