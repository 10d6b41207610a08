"""Starting, trying, pausing and ending subscriptions."""

from typing import Any

import pytest
import stripe

DAY = 86400


def invoices_of(client: Any, subscription: Any) -> Any:
    return client.v1.invoices.list({"subscription": subscription.id}).data


def test_a_subscription_is_paid_at_once_and_tells_its_story(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe(expand=["latest_invoice.payments"])
    invoice, item = subscription.latest_invoice, subscription["items"].data[0]
    assert (subscription.status, subscription.billing_cycle_anchor) == ("active", subscription.created)
    assert (item.current_period_start, item.current_period_end) == (
        subscription.created,
        time.at("2031-01-01") + 31 * DAY,
    )
    assert (invoice.status, invoice.billing_reason, invoice.amount_paid, invoice.amount_remaining) == (
        "paid", "subscription_create", 1000, 0,
    )  # fmt: skip
    assert [(one.status, one.amount_paid) for one in invoice.payments.data] == [("paid", 1000)]
    assert told("customer.subscription", "invoice.", "payment_intent", "charge") == [
        "customer.subscription.created", "invoice.created", "invoice.finalized", "payment_intent.created",
        "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]  # fmt: skip


def test_a_declined_first_payment_leaves_it_incomplete_until_paid_another_way(
    client: Any, subscribe: Any, told: Any, time: Any
) -> None:
    subscription = subscribe(card="pm_card_chargeCustomerFail", expand=["latest_invoice.confirmation_secret"])
    invoice = subscription.latest_invoice
    assert (subscription.status, invoice.status, invoice.attempt_count) == ("incomplete", "open", 1)
    assert "invoice.payment_failed" in told()
    intent_id = invoice.confirmation_secret.client_secret.split("_secret_")[0]

    client.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})

    assert client.v1.invoices.retrieve(invoice.id).amount_paid == 1000
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_an_incomplete_subscription_expires_within_a_day_and_its_invoice_is_void(
    client: Any, subscribe: Any, time: Any, told: Any
) -> None:
    subscription = subscribe(card="pm_card_chargeCustomerFail")
    time.by(hours=22.9)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "incomplete"

    time.by(hours=0.2)

    ended = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (ended.status, ended.latest_invoice.status) == ("incomplete_expired", "void")
    assert told("invoice.voided") == ["invoice.voided"]
    with pytest.raises(stripe.InvalidRequestError, match="can no longer be paid"):
        client.v1.invoices.pay(ended.latest_invoice.id)


def test_default_incomplete_waits_for_a_browser_to_pay(client: Any, make_client: Any, subscribe: Any) -> None:
    subscription = subscribe(
        card=None,
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    assert (subscription.status, subscription.latest_invoice.attempted) == ("incomplete", False)
    secret = subscription.latest_invoice.confirmation_secret.client_secret
    browser = make_client("pk_test_till")
    method = browser.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})

    browser.v1.payment_intents.confirm(
        secret.split("_secret_")[0], {"payment_method": method.id, "client_secret": secret}
    )

    subscription = client.v1.subscriptions.retrieve(subscription.id)
    assert (subscription.status, subscription.default_payment_method) == ("active", method.id)
    assert client.v1.payment_methods.retrieve(method.id).customer == subscription.customer


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined"),
        ("pm_card_threeDSecure2Required", "subscription_payment_intent_requires_action"),
    ],
)
def test_error_if_incomplete_answers_402_and_leaves_no_subscription(
    client: Any, subscribe: Any, told: Any, card: Any, code: Any
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        subscribe(card=card, payment_behavior="error_if_incomplete")
    assert (caught.value.http_status, caught.value.code) == (402, code)
    assert client.v1.subscriptions.list({"status": "all"}).data == client.v1.invoices.list().data == []
    assert told("customer.subscription", "invoice") == []
    assert client.v1.payment_intents.list().data[0].status == "canceled"


@pytest.mark.parametrize(("outcome", "status"), [("success", "active"), ("failure", "incomplete")])
def test_a_card_that_asks_for_authentication_leaves_it_incomplete_until_answered(
    client: Any, control: Any, subscribe: Any, told: Any, outcome: Any, status: Any
) -> None:
    subscription = subscribe(card="pm_card_authenticationRequired", expand=["latest_invoice.confirmation_secret"])
    assert (subscription.status, "invoice.payment_action_required" in told()) == ("incomplete", True)
    intent_id = subscription.latest_invoice.confirmation_secret.client_secret.split("_secret_")[0]
    assert client.v1.payment_intents.retrieve(intent_id).status == "requires_action"
    with pytest.raises(stripe.CardError) as caught:
        client.v1.invoices.pay(subscription.latest_invoice.id)
    assert caught.value.code == "invoice_payment_intent_requires_action"

    control.post(f"/payment_intents/{intent_id}/authenticate", json={"outcome": outcome}).raise_for_status()

    assert client.v1.subscriptions.retrieve(subscription.id).status == status


def test_a_customer_without_a_way_to_pay_cannot_subscribe(client: Any, subscribe: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source") as caught:
        subscribe(card=None)
    assert caught.value.code == "resource_missing"
    assert client.v1.subscriptions.list({"status": "all"}).data == []


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"items": []}, "parameter_missing", "items"),
        ({"items": [{"price": "price_none"}]}, "resource_missing", "items[0][price]"),
        ({"items": [{"price": "one_time"}]}, None, "items[0][price]"),
        ({"items": [{"price": "inactive"}]}, None, "items[0][price]"),
        ({"items": [{"price": "gold"}, {"price": "gold"}]}, None, "items"),
        ({"items": [{"price": "gold"}, {"price": "euro"}]}, None, "items"),
        ({"items": [{"price": "gold"}, {"price": "yearly"}]}, "standin_unsupported_parameter", "items"),
        ({"items": [{"price": "gold", "quantity": -1}]}, "parameter_invalid_integer", "items[0][quantity]"),
        ({"trial_end": 1}, "parameter_invalid_integer", "trial_end"),
        ({"trial_end": 4_000_000_000}, None, "trial_end"),
        ({"trial_period_days": 0}, "parameter_invalid_integer", "trial_period_days"),
        ({"trial_period_days": 731}, None, "trial_period_days"),
        ({"billing_cycle_anchor": 1}, None, "billing_cycle_anchor"),
        ({"billing_cycle_anchor": 4_000_000_000}, None, "billing_cycle_anchor"),
        ({"default_payment_method": "pm_card_visa"}, "resource_missing", "default_payment_method"),
        ({"collection_method": "send_invoice"}, "parameter_missing", "days_until_due"),
        ({"discounts": [{"coupon": "none"}]}, "resource_missing", "discounts[0][coupon]"),
        ({"billing_mode": {"type": "classic"}}, "standin_unsupported_parameter", "billing_mode[type]"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
    ],
)
def test_a_subscription_stripe_would_not_make_is_refused_by_name(
    client: Any, subscribe: Any, price: Any, told: Any, params: Any, code: Any, param: Any
) -> None:
    prices = {
        "gold": price().id,
        "euro": price(currency="eur").id,
        "yearly": price(interval="year").id,
        "one_time": client.v1.prices.create({"unit_amount": 1, "currency": "usd", "product_data": {"name": "x"}}).id,
        "inactive": price(active=False).id,
    }
    given = {"items": [{"price": "gold"}]} | params
    given["items"] = [item | {"price": prices.get(item["price"], item["price"])} for item in given["items"]]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribe(**given)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert client.v1.subscriptions.list({"status": "all"}).data == client.v1.invoices.list().data == []
    assert told("customer.subscription", "invoice") == []


def test_a_trial_costs_nothing_warns_three_days_before_and_then_bills(
    client: Any, subscribe: Any, time: Any, told: Any, latest: Any
) -> None:
    start = time.at("2031-01-10T12:00:00")
    subscription = subscribe(trial_period_days=14, expand=["latest_invoice"])
    assert (subscription.status, subscription.trial_end) == ("trialing", start + 14 * DAY)
    assert subscription.billing_cycle_anchor == subscription.trial_end
    assert (subscription.latest_invoice.total, subscription.latest_invoice.status) == (0, "paid")

    time.to(subscription.trial_end - 3 * DAY - 1)
    assert told("customer.subscription.trial_will_end") == []
    time.to(subscription.trial_end - 3 * DAY)
    warned = latest("customer.subscription.trial_will_end")
    assert (warned["created"], warned["data"]["object"]["id"]) == (subscription.trial_end - 3 * DAY, subscription.id)

    time.to(subscription.trial_end)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert invoices_of(client, subscription)[0].status == "draft"
    time.by(hours=1)
    first = invoices_of(client, subscription)[0]
    assert (first.status, first.amount_paid, first.billing_reason) == ("paid", 1000, "subscription_cycle")
    assert told("customer.subscription.trial_will_end") == ["customer.subscription.trial_will_end"]


def test_a_short_trial_warns_at_once_and_a_longer_one_again(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe(trial_period_days=2)
    time.by(hours=0)
    assert len(told("customer.subscription.trial_will_end")) == 1
    longer = client.v1.subscriptions.update(subscription.id, {"trial_end": subscription.trial_end + 10 * DAY})
    assert (longer.status, longer["items"].data[0].current_period_end) == ("trialing", longer.trial_end)
    time.to(longer.trial_end)
    assert len(told("customer.subscription.trial_will_end")) == 2


def test_ending_a_trial_now_bills_now(client: Any, subscribe: Any, time: Any) -> None:
    subscription = subscribe(trial_period_days=14)
    now = time.by(days=5)
    ended = client.v1.subscriptions.update(subscription.id, {"trial_end": "now", "expand": ["latest_invoice"]})
    assert (ended.status, ended.trial_end, ended.billing_cycle_anchor) == ("active", now, now)
    assert (ended.latest_invoice.amount_paid, ended.latest_invoice.billing_reason) == (1000, "subscription_update")


@pytest.mark.parametrize(
    ("missing", "status"), [("create_invoice", "past_due"), ("cancel", "canceled"), ("pause", "paused")]
)
def test_a_trial_that_ends_without_a_way_to_pay_does_what_its_settings_say(
    client: Any, subscribe: Any, time: Any, told: Any, missing: Any, status: Any
) -> None:
    settings = {"end_behavior": {"missing_payment_method": missing}}
    subscription = subscribe(card=None, trial_period_days=7, trial_settings=settings)
    time.by(days=7, hours=2)
    assert client.v1.subscriptions.retrieve(subscription.id).status == status
    said = {"past_due": "invoice.payment_failed", "canceled": "customer.subscription.deleted",
            "paused": "customer.subscription.paused"}  # fmt: skip
    assert told(said[status]) == [said[status]]


def test_a_trial_with_a_card_that_needs_it_asks_for_authentication_ahead(
    client: Any, control: Any, subscribe: Any, time: Any, told: Any
) -> None:
    subscription = subscribe(
        card="pm_card_authenticationRequiredOnSetup", trial_period_days=7, expand=["pending_setup_intent"]
    )
    intent = subscription.pending_setup_intent
    assert intent.status == "requires_action"

    control.post(f"/setup_intents/{intent.id}/authenticate", json={"outcome": "success"}).raise_for_status()

    ready = client.v1.subscriptions.retrieve(subscription.id)
    assert (ready.pending_setup_intent, ready.default_payment_method) == (None, intent.payment_method)
    assert "setup_intent.succeeded" in told()
    time.by(days=7, hours=1)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert invoices_of(client, subscription)[0].amount_paid == 1000


def test_a_card_is_set_up_without_a_payment(client: Any, make_client: Any, customer: Any, told: Any) -> None:
    owner = customer(None)
    intent = client.v1.setup_intents.create({"customer": owner.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        make_client("pk_test_till").v1.setup_intents.confirm(
            intent.id, {"payment_method": "pm_card_visa", "client_secret": "guess"}
        )
    assert caught.value.http_status == 404
    with pytest.raises(stripe.CardError) as declined:
        client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    assert declined.value.json_body["error"]["setup_intent"]["status"] == "requires_payment_method"

    ready = client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert ready.status == "succeeded"
    assert client.v1.payment_methods.retrieve(ready.payment_method).customer == owner.id
    assert told("setup_intent") == ["setup_intent.created", "setup_intent.setup_failed", "setup_intent.succeeded"]
    with pytest.raises(stripe.InvalidRequestError) as late:
        client.v1.setup_intents.cancel(intent.id)
    assert late.value.code == "setup_intent_unexpected_state"


def test_canceling_now_ends_it_and_stops_collection(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe()
    time.by(days=31)
    draft = invoices_of(client, subscription)[0]
    ended = client.v1.subscriptions.cancel(
        subscription.id, {"cancellation_details": {"feedback": "too_expensive", "comment": "dear"}}
    )
    assert (ended.status, ended.ended_at) == ("canceled", ended.canceled_at)
    assert (ended.cancellation_details.reason, ended.cancellation_details.feedback) == (
        "cancellation_requested", "too_expensive",
    )  # fmt: skip
    time.by(days=90)
    assert (client.v1.invoices.retrieve(draft.id).status, len(invoices_of(client, subscription))) == ("draft", 2)
    assert told("customer.subscription.deleted") == ["customer.subscription.deleted"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.cancel(subscription.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        client.v1.subscriptions.update(subscription.id, {"description": "x"})
    assert client.v1.subscriptions.list({"customer": subscription.customer}).data == []
    assert len(client.v1.subscriptions.list({"status": "canceled"}).data) == 1


def test_canceling_at_the_periods_end_can_be_taken_back(client: Any, subscribe: Any, time: Any, latest: Any) -> None:
    subscription = subscribe()
    end = subscription["items"].data[0].current_period_end
    later = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (later.status, later.cancel_at) == ("active", end)
    assert latest("customer.subscription.updated")["data"]["previous_attributes"]["cancel_at_period_end"] is False
    kept = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)

    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    time.to(end - 1)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    time.to(end)

    ended = client.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at, len(invoices_of(client, subscription))) == ("canceled", end, 1)


@pytest.mark.parametrize(("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"),
                                                  ("keep_as_draft", "draft")])  # fmt: skip
def test_paused_collection_makes_invoices_and_takes_no_money(
    client: Any, subscribe: Any, time: Any, told: Any, behavior: Any, status: Any
) -> None:
    subscription = subscribe()
    resumes = time.at("2031-03-15")
    paused = client.v1.subscriptions.update(
        subscription.id, {"pause_collection": {"behavior": behavior, "resumes_at": resumes + 40 * DAY}}
    )
    assert (paused.status, paused.pause_collection.behavior) == ("active", behavior)
    time.at("2031-04-02")
    assert invoices_of(client, subscription)[0].status == status
    time.to(resumes + 40 * DAY)
    assert client.v1.subscriptions.retrieve(subscription.id).pause_collection is None
    time.at("2031-05-02")
    assert invoices_of(client, subscription)[0].status == "paid"
    assert told("customer.subscription.paused") == []


def test_a_paused_subscription_bills_nothing_and_resumes_with_a_new_period(
    client: Any, subscribe: Any, time: Any, told: Any
) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    paused = client.v1.subscriptions.pause(subscription.id)
    assert (paused.status, paused.status_details.paused.subscription.type) == ("paused", "pause_requested")
    credit = client.v1.invoice_items.list({"customer": subscription.customer, "pending": True}).data[0]
    assert (credit.amount, credit.proration) == (-500, True)
    time.at("2031-03-01")
    assert len(invoices_of(client, subscription)) == 1

    now = time.at("2031-03-02")
    resumed = client.v1.subscriptions.resume(
        subscription.id, {"payment_behavior": "resume_on_payment_success", "expand": ["latest_invoice"]}
    )

    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", now)
    assert [line.amount for line in resumed.latest_invoice.lines.data] == [-500, 1000]
    assert resumed.latest_invoice.amount_paid == 500
    assert told("customer.subscription.paused", "customer.subscription.resumed") == [
        "customer.subscription.paused", "customer.subscription.resumed",
    ]  # fmt: skip


def test_time_that_was_credited_by_a_pause_is_not_credited_again(client: Any, subscribe: Any, time: Any) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    client.v1.subscriptions.pause(subscription.id)
    resumed = client.v1.subscriptions.resume(
        subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
    )
    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", subscription.billing_cycle_anchor)

    client.v1.subscriptions.cancel(subscription.id, {"prorate": True})

    owed = client.v1.customers.retrieve(subscription.customer).balance
    pending = client.v1.invoice_items.list({"customer": subscription.customer, "pending": True}).data
    assert (owed, pending) == (-500, [])


def test_a_resumption_nobody_pays_is_voided_and_it_stays_paused(client: Any, subscribe: Any, time: Any) -> None:
    subscription = subscribe()
    time.by(days=3)
    client.v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.pause(subscription.id)
    waiting = client.v1.subscriptions.resume(subscription.id)
    assert waiting.status == "paused"
    time.by(days=1)
    shown = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (shown.status, shown.latest_invoice.status) == ("paused", "void")


def test_deleting_a_customer_ends_its_subscriptions(client: Any, subscribe: Any, told: Any) -> None:
    subscription = subscribe()
    client.v1.customers.delete(subscription.customer)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert told("customer.subscription.deleted", "customer.deleted") == [
        "customer.subscription.deleted", "customer.deleted",
    ]  # fmt: skip


def test_what_expands_in_a_subscription_is_what_stripe_expands(client: Any, subscribe: Any) -> None:
    made = subscribe(expand=["customer", "default_payment_method", "items.data.price.product", "latest_invoice"])
    assert (made.customer.name, made["items"].data[0].price.product.name) == ("Ada", "Gold")
    listed = client.v1.subscriptions.list({"expand": ["data.latest_invoice", "data.customer"]}).data[0]
    assert (listed.latest_invoice.status, listed.customer.id) == ("paid", made.customer.id)
    assert (
        client.v1.customers.retrieve(made.customer.id, {"expand": ["subscriptions"]}).subscriptions.data[0].id
        == made.id
    )
    assert client.v1.subscription_items.list({"subscription": made.id}).data[0].id == made["items"].data[0].id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribe(expand=["payment_intent"])
    assert caught.value.param == "expand"


def test_the_same_key_subscribes_once(client: Any, price: Any, customer: Any) -> None:
    params = {"customer": customer().id, "items": [{"price": price().id}]}
    first = client.v1.subscriptions.create(params, {"idempotency_key": "s"})
    again = client.v1.subscriptions.create(params, {"idempotency_key": "s"})
    assert (first.id, len(client.v1.charges.list().data)) == (again.id, 1)
