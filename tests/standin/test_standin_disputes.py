"""Disputes: by card and by hand, answered and not, won and lost."""

from typing import Any

import pytest
import stripe

DAY = 86400


def disputed(client: Any, pay: Any, card: str = "pm_card_createDispute") -> Any:
    intent = pay(card=card)
    return client.v1.disputes.list({"payment_intent": intent.id}).data[0]


@pytest.mark.parametrize(
    ("card", "reason", "status", "withdrawn"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response", 2000),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response", 2000),
        ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response", 0),
    ],
)
def test_a_test_card_disputes_what_it_paid(
    client: Any, pay: Any, books: Any, card: Any, reason: Any, status: Any, withdrawn: Any
) -> None:
    dispute = disputed(client, pay, card)
    assert (dispute.amount, dispute.reason, dispute.status) == (2000, reason, status)
    assert dispute.evidence_details.due_by == dispute.created + 9 * DAY
    assert client.v1.charges.retrieve(dispute.charge).disputed is True
    money = books(dispute.payment_intent)
    assert (money["captured"], money["disputed"], money["honest"]) == (2000, withdrawn, True)
    assert sum(one.net for one in dispute.balance_transactions) == (-2000 - 1500 if withdrawn else 0)


def test_a_disputed_charge_gives_nothing_back_until_it_is_won(
    client: Any, control: Any, pay: Any, books: Any, told: Any
) -> None:
    dispute = disputed(client, pay)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": dispute.charge})
    assert caught.value.code == "charge_disputed"

    won = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})

    assert (won.status, won.is_charge_refundable, won.evidence_details.submission_count) == ("won", True, 1)
    assert [(one.amount, one.fee) for one in won.balance_transactions] == [(-2000, 1500), (2000, 0)]
    assert told("charge.dispute") == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]  # fmt: skip
    assert client.v1.refunds.create({"charge": dispute.charge}).amount == 2000
    assert books(dispute.payment_intent) | {"metadata": {}} == {
        "currency": "usd", "status": "succeeded", "authorised": 2000, "capturable": 0, "captured": 2000,
        "released": 0, "refunded": 2000, "disputed": 0, "honest": True, "metadata": {},
    }  # fmt: skip


def test_a_lost_dispute_keeps_the_money(client: Any, pay: Any, books: Any, told: Any) -> None:
    dispute = disputed(client, pay)
    lost = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}})
    assert (lost.status, books(dispute.payment_intent)["disputed"]) == ("lost", 2000)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": dispute.charge})
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(dispute.id)
    assert told("charge.dispute.closed", "charge.dispute.funds_reinstated") == ["charge.dispute.closed"]


def test_evidence_is_staged_then_handed_in_once(client: Any, control: Any, pay: Any, latest: Any) -> None:
    dispute = disputed(client, pay)
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": False, "metadata": {"case": "1"}}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert staged.evidence_details.submission_count == 0
    before = latest("charge.dispute.updated")["data"]["previous_attributes"]
    assert set(before) == {"evidence", "evidence_details", "metadata"}

    handed_in = client.v1.disputes.update(dispute.id, {"submit": True})

    assert (handed_in.status, handed_in.evidence.customer_name) == ("under_review", "Ada")
    with pytest.raises(stripe.InvalidRequestError, match="can no longer be changed") as caught:
        client.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Eve"}})
    assert caught.value.param == "evidence"
    control.post(f"/disputes/{dispute.id}/decide", json={"outcome": "won"}).raise_for_status()
    assert client.v1.disputes.retrieve(dispute.id, {"expand": ["charge"]}).charge.disputed is True


def test_what_is_not_answered_in_time_is_lost(client: Any, pay: Any, time: Any, told: Any) -> None:
    dispute = disputed(client, pay)
    time.to(dispute.evidence_details.due_by - 1)
    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"
    time.to(dispute.evidence_details.due_by)
    late = client.v1.disputes.retrieve(dispute.id)
    assert (late.status, late.evidence_details.past_due) == ("lost", True)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Ada"}})
    assert told("charge.dispute.closed") == ["charge.dispute.closed"]


def test_closing_accepts_the_loss(client: Any, pay: Any) -> None:
    dispute = disputed(client, pay)
    assert client.v1.disputes.close(dispute.id).status == "lost"


def test_an_inquiry_takes_no_money_until_it_escalates(
    client: Any, control: Any, pay: Any, books: Any, time: Any, told: Any
) -> None:
    quiet, loud = (disputed(client, pay, "pm_card_createDisputeInquiry") for _ in range(2))
    assert quiet.is_charge_refundable is True

    control.post(f"/disputes/{loud.id}/decide", json={"outcome": "escalated"}).raise_for_status()

    assert client.v1.disputes.retrieve(loud.id).status == "needs_response"
    assert (books(loud.payment_intent)["disputed"], books(quiet.payment_intent)["disputed"]) == (2000, 0)
    assert client.v1.refunds.create({"charge": quiet.charge}).amount == 2000
    assert control.post(f"/disputes/{quiet.id}/decide", json={"outcome": "escalated"}).status_code == 400
    time.by(days=121)
    assert client.v1.disputes.retrieve(quiet.id).status == "warning_closed"


def test_disputes_and_refunds_never_take_more_than_was_captured(
    client: Any, control: Any, pay: Any, books: Any
) -> None:
    intent = pay()
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1500})
    too_much = control.post(f"/charges/{intent.latest_charge}/dispute", json={"amount": 501})
    assert (too_much.status_code, too_much.json()["error"]["param"]) == (400, "amount")

    made = control.post(f"/charges/{intent.latest_charge}/dispute", json={"reason": "duplicate"})

    assert (made.json()["amount"], made.json()["reason"]) == (500, "duplicate")
    assert books(intent.id) | {"metadata": {}} == books(intent.id)
    money = books(intent.id)
    assert (money["refunded"], money["disputed"], money["honest"]) == (1500, 500, True)
    assert control.post(f"/charges/{intent.latest_charge}/dispute").status_code == 400
    assert control.post("/charges/ch_none/dispute").status_code == 404
    assert control.post(f"/charges/{pay(capture_method='manual').latest_charge}/dispute").status_code == 400


def test_a_disputed_renewal_stays_paid(client: Any, subscribe: Any, time: Any, told: Any) -> None:
    subscription = subscribe(card="pm_card_createDispute", expand=["latest_invoice"])
    assert (subscription.status, subscription.latest_invoice.status) == ("active", "paid")
    kinds = told("invoice.paid", "charge.dispute.created")
    assert kinds == ["invoice.paid", "charge.dispute.created"]
