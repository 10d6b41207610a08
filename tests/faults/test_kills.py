"""Killed before and after each AWS and Stripe call, then retried: the end is the same as if nothing had happened.

Every scenario first runs undisturbed to learn its calls; then it is killed at each of them, before and after, and the
caller retries as a caller would, three times at most.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.kernel.errors import CommerceError
from commerce.payments import stripe_gateway
from commerce.payments import use_cases as payments
from commerce.table.transaction import run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import AnswerLost, Door, Killed, strikes, watching
from tests.invariants import check
from tests.payments import Stripe, consume, deliver, end_unasked
from tests.payments import settle as settle_all
from tests.shop import Answered, Call, Credential, customer_credential

ADDRESS = {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}
LEASE_SECONDS = 0.15
RETRIES = 3


class ShortLived:
    """A Lambda context with little time left, so that a dead attempt's lease runs out soon."""

    def get_remaining_time_in_millis(self) -> int:
        return int(LEASE_SECONDS * 1000)


@dataclass
class Shop:
    call: Call
    stripe: Stripe
    jane: Credential
    product: Any

    def orders(self) -> list[Any]:
        return list(self.call("admin/orders/list_orders").body["data"])

    def cart(self) -> Any:
        return self.call("storefront/carts/get_cart", credential=self.jane).body["data"]

    def stock(self) -> tuple[int, int]:
        body = self.call("v2/inventory/get_inventory", product_id=self.product["id"]).body
        return body["total_available"], body["total_reserved"]

    def fill_cart(self) -> None:
        body = {"product_id": self.product["id"], "quantity": 2}
        assert self.call("storefront/carts/add_cart_item", credential=self.jane, body=body).status == 201

    def place(self) -> str:
        body = {"items": [{"product_id": self.product["id"], "quantity": 2}], "shipping_address": ADDRESS}
        return str(self.call("storefront/orders/place_my_order", credential=self.jane, body=body).body["data"]["id"])

    def start_payment(self, order_id: str, key: str | None = None) -> Answered:
        return self.call(
            "admin/payments/create_payment_intent",
            body={"order_id": order_id, "amount": 5998, "currency": "usd"},
            headers={"Idempotency-Key": key} if key else None,
            context=ShortLived(),
        )

    def pay(self, order_id: str) -> list[Any]:
        """Pay the order at Stripe; give the events that tell of it."""
        started = self.start_payment(order_id)
        assert started.status == 201, started.text
        assert self.stripe.pay(started.body["data"]["payment_intent_id"]) == "succeeded"
        return [event for event in self.stripe.events() if event["type"].startswith("payment_intent.")]

    def move(self, order_id: str, status: str, key: str | None = None) -> Answered:
        return self.call(
            "v2/orders/set_order_status",
            id=order_id,
            body={"status": status, "note": "Done"},
            headers={"Idempotency-Key": key} if key else None,
            context=ShortLived(),
        )

    def order(self, order_id: str) -> Any:
        return self.call("admin/orders/get_order", order_id=order_id).body["data"]


def open_shop(stripe: Stripe) -> Shop:
    call = new_shop()
    body = {"name": "Shirt", "sku": "TEE", "price": Decimal("29.99")}
    product = call("v2/catalog/create_product", body=body).body
    call("v2/inventory/adjust_inventory", product_id=product["id"], body={"quantity": 5, "reason": "restock"})
    jane = {
        "email": "jane@example.com",
        "first_name": "Jane",
        "last_name": "Doe",
        "addresses": [
            {
                "first_name": "Jane",
                "last_name": "Doe",
                "address1": "1 Main St",
                "city": "Springfield",
                "state": "IL",
                "postal_code": "62701",
            }
        ],
    }
    customer = call("v2/customers/create_customer", body=jane)
    assert customer.status == 201, customer.text
    credential = customer_credential(customer.body["id"], tenant=call.credential.tenant)
    return Shop(call, stripe, credential, product)


# A scenario prepares a shop, gives what is tried (again and again until it says it is done), and what must be true.
type Attempt = Callable[[], bool]
type Scenario = Callable[[Shop], tuple[Attempt, Callable[[], None]]]


def checkout_with_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    shop.fill_cart()

    def attempt() -> bool:
        answered = shop.call(
            "storefront/carts/checkout_cart",
            credential=shop.jane,
            headers={"Idempotency-Key": "checkout"},
            context=ShortLived(),
        )
        return answered.status == 201

    return attempt, lambda: one_unpaid_order(shop)


def checkout_without_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    shop.fill_cart()

    def attempt() -> bool:
        answered = shop.call("storefront/carts/checkout_cart", credential=shop.jane)
        empty = answered.status == 422 and answered.body["error"]["details"][0]["code"] == "cart_empty"
        return answered.status == 201 or empty

    return attempt, lambda: one_unpaid_order(shop)


def one_unpaid_order(shop: Shop) -> None:
    assert [order["status"] for order in shop.orders()] == ["pending_payment"]
    assert shop.cart()["items"] == []
    assert shop.stock() == (3, 2)


def payment_with_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    return lambda: shop.start_payment(order_id, "pay").status == 201, lambda: one_intent(shop, order_id)


def payment_without_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    return lambda: shop.start_payment(order_id).status == 201, lambda: one_intent(shop, order_id)


def one_intent(shop: Shop, order_id: str) -> None:
    assert list(shop.stripe.intents()) == [shop.order(order_id)["payment_intent_id"]]


def webhook(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    event = shop.pay(order_id)[-1]

    def finished() -> None:
        consume(event["id"])
        one_paid_transition(shop, order_id)

    return lambda: deliver(shop.call, event).status == 200, finished


def consumer(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    event = shop.pay(order_id)[-1]
    deliver(shop.call, event)
    return lambda: consume(event["id"]) == {"batchItemFailures": []}, lambda: one_paid_transition(shop, order_id)


def one_paid_transition(shop: Shop, order_id: str) -> None:
    order = shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "paid")
    statuses = [event["status"] for event in order["timeline"]]
    assert statuses.count("paid") == 1
    assert statuses.count("pending") == 1


def refund_after_the_orders_end(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    event = shop.pay(order_id)[-1]
    deliver(shop.call, event)
    tenant = shop.call.credential.tenant
    end_unasked(tenant, order_id)

    def finished() -> None:
        settle_all(shop.call, shop.stripe)
        order = shop.order(order_id)
        assert (order["status"], order["payment_status"]) == ("cancelled", "refunded")
        assert [intent["refunded"] for intent in shop.stripe.intents().values()] == [5998]

    return lambda: consume(event["id"]) == {"batchItemFailures": []}, finished


def expiry(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    shop.start_payment(order_id)

    def attempt() -> bool:
        later = clock._system() + timedelta(minutes=61)
        with clock.use(lambda: later):
            try:
                run(lambda tx: payments.expire(tx, shop.call.credential.tenant, order_id))
            except CommerceError:
                return False
        return True

    def finished() -> None:
        assert shop.order(order_id)["status"] == "cancelled"
        assert shop.stock() == (5, 0)
        assert [intent["status"] for intent in shop.stripe.intents().values()] == ["canceled"]

    return attempt, finished


def stock_adjustment(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    def attempt() -> bool:
        answered = shop.call(
            "v2/inventory/adjust_inventory",
            product_id=shop.product["id"],
            body={"quantity": 7, "reason": "restock"},
            headers={"Idempotency-Key": "adjust"},
            context=ShortLived(),
        )
        return answered.status == 201

    def finished() -> None:
        assert shop.stock() == (12, 0)

    return attempt, finished


def shipping(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    settle(shop, order_id)

    def attempt() -> bool:
        answered = shop.move(order_id, "shipped")
        return answered.status == 200 or shop.order(order_id)["status"] == "shipped"

    def finished() -> None:
        order = shop.order(order_id)
        assert (order["status"], order["fulfillment_status"]) == ("shipped", "fulfilled")
        assert [event["status"] for event in order["timeline"]].count("shipped") == 1
        assert shop.stock() == (3, 0)

    return attempt, finished


def shipping_with_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    settle(shop, order_id)
    return lambda: shop.move(order_id, "shipped", key="ship").status == 200, lambda: one_shipment(shop, order_id)


def one_shipment(shop: Shop, order_id: str) -> None:
    assert [event["status"] for event in shop.order(order_id)["timeline"]].count("shipped") == 1
    assert shop.stock() == (3, 0)


def settle(shop: Shop, order_id: str) -> None:
    """Pay an order, and let it know."""
    event = shop.pay(order_id)[-1]
    deliver(shop.call, event)
    assert consume(event["id"]) == {"batchItemFailures": []}


def cancelling_by_the_customer(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    shop.start_payment(order_id)

    def attempt() -> bool:
        answered = shop.call("storefront/orders/cancel_my_order", credential=shop.jane, order_id=order_id)
        return answered.status == 200

    return attempt, lambda: called_off(shop, order_id, "cancelled", (5, 0))


def cancelling_by_the_customer_who_has_just_paid(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    shop.pay(order_id)

    def attempt() -> bool:
        answered = shop.call("storefront/orders/cancel_my_order", credential=shop.jane, order_id=order_id)
        return answered.status in (200, 409)

    def finished() -> None:
        settle_all(shop.call, shop.stripe)
        order = shop.order(order_id)
        [intent] = shop.stripe.intents().values()
        # Who tries again after the order has followed its payment cancels that, and gets the money back.
        ends = {("pending", "paid"): 0, ("cancelled", "refunded"): 5998}
        assert ends[order["status"], order["payment_status"]] == intent["refunded"]
        assert [event["status"] for event in order["timeline"]].count("paid") == 1

    return attempt, finished


def voiding(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    intent = shop.start_payment(order_id).body["data"]["payment_intent_id"]

    def attempt() -> bool:
        return shop.call("v2/payments/cancel_payment", id=intent, context=ShortLived()).status == 201

    return attempt, lambda: called_off(shop, order_id, "pending_payment", (3, 2))


def capturing(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()
    body = {"order_id": order_id, "amount": 5998, "currency": "usd", "capture_method": "manual"}
    intent = shop.call("v2/payments/create_payment_intent", body=body, context=ShortLived()).body["id"]
    assert shop.stripe.pay(intent) == "requires_capture"

    def attempt() -> bool:
        answered = shop.call("v2/payments/capture_payment", id=intent, body={"amount": 5000}, context=ShortLived())
        return answered.status == 201

    def finished() -> None:
        settle_all(shop.call, shop.stripe)
        order = shop.order(order_id)
        assert (order["status"], order["payment_status"], order["total"]) == ("pending", "paid", 50)
        assert [event["status"] for event in order["timeline"]].count("paid") == 1
        assert shop.stripe.intents()[intent]["captured"] == 5000

    return attempt, finished


def called_off(shop: Shop, order_id: str, status: str, stock: tuple[int, int]) -> None:
    order = shop.order(order_id)
    assert (order["status"], order["payment_status"]) == (status, "voided")
    assert [event["status"] for event in order["timeline"]].count("voided") == 1
    assert [intent["status"] for intent in shop.stripe.intents().values()] == ["canceled"]
    assert shop.stock() == stock


def note_with_a_key(shop: Shop) -> tuple[Attempt, Callable[[], None]]:
    order_id = shop.place()

    def attempt() -> bool:
        answered = shop.call(
            "admin/orders/add_note",
            order_id=order_id,
            body={"content": "Called"},
            headers={"Idempotency-Key": "note"},
            context=ShortLived(),
        )
        return answered.status == 201

    def finished() -> None:
        assert len(shop.call("admin/orders/list_notes", order_id=order_id).body["data"]) == 1

    return attempt, finished


SCENARIOS: list[Scenario] = [
    checkout_with_a_key,
    checkout_without_a_key,
    payment_with_a_key,
    payment_without_a_key,
    webhook,
    consumer,
    refund_after_the_orders_end,
    expiry,
    stock_adjustment,
    shipping,
    shipping_with_a_key,
    cancelling_by_the_customer,
    cancelling_by_the_customer_who_has_just_paid,
    voiding,
    capturing,
    note_with_a_key,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_killed_attempt_and_its_retries_have_one_effect(
    scenario: Scenario, stripe: Stripe, table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = run_once(scenario, stripe, table, Door())
    deaths = [door for door in strikes(undisturbed.calls) if door.error is Killed]
    for death in deaths:
        run_once(scenario, stripe, table, death)
        assert len(death.calls) > (death.strike_at or 0), "the call that was to be killed never came"
    with capsys.disabled():
        print(f"\n  {scenario.__name__}: {len(undisturbed.calls)} calls, {len(deaths)} deaths survived")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "scenario",
    [checkout_with_a_key, checkout_without_a_key, payment_with_a_key, webhook, consumer],
    ids=lambda scenario: scenario.__name__,
)
def test_a_lost_answer_has_one_effect(scenario: Scenario, stripe: Stripe, table: Any) -> None:
    calls = len(run_once(scenario, stripe, table, Door()).calls)
    for number in range(calls):
        run_once(scenario, stripe, table, Door(strike_at=number, after=True, error=AnswerLost))


def run_once(scenario: Scenario, stripe: Stripe, table: Any, door: Door) -> Door:
    """Prepare a shop, try with ``door`` in the way, retry without it, and look at the end."""
    stripe.reset()
    shop = open_shop(stripe)
    attempt, finished = scenario(shop)
    stripe_gateway._secrets.clear()  # as in a process that has just started
    done = False
    with watching(door):
        try:
            done = attempt()
        except Killed:
            done = False
    for _ in range(RETRIES):
        if done:
            break
        time.sleep(LEASE_SECONDS * 1.2)
        done = attempt()
    assert done, f"not converged after a death at {door.calls[-1] if door.calls else None}"
    finished()
    check(rows_of(table, shop.call))
    return door
