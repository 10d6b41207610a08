"""Keys, parameters, idempotency, faults and restarts."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from local.stripe_standin.server import serve

ORDER = {"amount": 2000, "currency": "usd"}
ROOT = Path(__file__).resolve().parents[2]


def fault(control: Any, kind: Any, route: Any = "POST /v1/payment_intents", **more: Any) -> Any:
    control.post("/faults", json=[{"route": route, "kind": kind, **more}]).raise_for_status()


def made(client: Any) -> Any:
    return len(client.v1.payment_intents.list({"limit": 100}).data)


@pytest.mark.parametrize("key", ["sk_other_1", "nonsense", "sk_test_"])
def test_a_key_of_another_kind_is_refused(make_client: Any, key: Any) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        make_client(key).v1.customers.list()
    assert caught.value.http_status == 401


def test_a_request_without_a_key_is_refused(running: Any) -> None:
    assert httpx.get(f"{running.url}/v1/customers").status_code == 401


def test_each_key_and_each_mode_sees_its_own_data(client: Any, make_client: Any) -> None:
    intent = client.v1.payment_intents.create(ORDER)
    for other in ("sk_test_another", "sk_live_till"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            make_client(other).v1.payment_intents.retrieve(intent.id)
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert make_client("sk_live_till").v1.payment_intents.create(ORDER).livemode
    assert not intent.livemode


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        (ORDER | {"amonut": 1}, "parameter_unknown", "amonut"),
        (ORDER | {"shipping": {"name": "A", "address": {"zip": "1"}}}, "parameter_unknown", "shipping[address][zip]"),
        # The SDK's API version has put allowed_payment_method_types in its place.
        (ORDER | {"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": 2000}, "parameter_missing", "currency"),
        (ORDER | {"amount": "20.00"}, "parameter_invalid_integer", "amount"),
        (ORDER | {"currency": ""}, "parameter_invalid_empty", "currency"),
        (ORDER | {"confirm": "maybe"}, None, "confirm"),
        (ORDER | {"capture_method": "later"}, None, "capture_method"),
        (ORDER | {"customer": "cus_none"}, "resource_missing", "customer"),
        (ORDER | {"expand": ["nothing"]}, None, "expand"),
        (ORDER | {"transfer_data": {"destination": "acct_1"}}, "standin_unsupported_parameter", "transfer_data"),
    ],
)
def test_a_parameter_stripe_would_not_take_is_refused_by_name(client: Any, params: Any, code: Any, param: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.create(params)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
    assert made(client) == 0


def test_an_address_stripe_does_not_have_is_a_404(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.raw_request("get", "/v1/nothing")
    assert caught.value.http_status == 404


def test_an_error_has_stripes_shape(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.charges.retrieve("ch_none")
    error = caught.value
    assert error.headers["Request-Id"].startswith("req_")
    assert error.headers["Stripe-Version"] == stripe.api_version
    assert set(error.json_body["error"]) == {"type", "code", "doc_url", "message", "param", "request_log_url"}


def test_the_same_key_gives_the_first_answer_again(client: Any) -> None:
    options = {"idempotency_key": "order-1"}
    first = client.v1.payment_intents.create(ORDER, options)

    again = client.v1.payment_intents.create(ORDER, options)

    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Idempotency-Key"] == "order-1"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert made(client) == 1


def test_a_replay_gives_the_answer_as_it_was(client: Any, pay: Any) -> None:
    intent = client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    client.v1.payment_intents.cancel(intent.id)
    assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).status == "requires_payment_method"


def test_a_decline_is_replayed_and_not_tried_again(client: Any) -> None:
    params = ORDER | {
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
        "return_url": "https://shop.example/back",
    }
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            client.v1.payment_intents.create(params, {"idempotency_key": "declined"})
        seen.append(caught.value.json_body["error"]["charge"])
    assert seen[0] == seen[1]
    assert len(client.v1.charges.list().data) == 1


@pytest.mark.parametrize("another", ["amount", "path"])
def test_the_same_key_for_another_request_is_refused(client: Any, another: Any) -> None:
    client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    create, params = {
        "amount": (client.v1.payment_intents.create, ORDER | {"amount": 2001}),
        "path": (client.v1.customers.create, {}),
    }[another]
    with pytest.raises(stripe.IdempotencyError) as caught:
        create(params, {"idempotency_key": "k"})
    assert caught.value.http_status == 400
    assert made(client) == 1


def test_what_was_refused_before_execution_is_not_kept(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(ORDER | {"nonsense": 1}, {"idempotency_key": "k"})
    assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).id


def test_a_key_is_forgotten_after_a_day(client: Any, control: Any) -> None:
    first = client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    control.post("/clock", json={"advance_seconds": 86400}).raise_for_status()
    assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).id != first.id


def test_sixteen_at_once_with_one_key_make_one_object(make_client: Any, control: Any) -> None:
    client = make_client(retries=8)
    # The first is slow, so that the others meet it under way and are told to come again.
    fault(control, "hang", seconds=0.3)
    ready = threading.Barrier(16)

    def create(_: Any) -> Any:
        ready.wait()
        return client.v1.payment_intents.create(ORDER, {"idempotency_key": "one"}).id

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(create, range(16)))

    assert len(found) == 1
    assert made(client) == 1


def test_a_key_in_use_answers_409(client: Any, control: Any) -> None:
    fault(control, "hang", seconds=0.5)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.v1.payment_intents.create, ORDER, {"idempotency_key": "k"})
        while control.get("/faults").json()["faults"]:
            pass
        with pytest.raises(stripe.StripeError) as caught:
            client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
        # The SDK's error leaves its code empty for a 409; the body has it.
        assert caught.value.http_status == 409
        assert caught.value.json_body["error"]["code"] == "idempotency_key_in_use"
        assert slow.result().id


def test_a_rate_limit_has_no_effect(client: Any, control: Any) -> None:
    fault(control, "429")
    with pytest.raises(stripe.RateLimitError):
        client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    assert made(client) == 0
    assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).id


def test_a_500_before_the_effect_is_retried_by_the_sdk(make_client: Any, control: Any) -> None:
    client = make_client(retries=1)
    fault(control, "500_before")
    assert client.v1.payment_intents.create(ORDER).id
    assert made(client) == 1


def test_a_500_after_the_effect_is_replayed_though_the_effect_is_there(make_client: Any, control: Any) -> None:
    client = make_client(retries=1)
    fault(control, "500_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
        assert caught.value.http_status == 500
    assert made(client) == 1


@pytest.mark.parametrize(("kind", "effect"), [("reset", 0), ("reset_after", 1)])
def test_a_cut_connection_leaves_the_caller_in_doubt(client: Any, control: Any, kind: Any, effect: Any) -> None:
    fault(control, kind)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    assert made(client) == effect
    assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).id
    assert made(client) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_an_answer_that_comes_too_late_took_effect_all_the_same(
    client: Any, make_client: Any, control: Any, kind: Any
) -> None:
    fault(control, kind, seconds=0.6)
    with pytest.raises(stripe.APIConnectionError):
        make_client(timeout=0.2).v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    assert made(client) == (1 if kind == "hang_after" else 0)
    assert make_client(retries=3).v1.payment_intents.create(ORDER, {"idempotency_key": "k"}).id
    assert made(client) == 1


def test_a_fault_hits_as_often_as_it_says_and_only_where_it_says(client: Any, control: Any) -> None:
    fault(control, "500_before", route="POST /v1/payment_intents/{intent}/cancel", times=2)
    fault(control, "429", route="GET /v1/charges.*")
    intent = client.v1.payment_intents.create(ORDER)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.cancel(intent.id)
    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"
    assert control.delete("/faults").json() == {"faults": []}
    assert control.post("/faults", json={"route": ".*", "kind": "flood"}).status_code == 400


def test_the_state_counts_the_calls_of_each_route(client: Any, control: Any) -> None:
    for _ in range(2):
        client.v1.payment_intents.create(ORDER, {"idempotency_key": "k"})
    (account,) = control.get("/state", headers={"Authorization": "Bearer sk_test_till"}).json()["accounts"]
    assert account["calls"] == {"POST /v1/payment_intents": 2}
    assert account["replays"] == {"POST /v1/payment_intents": 1}
    assert account["counts"]["payment_intent"] == 1


def test_a_restart_forgets_nothing(tmp_path: Any) -> None:
    state = tmp_path / "state.json"
    options = {"idempotency_key": "k"}
    params = ORDER | {"payment_method": "pm_card_visa", "confirm": True, "return_url": "https://shop.example/back"}
    with serve(state=state) as running:
        client = stripe.StripeClient("sk_test_till", base_addresses={"api": running.url})
        intent = client.v1.payment_intents.create(params, options)
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})

    with serve(state=state) as running:
        client = stripe.StripeClient("sk_test_till", base_addresses={"api": running.url})
        assert client.v1.payment_intents.create(params, options).id == intent.id
        assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 1500
        assert len(client.v1.events.list().data) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_the_command_line_saves_and_leaves_cleanly_on_sigterm(tmp_path: Any) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-m", "local.stripe_standin", "--port", "0", "--state", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            url = process.stdout.readline().split()[-1]
            customer = stripe.StripeClient("sk_test_cli", base_addresses={"api": url}).v1.customers.create()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert customer.id in state.read_text()


def test_a_stopped_stand_in_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with serve() as running:
        stripe.StripeClient("sk_test_till", base_addresses={"api": running.url}).v1.customers.create()
    for thread in set(threading.enumerate()) - before:
        # The event loop's worker threads have been told to end, and may take a moment.
        thread.join(2)
        assert not thread.is_alive(), thread.name
