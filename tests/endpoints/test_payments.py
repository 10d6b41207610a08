"""PY-01, PY-02 and the life of a payment: intent, signed webhook, paid order, expiry, refund."""

import json
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from commerce.access import use_cases as access
from commerce.access.use_cases import CreateTenant
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe, consume, deliver, end_unasked, settle, signature
from tests.shop import TENANT, Call, Credential, customer_credential, handler

ADDRESS = {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any) -> Any:
    yield
    check(table.scan()["Items"])


@pytest.fixture(autouse=True)
def _tenant(table: Any) -> None:
    run(
        lambda tx: access.create_tenant(
            tx,
            CreateTenant(
                tenant_id="ten_1",
                name="Shop",
                currency="USD",
                timezone="America/New_York",
                country="US",
                warehouses=("wh_001", "wh_002"),
                mode=Mode.TEST,
            ),
        )
    )


@pytest.fixture
def product(call: Call) -> Any:
    body = {"name": "Jersey", "sku": "J", "price": Decimal("149.99")}
    product = call("v2/catalog/create_product", body=body).body
    call("v2/inventory/adjust_inventory", product_id=product["id"], body={"quantity": 5, "reason": "restock"})
    return product


@pytest.fixture
def jane(call: Call) -> Credential:
    body = {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe"}
    return customer_credential(call("v2/customers/create_customer", body=body).body["id"])


@pytest.fixture
def order_id(call: Call, jane: Credential, product: Any) -> str:
    body = {"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS}
    return str(call("storefront/orders/place_my_order", credential=jane, body=body).body["data"]["id"])


def start(call: Call, order_id: str, amount: int = 14999, currency: str = "usd") -> Any:
    body = {"order_id": order_id, "amount": amount, "currency": currency}
    return call("admin/payments/create_payment_intent", body=body)


def read(call: Call, order_id: str) -> Any:
    return call("admin/orders/get_order", order_id=order_id).body["data"]


def test_a_paid_intent_makes_its_order_paid_once(call: Call, stripe: Stripe, order_id: str, jane: Credential) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]
    assert stripe.pay(intent) == "succeeded"

    settle(call, stripe)
    settle(call, stripe)

    order = read(call, order_id)
    assert (order["status"], order["payment_status"], order["expires_at"]) == ("pending", "paid", None)
    seen = [(event["type"], event["status"]) for event in reversed(order["timeline"])]
    assert seen == [
        ("status_change", "pending_payment"),
        ("payment", "started"),
        ("payment", "paid"),
        ("status_change", "pending"),
    ]
    summary = call("v2/customers/get_customer", id=str(jane.customer_id)).body["orders_summary"]
    assert (summary["count"], summary["total_spent"]) == (1, Decimal("149.99"))


def test_asking_again_gives_the_same_intent(call: Call, stripe: Stripe, order_id: str) -> None:
    first, second = start(call, order_id), start(call, order_id)

    assert first.status == second.status == 201
    assert first.body == second.body
    assert len(stripe.intents()) == 1


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [(14998, "usd", "amount_mismatch"), (14999, "eur", "amount_mismatch"), (14999, "xxx", "unknown_currency")],
)
def test_an_amount_that_is_not_owed_starts_nothing(
    call: Call, stripe: Stripe, order_id: str, amount: int, currency: str, code: str
) -> None:
    refused = start(call, order_id, amount, currency)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, code)
    assert stripe.intents() == {}


@pytest.mark.parametrize(
    ("currency", "price", "amount", "code"),
    [("USD", "0.49", 49, "amount_too_small"), ("KWD", "1.234", 1234, "parameter_invalid_integer")],
)
def test_an_amount_that_stripe_does_not_take_is_refused_and_starts_nothing(
    call: Call, stripe: Stripe, currency: str, price: str, amount: int, code: str
) -> None:
    shop = Shop(call, Tenant("ten_9", Mode.TEST, currency, warehouses=("wh_001",))).open()
    order_id = shop.order(shop.customer(), (shop.product("CUP", Decimal(price), stock=1)["id"], 1))
    body = {"order_id": order_id, "amount": amount, "currency": currency}

    refused = shop.call("admin/payments/create_payment_intent", body=body, credential=shop.merchant)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, code)
    assert stripe.intents() == {}


def test_a_declined_card_fails_the_payment_and_another_card_then_pays(
    call: Call, stripe: Stripe, order_id: str
) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]
    stripe.pay(intent, "pm_card_visa_chargeDeclined")
    settle(call, stripe)
    assert read(call, order_id)["payment_status"] == "failed"

    stripe.pay(intent)
    settle(call, stripe)

    order = read(call, order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "paid")


def test_a_paid_order_takes_no_further_intent(call: Call, stripe: Stripe, order_id: str) -> None:
    stripe.pay(start(call, order_id).body["data"]["payment_intent_id"])

    before_the_webhook = start(call, order_id)
    settle(call, stripe)
    after_it = start(call, order_id)

    assert (before_the_webhook.status, after_it.status) == (409, 409)
    assert len(stripe.intents()) == 1


@pytest.mark.parametrize(
    "header",
    ["", "t=1,v1=00", "garbage", "future", "past", "other secret"],
)
def test_a_delivery_with_a_bad_signature_is_refused_and_leaves_nothing(
    call: Call, stripe: Stripe, order_id: str, table: Any, header: str
) -> None:
    stripe.pay(start(call, order_id).body["data"]["payment_intent_id"])
    event = stripe.events()[-1]
    payload = json.dumps(event).encode()
    headers = {
        "future": signature(payload, at=time.time() + 400),
        "past": signature(payload, at=time.time() - 400),
        "other secret": signature(payload, "whsec_other"),
    }
    before = table.scan()["Items"]

    refused = deliver(call, event, header=headers.get(header, header))

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (400, "bad_signature")
    assert table.scan()["Items"] == before


def test_a_base64_body_is_verified_on_its_own_bytes(call: Call, stripe: Stripe, order_id: str) -> None:
    from base64 import b64encode

    start(call, order_id)
    payload = json.dumps(stripe.events()[0], ensure_ascii=False, indent=2).encode()

    answered = call(
        "stripe_webhook/payments/receive_stripe_event",
        body=b64encode(payload).decode(),
        base64=True,
        headers={"stripe-signature": signature(payload)},
    )

    assert (answered.status, answered.body["data"]) == (200, {"received": True})


def test_an_event_is_queued_again_until_it_is_applied_and_then_no_more(
    call: Call, stripe: Stripe, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    stripe.pay(start(call, order_id).body["data"]["payment_intent_id"])
    event = next(each for each in stripe.events() if each["type"] == "payment_intent.succeeded")
    queue = boto3.resource("sqs").Queue(os.environ["STRIPE_EVENTS_QUEUE_URL"])

    deliver(call, event)
    deliver(call, event)
    waiting = len(queue.receive_messages(MaxNumberOfMessages=10))
    consume(event["id"])
    deliver(call, event)

    assert waiting == 2
    assert queue.receive_messages(MaxNumberOfMessages=10) == []


def test_events_of_unknown_types_and_of_others_payments_are_stored_and_change_nothing(
    call: Call, stripe: Stripe, order_id: str
) -> None:
    stripe.sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    before = read(call, order_id)
    strange = stripe.events()[0] | {"id": "evt_strange", "type": "payout.paid"}

    settle(call, stripe)
    assert deliver(call, strange).status == 200
    consume("evt_strange")

    assert read(call, order_id) == before


def test_one_failing_message_does_not_take_its_batch_down(call: Call, stripe: Stripe, order_id: str) -> None:
    stripe.pay(start(call, order_id).body["data"]["payment_intent_id"])
    events = stripe.events()
    for event in events:
        deliver(call, event)
    records = [{"messageId": e["id"], "body": json.dumps({"event_id": e["id"]})} for e in events]
    poison = {"messageId": "poison", "body": "{}"}

    answer = handler("queues/apply_stripe_event").handler({"Records": [poison, *records]}, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert read(call, order_id)["payment_status"] == "paid"


def expire_after(minutes: int) -> Any:
    with clock.use(lambda: later):
        later = clock._system() + timedelta(minutes=minutes)
        return handler("schedules/expire_orders").handler({}, None)


def test_an_unpaid_order_expires_gives_its_stock_back_and_its_intent_is_cancelled(
    call: Call, stripe: Stripe, order_id: str, product: Any
) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]

    assert expire_after(59) == {"done": 0, "failed": 0}
    assert expire_after(61) == {"done": 1, "failed": 0}
    assert expire_after(62) == {"done": 0, "failed": 0}

    assert read(call, order_id)["status"] == "cancelled"
    assert stripe.sdk.v1.payment_intents.retrieve(intent).status == "canceled"
    stock = call("v2/inventory/get_inventory", product_id=product["id"]).body
    assert (stock["total_available"], stock["total_reserved"]) == (5, 0)
    assert start(call, order_id).status == 409


def test_an_order_paid_just_before_its_end_is_paid_and_not_expired(call: Call, stripe: Stripe, order_id: str) -> None:
    stripe.pay(start(call, order_id).body["data"]["payment_intent_id"])

    expire_after(61)
    settle(call, stripe)

    order = read(call, order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "paid")


def test_a_payment_that_comes_after_its_orders_end_is_given_back_once(
    call: Call, stripe: Stripe, order_id: str
) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]
    stripe.pay(intent)
    end_unasked(TENANT, order_id)

    settle(call, stripe)
    settle(call, stripe)

    order = read(call, order_id)
    assert (order["status"], order["payment_status"], order["refunded"]) == ("cancelled", "refunded", Decimal("149.99"))
    assert stripe.intents()[intent]["refunded"] == 14999


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429"])
def test_a_fault_while_an_intent_is_cancelled_delays_the_orders_end_at_most(
    call: Call, stripe: Stripe, order_id: str, kind: str
) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]
    stripe.fault("POST /v1/payment_intents/{intent}/cancel", kind, times=1)

    runs = [expire_after(61) for _ in range(2)]

    assert sum(each["done"] for each in runs) == 1
    assert read(call, order_id)["status"] == "cancelled"
    assert stripe.sdk.v1.payment_intents.retrieve(intent).status == "canceled"


def test_refunds_made_in_stripes_dashboard_are_booked_once_each(
    call: Call, stripe: Stripe, order_id: str, jane: Credential
) -> None:
    intent = start(call, order_id).body["data"]["payment_intent_id"]
    stripe.pay(intent)
    stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": 5000})
    settle(call, stripe)
    assert (read(call, order_id)["payment_status"], read(call, order_id)["refunded"]) == ("partially_refunded", 50)

    stripe.sdk.v1.refunds.create({"payment_intent": intent})
    settle(call, stripe)

    order = read(call, order_id)
    assert (order["payment_status"], order["refunded"]) == ("refunded", Decimal("149.99"))
    spent = call("v2/customers/get_customer", id=str(jane.customer_id)).body["orders_summary"]["total_spent"]
    assert spent == 0


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429"])
def test_a_fault_of_stripes_is_a_503_or_goes_unnoticed_and_never_a_second_intent(
    call: Call, stripe: Stripe, order_id: str, kind: str
) -> None:
    stripe.fault("POST /v1/payment_intents", kind, times=1)

    answers = [start(call, order_id).status for _ in range(3)]

    assert set(answers) <= {201, 503}
    assert 500 not in answers
    assert answers[-1] == 201
    # An internal error may have left an intent that nobody knows; the order has one.
    assert len(stripe.intents()) <= (2 if kind == "500_after" else 1)
    assert read(call, order_id)["payment_intent_id"] in stripe.intents()


def test_a_card_number_in_a_payment_is_refused(call: Call, stripe: Stripe, order_id: str) -> None:
    body = {"order_id": "4242424242424242", "amount": 14999, "currency": "usd"}

    refused = call("admin/payments/create_payment_intent", body=body)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "card_number")
    assert "4242" not in refused.text
