"""Refunds and cancels, killed before and after each AWS and Stripe call and their answers lost, then retried.

Here is what is not a route of the API, and what several contexts do between them; ``test_every_change`` has the routes.
Whatever died, once all is carried out and heard of, each tender has back what it was to have, and Stripe agrees.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from commerce.gift_cards.issuing import Issued
from commerce.kernel import clock
from commerce.orders.ending import CancelOrder
from commerce.orders.model import Order
from commerce.payments import cancelling
from commerce.payments.model import HANDLED
from commerce.refunds import payments as payment_refunds
from commerce.refunds import store as refunds
from commerce.refunds.records import Refund
from commerce.refunds.store import UNHEARD
from commerce.table.transaction import run
from tests.faults.test_stored_value_kills import (
    TOTAL,
    Attempt,
    Note,
    Scenario,
    Till,
    consuming,
    survive,
    trying,
    usd,
)
from tests.payments import Stripe, consume, deliver
from tests.shop import handler

REST = TOTAL - 4500  # what money pays of a mixed order
PENDING = "pm_card_pendingRefund"


# What is there before


def paid_with_money(till: Till, method: str = "pm_card_visa") -> str:
    """An order that is paid at Stripe."""
    order_id = till.shop.place()
    till.shop.stripe.pay(till.start_payment(order_id), method)
    till.hear("payment_intent.succeeded")
    consume_all(till)
    return order_id


def paid_with_everything(till: Till) -> tuple[str, list[Issued]]:
    """An order that two cards, store credit and money paid for."""
    applied = till.mixed_cart(2000, 1500)
    order_id = till.place()
    till.pay(order_id)
    consume_all(till)
    return order_id, applied


def ask(till: Till, order_id: str, minor: int | None = None) -> Refund:
    """A refund of the order's payment, which is only asked for."""
    intent = till.order(order_id).payment_intent_id or ""
    return run(lambda tx: payment_refunds.refund(tx, till.merchant, intent, minor, "customer_request"))


def given(till: Till, method: str = "pm_card_visa") -> str:
    """An order of which a half is refunded; its refund is at Stripe, and as far as its bank is."""
    order_id = paid_with_money(till, method)
    ask(till, order_id, TOTAL // 2)
    settle(till, order_id)
    return order_id


def bank(till: Till, outcome: str) -> Any:
    """The bank decides on the last refund; give the event that tells of it, delivered."""
    [made, *_] = till.shop.stripe.sdk.v1.refunds.list().data
    url = f"{till.shop.stripe.url}/_standin/refunds/{made.id}/settle"
    httpx.post(url, json={"outcome": outcome}, trust_env=False).raise_for_status()
    return till.hear("refund.updated")


# What happens afterwards


def consume_all(till: Till) -> None:
    """Deliver and apply everything that Stripe tells."""
    for event in till.shop.stripe.events():
        if event["type"] in HANDLED:
            assert deliver(till.shop.call, event).status == 200
            assert consume(event["id"]) == {"batchItemFailures": []}


def settle(till: Till, order_id: str) -> None:
    """Carry out all refunds of an order, and hear what became of them."""
    for refund in refunds.of_order(till.tenant, order_id):
        assert executing(till, refund)()
    consume_all(till)


def executing(till: Till, refund: Refund) -> Attempt:
    """Hand a request to the queue's consumer, as often as it is not done."""
    asked = {"order_id": refund.order_id, "refund_id": refund.refund_id}
    told = {"tenant": till.tenant.tenant_id, "mode": str(till.tenant.mode), "data": {"object": asked}}
    record = {"messageId": "m1", "body": json.dumps({"detail": told})}
    return lambda: bool(
        handler("queues/execute_refund").handler({"Records": [record]}, None) == {"batchItemFailures": []}
    )


def agreed(till: Till, order_id: str, outside: int) -> Order:
    """Once all is settled, Stripe gave ``outside`` back of the order, and we know it."""
    settle(till, order_id)
    order = till.order(order_id)
    [state] = till.shop.stripe.intents().values()
    assert (order.refunding.minor, order.refunded_outside.minor, state["refunded"]) == (0, outside, outside)
    return order


def all_is_back(till: Till, order_id: str, applied: list[Issued]) -> None:
    order = agreed(till, order_id, REST)
    assert (order.status, order.payment_status, order.refunded.minor) == ("cancelled", "refunded", TOTAL)
    assert [till.balance(card) for card in applied] == [(2000, 0), (1500, 0)]
    assert (till.credit(), till.shop.stock()) == (1000, (5, 0))
    assert [str(refund.door) for refund in refunds.of_order(till.tenant, order_id)] == ["cancel"]


# What is tried


def cancelling_with_a_refund(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, applied = paid_with_everything(till)
    command = CancelOrder(order_id, "customer_request", note="Changed her mind", refund=True)
    done: Callable[[], bool] = lambda: till.order(order_id).status == "cancelled"  # noqa: E731
    attempt = trying(lambda tx: cancelling.cancel(tx, till.merchant, command), done)
    return attempt, lambda: all_is_back(till, order_id, applied)


def cancelling_by_the_customer_who_had_paid(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, applied = paid_with_everything(till)
    jane = replace(till.jane, tenant=replace(till.tenant, customers_may_cancel=True))
    attempt = trying(lambda tx: cancelling.cancel_own(tx, jane, order_id, "changed my mind"))
    return attempt, lambda: all_is_back(till, order_id, applied)


def cancelling_without_a_refund(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, applied = paid_with_everything(till)
    done: Callable[[], bool] = lambda: till.order(order_id).status == "cancelled"  # noqa: E731

    def finished() -> None:
        order = agreed(till, order_id, 0)
        assert (order.payment_status, order.refunded.minor) == ("partially_refunded", 4500)
        assert [till.balance(card) for card in applied] == [(2000, 0), (1500, 0)]
        ask(till, order_id)
        assert agreed(till, order_id, REST).payment_status == "refunded"

    return trying(lambda tx: cancelling.cancel(tx, till.merchant, CancelOrder(order_id)), done), finished


def executing_a_refund(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = paid_with_money(till)
    refund = ask(till, order_id, 2000)
    return executing(till, refund), lambda: once_given(till, order_id, 2000)


def once_given(till: Till, order_id: str, minor: int) -> None:
    assert agreed(till, order_id, minor).payment_status == "partially_refunded"
    assert [str(refund.status) for refund in refunds.of_order(till.tenant, order_id)] == ["succeeded"]


def executing_a_refund_that_stripe_fails_over(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = paid_with_money(till)
    refund = ask(till, order_id, 2000)
    till.shop.stripe.fault("POST /v1/refunds", "500_after", times=3)
    return executing(till, refund), lambda: once_given(till, order_id, 2000)


def executing_a_refund_that_stripe_refuses(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = paid_with_money(till)
    refund = ask(till, order_id, 2000)
    till.shop.stripe.sdk.v1.refunds.create({"payment_intent": refund.payment_id or ""})  # somebody was quicker

    def finished() -> None:
        assert agreed(till, order_id, TOTAL).payment_status == "refunded"
        found = {str(each.door): (str(each.status), each.failure) for each in refunds.of_order(till.tenant, order_id)}
        refused = ("failed", "charge_already_refunded")
        assert found == {"payment": refused, "provider": ("succeeded", None)}

    return executing(till, refund), finished


def schedule_that_asks_again(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = paid_with_money(till)
    ask(till, order_id, 2000)
    instant = clock.now() + UNHEARD

    def attempt() -> bool:
        with clock.use(lambda: instant):
            return bool(handler("schedules/resume_refunds").handler({}, None)["failed"] == 0)

    return attempt, lambda: once_given(till, order_id, 2000)


def refund_that_its_bank_makes(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = given(till, PENDING)
    event = bank(till, "success")
    return consuming(event), lambda: once_given(till, order_id, TOTAL // 2)


def refund_that_its_bank_refuses(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = given(till, PENDING)
    event = bank(till, "failure")
    return consuming(event), lambda: owed_again(till, order_id)


def refund_that_comes_back_from_its_bank(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = given(till)
    event = bank(till, "failure")
    return consuming(event), lambda: owed_again(till, order_id)


def owed_again(till: Till, order_id: str) -> None:
    order = agreed(till, order_id, 0)
    assert (order.payment_status, order.refunded) == ("paid", usd(0))
    [refund] = refunds.of_order(till.tenant, order_id)
    assert (refund.status, refund.failure) == ("failed", "expired_or_canceled_card")
    assert ask(till, order_id).amount == usd(TOTAL)


def refund_in_the_dashboard(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = paid_with_money(till)
    intent = till.order(order_id).payment_intent_id or ""
    till.shop.stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": 1000})
    event = till.hear("charge.refunded")
    return consuming(event), lambda: once_given(till, order_id, 1000)


SCENARIOS: list[Scenario] = [
    cancelling_with_a_refund,
    cancelling_by_the_customer_who_had_paid,
    cancelling_without_a_refund,
    executing_a_refund,
    executing_a_refund_that_stripe_fails_over,
    executing_a_refund_that_stripe_refuses,
    schedule_that_asks_again,
    refund_that_its_bank_makes,
    refund_that_its_bank_refuses,
    refund_that_comes_back_from_its_bank,
    refund_in_the_dashboard,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_what_goes_back_goes_back_once_whatever_dies(
    scenario: Scenario, stripe: Stripe, table: Any, record_property: Note
) -> None:
    survive(scenario, stripe, table, record_property)
