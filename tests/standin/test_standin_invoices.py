"""Invoices made by hand, their lines and their ends."""

from typing import Any

import pytest
import stripe


def item(client: Any, owner: Any, amount: int, **more: Any) -> Any:
    return client.v1.invoice_items.create({"customer": owner.id, "amount": amount, "currency": "usd"} | more)


def refusal(call: Any, *arguments: Any) -> tuple[Any, Any]:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*arguments)
    return caught.value.code, caught.value.param


def test_an_invoice_is_drafted_filled_opened_and_paid(client: Any, customer: Any, told: Any) -> None:
    owner = customer()
    item(client, owner, 1200, description="Setup")
    draft = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    item(client, owner, -200, invoice=draft.id)
    draft = client.v1.invoices.update(draft.id, {"description": "March", "metadata": {"a": "b"}})
    assert (draft.status, draft.total, draft.number, draft.amount_due) == ("draft", 1000, None, 1000)
    assert refusal(client.v1.invoices.void_invoice, draft.id) == (None, None)

    opened = client.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.amount_remaining, opened.number is not None) == ("open", 1000, True)
    assert refusal(client.v1.invoices.finalize_invoice, draft.id)[0] == "invoice_not_editable"
    assert refusal(client.v1.invoices.update, draft.id, {"description": "x"}) == ("invoice_not_editable", "description")
    late = {"customer": owner.id, "amount": 1, "currency": "usd", "invoice": draft.id}
    assert refusal(client.v1.invoice_items.create, late) == ("invoice_not_editable", "invoice")

    paid = client.v1.invoices.pay(draft.id, {"expand": ["payments"]})

    assert (paid.status, paid.amount_paid, paid.amount_remaining, paid.attempt_count) == ("paid", 1000, 0, 1)
    assert client.v1.invoice_payments.list({"invoice": draft.id}).data[0].id == paid.payments.data[0].id
    assert refusal(client.v1.invoices.pay, draft.id)[0] == "invoice_already_paid"
    assert refusal(client.v1.invoices.void_invoice, draft.id) == (None, None)
    assert told("invoice.") == [
        "invoice.created", "invoice.updated", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded",
    ]  # fmt: skip


def test_an_invoice_that_fails_stays_open(client: Any, customer: Any, told: Any) -> None:
    owner = customer("pm_card_chargeCustomerFail")
    item(client, owner, 900)
    invoice = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    with pytest.raises(stripe.CardError) as caught:
        client.v1.invoices.pay(invoice.id)
    assert caught.value.code == "card_declined"
    shown = client.v1.invoices.retrieve(invoice.id)
    assert (shown.status, shown.attempted, shown.amount_remaining) == ("open", True, 900)
    assert told("invoice.payment_failed") == ["invoice.payment_failed"]


def test_a_void_invoice_takes_no_money_and_gives_the_balance_back(
    client: Any, customer: Any, told: Any, books: Any
) -> None:
    owner = customer()
    item(client, owner, -300)
    credit = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    client.v1.invoices.finalize_invoice(credit.id)
    assert client.v1.customers.retrieve(owner.id).balance == -300
    item(client, owner, 1000)
    invoice = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    opened = client.v1.invoices.finalize_invoice(invoice.id, {"expand": ["payments"]})
    assert (opened.total, opened.amount_due, opened.starting_balance, opened.ending_balance) == (1000, 700, -300, 0)

    voided = client.v1.invoices.void_invoice(invoice.id)

    assert (voided.status, client.v1.customers.retrieve(owner.id).balance) == ("void", -300)
    intent = client.v1.payment_intents.retrieve(opened.payments.data[0].payment.payment_intent)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "void_invoice")
    assert told("invoice.voided") == ["invoice.voided"]


def test_an_uncollectible_invoice_may_still_be_paid(client: Any, customer: Any, told: Any) -> None:
    owner = customer()
    item(client, owner, 500)
    invoice = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    assert refusal(client.v1.invoices.mark_uncollectible, invoice.id) == (None, None)
    client.v1.invoices.finalize_invoice(invoice.id)
    assert client.v1.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    assert "invoice.marked_uncollectible" in told()


def test_an_advancing_draft_is_finalised_and_paid_within_the_hour(client: Any, customer: Any, time: Any) -> None:
    owner = customer()
    item(client, owner, 800)
    invoice = client.v1.invoices.create(
        {"customer": owner.id, "pending_invoice_items_behavior": "include", "auto_advance": True}
    )
    time.by(hours=0.9)
    assert client.v1.invoices.retrieve(invoice.id).status == "draft"
    time.by(hours=0.2)
    assert client.v1.invoices.retrieve(invoice.id).amount_paid == 800


def test_an_invoice_shows_ten_lines_and_lists_them_all(client: Any, customer: Any) -> None:
    owner = customer()
    for amount in range(1, 13):
        item(client, owner, amount)
    invoice = client.v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    assert (len(invoice.lines.data), invoice.lines.has_more, invoice.total) == (10, True, 78)
    listed = client.v1.invoices.line_items.list(invoice.id, {"limit": 100}).data
    assert sum(line.amount for line in listed) == 78


def test_a_one_time_price_makes_an_item_and_a_recurring_one_does_not(client: Any, customer: Any, price: Any) -> None:
    owner = customer()
    once = client.v1.prices.create({"unit_amount": 250, "currency": "usd", "product_data": {"name": "Badge"}})
    made = client.v1.invoice_items.create({"customer": owner.id, "pricing": {"price": once.id}, "quantity": 3})
    assert (made.amount, made.quantity) == (750, 3)
    params = {"customer": owner.id, "pricing": {"price": price().id}}
    assert refusal(client.v1.invoice_items.create, params) == (None, "pricing[price]")
    assert client.v1.invoice_items.delete(made.id).deleted
    assert refusal(client.v1.invoice_items.create, {"customer": owner.id, "amount": 5}) == (
        "parameter_missing",
        "currency",
    )


def test_a_subscriptions_next_invoice_takes_up_what_is_pending(
    client: Any, subscribe: Any, time: Any, told: Any
) -> None:
    subscription = subscribe()
    client.v1.invoice_items.create(
        {"customer": subscription.customer, "amount": 450, "currency": "usd", "subscription": subscription.id}
    )
    time.by(days=31, hours=1)
    renewal = client.v1.invoices.list({"subscription": subscription.id}).data[0]
    assert ([line.amount for line in renewal.lines.data], renewal.amount_paid) == ([450, 1000], 1450)
    assert client.v1.invoice_items.list({"customer": subscription.customer, "pending": True}).data == []
    assert client.v1.invoices.list({"status": "paid"}).data[0].id == renewal.id


def test_every_invoice_adds_up(client: Any, control: Any, subscribe: Any, price: Any, time: Any) -> None:
    client.v1.coupons.create({"percent_off": 33.3, "duration": "forever", "id": "THIRD"})
    prices = [price(amount).id for amount in (333, 1001)]
    subscription = subscribe(items=[{"price": one, "quantity": 3} for one in prices], discounts=[{"coupon": "THIRD"}])
    for day in (4, 9, 13):
        time.by(days=day)
        first = client.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
        client.v1.subscriptions.update(subscription.id, {"items": [{"id": first.id, "quantity": day}]})
    time.by(days=70)
    found = client.v1.invoices.list({"subscription": subscription.id}).data
    assert len(found) == 4
    for invoice in found:
        assert invoice.subtotal == sum(line.amount for line in invoice.lines.data)
        off = sum(part.amount for line in invoice.lines.data for part in line.discount_amounts)
        assert off == sum(one.amount for one in invoice.total_discount_amounts)
        assert invoice.total == invoice.subtotal - off
        assert invoice.amount_due == invoice.amount_paid + invoice.amount_remaining
        assert invoice.amount_due - invoice.ending_balance == invoice.total + invoice.starting_balance
    (account,) = control.get("/state").json()["accounts"]
    assert account["totals"]["usd"]["captured"] == sum(invoice.amount_paid for invoice in found)
