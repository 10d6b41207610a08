"""Two hands on one order at once, on the emulator: one of them wins, and everything adds up."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.faults.conftest import rows_of
from tests.faults.test_kills import Shop, open_shop, settle
from tests.invariants import check
from tests.payments import Stripe, consume, deliver
from tests.shop import Answered

ROUNDS = 6
RESTOCK = {"quantity": 2, "reason": "restock"}


@pytest.fixture
def shop(stripe: Stripe) -> Shop:
    return open_shop(stripe)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run ``calls`` from a barrier; give what they answered, in their order."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        answers[index] = call()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def cancel(shop: Shop, order_id: str) -> Answered:
    return shop.call("storefront/orders/cancel_my_order", credential=shop.jane, order_id=order_id)


def hear(shop: Shop) -> None:
    """Deliver everything that Stripe has to tell."""
    for event in shop.stripe.events():
        deliver(shop.call, event)
        assert consume(event["id"]) == {"batchItemFailures": []}


@pytest.mark.timeout(120)
def test_a_customer_who_cancels_while_the_payment_succeeds_has_either(shop: Shop, table: Any) -> None:
    for _ in range(ROUNDS):
        order_id = shop.place()
        intent = shop.start_payment(order_id).body["data"]["payment_intent_id"]

        cancelled, _ = at_once(lambda: cancel(shop, order_id), lambda: pay(shop, intent))  # noqa: B023

        hear(shop)
        order = shop.order(order_id)
        end = (cancelled.status, order["status"], order["payment_status"])
        assert end in {(200, "cancelled", "voided"), (409, "pending", "paid")}
        if order["status"] == "pending":
            assert shop.move(order_id, "shipped").status == 200
            shop.call("v2/inventory/adjust_inventory", product_id=shop.product["id"], body=RESTOCK)
    check(rows_of(table, shop.call))


def pay(shop: Shop, intent: str) -> None:
    with suppress(InvalidRequestError):  # it is cancelled by now
        shop.stripe.pay(intent)


@pytest.mark.timeout(120)
def test_of_two_moves_at_once_one_is_made(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    settle(shop, order_id)

    answers = at_once(*[lambda: shop.move(order_id, "shipped")] * 8)

    assert sorted(each.status for each in answers) == [200] + [409] * 7
    assert shop.stock() == (3, 0)
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_the_merchant_and_the_customer_cancel_one_order_once(shop: Shop, table: Any) -> None:
    for _ in range(ROUNDS):
        order_id = shop.place()
        answers = at_once(lambda: shop.move(order_id, "cancelled"), lambda: cancel(shop, order_id))  # noqa: B023

        assert 200 in [each.status for each in answers]
        assert shop.stock() == (5, 0)
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_sixteen_notes_and_a_move_at_once_are_all_taken_and_in_one_order(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    settle(shop, order_id)

    def write(number: int) -> Answered:
        return shop.call("admin/orders/add_note", order_id=order_id, body={"content": f"Note {number}"})

    notes = [lambda number=number: write(number) for number in range(16)]
    answers = at_once(*notes, lambda: shop.move(order_id, "processing"))

    assert [each.status for each in answers] == [201] * 16 + [200]
    timeline = shop.call("admin/orders/get_timeline", order_id=order_id).body["data"]
    written = [event["content"] for event in timeline if event["type"] == "note"]
    assert sorted(written) == sorted([f"Note {number}" for number in range(16)] + ["Done"])
    newest_first = shop.call("admin/orders/list_notes", order_id=order_id).body["data"]
    assert [note["content"] for note in newest_first] == list(reversed(written))
    check(rows_of(table, shop.call))


def authorized(shop: Shop, order_id: str) -> str:
    body = {"order_id": order_id, "amount": 5998, "currency": "usd", "capture_method": "manual"}
    intent = str(shop.call("v2/payments/create_payment_intent", body=body).body["id"])
    assert shop.stripe.pay(intent) == "requires_capture"
    hear(shop)
    return intent


@pytest.mark.timeout(120)
def test_of_eight_who_capture_one_payment_those_with_another_amount_are_refused(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    intent = authorized(shop, order_id)

    def capture(amount: int) -> Answered:
        return shop.call("v2/payments/capture_payment", id=intent, body={"amount": amount})

    amounts = (5998, 5000) * 4
    answers = at_once(*[lambda amount=amount: capture(amount) for amount in amounts])

    hear(shop)
    captured = shop.stripe.intents()[intent]["captured"]
    answered = {(each.status, amount) for each, amount in zip(answers, amounts, strict=True)}
    assert (201, captured) in answered
    assert (201, 10998 - captured) not in answered
    assert [capture(amount).status for amount in (captured, 10998 - captured)] == [201, 409]
    order = shop.order(order_id)
    assert (order["payment_status"], order["total"] * 100) == ("paid", captured)
    assert [event["status"] for event in order["timeline"]].count("paid") == 1
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_who_captures_a_payment_while_it_is_voided_has_either(shop: Shop, table: Any) -> None:
    for _ in range(ROUNDS):
        order_id = shop.place()
        intent = authorized(shop, order_id)

        captured, voided = at_once(
            lambda: shop.call("v2/payments/capture_payment", id=intent, body={"amount": 5000}),  # noqa: B023
            lambda: shop.call("v2/payments/cancel_payment", id=intent),  # noqa: B023
        )

        hear(shop)
        end = (captured.status, voided.status, shop.order(order_id)["payment_status"])
        assert end in {(201, 409, "paid"), (409, 201, "voided")}
        shop.call("v2/inventory/adjust_inventory", product_id=shop.product["id"], body=RESTOCK)
    check(rows_of(table, shop.call))


@pytest.mark.timeout(120)
def test_eight_who_void_one_payment_void_it_once(shop: Shop, table: Any) -> None:
    order_id = shop.place()
    intent = shop.start_payment(order_id).body["data"]["payment_intent_id"]

    answers = at_once(*[lambda: shop.call("v2/payments/cancel_payment", id=intent)] * 8)

    assert {each.status for each in answers} == {201}
    assert [event["status"] for event in shop.order(order_id)["timeline"]].count("voided") == 1
    hear(shop)
    check(rows_of(table, shop.call))
