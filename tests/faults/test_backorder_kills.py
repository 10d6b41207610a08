"""Killed before and after each AWS call while units wait for stock: retried, the end is as if nothing had happened."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from commerce.backorders import use_cases
from commerce.kernel import clock
from commerce.kernel.errors import Conflict
from commerce.table.transaction import run
from tests.faults.kill import Door, Killed, strikes
from tests.faults.test_kills import ADDRESS, Attempt, Scenario, Shop, ShortLived, run_once
from tests.payments import Stripe
from tests.shop import handler
from tests.waiting import arrival

LATE = datetime(2030, 4, 3, tzinfo=UTC)
WAITS = {"when_out_of_stock": "backorder", "expected_on": "2030-04-01"}


def permit(shop: Shop, units_there: int = 0) -> None:
    """Let the shop's product be waited for, with so many units of it there: it has 5."""
    changed = shop.call("v2/catalog/update_product", id=shop.product["id"], body=WAITS)
    assert changed.status == 200, changed.text
    receive(shop, units_there - 5)


def receive(shop: Shop, units: int, key: str | None = None) -> bool:
    answered = shop.call(
        "v2/inventory/adjust_inventory",
        product_id=shop.product["id"],
        body={"quantity": units, "reason": "correction"},
        headers={"Idempotency-Key": key} if key else None,
        context=ShortLived(),
    )
    return answered.status == 201


def place(shop: Shop, units: int, key: str | None = None) -> Any:
    body = {"items": [{"product_id": shop.product["id"], "quantity": units}], "shipping_address": ADDRESS}
    return shop.call(
        "storefront/orders/place_my_order",
        credential=shop.jane,
        body=body,
        headers={"Idempotency-Key": key or uuid.uuid4().hex},
        context=ShortLived(),
    )


def waiting_order(shop: Shop, units: int) -> Any:
    return shop.order(place(shop, units).body["data"]["id"])


def waiting(shop: Shop, order: Any) -> int:
    return int(shop.order(order["id"])["items"][0]["waiting"])


def placing(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop, 2)

    def finished() -> None:
        (order,) = shop.orders()
        assert waiting(shop, order) == 3
        assert shop.stock() == (0, 2)

    return lambda: place(shop, 5, "place").status == 201, finished


def checkout(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop, 1)
    shop.fill_cart()

    def attempt() -> bool:
        answered = shop.call("storefront/carts/checkout_cart", credential=shop.jane)
        return answered.status == 201 or answered.body["error"]["details"][0]["code"] == "cart_empty"

    def finished() -> None:
        (order,) = shop.orders()
        assert waiting(shop, order) == 1

    return attempt, finished


def allocating_by_hand(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    order = waiting_order(shop, 5)
    receive(shop, 3)

    def attempt() -> bool:
        answered = shop.call(
            "admin/backorders/allocate_backorder",
            item_id=order["items"][0]["backorder_id"],
            headers={"Idempotency-Key": "allocate"},
            context=ShortLived(),
        )
        return answered.status == 200 and answered.body["data"]["quantity_allocated"] == 3

    return attempt, lambda: served(shop, order, left=2)


def allocating_by_hand_without_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    order = waiting_order(shop, 3)
    receive(shop, 3)

    def attempt() -> bool:
        body = {"backorder_id": order["items"][0]["backorder_id"], "quantity": 3}
        answered = shop.call("admin/preorders/allocate_preorder", body=body)
        # Whoever did not hear that it was done is told so.
        return answered.status in (200, 409) and waiting(shop, order) == 0

    return attempt, lambda: served(shop, order, left=0)


def served(shop: Shop, order: Any, left: int) -> None:
    assert waiting(shop, order) == left
    told = [event for event in shop.order(order["id"])["timeline"] if event["type"] == "allocation"]
    assert len(told) == 1
    assert shop.stock() == (0, 3)


def allocating_all(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    orders = [waiting_order(shop, units) for units in (2, 1, 3)]
    receive(shop, 4)

    def attempt() -> bool:
        key = {"Idempotency-Key": "all"}
        return shop.call("admin/backorders/auto_allocate", headers=key, context=ShortLived()).status == 200

    return attempt, lambda: served_in_turn(shop, orders)


def arriving(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    orders = [waiting_order(shop, units) for units in (2, 1, 3)]

    def attempt() -> bool:
        return receive(shop, 4, "arrive") and hear(shop, orders[0])

    return attempt, lambda: served_in_turn(shop, orders)


def hear(shop: Shop, order: Any) -> bool:
    """Let the queue's consumer hear that stock of what an order is for has arrived."""
    (item,) = order["items"]
    message = arrival(shop.call.credential.tenant, item["product_id"], item["variant_id"])
    answer = handler("queues/allocate_arrivals").handler({"Records": [message]}, None)
    return bool(answer == {"batchItemFailures": []})


def served_in_turn(shop: Shop, orders: list[Any]) -> None:
    assert [waiting(shop, order) for order in orders] == [0, 0, 2]
    assert shop.stock() == (0, 4)


def cancelling(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop, 1)
    order = waiting_order(shop, 4)

    def attempt() -> bool:
        return shop.call("storefront/orders/cancel_my_order", credential=shop.jane, order_id=order["id"]).status == 200

    def finished() -> None:
        assert shop.order(order["id"])["status"] == "cancelled"
        assert shop.call("admin/backorders/list_backorders").body["data"] == []
        assert shop.stock() == (1, 0)

    return attempt, finished


def rescheduling(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    order = waiting_order(shop, 1)

    def attempt() -> bool:
        answered = shop.call(
            "admin/preorders/change_preorder",
            id=order["items"][0]["backorder_id"],
            body={"expected_date": "2030-06-01", "priority": 3},
            headers={"Idempotency-Key": "change"},
            context=ShortLived(),
        )
        return answered.status == 200

    def finished() -> None:
        item = shop.order(order["id"])["items"][0]
        assert item["expected_date"] == "2030-06-01"
        (backorder,) = shop.call("admin/backorders/list_backorders").body["data"]
        assert (backorder["priority"], backorder["version"]) == (3, 2)

    return attempt, finished


def telling_who_waits_too_long(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    permit(shop)
    order = waiting_order(shop, 1)

    backorder_id = order["items"][0]["backorder_id"]

    def attempt() -> bool:
        with clock.use(lambda: LATE), suppress(Conflict):  # it was told already
            run(lambda tx: use_cases.tell_late(tx, shop.call.credential.tenant, backorder_id))
        return True

    def finished() -> None:
        assert attempt()  # the schedule comes again
        statuses = [event["status"] for event in shop.order(order["id"])["timeline"]]
        assert statuses.count("late") == 1

    return attempt, finished


SCENARIOS: list[Scenario] = [
    placing,
    checkout,
    allocating_by_hand,
    allocating_by_hand_without_a_key,
    allocating_all,
    arriving,
    cancelling,
    rescheduling,
    telling_who_waits_too_long,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_killed_attempt_and_its_retries_have_one_effect(
    scenario: Scenario, stripe: Stripe, table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = run_once(scenario, stripe, table, Door())
    doors = strikes(undisturbed.calls)
    for door in doors:
        run_once(scenario, stripe, table, door)
        assert len(door.calls) > (door.strike_at or 0), "the call that was to be killed never came"
    deaths = sum(door.error is Killed for door in doors)
    with capsys.disabled():
        print(f"\n  {scenario.__name__}: {len(undisturbed.calls)} calls, {deaths} deaths, {len(doors) - deaths} lost")
