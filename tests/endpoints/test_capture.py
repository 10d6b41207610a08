"""PY-04: collecting what was authorised, all of it or a part."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Answered, Call, Credential

TOTAL = 19999


@pytest.fixture
def shop(call: Call, table: Any, stripe: Stripe) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


@pytest.fixture
def jersey(shop: Shop) -> Any:
    return shop.product("JERSEY", Decimal("199.99"), stock=5)


@pytest.fixture
def order_id(shop: Shop, jane: Credential, jersey: Any) -> str:
    return shop.order(jane, (jersey["id"], 1))


def start(shop: Shop, order_id: str, amount: int = TOTAL, capture_method: str = "manual") -> str:
    body = {"order_id": order_id, "amount": amount, "currency": "usd", "capture_method": capture_method}
    return str(shop.do("v2/payments/create_payment_intent", body=body)["id"])


@pytest.fixture
def authorized(shop: Shop, stripe: Stripe, order_id: str) -> str:
    intent_id = start(shop, order_id)
    assert stripe.pay(intent_id) == "requires_capture"
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "authorized"
    return intent_id


def capture(shop: Shop, payment_id: str, amount: int | None = None, **request: Any) -> Answered:
    body = None if amount is None else {"amount": amount}
    return shop.call("v2/payments/capture_payment", id=payment_id, **{"body": body, **request})


def order(shop: Shop, order_id: str) -> Any:
    return shop.do("v2/orders/get_order", id=order_id)


def payment(shop: Shop, payment_id: str) -> Any:
    return shop.do("v2/payments/get_payment", route="/v2/payments/{id}", id=payment_id)


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


@pytest.mark.parametrize("body", [None, {}, {"amount": None}, {"amount": TOTAL}])
def test_all_that_was_authorised_is_collected(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str, body: dict[str, Any] | None
) -> None:
    captured = capture(shop, authorized, body=body)

    assert (captured.status, captured.body["status"], captured.body["amount_received"]) == (201, "succeeded", TOTAL)
    assert captured.body == payment(shop, authorized)
    found = order(shop, order_id)
    assert (found["payment_status"], found["total"]) == ("paid", Decimal("199.99"))
    before = found["version"]
    shop.settle(stripe)  # the news of it changes nothing
    assert order(shop, order_id)["version"] == before


def test_what_is_not_collected_is_let_go_and_taken_off_the_order(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str
) -> None:
    captured = capture(shop, authorized, 15000)

    assert (captured.status, captured.body["amount"], captured.body["amount_received"]) == (201, TOTAL, 15000)
    found = order(shop, order_id)
    assert (found["payment_status"], found["total"]) == ("paid", Decimal("150.00"))
    assert {name: stripe.intents()[authorized][name] for name in ("captured", "released")} == {
        "captured": 15000,
        "released": 4999,
    }
    shop.settle(stripe)
    assert order(shop, order_id)["version"] == found["version"]


def test_a_part_that_stripes_dashboard_captured_is_taken_off_the_order_too(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str
) -> None:
    stripe.sdk.v1.payment_intents.capture(authorized, {"amount_to_capture": 12000})
    shop.settle(stripe)

    found = order(shop, order_id)
    assert (found["payment_status"], found["total"]) == ("paid", Decimal("120.00"))
    assert reason(capture(shop, authorized)) == (409, "already_captured")
    assert capture(shop, authorized, 12000).body == payment(shop, authorized)


def test_stored_value_pays_its_part_and_the_rest_is_captured(
    shop: Shop, stripe: Stripe, order_id: str, jane: Credential
) -> None:
    card = shop.do("storefront/gift_cards/issue_card", body={"amount": 75})
    redeemed = {"code": card["serial"], "order_id": order_id, "amount_to_redeem": 75}
    shop.do("admin/gift_cards/redeem_gift_card", body=redeemed)
    intent_id = start(shop, order_id, 12499)
    stripe.pay(intent_id)

    assert capture(shop, intent_id, 10000).status == 201

    assert order(shop, order_id)["total"] == Decimal("175.00")
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "paid"


def test_a_capture_before_the_news_of_the_authorisation_collects_as_well(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    intent_id = start(shop, order_id)
    stripe.pay(intent_id)

    assert capture(shop, intent_id).status == 201

    assert order(shop, order_id)["payment_status"] == "paid"
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "paid"


def test_a_payment_is_captured_once_however_often_it_is_asked_for(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str, table: Any
) -> None:
    first = capture(shop, authorized, 15000)
    rows = table.scan()["Items"]

    again = capture(shop, authorized, 15000)
    other = [reason(capture(shop, authorized, amount)) for amount in (14999, None)]

    assert (again.status, again.body) == (first.status, first.body)
    assert other == [(409, "already_captured")] * 2
    assert table.scan()["Items"] == rows
    assert stripe.intents()[authorized]["captured"] == 15000


def test_another_amount_than_the_dashboard_captured_is_refused_and_the_order_follows_at_once(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str
) -> None:
    stripe.sdk.v1.payment_intents.capture(authorized)  # and nobody has heard of it

    assert reason(capture(shop, authorized, 15000)) == (409, "already_captured")

    assert order(shop, order_id)["payment_status"] == "paid"
    assert payment(shop, authorized)["amount_received"] == TOTAL


def test_nothing_is_captured_that_is_not_authorised(shop: Shop, stripe: Stripe, order_id: str) -> None:
    intent_id = start(shop, order_id)

    refused = capture(shop, intent_id)

    assert reason(refused) == (409, "not_authorized")
    assert capture(shop, "pi_missing").status == 404
    assert capture(shop, intent_id, credential=Credential(tenant=OTHER_TENANT)).status == 404
    assert stripe.intents()[intent_id]["captured"] == 0


@pytest.mark.parametrize("heard", [True, False])
def test_an_authorisation_that_ended_is_to_be_given_anew(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str, heard: bool
) -> None:
    stripe.sdk.v1.payment_intents.cancel(authorized)
    if heard:
        shop.settle(stripe)

    refused = capture(shop, authorized)

    assert reason(refused) == (409, "authorization_expired")
    assert "start a payment for the order again" in refused.body["error"]["message"]
    assert order(shop, order_id)["payment_status"] == "voided"
    second = start(shop, order_id)
    stripe.pay(second)
    assert capture(shop, second).status == 201
    assert order(shop, order_id)["payment_status"] == "paid"


def test_no_more_is_captured_than_was_authorised(shop: Shop, stripe: Stripe, authorized: str) -> None:
    assert reason(capture(shop, authorized, TOTAL + 1)) == (422, "exceeds_authorized")
    assert stripe.intents()[authorized]["status"] == "requires_capture"


def test_gift_cards_that_are_bought_with_the_order_are_paid_in_full(
    shop: Shop, stripe: Stripe, jane: Credential, jersey: Any
) -> None:
    gift = {"amount": 50, "recipient_email": "bob@example.com"}
    shop.add_to_cart(jane, jersey["id"], 1)
    shop.do("storefront/carts/add_cart_item", by=jane, body={"gift_card": gift})
    address = {"shipping_address": {"name": "Jane Doe", "address1": "1 Main", "city": "Town", "country": "US"}}
    placed = shop.do("storefront/carts/checkout_cart", by=jane, body=address)
    intent_id = start(shop, placed["order_id"], TOTAL + 5000)
    stripe.pay(intent_id)

    assert reason(capture(shop, intent_id, 4999)) == (422, "gift_cards_unpaid")
    assert capture(shop, intent_id, 5000).status == 201

    assert order(shop, placed["order_id"])["total"] == 50


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_fault_of_stripes_delays_a_capture_at_most(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str, kind: str, times: int
) -> None:
    stripe.fault("POST /v1/payment_intents/{intent}/capture", kind, times=times)

    answers = [capture(shop, authorized, 15000).status for _ in range(times + 1)]

    assert set(answers) <= {201, 503}
    assert answers[-1] == 201
    assert (order(shop, order_id)["payment_status"], order(shop, order_id)["total"]) == ("paid", 150)
    assert stripe.intents()[authorized]["captured"] == 15000


def test_a_process_that_dies_after_the_capture_leaves_nothing_that_a_retry_does_not_finish(
    shop: Shop, stripe: Stripe, order_id: str, authorized: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commerce.payments import capturing

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(capturing, "reconcile", die)
        with pytest.raises(KeyboardInterrupt):
            capture(shop, authorized, 15000)

    assert capture(shop, authorized, 15000).status == 201

    assert order(shop, order_id)["total"] == 150


def test_a_dry_run_captures_nothing(shop: Shop, stripe: Stripe, authorized: str, table: Any) -> None:
    before = table.scan()["Items"]

    tried = capture(shop, authorized, headers={"X-Dry-Run": "true"})

    assert tried.status == 200
    assert table.scan()["Items"] == before
    assert stripe.intents()[authorized]["status"] == "requires_capture"


def test_a_payment_that_the_shops_stripe_account_does_not_know_is_not_captured(
    shop: Shop, stripe: Stripe, authorized: str
) -> None:
    stripe.reset()

    assert reason(capture(shop, authorized)) == (409, "payment_unknown")


def test_an_authorisation_that_the_bank_has_let_lapse_is_to_be_given_anew(
    shop: Shop, stripe: Stripe, authorized: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe refuses, and its intent does not say so yet."""
    from commerce.payments import stripe_gateway

    def refuse(mode: Any, intent_id: str, _: Any) -> Any:
        return stripe_gateway.get_intent(mode, intent_id)

    monkeypatch.setattr(stripe_gateway, "capture_intent", refuse)

    assert reason(capture(shop, authorized)) == (409, "authorization_expired")
