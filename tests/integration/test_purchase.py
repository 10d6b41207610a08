"""The purchase path over HTTP against the deployed template: alone, in races, and in a storm of webhook deliveries."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
import httpx
import pytest
import stripe as stripe_sdk

from local.stack.settings import aws_environment
from tests.integration.conftest import Running
from tests.invariants import check

ADDRESS = {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}
SETTLE_SECONDS = 60


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(stack: Running) -> Iterator[None]:
    yield
    check(all_rows(stack))


def all_rows(stack: Running) -> list[dict[str, Any]]:
    environment = aws_environment(stack.endpoint_url)
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=environment["AWS_REGION"]
    )
    client = session.resource("dynamodb", endpoint_url=stack.endpoint_url).meta.client
    pages = client.get_paginator("scan").paginate(TableName=stack.table_name)
    return [item for page in pages for item in page["Items"]]


def new_product(stack: Running, units: int, price: float = 29.99) -> str:
    sku = f"T-{uuid.uuid4().hex[:10]}"
    made = stack.as_owner("POST", "/v2/products", json={"name": f"Test {sku}", "sku": sku, "price": price})
    assert made.status_code == 201, made.text
    product_id = str(made.json()["id"])
    body = {"quantity": units, "reason": "restock"}
    assert stack.as_owner("POST", f"/v2/inventory/{product_id}/adjust", json=body).status_code == 201
    return product_id


def new_customer(stack: Running) -> str:
    """A customer's token."""
    address = {
        "first_name": "Jane",
        "last_name": "Doe",
        "address1": "123 Main St",
        "city": "Springfield",
        "state": "IL",
        "postal_code": "62701",
    }
    body = {
        "email": f"{uuid.uuid4().hex[:12]}@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "addresses": [address],
    }
    made = stack.as_owner("POST", "/v2/customers", json=body)
    assert made.status_code == 201, made.text
    return stack.issuer.customer(made.json()["id"], stack.tenant)


def at_once[T](work: list[Callable[[], T]]) -> list[T]:
    """Do all of it at the same moment."""
    barrier = threading.Barrier(len(work))

    def go(each: Callable[[], T]) -> T:
        barrier.wait()
        return each()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(go, work))


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """As a well-behaved client: try again after 503 and after an operation in flight."""
    for _ in range(20):
        answer = ask()
        busy = answer.status_code == 503 or "idempotency_in_flight" in answer.text
        if not busy:
            return answer
        time.sleep(min(float(answer.headers.get("retry-after", "1")), 2))
    return answer


def eventually(what: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not settled in time"
        time.sleep(0.3)


def start_payment(stack: Running, order_id: str, minor: int) -> str:
    body = {"order_id": order_id, "amount": minor, "currency": "usd"}
    started = patiently(lambda: stack.as_owner("POST", "/admin/payments/intent", json=body))
    assert started.status_code == 201, started.text
    return str(started.json()["data"]["payment_intent_id"])


def pay(stack: Running, intent_id: str, method: str = "pm_card_visa") -> None:
    sdk = stripe_sdk.StripeClient(stack.stripe_key, base_addresses={"api": stack.stripe_url})
    sdk.v1.payment_intents.confirm(intent_id, {"payment_method": method})


def standin(stack: Running, method: str, path: str, **body: Any) -> Any:
    answer = httpx.request(method, f"{stack.stripe_url}/_standin{path}", json=body or None, timeout=60, trust_env=False)
    answer.raise_for_status()
    return answer.json()


def order(stack: Running, order_id: str) -> Any:
    return stack.as_owner("GET", f"/admin/orders/{order_id}").json()["data"]


def test_a_newcomer_buys_something(stack: Running) -> None:
    before = stack.as_owner("GET", "/admin/orders/counts").json()["data"]
    product, token = new_product(stack, 3), new_customer(stack)
    item = {"product_id": product, "quantity": 2}
    assert stack.as_customer("POST", "/cart/items", token, json=item).status_code == 201
    placed = stack.as_customer("POST", "/cart/checkout", token).json()["data"]
    assert (placed["status"], placed["total"]) == ("pending_payment", 59.98)

    pay(stack, start_payment(stack, placed["order_id"], 5998))

    eventually(lambda: order(stack, placed["order_id"])["payment_status"] == "paid")
    bought = order(stack, placed["order_id"])
    assert bought["status"] == "pending"
    tracked = stack.as_anybody(
        "GET",
        "/api/track-order",
        params={"order_id": placed["order_id"], "email": bought["customer"]["email"]},
        headers={"orgid": stack.tenant},
    )
    assert tracked.json()["data"]["status"] == "pending"
    eventually(lambda: stack.as_owner("GET", "/admin/orders/counts").json()["data"]["pending"] == before["pending"] + 1)


def check_out(stack: Running, token: str) -> httpx.Response:
    return patiently(lambda: stack.as_customer("POST", "/cart/checkout", token))


def test_two_checkouts_of_one_cart_at_once_make_one_order(stack: Running) -> None:
    for _ in range(5):
        product, token = new_product(stack, 10), new_customer(stack)
        stack.as_customer("POST", "/cart/items", token, json={"product_id": product, "quantity": 1})

        answers = at_once([partial(check_out, stack, token)] * 2)

        assert sorted(answer.status_code for answer in answers) == [201, 422], [a.text for a in answers]
        assert len(stack.as_customer("GET", "/orders", token).json()["data"]) == 1


def test_sixteen_calls_with_one_key_make_one_order(stack: Running) -> None:
    product, token = new_product(stack, 100), new_customer(stack)
    body = {"items": [{"product_id": product, "quantity": 1}]}
    key = {"Idempotency-Key": uuid.uuid4().hex}

    def place() -> httpx.Response:
        return patiently(lambda: stack.as_customer("POST", "/orders", token, json=body, headers=key))

    answers = at_once([place] * 16)

    assert {answer.status_code for answer in answers} == {201}, [a.text for a in answers]
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert len(stack.as_customer("GET", "/orders", token).json()["data"]) == 1


def test_sixteen_buyers_of_the_last_five_make_five_orders(stack: Running) -> None:
    product = new_product(stack, 5)
    tokens = [new_customer(stack) for _ in range(16)]
    body = {"items": [{"product_id": product, "quantity": 1}]}

    answers = at_once(
        [
            lambda token=token: patiently(lambda: stack.as_customer("POST", "/orders", token, json=body))  # type: ignore[misc]
            for token in tokens
        ]
    )

    won = [answer for answer in answers if answer.status_code == 201]
    lost = [answer for answer in answers if answer.status_code != 201]
    assert len(won) == 5, [answer.text for answer in answers]
    assert {answer.status_code for answer in lost} == {409}
    assert {answer.json()["error"]["details"][0]["code"] for answer in lost} == {"insufficient_stock"}
    levels = stack.as_owner("GET", f"/v2/inventory/{product}").json()
    assert (levels["total_available"], levels["total_reserved"]) == (0, 5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_of_duplicated_shuffled_deliveries_ends_as_a_calm_one(stack: Running, seed: int) -> None:
    """Twenty orders, some paid, some declined, some declined and then paid; 200 deliveries in any order."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    product, token = new_product(stack, 100), new_customer(stack)
    standin(stack, "POST", "/webhooks", mode="hold", seed=seed)
    try:
        expected = {}
        for number in range(20):
            body = {"items": [{"product_id": product, "quantity": 1}]}
            order_id = stack.as_customer("POST", "/orders", token, json=body).json()["data"]["id"]
            intent = start_payment(stack, order_id, 2999)
            fate = ("paid", "declined", "declined then paid")[number % 3]
            if fate.startswith("declined"):
                with pytest.raises(stripe_sdk.CardError):
                    pay(stack, intent, "pm_card_visa_chargeDeclined")
            if fate.endswith("paid"):
                pay(stack, intent)
            expected[order_id] = "paid" if fate.endswith("paid") else "failed"
        held = int(standin(stack, "GET", "/webhooks")["held"])
        duplicate = -(-200 // held)
        released = standin(
            stack, "POST", "/webhooks/release", shuffle_seed=chance.randrange(10**6), duplicate=duplicate
        )
        assert released["released"] >= 200
        standin(stack, "POST", "/webhooks/drain", timeout_seconds=300)
    finally:
        standin(stack, "POST", "/webhooks", mode="immediate")

    def states() -> dict[str, str]:
        return {order_id: order(stack, order_id)["payment_status"] for order_id in expected}

    eventually(lambda: states() == expected, seconds=180)
    for order_id, state in expected.items():
        shown = [event["status"] for event in order(stack, order_id)["timeline"] if event["type"] == "payment"]
        assert shown.count("paid") == (1 if state == "paid" else 0), shown
