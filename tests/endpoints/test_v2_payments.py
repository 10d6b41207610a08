"""PY-03, PY-08, PY-09: payments over v2, started, read and called off."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, ROOT, TENANT, Answered, Call, Credential


@pytest.fixture
def shop(call: Call, table: Any, stripe: Stripe) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def jersey(shop: Shop) -> Any:
    return shop.product("JERSEY", Decimal("199.99"), stock=50)


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


@pytest.fixture
def order_id(shop: Shop, jane: Credential, jersey: Any) -> str:
    return shop.order(jane, (jersey["id"], 1))


def start(shop: Shop, order_id: str, *, by: Credential | None = None, key: str | None = None, **more: Any) -> Answered:
    body = {"order_id": order_id, "amount": 19999, "currency": "usd", "payment_method": "card"} | more
    headers = {"Idempotency-Key": key} if key else None
    return shop.call("v2/payments/create_payment_intent", credential=by or shop.merchant, body=body, headers=headers)


def void(shop: Shop, payment_id: str) -> Answered:
    return shop.call("v2/payments/cancel_payment", id=payment_id)


def payment(shop: Shop, payment_id: str) -> Any:
    return shop.do("v2/payments/get_payment", route="/v2/payments/{id}", id=payment_id)


def order(shop: Shop, order_id: str) -> Any:
    return shop.do("v2/orders/get_order", id=order_id)


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


# Starting


def test_a_started_payment_is_read_without_its_secret(shop: Shop, jane: Credential, order_id: str) -> None:
    started = start(shop, order_id, customer_id=jane.customer_id, metadata={"channel": "web"})

    assert started.status == 201
    intent = started.body
    assert intent["client_secret"].startswith(intent["id"] + "_secret_")
    read = [
        shop.call("v2/payments/get_payment", route=route, id=intent["id"])
        for route in ("/v2/payments/{id}", "/v2/payments/intents/{id}")
    ]
    assert read[0].body == read[1].body
    found = read[0].body
    assert "client_secret" not in read[0].text + shop.call("v2/payments/list_payments").text
    assert {name: found[name] for name in found if name in intent} == {
        name: intent[name] for name in intent if name in found
    }
    assert (found["amount"], found["amount_received"], found["currency"]) == (19999, 0, "usd")
    assert (found["customer_id"], found["metadata"]) == (jane.customer_id, {"channel": "web"})
    assert read[0].headers["Cache-Control"] == "no-store"


def test_both_surfaces_start_the_same_payment(shop: Shop, stripe: Stripe, order_id: str) -> None:
    first = shop.start_payment(order_id, 19999)

    again = start(shop, order_id, metadata={"channel": "web"})

    assert (again.status, again.body["id"]) == (201, first)
    assert len(stripe.intents()) == 1


def test_a_payment_is_for_what_the_order_owes_and_for_its_customer(shop: Shop, stripe: Stripe, order_id: str) -> None:
    joe = shop.customer("joe@example.com")

    assert reason(start(shop, order_id, amount=19998)) == (422, "amount_mismatch")
    assert reason(start(shop, order_id, currency="eur")) == (422, "amount_mismatch")
    assert reason(start(shop, order_id, customer_id=joe.customer_id)) == (422, "wrong_customer")
    assert start(shop, "order_missing").status == 404
    assert stripe.intents() == {}


@pytest.mark.parametrize(
    ("method", "plan", "status", "code"),
    [
        ("crypto", "professional", 403, "plan_required"),
        ("crypto", "", 403, "plan_required"),
        ("crypto", "enterprise", 422, "unsupported_payment_method"),
        ("wire", "enterprise", 422, "unsupported_payment_method"),
        ("paypal", "professional", 422, "unsupported_payment_method"),
        ("4242 4242 4242 4242", "professional", 422, "card_number"),
        ("pm_card_missing", "professional", 422, "unusable_payment_method"),
        ("", "professional", 422, "string_too_short"),
    ],
)
def test_what_cannot_pay_is_refused_by_name(
    shop: Shop, stripe: Stripe, order_id: str, method: str, plan: str, status: int, code: str
) -> None:
    by = Credential(tenant=replace(TENANT, plan=plan))

    assert reason(start(shop, order_id, by=by, payment_method=method)) == (status, code)
    assert stripe.intents() == {}


def test_a_saved_payment_method_is_the_intents(shop: Shop, stripe: Stripe, order_id: str) -> None:
    saved = stripe.sdk.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id

    started = start(shop, order_id, payment_method=saved)

    assert (started.body["status"], started.body["payment_method"]) == ("requires_confirmation", saved)
    assert payment(shop, started.body["id"])["payment_method"] == saved


@pytest.mark.parametrize(
    "metadata",
    [{"till_order": "order_other"}, {f"k{number}": "v" for number in range(48)}, {"k": "v" * 501}],
    ids=["ours", "too many", "too long"],
)
def test_metadata_that_stripe_could_not_keep_beside_ours_is_refused(
    shop: Shop, stripe: Stripe, order_id: str, metadata: dict[str, str]
) -> None:
    assert start(shop, order_id, metadata=metadata).status == 422
    assert stripe.intents() == {}


def test_an_open_intent_captures_as_it_was_started(shop: Shop, order_id: str) -> None:
    manual = start(shop, order_id, capture_method="manual").body

    assert manual["capture_method"] == "manual"
    assert start(shop, order_id).body["id"] == manual["id"]
    assert reason(start(shop, order_id, capture_method="automatic")) == (409, "open_intent")
    assert void(shop, manual["id"]).status == 201
    assert start(shop, order_id, capture_method="automatic").status == 201


def test_another_request_after_a_fault_is_another_intent_and_not_a_dead_end(
    shop: Shop, stripe: Stripe, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after Stripe made the intent; the retry asks for something else under the same attempt."""
    from commerce.orders import store as order_rows

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(order_rows, "save", die)
        with pytest.raises(KeyboardInterrupt):
            start(shop, order_id)
    started = start(shop, order_id, capture_method="manual")

    assert (started.status, started.body["capture_method"]) == (201, "manual")
    assert order(shop, order_id)["payment_intent_id"] == started.body["id"]


# Reading


@pytest.mark.parametrize(
    "handler",
    ["v2/payments/list_payments", "v2/payments/get_payment", "v2/orders/set_order_status", "v2/orders/create_order"],
)
def test_what_does_not_call_stripe_does_not_load_its_sdk(handler: str) -> None:
    folder, module = handler.rsplit("/", 1)
    code = f"import sys; sys.path[:0] = ['layers/common', 'functions/{folder}']; import {module}; "
    code += "print('stripe' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_payments_are_listed_newest_first_by_order_customer_and_status(
    shop: Shop, stripe: Stripe, jane: Credential, jersey: Any
) -> None:
    joe = shop.customer("joe@example.com")
    orders = [shop.order(who, (jersey["id"], 1)) for who in (jane, jane, joe)]
    first = start(shop, orders[0]).body["id"]
    void(shop, first)
    started = [start(shop, each).body["id"] for each in orders]
    stripe.pay(started[2])
    shop.settle(stripe)

    def listed(**query: str) -> set[str]:
        return {each["id"] for each in shop.do("v2/payments/list_payments", query=query or None)["data"]}

    janes, joes = str(jane.customer_id), str(joe.customer_id)
    assert listed() == {*started, first}
    assert listed(status="succeeded") == {started[2]}
    assert listed(status="canceled") == {first}
    assert listed(order_id=orders[0]) == {first, started[0]}
    assert listed(order_id=orders[0], status="canceled") == {first}
    assert listed(order_id=orders[0], customer_id=joes) == set()
    assert listed(customer_id=janes) == {first, started[0], started[1]}
    assert listed(customer_id=janes, status="requires_payment_method") == {started[0], started[1]}
    assert listed(order_id="order_missing") == set()
    newest_first = [each["created_at"] for each in shop.do("v2/payments/list_payments")["data"]]
    assert newest_first == sorted(newest_first, reverse=True)


@pytest.mark.parametrize("filters", [{}, {"status": "requires_payment_method"}, {"customer_id": "jane"}])
def test_pages_of_payments_together_are_all_of_them(
    shop: Shop, jane: Credential, jersey: Any, filters: dict[str, str]
) -> None:
    made = {start(shop, shop.order(jane, (jersey["id"], 1))).body["id"] for _ in range(5)}
    query = filters | ({"customer_id": str(jane.customer_id)} if "customer_id" in filters else {})
    found: list[str] = []
    cursor = None
    while True:
        page = shop.do(
            "v2/payments/list_payments", query={"limit": "2", **query, **({"cursor": cursor} if cursor else {})}
        )
        found += [each["id"] for each in page["data"]]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break

    assert (len(found), set(found)) == (5, made)


def test_anothers_payment_does_not_exist(shop: Shop, order_id: str) -> None:
    intent = start(shop, order_id).body["id"]
    stranger = Credential(tenant=OTHER_TENANT)

    for route in ("/v2/payments/{id}", "/v2/payments/intents/{id}"):
        theirs = shop.call("v2/payments/get_payment", route=route, credential=stranger, id=intent)
        missing = shop.call("v2/payments/get_payment", route=route, id="pi_missing")
        assert (theirs.status, missing.status) == (404, 404)
        assert theirs.body["error"]["message"] == missing.body["error"]["message"]
    assert shop.call("v2/payments/cancel_payment", credential=stranger, id=intent).status == 404
    assert shop.call("v2/payments/list_payments", credential=stranger).body["data"] == []


def test_a_payment_shows_what_came_of_it(shop: Shop, stripe: Stripe, order_id: str) -> None:
    intent = start(shop, order_id).body["id"]
    stripe.pay(intent, "pm_card_authenticationRequired")
    shop.settle(stripe)
    assert payment(shop, intent)["status"] == "requires_action"  # news of the payment alone: the order waits as before
    assert order(shop, order_id)["version"] == 2

    stripe.pay(intent, "pm_card_visa")
    stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": 999})
    shop.settle(stripe)

    found = payment(shop, intent)
    assert (found["status"], found["amount_received"], found["amount_refunded"]) == ("succeeded", 19999, 999)
    assert order(shop, order_id)["refunded"] == Decimal("9.99")


# Calling off


def test_a_voided_authorisation_leaves_the_order_payable_anew(shop: Shop, stripe: Stripe, order_id: str) -> None:
    intent = start(shop, order_id, capture_method="manual").body["id"]
    assert stripe.pay(intent) == "requires_capture"
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "authorized"
    assert start(shop, order_id).status == 409  # nothing to pay

    voided = void(shop, intent)

    assert (voided.status, voided.body["status"]) == (201, "canceled")
    assert stripe.intents()[intent]["status"] == "canceled"
    assert (order(shop, order_id)["status"], order(shop, order_id)["payment_status"]) == ("pending", "voided")
    shop.settle(stripe)  # the news of it changes nothing
    assert order(shop, order_id)["payment_status"] == "voided"
    second = start(shop, order_id).body["id"]
    assert second != intent
    stripe.pay(second)
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "paid"


def test_a_payment_is_voided_once_however_often_it_is_asked_for(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    intent = start(shop, order_id).body["id"]

    first = void(shop, intent)
    after = table.scan()["Items"]
    again = void(shop, intent)

    assert (again.status, again.body) == (first.status, first.body)
    assert table.scan()["Items"] == after


def test_money_that_was_collected_is_not_voided(shop: Shop, stripe: Stripe, order_id: str) -> None:
    intent = start(shop, order_id).body["id"]
    stripe.pay(intent)

    before_the_webhook = void(shop, intent)
    after_it = void(shop, intent)

    assert reason(before_the_webhook) == reason(after_it) == (409, "already_collected")
    assert order(shop, order_id)["payment_status"] == "paid"
    assert stripe.intents()[intent]["status"] == "succeeded"


def test_a_payment_that_stripes_dashboard_cancelled_voids_the_order_too(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    intent = start(shop, order_id).body["id"]
    stripe.sdk.v1.payment_intents.cancel(intent)
    unheard = start(shop, order_id).body["id"]  # the news has not come, and the order is paid anew
    shop.settle(stripe)
    assert order(shop, order_id)["payment_status"] == "pending"
    assert payment(shop, intent)["status"] == "canceled"

    stripe.sdk.v1.payment_intents.cancel(unheard)
    shop.settle(stripe)

    assert order(shop, order_id)["payment_status"] == "voided"
    assert payment(shop, unheard)["status"] == "canceled"


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429"])
def test_a_fault_of_stripes_delays_voiding_at_most(shop: Shop, stripe: Stripe, order_id: str, kind: str) -> None:
    intent = start(shop, order_id).body["id"]
    stripe.fault("POST /v1/payment_intents/{intent}/cancel", kind, times=1)

    answers = [void(shop, intent).status for _ in range(2)]

    assert set(answers) <= {201, 503}
    assert answers[-1] == 201
    assert order(shop, order_id)["payment_status"] == "voided"


def test_a_dry_run_starts_and_voids_nothing(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    intent = start(shop, order_id).body["id"]
    before = table.scan()["Items"]

    tried = shop.call("v2/payments/cancel_payment", id=intent, headers={"X-Dry-Run": "true"})

    assert tried.status == 200
    assert table.scan()["Items"] == before
    assert stripe.intents()[intent]["status"] == "requires_payment_method"


def test_a_key_replays_the_answer_with_its_secret(shop: Shop, stripe: Stripe, order_id: str) -> None:
    first, second = start(shop, order_id, key="pay-1"), start(shop, order_id, key="pay-1")

    assert second.body == first.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(stripe.intents()) == 1
