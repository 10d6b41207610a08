"""Refunds through their doors: what goes back at once, what the payment provider makes of the rest, and who is told."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant
from commerce.payments import stripe_gateway
from commerce.refunds.store import UNHEARD
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe, carry_out, settle
from tests.shop import Answered, Call, Credential, handler

PRICE = Decimal("29.99")


@pytest.fixture
def shop(call: Call, table: Any) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def shirt(shop: Shop) -> Any:
    return shop.product("TEE", PRICE, stock=8)


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


@pytest.fixture
def order_id(shop: Shop, stripe: Stripe, jane: Credential, shirt: Any) -> str:
    """Two shirts, paid with a card."""
    return bought(shop, stripe, jane, shirt)


def bought(shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, method: str = "pm_card_visa") -> str:
    placed = shop.order(jane, (shirt["id"], 2))
    stripe.pay(shop.start_payment(placed, 5998), method)
    shop.settle(stripe)
    return placed


def read(shop: Shop, order_id: str) -> Any:
    return shop.do("v2/orders/get_order", id=order_id)


def payment_of(shop: Shop, order_id: str) -> str:
    return str(read(shop, order_id)["payment_intent_id"])


def refund(shop: Shop, order_id: str, **body: Any) -> Answered:
    return shop.call("v2/payments/refund_payment", id=payment_of(shop, order_id), body=body)


def refunds(shop: Shop, order_id: str) -> list[Any]:
    return list(shop.do("v2/payments/list_refunds", id=payment_of(shop, order_id))["data"])


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def bank(stripe: Stripe, outcome: str) -> None:
    """The bank ends the last refund that was made."""
    [made, *_] = stripe.sdk.v1.refunds.list().data
    httpx.post(f"{stripe.url}/_standin/refunds/{made.id}/settle", json={"outcome": outcome}).raise_for_status()


def levels(shop: Shop, shirt: Any) -> tuple[int, int]:
    body = shop.do("v2/inventory/get_inventory", product_id=shirt["id"])
    return body["total_available"], body["total_reserved"]


# A payment


def test_a_payment_is_refunded_in_parts_and_each_is_listed(
    shop: Shop, stripe: Stripe, order_id: str, jane: Credential
) -> None:
    first = refund(shop, order_id, amount=1000, reason="customer_request", refund_application_fee=False)

    assert first.status == 201
    assert (first.body["status"], first.body["amount"], first.body["currency"]) == ("pending", 1000, "usd")
    assert read(shop, order_id)["payment_status"] == "paid"
    shop.settle(stripe)
    assert (read(shop, order_id)["payment_status"], read(shop, order_id)["refunded"]) == ("partially_refunded", 10)

    rest = refund(shop, order_id)
    shop.settle(stripe)

    assert rest.body["amount"] == 4998
    assert [(each["amount"], each["status"]) for each in refunds(shop, order_id)] == [
        (4998, "succeeded"),
        (1000, "succeeded"),
    ]
    assert (read(shop, order_id)["payment_status"], read(shop, order_id)["refunded"]) == ("refunded", Decimal("59.98"))
    spent = shop.do("v2/customers/get_customer", id=str(jane.customer_id))["orders_summary"]["total_spent"]
    assert spent == 0


def test_what_is_on_its_way_back_cannot_be_refunded_twice(shop: Shop, stripe: Stripe, order_id: str) -> None:
    assert refund(shop, order_id, amount=4000).status == 201

    assert reason(refund(shop, order_id, amount=1999)) == (422, "refund_exceeds_remaining")
    assert refund(shop, order_id, amount=1998).status == 201
    assert reason(refund(shop, order_id)) == (409, "nothing_to_refund")

    shop.settle(stripe)
    assert stripe.intents()[payment_of(shop, order_id)]["refunded"] == 5998


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": 0}, "greater_than_equal"),
        ({"amount": 10.5}, "int_type"),
        ({"amount": "1000"}, "int_type"),
        ({"refund_application_fee": True}, "no_application_fee"),
        ({"reason": ""}, "string_too_short"),
        ({"amounts": 5}, "unknown_field"),
    ],
)
def test_a_bad_refund_is_refused_and_changes_nothing(
    shop: Shop, order_id: str, table: Any, body: dict[str, Any], code: str
) -> None:
    before = table.scan()["Items"]

    answered = refund(shop, order_id, **body)

    assert answered.status == 422
    assert answered.body["error"]["details"][0]["code"] == code
    assert table.scan()["Items"] == before


def test_what_was_not_collected_is_not_refunded(shop: Shop, stripe: Stripe, jane: Credential, shirt: Any) -> None:
    waiting = shop.order(jane, (shirt["id"], 1))
    intent = shop.start_payment(waiting, 2999)

    assert reason(shop.call("v2/payments/refund_payment", id=intent)) == (409, "not_collected")
    assert shop.call("v2/payments/refund_payment", id="pi_unknown").status == 404
    assert shop.call("v2/payments/list_refunds", id="pi_unknown").status == 404


def test_a_refund_that_the_bank_takes_an_hour_for_and_then_refuses_is_owed_again(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = bought(shop, stripe, jane, shirt, "pm_card_pendingRefund")
    refund(shop, order_id, amount=5998)
    shop.settle(stripe)
    assert [each["status"] for each in refunds(shop, order_id)] == ["pending"]
    assert reason(refund(shop, order_id, amount=1)) == (409, "nothing_to_refund")

    bank(stripe, "failure")
    shop.settle(stripe)

    [failed] = refunds(shop, order_id)
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert (read(shop, order_id)["payment_status"], read(shop, order_id)["refunded"]) == ("paid", 0)
    told = shop.do("admin/orders/get_timeline", order_id=order_id)
    assert [each["status"] for each in told if each["type"] == "refund"] == ["refund_requested", "refund_failed"]
    assert refund(shop, order_id).status == 201  # and so it can be asked for again


def test_a_refund_that_fails_after_it_had_succeeded_is_booked_back(
    shop: Shop, stripe: Stripe, order_id: str, jane: Credential
) -> None:
    refund(shop, order_id)
    shop.settle(stripe)
    assert read(shop, order_id)["payment_status"] == "refunded"

    bank(stripe, "failure")
    shop.settle(stripe)

    assert (read(shop, order_id)["payment_status"], read(shop, order_id)["refunded"]) == ("paid", 0)
    spent = shop.do("v2/customers/get_customer", id=str(jane.customer_id))["orders_summary"]["total_spent"]
    assert spent == Decimal("59.98")


def test_a_charge_that_the_provider_does_not_refund_is_free_again_with_its_reason(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    refund(shop, order_id, amount=3000)
    stripe.sdk.v1.refunds.create({"payment_intent": payment_of(shop, order_id)})  # somebody was quicker, all of it

    shop.settle(stripe)

    assert {(each["amount"], each["status"], each["failure_reason"]) for each in refunds(shop, order_id)} == {
        (5998, "succeeded", None),
        (3000, "failed", "charge_already_refunded"),
    }
    assert read(shop, order_id)["payment_status"] == "refunded"


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429", "hang", "hang_after"])
def test_whatever_goes_wrong_with_the_call_it_gives_back_once(
    shop: Shop, stripe: Stripe, order_id: str, table: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund(shop, order_id, amount=2000)
    stripe.fault("POST /v1/refunds", kind, times=3, seconds=1)
    monkeypatch.setattr(stripe_gateway, "_TIMEOUT_SECONDS", 0.5)
    stripe_gateway._sdk.cache_clear()

    outcomes = [_executed(table) for _ in range(4)]
    stripe_gateway._sdk.cache_clear()
    settle(shop.call, stripe)

    assert outcomes[-1]
    assert stripe.intents()[payment_of(shop, order_id)]["refunded"] == 2000
    assert [each["status"] for each in refunds(shop, order_id)] == ["succeeded"]


def _executed(table: Any) -> bool:
    """Whether the consumer was done with the order's one refund."""
    [row] = [row for row in table.scan()["Items"] if row.get("type") == "refund.requested"]
    told = {"tenant": "ten_1", "mode": "test", "data": {"object": json.loads(row["data"])}}
    record = {"messageId": "m1", "body": json.dumps({"detail": told})}
    return bool(handler("queues/execute_refund").handler({"Records": [record]}, None) == {"batchItemFailures": []})


def test_a_refund_whose_message_was_lost_is_asked_for_by_the_schedule(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    refund(shop, order_id, amount=2000)
    run = handler("schedules/resume_refunds").handler
    assert run({}, None) == {"done": 0, "failed": 0}

    later = clock.now() + UNHEARD
    with clock.use(lambda: later):
        assert run({}, None) == {"done": 1, "failed": 0}
        assert run({}, None) == {"done": 0, "failed": 0}

    assert [each["status"] for each in refunds(shop, order_id)] == ["succeeded"]


@pytest.mark.parametrize(
    ("currency", "price", "minor", "counted"),
    [("ISK", 2900, 2900, 290_000), ("UGX", 2900, 2900, 290_000), ("MGA", 2900, 290_000, 2900)],
)
def test_an_amount_is_told_to_stripe_in_its_own_units(
    call: Call, stripe: Stripe, currency: str, price: int, minor: int, counted: int
) -> None:
    shop = Shop(call, Tenant("ten_9", Mode.TEST, currency, warehouses=("wh_001",))).open()
    placed = shop.order(shop.customer(), (shop.product("CUP", price, stock=1)["id"], 1))
    intent = shop.start_payment(placed, minor)
    stripe.pay(intent)
    shop.settle(stripe)
    assert (stripe.intents()[intent]["captured"], read(shop, placed)["payment_status"]) == (counted, "paid")

    shop.do("v2/payments/refund_payment", id=intent, body={"amount": minor // 2 - minor // 2 % 100})
    shop.settle(stripe)

    assert stripe.intents()[intent]["refunded"] == counted * (minor // 2 - minor // 2 % 100) // minor
    assert read(shop, placed)["payment_status"] == "partially_refunded"


# A cancelled order


@pytest.mark.parametrize("door", ["admin/orders/cancel_order", "v2/orders/cancel_order"])
def test_a_merchant_cancels_and_refunds_in_one_call(
    shop: Shop, stripe: Stripe, order_id: str, shirt: Any, door: str
) -> None:
    named: dict[str, Any] = {"order_id" if door.startswith("admin") else "id": order_id}
    body = {"reason": "customer_request", "refund": True, "note": "Customer changed mind"}

    answered = shop.call(door, body=body, **named)

    assert answered.status == (200 if door.startswith("admin") else 201)
    cancelled = answered.body["data"] if door.startswith("admin") else answered.body
    assert (cancelled["status"], cancelled["refund"]["status"]) == ("cancelled", "pending")
    assert cancelled["refund"]["amount"] == Decimal("59.98")
    assert levels(shop, shirt) == (8, 0)
    shop.settle(stripe)
    assert read(shop, order_id)["payment_status"] == "refunded"
    assert [note["content"] for note in shop.do("admin/orders/list_notes", order_id=order_id)] == [body["note"]]
    assert reason(shop.call(door, body=body, **named)) == (409, "illegal_transition")
    assert stripe.intents()[payment_of(shop, order_id)]["refunded"] == 5998


def test_an_order_that_nobody_paid_has_no_refund(shop: Shop, jane: Credential, shirt: Any) -> None:
    waiting = shop.order(jane, (shirt["id"], 1))

    cancelled = shop.do("v2/orders/cancel_order", id=waiting, body={"refund": True})

    assert (cancelled["status"], cancelled["refund"]) == ("cancelled", None)


def test_a_shipped_order_is_returned_and_not_cancelled(shop: Shop, order_id: str) -> None:
    shop.move(order_id, "shipped")

    assert reason(shop.call("v2/orders/cancel_order", id=order_id, body={"refund": True})) == (
        409,
        "illegal_transition",
    )


def test_only_the_version_that_was_read_is_cancelled(shop: Shop, order_id: str) -> None:
    version = read(shop, order_id)["version"]

    stale = shop.call("admin/orders/cancel_order", order_id=order_id, headers={"If-Match": f'"{version - 1}"'})

    assert stale.status == 412 or reason(stale)[1] == "version_mismatch"
    assert shop.call("admin/orders/cancel_order", order_id=order_id, headers={"If-Match": f'"{version}"'}).status == 200


def test_a_dry_run_cancels_nothing(shop: Shop, order_id: str, table: Any) -> None:
    before = table.scan()["Items"]

    answered = shop.call("v2/orders/cancel_order", id=order_id, body={"refund": True}, headers={"X-Dry-Run": "true"})

    assert answered.status in (200, 201)
    assert table.scan()["Items"] == before


def test_stored_value_goes_back_with_the_order_whether_or_not_money_does(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    placed = shop.order(jane, (shirt["id"], 2))
    card = shop.do("admin/gift_cards/issue_gift_card", body={"amount": 20, "currency": "USD"})
    body = {"code": card["code"], "amount_to_redeem": 20, "order_id": placed}
    shop.do("admin/gift_cards/redeem_gift_card", body=body)
    stripe.pay(shop.start_payment(placed, 3998))
    shop.settle(stripe)

    cancelled = shop.do("v2/orders/cancel_order", id=placed)

    assert cancelled["refund"]["parts"] == [{"type": "gift_card", "amount": 20}]
    assert cancelled["refund"]["status"] == "succeeded"
    assert cancelled["payment_status"] == "partially_refunded"
    shop.settle(stripe)
    assert stripe.intents()[payment_of(shop, placed)]["refunded"] == 0
    refund(shop, placed)
    carry_out()
    assert read(shop, placed)["payment_status"] == "refunded"
