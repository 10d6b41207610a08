"""A customer's own returns: who may ask for what and when, what they are shown, and what approves itself."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.orders.model import Order
from tests.endpoints.test_returns import SHIRT, Warehouse, found, items, refused, usd, world
from tests.shop import Answered

__all__ = ["world"]  # the fixture


def request(warehouse: Warehouse, order: Order, *units: int, **body: Any) -> Answered:
    return warehouse.shop.call(
        "storefront/returns/request_return",
        order_id=order.order_id,
        body={"items": items(order, *units)} | body,
        credential=warehouse.jane,
    )


def requested(warehouse: Warehouse, order: Order, *units: int, **body: Any) -> str:
    answered = request(warehouse, order, *units, **body)
    assert answered.status == 201, answered.text
    return str(answered.body["data"]["id"])


def mine(warehouse: Warehouse, order: Order, return_id: str) -> Any:
    return warehouse.shop.do(
        "storefront/returns/get_my_return", by=warehouse.jane, order_id=order.order_id, return_id=return_id
    )


def later(monkeypatch: pytest.MonkeyPatch, **time: int) -> None:
    now = clock.now() + timedelta(**time)
    monkeypatch.setattr(clock, "_source", lambda: now)


def test_a_customer_asks_for_a_return_and_follows_it(world: Warehouse) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id

    return_id = requested(world, order, 2, refund_method="store_credit")
    world.approve(return_id)
    approved = mine(world, order, return_id)
    world.receive(return_id, found(shirts, 1, "quarantine", condition="Smells of smoke"), found(shirts, 1, "missing"))
    world.refund(return_id, reason="As agreed")
    refunded = mine(world, order, return_id)

    assert approved["rma_label_url"].startswith("https://")
    assert approved["total_refund"] == usd(2 * SHIRT)
    assert refunded["receipts"] == [{"order_item_id": shirts, "received": 1, "missing": 1}]
    assert [(step["event"], step["status"]) for step in refunded["history"]] == [
        ("created", "pending"),
        ("approved", "approved"),
        ("received", "received"),
        ("refunded", "refunded"),
    ]
    assert (refunded["total_refund"], refunded["refunds"][0]["status"]) == (usd(SHIRT), "succeeded")
    listed = world.shop.do("storefront/returns/list_my_returns", by=world.jane, order_id=order.order_id)
    assert [(row["id"], row["status"]) for row in listed] == [(return_id, "refunded")]


def test_a_customer_is_told_why_a_request_was_refused_and_nothing_of_who_and_what_else(world: Warehouse) -> None:
    order = world.sell()
    return_id = requested(world, order, 1)
    body = {"reason": "The tags are gone", "note": "Third time, watch this one"}
    world.shop.do("admin/returns/reject_return", return_id=return_id, body=body)

    shown = mine(world, order, return_id)

    assert (shown["status"], shown["ended_because"]) == ("rejected", "The tags are gone")
    text = str(shown)
    assert [word for word in ("watch this one", "api_key", "key_1", "customer_id") if word in text] == []


def test_an_orders_returns_come_newest_first_a_page_at_a_time(world: Warehouse) -> None:
    order, other = world.sell(), world.sell()
    made = [requested(world, order, 1) for _ in range(3)]
    requested(world, other, 1)

    first = world.shop.call(
        "storefront/returns/list_my_returns", credential=world.jane, order_id=order.order_id, query={"limit": "2"}
    )
    cursor = first.body["pagination"]["next_cursor"]
    second = world.shop.do(
        "storefront/returns/list_my_returns", by=world.jane, order_id=order.order_id, query={"cursor": cursor}
    )

    assert [row["id"] for row in (*first.body["data"], *second)] == made[::-1]


def test_another_customers_order_and_return_are_as_unknown_as_none(world: Warehouse) -> None:
    order, own = world.sell(), None
    return_id = requested(world, order, 1)
    stranger = world.shop.customer("sue@example.com")
    body = {"items": items(order, 1)}

    def ask(order_id: str) -> Answered:
        path = "storefront/returns/request_return"
        return world.shop.call(path, order_id=order_id, body=body, credential=stranger)

    def list_(order_id: str) -> Answered:
        return world.shop.call("storefront/returns/list_my_returns", order_id=order_id, credential=stranger)

    def get(order_id: str, return_id: str) -> Answered:
        path = "storefront/returns/get_my_return"
        return world.shop.call(path, order_id=order_id, return_id=return_id, credential=stranger)

    for own, missing in (
        (ask(order.order_id), ask("order_missing")),
        (list_(order.order_id), list_("order_missing")),
        (get(order.order_id, return_id), get("order_missing", "ret_missing")),
    ):
        assert (own.status, own.text) == (404, missing.text)


def test_a_return_is_read_with_its_own_order_only(world: Warehouse) -> None:
    order, other = world.sell(), world.sell()
    return_id = requested(world, order, 1)

    answered = world.shop.call(
        "storefront/returns/get_my_return", credential=world.jane, order_id=other.order_id, return_id=return_id
    )

    assert answered.status == 404


def test_customers_return_within_the_shops_window_and_its_staff_always(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set(window_days=14)
    order = world.sell()
    later(monkeypatch, days=10)
    world.shop.move(order.order_id, "delivered")

    later(monkeypatch, days=14)
    on_the_last_day = request(world, order, 1)
    later(monkeypatch, seconds=1)
    too_late = request(world, order, 1)

    assert on_the_last_day.status == 201
    assert refused(too_late) == (409, "return_window_closed")
    assert world.ask(order, 1)


def test_the_window_opens_with_the_shipping_where_no_delivery_is_known(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.sell()
    later(monkeypatch, days=world.tenant.returns.window_days + 1)

    assert refused(request(world, order, 1)) == (409, "return_window_closed")


def test_what_is_not_shipped_is_not_returned_by_customers_either(world: Warehouse) -> None:
    assert refused(request(world, world.sell(ship=False), 1)) == (409, "not_shipped")


@pytest.mark.parametrize(("most", "status"), [(usd(SHIRT), "approved"), (usd(SHIRT - 1), "pending"), (None, "pending")])
def test_a_request_that_is_worth_little_enough_approves_itself(
    world: Warehouse, most: Decimal | None, status: str
) -> None:
    world.set(approves_up_to=most)
    order = world.sell()

    return_id = requested(world, order, 1)

    shown = mine(world, order, return_id)
    assert shown["status"] == status
    approved = status == "approved"
    assert [step["event"] for step in shown["history"]] == ["created", *(["approved"] if approved else [])]
    assert [bool(shown[name]) for name in ("rma_number", "rma_label_url")] == [approved, approved]


def test_what_staff_asks_for_is_decided_by_staff(world: Warehouse) -> None:
    world.set(approves_up_to=usd(10 * SHIRT))

    return_id = world.ask(world.sell(), 1)

    assert world.get(return_id)["status"] == "pending"
