"""Events and their delivery."""

import json
from typing import Any

import httpx
import pytest
import stripe


def delivered(receiver: Any) -> Any:
    return [json.loads(body)["id"] for body, _ in receiver.received]


def test_an_event_is_signed_with_the_endpoints_secret_and_no_other(client: Any, receiver: Any, drain: Any) -> None:
    customer = client.v1.customers.create({"email": "a@b.example"}, {"idempotency_key": "c1"})
    drain()

    body, header = receiver.received[0]
    event = stripe.Webhook.construct_event(body, header, receiver.secret)
    assert (event.type, event.data.object.id, event.livemode) == ("customer.created", customer.id, False)
    assert event.request.idempotency_key == "c1"
    assert event.request.id == customer.last_response.request_id
    assert (event.api_version, event.pending_webhooks) == (stripe.api_version, 1)
    for wrong in ((body, header, "whsec_other"), (body + b" ", header, receiver.secret)):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(*wrong)
    assert client.v1.events.retrieve(event.id).pending_webhooks == 0


def test_a_payment_tells_its_story_in_order(client: Any, pay: Any, receiver: Any, drain: Any) -> None:
    intent = pay(capture_method="manual")
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    drain()
    assert receiver.types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "charge.refunded",
        "refund.created",
    ]
    refunded = receiver.events()[5]
    assert refunded.data.previous_attributes.to_dict() == {"amount_refunded": 500}


def test_every_other_turn_of_a_payment_is_told_too(
    client: Any, control: Any, pay: Any, receiver: Any, drain: Any
) -> None:
    customer = client.v1.customers.create()
    client.v1.customers.update(customer.id, {"name": "Ada"})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.CardError):
        pay(card="pm_card_chargeDeclined")
    asked = pay(card="pm_card_authenticationRequired")
    client.v1.payment_intents.cancel(asked.id)
    bank = pay(card="pm_usBankAccount_processing")
    control.post(f"/payment_intents/{bank.id}/settle", json={"outcome": "success"}).raise_for_status()
    charge = client.v1.payment_intents.retrieve(bank.id).latest_charge
    client.v1.charges.update(charge, {"description": "x"})
    refund = client.v1.refunds.create({"charge": charge})
    client.v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    drain()
    assert receiver.types() == [
        "customer.created", "customer.updated", "payment_method.attached", "payment_method.detached",
        "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
        "payment_intent.created", "payment_intent.requires_action", "payment_intent.canceled",
        "payment_intent.created", "charge.pending", "payment_intent.processing",
        "charge.succeeded", "payment_intent.succeeded", "charge.updated",
        "charge.refunded", "refund.created", "refund.updated", "charge.refund.updated",
    ]  # fmt: skip
    assert [event.type for event in client.v1.events.list({"type": "refund.*"}).data] == [
        "refund.updated",
        "refund.created",
    ]


def test_an_endpoint_that_fails_is_tried_again(client: Any, receiver: Any, drain: Any) -> None:
    receiver.answers += [500, 503]
    client.v1.customers.create()
    summary = drain()
    assert len(receiver.received) == 3
    assert len(set(delivered(receiver))) == 1
    assert (summary["delivered"], summary["failed_attempts"]) == (1, 2)


def test_a_second_endpoint_hears_only_the_account_it_is_for(
    client: Any, make_client: Any, control: Any, receiver: Any, drain: Any
) -> None:
    control.put(
        "/webhook", json={"name": "other", "url": receiver.url, "secret": receiver.secret, "api_key": "sk_test_other"}
    ).raise_for_status()
    client.v1.customers.create()
    make_client("sk_test_other").v1.customers.create()
    drain()
    assert len(receiver.received) == 3


def test_held_events_wait_until_released(client: Any, control: Any, receiver: Any, drain: Any) -> None:
    control.post("/webhooks", json={"mode": "hold"}).raise_for_status()
    for _ in range(3):
        client.v1.customers.create()
    assert (drain()["held"], receiver.received) == (3, [])

    order = control.post("/webhooks/release").json()["order"]
    drain()

    assert delivered(receiver) == order
    assert order == [event.id for event in reversed(client.v1.events.list().data)]


def release_shuffled(client: Any, control: Any, receiver: Any, drain: Any, seed: Any) -> Any:
    """Give the places of ten held events in the order they arrive in."""
    control.post("/reset").raise_for_status()
    receiver.received.clear()
    control.post("/webhooks", json={"mode": "hold"}).raise_for_status()
    for _ in range(10):
        client.v1.customers.create()
    emitted = [event["id"] for event in control.get("/events").json()["events"]]
    control.post("/webhooks/release", json={"shuffle_seed": seed, "duplicate": 2}).raise_for_status()
    drain()
    return [emitted.index(event_id) for event_id in delivered(receiver)]


def test_a_seed_replays_a_shuffle_with_duplicates(client: Any, control: Any, receiver: Any, drain: Any) -> None:
    first, again, other = (release_shuffled(client, control, receiver, drain, seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(2 * list(range(10)))


@pytest.mark.parametrize("mode", ["shuffle", "duplicate"])
def test_a_seed_replays_a_mode(client: Any, control: Any, receiver: Any, drain: Any, mode: Any) -> None:
    runs = []
    for seed in (3, 3, 4):
        control.post("/reset").raise_for_status()
        receiver.received.clear()
        control.post("/webhooks", json={"mode": mode, "seed": seed}).raise_for_status()
        for _ in range(10):
            client.v1.customers.create()
        emitted = [event["id"] for event in control.get("/events").json()["events"]]
        drain()
        runs.append([emitted.index(event_id) for event_id in delivered(receiver)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == set(range(10))
    assert (len(runs[0]) > 10) == (mode == "duplicate")


def test_a_dropped_event_is_gone_until_it_is_sent_by_hand(client: Any, control: Any, receiver: Any, drain: Any) -> None:
    control.post("/webhooks", json={"mode": "drop"}).raise_for_status()
    client.v1.customers.create()
    assert (drain()["dropped"], receiver.received) == (1, [])

    event = client.v1.events.list().data[0]
    control.post(f"/events/{event.id}/deliver", json={"times": 3}).raise_for_status()
    drain()

    assert delivered(receiver) == [event.id] * 3


def test_events_carry_the_object_as_it_was_then(client: Any, receiver: Any, drain: Any) -> None:
    customer = client.v1.customers.create({"name": "Ada"})
    client.v1.customers.update(customer.id, {"name": "Grace"})
    drain()
    created, updated = receiver.events()
    assert (created.data.object.name, updated.data.object.name) == ("Ada", "Grace")
    assert updated.data.previous_attributes.to_dict() == {"name": "Ada"}
    assert client.v1.events.retrieve(created.id).data.object.name == "Ada"


def test_the_control_api_refuses_what_it_does_not_understand(control: httpx.Client) -> None:
    assert control.post("/webhooks", json={"mode": "sideways"}).status_code == 400
    assert control.put("/webhook", json={"uri": "x"}).status_code == 400
    assert control.post("/events/evt_none/deliver").status_code == 404
    assert control.get("/health").json()["ok"]


def test_held_events_are_released_newest_first_or_as_named(
    client: Any, control: Any, receiver: Any, drain: Any
) -> None:
    control.post("/webhooks", json={"mode": "hold"}).raise_for_status()
    for _ in range(4):
        client.v1.customers.create()
    emitted = [event["id"] for event in control.get("/events").json()["events"]]

    named = control.post("/webhooks/release", json={"events": [emitted[2], emitted[0]]}).json()
    drain()
    assert delivered(receiver) == named["order"] == [emitted[2], emitted[0]]
    assert drain()["held"] == 2

    control.post("/webhooks/release", json={"reversed": True}).raise_for_status()
    drain()
    assert delivered(receiver)[2:] == [emitted[3], emitted[1]]


def test_held_events_can_be_lost_one_by_one_or_all(client: Any, control: Any, receiver: Any, drain: Any) -> None:
    control.post("/webhooks", json={"mode": "hold"}).raise_for_status()
    for _ in range(3):
        client.v1.customers.create()
    emitted = [event["id"] for event in control.get("/events").json()["events"]]

    assert control.post("/webhooks/discard", json={"events": emitted[1:2]}).json() == {"discarded": 1}
    control.post("/webhooks/release").raise_for_status()
    drain()
    assert delivered(receiver) == [emitted[0], emitted[2]]
    client.v1.customers.create()
    assert control.post("/webhooks/discard").json() == {"discarded": 1}
    assert (drain()["dropped"], drain()["held"], len(receiver.received)) == (2, 0, 2)


def test_a_mode_can_be_for_some_types_only(
    client: Any, control: Any, receiver: Any, drain: Any, subscribe: Any
) -> None:
    control.post("/webhooks", json={"mode": "hold", "types": ["invoice.*"]}).raise_for_status()
    subscribe()
    drain()
    assert not [name for name in receiver.types() if name.startswith("invoice.")]
    assert "customer.subscription.updated" in receiver.types()
    control.post("/webhooks/release").raise_for_status()
    drain()
    assert receiver.types()[-4:] == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_every_event_of_a_subscriptions_life_is_signed_and_carries_its_object(
    client: Any, receiver: Any, drain: Any, subscribe: Any, time: Any
) -> None:
    subscription = subscribe(trial_period_days=10)
    client.v1.subscriptions.pause(subscribe().id)
    time.at("2031-03-15")
    client.v1.subscriptions.cancel(subscription.id)
    drain()
    kinds = {"customer.subscription": "subscription", "invoice.": "invoice", "payment_method": "payment_method",
             "payment_intent": "payment_intent", "charge": "charge", "invoiceitem": "invoiceitem"}  # fmt: skip
    events = receiver.events()
    for beginning, kind in kinds.items():
        named = [event for event in events if event.type.startswith(beginning)]
        assert named, beginning
        assert {event.data.object.object for event in named} == {kind}
    assert {event.type for event in events} >= {
        "customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
        "customer.subscription.paused", "customer.subscription.trial_will_end", "invoice.upcoming",
        "invoice.finalized", "invoice.paid",
    }  # fmt: skip
