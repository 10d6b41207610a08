"""Time: renewals, failed payments, and the order in which things fall due."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

DAY = 86400


def invoices_of(client: Any, subscription: Any) -> Any:
    return client.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data


def status_of(client: Any, subscription: Any) -> Any:
    return client.v1.subscriptions.retrieve(subscription.id).status


def set_card(client: Any, subscription: Any, card: str) -> Any:
    method = client.v1.payment_methods.attach(card, {"customer": subscription.customer})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    return method


@pytest.mark.parametrize(
    ("start", "interval", "count", "ends"),
    [
        ("2031-01-31T09:30:00", "month", 1, ["02-28", "03-31", "04-30", "05-31"]),
        ("2032-01-31T09:30:00", "month", 1, ["02-29", "03-31", "04-30", "05-31"]),
        ("2031-08-31T23:59:59", "month", 3, ["11-30", "02-29", "05-31", "08-31"]),
        ("2032-02-29T00:00:00", "year", 1, ["02-28", "02-28", "02-28", "02-29"]),
        ("2031-12-29T00:00:00", "week", 2, ["01-12", "01-26", "02-09", "02-23"]),
        ("2031-03-29T12:00:00", "day", 1, ["03-30", "03-31", "04-01", "04-02"]),
    ],
)
def test_each_period_ends_on_the_anchors_day_or_the_months_last(
    client: Any, subscribe: Any, price: Any, time: Any, start: Any, interval: Any, count: Any, ends: Any
) -> None:
    begin = time.at(start)
    every = price(1000, recurring={"interval": interval, "interval_count": count})
    subscription = subscribe(items=[{"price": every.id}])
    found, at = [], begin
    for _ in ends:
        item = client.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
        assert item.current_period_start == at
        at = time.to(item.current_period_end)
        found.append(f"{datetime.fromtimestamp(at, UTC):%m-%d}")
        assert datetime.fromtimestamp(at, UTC).time() == datetime.fromtimestamp(begin, UTC).time()
    assert found == ends
    time.by(hours=2)
    paid = invoices_of(client, subscription)
    assert [(invoice.status, invoice.total) for invoice in paid] == [("paid", 1000)] * 5


def test_a_renewal_is_announced_drafted_and_an_hour_later_paid(
    client: Any, subscribe: Any, time: Any, told: Any, latest: Any
) -> None:
    subscription = subscribe()
    end = subscription["items"].data[0].current_period_end
    before = len(told())
    time.to(end - 7 * DAY)
    upcoming = latest("invoice.upcoming")["data"]["object"]
    assert (upcoming["total"], "id" in upcoming, upcoming["period_end"]) == (1000, False, end)
    time.to(end)
    draft = invoices_of(client, subscription)[0]
    assert (draft.status, draft.auto_advance, draft.automatically_finalizes_at) == ("draft", True, end + 3600)
    assert (draft.period_start, draft.period_end) == (subscription.created, end)
    time.to(end + 3600)
    assert told()[before:] == [
        "invoice.upcoming", "customer.subscription.updated", "invoice.created", "invoice.finalized",
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid",
        "invoice.paid", "invoice.payment_succeeded",
    ]  # fmt: skip
    updated = latest("customer.subscription.updated")
    assert updated["created"] == end
    assert set(updated["data"]["previous_attributes"]) == {"items", "latest_invoice"}
    assert updated["request"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize(("then", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")])
def test_a_renewal_that_fails_is_tried_again_until_the_settings_have_their_way(
    client: Any, control: Any, subscribe: Any, time: Any, told: Any, then: Any, status: Any
) -> None:
    settings = {"api_key": "sk_test_till", "retry_days": [1, 2], "then": then}
    control.put("/dunning", json=settings).raise_for_status()
    subscription = subscribe()
    set_card(client, subscription, "pm_card_chargeCustomerFail")
    end = subscription["items"].data[0].current_period_end
    time.to(end + 3600)
    invoice = invoices_of(client, subscription)[0]
    assert (status_of(client, subscription), invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert invoice.next_payment_attempt == end + 3600 + DAY
    time.by(days=1)
    assert client.v1.invoices.retrieve(invoice.id).attempt_count == 2
    time.by(days=2)
    last = client.v1.invoices.retrieve(invoice.id)
    assert (last.attempt_count, last.next_payment_attempt, last.amount_remaining) == (3, None, 1000)
    assert status_of(client, subscription) == status
    assert told("invoice.payment_failed") == ["invoice.payment_failed"] * 3
    assert len(told("customer.subscription.deleted")) == (then == "cancel")


def test_a_better_card_pays_at_the_next_try(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe()
    set_card(client, subscription, "pm_card_chargeCustomerFail")
    time.by(days=31, hours=1)
    assert status_of(client, subscription) == "past_due"
    set_card(client, subscription, "pm_card_visa")
    time.by(days=3)
    assert (status_of(client, subscription), invoices_of(client, subscription)[0].status) == ("active", "paid")


def test_an_unpaid_subscription_collects_drafts_until_its_latest_is_paid(
    client: Any, control: Any, subscribe: Any, time: Any
) -> None:
    control.put("/dunning", json={"api_key": "sk_test_till", "retry_days": [], "then": "unpaid"}).raise_for_status()
    subscription = subscribe()
    set_card(client, subscription, "pm_card_chargeCustomerFail")
    time.at("2031-03-02")
    drafts = invoices_of(client, subscription)
    assert (status_of(client, subscription), drafts[0].status, drafts[1].status) == ("unpaid", "draft", "open")
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    client.v1.invoices.pay(drafts[1].id, {"payment_method": good.id})
    assert status_of(client, subscription) == "unpaid"
    client.v1.invoices.pay(drafts[0].id, {"payment_method": good.id})
    assert status_of(client, subscription) == "active"


def test_a_renewal_that_asks_for_authentication_is_past_due_until_answered(
    client: Any, control: Any, subscribe: Any, time: Any, told: Any
) -> None:
    subscription = subscribe()
    set_card(client, subscription, "pm_card_authenticationRequired")
    time.by(days=31, hours=1)
    assert (status_of(client, subscription), told("invoice.payment_action_required")) == (
        "past_due", ["invoice.payment_action_required"],
    )  # fmt: skip
    invoice = client.v1.invoices.retrieve(invoices_of(client, subscription)[0].id, {"expand": ["payments"]})
    intent = invoice.payments.data[0].payment.payment_intent
    control.post(f"/payment_intents/{intent}/authenticate").raise_for_status()
    assert status_of(client, subscription) == "active"


def test_an_invoice_that_is_sent_falls_overdue(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe(card=None, collection_method="send_invoice", days_until_due=10, expand=["latest_invoice"])
    assert (subscription.status, subscription.latest_invoice.status) == ("active", "open")
    time.by(days=9.9)
    assert status_of(client, subscription) == "active"
    time.by(days=0.2)
    assert (status_of(client, subscription), told("invoice.overdue")) == ("past_due", ["invoice.overdue"])
    client.v1.invoices.pay(subscription.latest_invoice.id, {"paid_out_of_band": True})
    assert status_of(client, subscription) == "active"
    assert client.v1.charges.list().data == []


def test_a_bank_payment_makes_it_active_while_it_is_under_way(
    client: Any, control: Any, customer: Any, subscribe: Any, time: Any
) -> None:
    owner = customer(None)
    bank = client.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": owner.id})
    subscription = subscribe(
        customer=owner.id, default_payment_method=bank.id, expand=["latest_invoice.confirmation_secret"]
    )
    invoice = subscription.latest_invoice
    intent = invoice.confirmation_secret.client_secret.split("_secret_")[0]
    assert (subscription.status, invoice.status, invoice.amount_paid) == ("active", "open", 0)
    control.post(f"/payment_intents/{intent}/settle", json={"outcome": "failure"}).raise_for_status()
    assert status_of(client, subscription) == "past_due"


def test_the_clock_only_goes_forward(control: Any, time: Any) -> None:
    now = time.at("2031-06-01")
    assert control.post("/clock", json={"advance_to": now - 1}).status_code == 400
    assert control.post("/clock", json={"advance_seconds": -1}).status_code == 400
    assert control.post("/clock", json={}).json() == {"now": now, "frozen": True, "ran": {}}
    assert control.post("/clock", json={"frozen": False}).json()["frozen"] is False
    assert control.get("/health").json()["now"] >= now


def story(client: Any, control: Any, time: Any, price: Any, subscribe: Any, customer: Any, steps: Any) -> Any:
    """Run one story from nothing, and give its events with every id replaced by its place of first appearance."""
    control.post("/reset").raise_for_status()
    start = time.at("2031-01-30T10:00:00")
    first = subscribe(unit_amount=1500)
    second = subscribe(unit_amount=900, trial_period_days=10)
    set_card(client, first, "pm_card_chargeCustomerFail")
    disputed = customer("pm_card_createDispute")
    subscribe(customer=disputed.id)
    client.v1.subscriptions.update(second.id, {"items": [{"price": price(250).id}]})
    for step in steps:
        time.to(start + step * DAY)
    events = control.get("/events").json()["events"]
    seen: dict[str, str] = {}
    text = json.dumps([{name: event[name] for name in ("type", "created", "data")} for event in events])
    text = re.sub(r'"[A-Z0-9]{8}-(\d{4})"', r'"number-\1"', text)
    random_ids = r"\b(?:[a-z]+_[A-Za-z0-9]{14,60}|acct_[0-9a-f]{16})(?:_secret_[A-Za-z0-9]+)?|(?<=payment/)\w{24}"
    return re.sub(random_ids, lambda match: seen.setdefault(match[0], f"id{len(seen)}"), text), events


def test_the_same_inputs_give_the_same_events_in_one_leap_or_in_many(
    client: Any, control: Any, time: Any, price: Any, subscribe: Any, customer: Any
) -> None:
    runs = [
        story(client, control, time, price, subscribe, customer, steps)
        for steps in ([90], [90], [1, 3, 3.5, 10, 28, 29.04, 31, 44, 60, 90])
    ]
    assert len(runs[0][1]) > 60
    assert runs[0][0] == runs[1][0] == runs[2][0]
    moments = [event["created"] for event in runs[0][1]]
    assert moments == sorted(moments)


def test_what_is_due_survives_a_restart(tmp_path: Any) -> None:
    from local.stripe_standin.server import serve

    state = tmp_path / "state.json"
    with serve(state=state) as running:
        client = stripe.StripeClient("sk_test_till", base_addresses={"api": running.url})
        product = client.v1.products.create({"name": "Gold"})
        price = client.v1.prices.create(
            {"unit_amount": 700, "currency": "usd", "recurring": {"interval": "week"}, "product": product.id}
        )
        owner = client.v1.customers.create({"payment_method": "pm_card_visa"})
        method = client.v1.customers.payment_methods.list(owner.id).data[0].id
        made = client.v1.subscriptions.create(
            {"customer": owner.id, "items": [{"price": price.id}], "default_payment_method": method}
        )
        running.standin.clock.freeze(running.standin.clock.now())
    with serve(state=state) as running:
        client = stripe.StripeClient("sk_test_till", base_addresses={"api": running.url})
        assert running.standin.clock.frozen_at is not None
        running.standin.move_clock(running.standin.clock.now() + 8 * DAY)
        assert [one.amount_paid for one in client.v1.invoices.list({"subscription": made.id}).data] == [700, 700]
