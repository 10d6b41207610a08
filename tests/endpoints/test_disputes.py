"""PY-06, PY-07, PY-10: disputes are followed, shown and answered, and their money is booked once."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from commerce.kernel import clock
from commerce.payments import stripe_gateway
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe, consume, deliver
from tests.shop import OTHER_TENANT, ROOT, Answered, Call, Credential

PAID = 19999
UPDATE = "POST /v1/disputes/{dispute}"
DISPUTED, CLEARING, LOSS = "asset:psp_disputed", "asset:psp_clearing", "expense:dispute_loss"
LONG_TEXTS = (
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "duplicate_charge_explanation",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "uncategorized_text",
)


@pytest.fixture
def shop(call: Call, table: Any, stripe: Stripe) -> Iterator[Shop]:
    yield Shop(call).open()
    booked_as_recorded(table)
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


def booked_as_recorded(table: Any) -> None:
    """What the ledger holds of disputes is what the disputes say, and what their orders say."""
    rows = table.scan()["Items"]
    held, lost, disputed = Counter[str](), 0, Counter[str]()
    for row in rows:
        if row["kind"] == "dispute":
            held[row["order_id"]] += int(row["withdrawn"] - row["reinstated"])
            lost += int(row["lost"])
        if row["kind"] == "order":
            disputed[row["order_id"]] += int(row["disputed"])
    assert +held == +disputed
    books = accounts(table)
    assert (books[DISPUTED], books[LOSS]) == (sum(held.values()) - lost, lost)


def accounts(table: Any) -> Counter[str]:
    """What stands on each account, debits less credits."""
    sums = Counter[str]()
    for row in table.scan()["Items"]:
        if row["kind"] == "posting":
            sums[row["debit"]] += int(row["amount"])
            sums[row["credit"]] -= int(row["amount"])
    return sums


def control(stripe: Stripe, path: str, **body: Any) -> Any:
    answered = httpx.post(f"{stripe.url}/_standin{path}", json=body, trust_env=False)
    answered.raise_for_status()
    return answered.json()


def pay(shop: Shop, stripe: Stripe, order_id: str, card: str = "pm_card_createDispute", amount: int = PAID) -> str:
    intent = shop.start_payment(order_id, amount)
    assert stripe.pay(intent, card) == "succeeded"
    return intent


def dispute_of(stripe: Stripe, intent: str) -> str:
    return str(stripe.sdk.v1.disputes.list({"payment_intent": intent}).data[0].id)


def disputed(shop: Shop, stripe: Stripe, order_id: str, card: str = "pm_card_createDispute") -> str:
    """The id of the dispute of an order that is paid with a card whose holder disputes it."""
    intent = pay(shop, stripe, order_id, card)
    shop.settle(stripe)
    return dispute_of(stripe, intent)


def dispute_charge(stripe: Stripe, intent: str, **how: Any) -> str:
    charge = stripe.sdk.v1.payment_intents.retrieve(intent).latest_charge
    return str(control(stripe, f"/charges/{charge}/dispute", **how)["id"])


def decide(shop: Shop, stripe: Stripe, dispute_id: str, outcome: str) -> None:
    control(stripe, f"/disputes/{dispute_id}/decide", outcome=outcome)
    shop.settle(stripe)


def dispute(shop: Shop, dispute_id: str) -> Any:
    return shop.do("v2/disputes/get_dispute", id=dispute_id)


def respond(
    shop: Shop,
    dispute_id: str,
    *,
    key: str | None = None,
    by: Credential | None = None,
    context: Any = None,
    **body: Any,
) -> Answered:
    return shop.call(
        "v2/disputes/respond_to_dispute",
        credential=by or shop.merchant,
        id=dispute_id,
        body={"evidence": {}} | body,
        headers={"Idempotency-Key": key} if key else None,
        context=context,
    )


def evidence_at(stripe: Stripe, dispute_id: str) -> dict[str, str]:
    """What Stripe holds."""
    held = stripe.sdk.v1.disputes.retrieve(dispute_id).to_dict()["evidence"]
    return {name: text for name, text in held.items() if isinstance(text, str) and text}


def timeline(shop: Shop, order_id: str) -> list[str]:
    """What the order's timeline says of disputes, oldest first."""
    rows = shop.do("admin/orders/get_timeline", order_id=order_id)
    return [row["status"] for row in rows if row["type"] == "dispute"]


def told(table: Any) -> list[str]:
    """The events of disputes, in their order."""
    events = [row for row in table.scan()["Items"] if row["kind"] == "outbox" and row["type"].startswith("dispute.")]
    return [str(row["type"]) for row in sorted(events, key=lambda row: int(row["sequence"]))]


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


# Following


def test_a_dispute_holds_the_money_back_until_it_is_won(
    shop: Shop, stripe: Stripe, order_id: str, jane: Credential, table: Any
) -> None:
    dispute_id = disputed(shop, stripe, order_id)

    found = dispute(shop, dispute_id)
    assert (found["status"], found["reason"], found["currency"]) == ("needs_response", "fraudulent", "usd")
    assert (found["order_id"], found["customer_id"]) == (order_id, jane.customer_id)
    assert (found["amount"], found["amount_withdrawn"], found["amount_reinstated"]) == (PAID, PAID, 0)
    assert found["evidence_due_by"] > found["created_at"]
    assert (accounts(table)[CLEARING], accounts(table)[DISPUTED]) == (0, PAID)

    decide(shop, stripe, dispute_id, "won")

    found = dispute(shop, dispute_id)
    assert (found["status"], found["amount_reinstated"], found["amount_lost"]) == ("won", PAID, 0)
    assert found["draft"] is None
    assert (accounts(table)[CLEARING], accounts(table)[DISPUTED], accounts(table)[LOSS]) == (PAID, 0, 0)
    assert timeline(shop, order_id) == ["needs_response", "won"]
    assert told(table) == ["dispute.created", "dispute.closed"]


def test_a_lost_dispute_is_an_expense_and_no_refund_reaches_its_money(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    dispute_id = disputed(shop, stripe, order_id, "pm_card_createDisputeProductNotReceived")

    decide(shop, stripe, dispute_id, "lost")

    found = dispute(shop, dispute_id)
    assert (found["status"], found["amount_lost"]) == ("lost", PAID)
    assert found["reason"] == "product_not_received"
    assert (accounts(table)[CLEARING], accounts(table)[DISPUTED], accounts(table)[LOSS]) == (0, 0, PAID)


def test_a_part_of_a_payment_is_disputed(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    dispute_id = dispute_charge(stripe, intent, amount=5000)
    shop.settle(stripe)
    assert (accounts(table)[CLEARING], accounts(table)[DISPUTED]) == (PAID - 5000, 5000)

    decide(shop, stripe, dispute_id, "lost")

    assert (accounts(table)[CLEARING], accounts(table)[LOSS]) == (PAID - 5000, 5000)
    assert dispute(shop, dispute_id)["amount_lost"] == 5000


def test_an_inquiry_takes_no_money(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    dispute_id = disputed(shop, stripe, order_id, "pm_card_createDisputeInquiry")
    assert (dispute(shop, dispute_id)["status"], accounts(table)[CLEARING]) == ("warning_needs_response", PAID)

    decide(shop, stripe, dispute_id, "won")

    assert (dispute(shop, dispute_id)["status"], accounts(table)[CLEARING]) == ("warning_closed", PAID)
    assert told(table) == ["dispute.created", "dispute.closed"]


def test_an_inquiry_becomes_a_dispute_and_takes_the_money(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    dispute_id = disputed(shop, stripe, order_id, "pm_card_createDisputeInquiry")

    decide(shop, stripe, dispute_id, "escalated")

    assert (dispute(shop, dispute_id)["status"], accounts(table)[DISPUTED]) == ("needs_response", PAID)
    assert told(table) == ["dispute.created", "dispute.updated"]


@pytest.mark.parametrize("outcome", ["won", "lost"])
@pytest.mark.parametrize("seed", range(3))
def test_events_twice_and_in_any_order_end_alike(
    shop: Shop, stripe: Stripe, order_id: str, table: Any, seed: int, outcome: str
) -> None:
    """Whatever event comes first, the dispute is what Stripe says of it, and each movement is booked once."""
    dispute_id = dispute_of(stripe, pay(shop, stripe, order_id))
    control(stripe, f"/disputes/{dispute_id}/decide", outcome=outcome)
    events = stripe.events() * 2
    random.Random(seed).shuffle(events)

    for event in events:
        assert deliver(shop.call, event).status == 200
    failed = [event for event in events if consume(event["id"])["batchItemFailures"]]
    for event in failed:  # of the dispute, before that of the payment
        assert event["type"].startswith("charge.dispute.")
        assert consume(event["id"]) == {"batchItemFailures": []}

    found = dispute(shop, dispute_id)
    assert (found["status"], found["amount_withdrawn"]) == (outcome, PAID)
    assert told(table) == ["dispute.created", "dispute.closed"]
    assert accounts(table)[CLEARING] == (PAID if outcome == "won" else 0)


def test_a_dispute_waits_for_the_news_that_its_order_was_paid(shop: Shop, stripe: Stripe, order_id: str) -> None:
    """Or the books would hold back what was never collected."""
    dispute_id = dispute_of(stripe, pay(shop, stripe, order_id))
    opened = next(event for event in stripe.events() if event["type"] == "charge.dispute.created")
    deliver(shop.call, opened)

    assert len(consume(opened["id"])["batchItemFailures"]) == 1

    assert shop.do("v2/disputes/list_disputes")["data"] == []
    shop.settle(stripe)
    assert [each["id"] for each in shop.do("v2/disputes/list_disputes")["data"]] == [dispute_id]


def test_a_consumer_that_is_overtaken_books_nothing_twice_and_nothing_old(
    shop: Shop, stripe: Stripe, order_id: str, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what one consumer was told and its commit, the dispute is won and another consumer books that."""
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    shop.settle(stripe)
    dispute_id = dispute_charge(stripe, intent)
    opened = next(event for event in stripe.events() if event["type"] == "charge.dispute.created")
    deliver(shop.call, opened)
    fetch, asked = stripe_gateway.get_dispute, list[str]()

    def overtaken(*given: Any) -> Any:
        found = fetch(*given)
        asked.append(found.status)
        if len(asked) == 1:
            control(stripe, f"/disputes/{dispute_id}/decide", outcome="won")
            reinstated = stripe.events()[-1]
            deliver(shop.call, reinstated)
            assert consume(reinstated["id"]) == {"batchItemFailures": []}
        return found

    monkeypatch.setattr(stripe_gateway, "get_dispute", overtaken)
    assert consume(opened["id"]) == {"batchItemFailures": []}

    assert asked == ["needs_response", "won", "won"]
    assert dispute(shop, dispute_id)["status"] == "won"
    assert timeline(shop, order_id) == ["won"]
    assert accounts(table)[CLEARING] == PAID


def refund(shop: Shop, intent: str, amount: int | None = None) -> Answered:
    return shop.call("v2/payments/refund_payment", id=intent, body=None if amount is None else {"amount": amount})


def test_what_is_in_dispute_is_refunded_by_nobody(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    dispute_id = dispute_charge(stripe, intent)
    shop.settle(stripe)
    assert reason(refund(shop, intent)) == (409, "nothing_to_refund")

    decide(shop, stripe, dispute_id, "won")

    assert refund(shop, intent).status == 201
    shop.settle(stripe)
    assert accounts(table)[CLEARING] == 0


def test_what_was_lost_in_a_part_of_a_payment_is_not_refunded_again(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    decide(shop, stripe, dispute_charge(stripe, intent, amount=5000), "lost")

    too_much, rest = refund(shop, intent, PAID - 4999), refund(shop, intent, PAID - 5000)

    assert reason(too_much) == (422, "refund_exceeds_remaining")
    assert rest.status == 201
    shop.settle(stripe)  # Stripe refunds nothing of a charge that was taken back
    made = shop.do("v2/payments/list_refunds", id=intent)["data"]
    assert [(each["amount"], each["status"]) for each in made] == [(PAID - 5000, "failed")]
    assert accounts(table)[CLEARING] == PAID - 5000


def test_a_refund_that_was_made_before_narrows_what_is_disputed(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    shop.settle(stripe)
    assert refund(shop, intent, 4999).status == 201
    shop.settle(stripe)
    dispute_id = dispute_charge(stripe, intent)

    decide(shop, stripe, dispute_id, "lost")

    assert dispute(shop, dispute_id)["amount_lost"] == PAID - 4999
    assert (accounts(table)[CLEARING], accounts(table)[LOSS]) == (0, PAID - 4999)
    assert reason(refund(shop, intent)) == (409, "nothing_to_refund")


def test_a_dispute_that_nobody_answers_is_lost(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    dispute_id = disputed(shop, stripe, order_id)

    control(stripe, "/clock", advance_seconds=10 * 24 * 3600)
    shop.settle(stripe)

    found = dispute(shop, dispute_id)
    assert (found["status"], found["evidence_overdue"], found["evidence_submissions"]) == ("lost", True, 0)
    assert reason(respond(shop, dispute_id)) == (409, "dispute_closed")


def test_a_dispute_of_somebody_elses_payment_in_the_same_account_changes_nothing(
    shop: Shop, stripe: Stripe, table: Any
) -> None:
    strange = stripe.sdk.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )

    shop.settle(stripe)

    assert shop.do("v2/disputes/list_disputes")["data"] == []
    assert shop.call("v2/disputes/get_dispute", id=dispute_of(stripe, strange.id)).status == 404


# Reading


def test_disputes_are_listed_newest_first_by_order_and_status(
    shop: Shop, stripe: Stripe, jane: Credential, jersey: Any
) -> None:
    orders = [shop.order(jane, (jersey["id"], 1)) for _ in range(3)]
    made = [disputed(shop, stripe, each) for each in orders]
    decide(shop, stripe, made[0], "lost")

    def listed(**query: str) -> list[str]:
        return [each["id"] for each in shop.do("v2/disputes/list_disputes", query=query or None)["data"]]

    assert set(listed()) == set(made)
    assert listed(status="lost") == [made[0]]
    assert set(listed(status="needs_response")) == set(made[1:])
    assert listed(order_id=orders[1]) == [made[1]]
    assert listed(order_id=orders[1], status="lost") == []
    assert listed(order_id="order_missing") == []
    rows = shop.do("v2/disputes/list_disputes")["data"]
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert all(row["evidence_due_by"] for row in rows)
    assert all("draft" not in row for row in rows)


@pytest.mark.parametrize("filters", [{}, {"status": "needs_response"}])
def test_pages_of_disputes_together_are_all_of_them(
    shop: Shop, stripe: Stripe, jane: Credential, jersey: Any, filters: dict[str, str]
) -> None:
    made = {disputed(shop, stripe, shop.order(jane, (jersey["id"], 1))) for _ in range(3)}
    first = shop.do("v2/disputes/list_disputes", query={"limit": "2", **filters})
    cursor = first["pagination"]["next_cursor"]
    rest = shop.do("v2/disputes/list_disputes", query={"limit": "2", "cursor": cursor, **filters})

    assert [len(page["data"]) for page in (first, rest)] == [2, 1]
    assert {each["id"] for page in (first, rest) for each in page["data"]} == made
    assert rest["pagination"]["has_more"] is False


def test_anothers_dispute_does_not_exist(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    stranger = Credential(tenant=OTHER_TENANT)

    theirs = shop.call("v2/disputes/get_dispute", credential=stranger, id=dispute_id)
    missing = shop.call("v2/disputes/get_dispute", id="dp_missing")
    assert (theirs.status, missing.status) == (404, 404)
    assert theirs.body["error"]["message"] == missing.body["error"]["message"]
    assert respond(shop, dispute_id, by=stranger).status == 404
    assert shop.call("v2/disputes/list_disputes", credential=stranger).body["data"] == []
    assert evidence_at(stripe, dispute_id) == {}


def test_the_staffs_notes_are_not_in_the_draft(shop: Shop, stripe: Stripe, order_id: str) -> None:
    shop.add_note(order_id, "Looks like a thief to me")
    dispute_id = disputed(shop, stripe, order_id)

    assert "thief" not in shop.call("v2/disputes/get_dispute", id=dispute_id).text


@pytest.mark.parametrize("handler", ["v2/disputes/list_disputes", "v2/disputes/get_dispute"])
def test_reading_disputes_does_not_load_stripes_sdk(handler: str) -> None:
    folder, module = handler.rsplit("/", 1)
    code = f"import sys; sys.path[:0] = ['layers/common', 'functions/{folder}']; import {module}; "
    code += "print('stripe' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


# Answering


def test_a_response_is_filled_with_what_the_shop_knows(
    shop: Shop, stripe: Stripe, order_id: str, jane: Credential
) -> None:
    intent = pay(shop, stripe, order_id, "pm_card_visa")
    shop.settle(stripe)
    shop.move(order_id, "shipped", tracking_number="1Z999", carrier="UPS")
    shop.move(order_id, "delivered")
    shop.add_note(order_id, "Customer wrote that it fits")
    dispute_id = dispute_charge(stripe, intent)
    shop.settle(stripe)
    draft = dispute(shop, dispute_id)["draft"]
    assert (draft["shipping_carrier"], draft["shipping_tracking_number"]) == ("UPS", "1Z999")
    assert (draft["customer_name"], draft["customer_email_address"]) == ("Jane Doe", "jane@example.com")
    assert draft["shipping_date"] == clock.now().date().isoformat()
    assert "123 Main St" in draft["shipping_address"]
    assert draft["product_description"] == "1 x Product JERSEY (SKU JERSEY), 199.99 USD each"
    assert "for 199.99 USD" in draft["uncategorized_text"]
    assert "It was delivered on" in draft["uncategorized_text"]

    answered = respond(
        shop,
        dispute_id,
        evidence={
            "product_description": "A jersey, blue",
            "shipping_documentation": "file_proofOfDelivery",
            "customer_email_address": None,
        },
    )

    assert answered.status == 201
    assert (answered.body["status"], answered.body["evidence_submissions"]) == ("under_review", 1)
    assert answered.body["draft"] is None
    held = evidence_at(stripe, dispute_id)
    own = {"product_description": "A jersey, blue", "shipping_documentation": "file_proofOfDelivery"}
    expected = {name: text for name, text in draft.items() if name != "customer_email_address"} | own
    assert held == expected
    assert answered.body["evidence"] == expected == dispute(shop, dispute_id)["evidence"]
    assert "it fits" not in str(held)
    assert timeline(shop, order_id) == ["needs_response", "under_review"]


def test_notes_go_to_the_bank_where_the_merchant_says_so(shop: Shop, stripe: Stripe, order_id: str) -> None:
    shop.add_note(order_id, "Customer wrote that it fits")
    dispute_id = disputed(shop, stripe, order_id)

    assert respond(shop, dispute_id, include_notes=True).status == 201

    assert "note: Customer wrote that it fits" in evidence_at(stripe, dispute_id)["uncategorized_text"]


def test_staged_evidence_waits_and_the_draft_does_not_write_over_it(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)

    staged = respond(shop, dispute_id, evidence={"product_description": "A jersey, blue"}, submit=False)

    assert (staged.status, staged.body["status"], staged.body["evidence_submissions"]) == (201, "needs_response", 0)
    assert staged.body["draft"] is not None
    assert evidence_at(stripe, dispute_id)["product_description"] == "A jersey, blue"
    shop.settle(stripe)  # the news of it changes nothing
    handed_in = respond(shop, dispute_id)
    assert (handed_in.body["status"], handed_in.body["evidence_submissions"]) == ("under_review", 1)
    assert evidence_at(stripe, dispute_id)["product_description"] == "A jersey, blue"


def test_evidence_from_stripes_dashboard_is_shown_and_kept(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    by_hand = {"customer_name": "Jane D.", "refund_policy_disclosure": "On the receipt"}
    stripe.sdk.v1.disputes.update(dispute_id, {"evidence": by_hand, "submit": False})  # type: ignore[arg-type]
    shop.settle(stripe)
    assert dispute(shop, dispute_id)["evidence"] == by_hand

    assert respond(shop, dispute_id).status == 201

    assert by_hand.items() <= evidence_at(stripe, dispute_id).items()


@pytest.mark.parametrize(("text", "outcome"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_the_banks_decision_ends_it(
    shop: Shop, stripe: Stripe, order_id: str, table: Any, text: str, outcome: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id)

    answered = respond(shop, dispute_id, evidence={"uncategorized_text": text})

    assert (answered.status, answered.body["status"]) == (201, outcome)
    assert accounts(table)[CLEARING] == (PAID if outcome == "won" else 0)
    shop.settle(stripe)
    assert reason(respond(shop, dispute_id)) == (409, "dispute_closed")
    assert told(table) == ["dispute.created", "dispute.closed"]


def test_the_bank_listens_once(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    respond(shop, dispute_id, evidence={"customer_name": "Jane D."})
    held = evidence_at(stripe, dispute_id)

    other, less = respond(shop, dispute_id, evidence={"customer_name": "Somebody else"}), respond(shop, dispute_id)

    assert reason(other) == reason(less) == (409, "already_responded")
    assert evidence_at(stripe, dispute_id) == held


def test_the_same_response_again_is_answered_with_the_dispute_as_it_is(
    shop: Shop, stripe: Stripe, order_id: str, table: Any
) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    first = respond(shop, dispute_id, evidence={"customer_name": "Jane D."})
    before = table.scan()["Items"]

    again = respond(shop, dispute_id, evidence={"customer_name": "Jane D."})

    assert (again.status, again.body) == (201, first.body)
    assert table.scan()["Items"] == before


def test_an_inquiry_that_was_answered_and_becomes_a_dispute_is_answered_again(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id, "pm_card_createDisputeInquiry")
    everything = dispute(shop, dispute_id)["draft"]  # so that the very same is sent to Stripe twice
    first = respond(shop, dispute_id, evidence=everything)
    decide(shop, stripe, dispute_id, "escalated")
    assert dispute(shop, dispute_id)["status"] == "needs_response"

    again = respond(shop, dispute_id, evidence=everything)

    assert [each.body["status"] for each in (first, again)] == ["warning_under_review", "under_review"]


def test_what_the_dashboard_changed_is_staged_anew(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    respond(shop, dispute_id, evidence={"customer_name": "Jane D."}, submit=False)
    stripe.sdk.v1.disputes.update(dispute_id, {"evidence": {"customer_name": "J."}, "submit": False})
    assert evidence_at(stripe, dispute_id)["customer_name"] == "J."

    respond(shop, dispute_id, evidence={"customer_name": "Jane D."}, submit=False)

    assert evidence_at(stripe, dispute_id)["customer_name"] == "Jane D."


def test_evidence_after_its_date_is_refused(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    due = datetime.fromisoformat(dispute(shop, dispute_id)["evidence_due_by"])

    with clock.use(lambda: due):
        late = respond(shop, dispute_id)
    with clock.use(lambda: due - timedelta(seconds=1)):
        in_time = respond(shop, dispute_id)

    assert reason(late) == (409, "evidence_overdue")
    assert in_time.status == 201


def test_an_inquiry_that_stripe_calls_overdue_is_refused_before_we_have_heard_of_it(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id, "pm_card_createDisputeInquiry")
    control(stripe, "/clock", advance_seconds=10 * 24 * 3600)
    now = datetime.fromtimestamp(control(stripe, "/clock")["now"], UTC) - timedelta(days=5)

    with clock.use(lambda: now):
        assert reason(respond(shop, dispute_id)) == (409, "evidence_overdue")


def test_a_decision_that_we_have_not_heard_of_counts(shop: Shop, stripe: Stripe, order_id: str) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    control(stripe, f"/disputes/{dispute_id}/decide", outcome="lost")

    assert reason(respond(shop, dispute_id)) == (409, "dispute_closed")


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ({"uncategorized_text": "x" * 20_001}, "string_too_long"),
        ({"customer_name": "x" * 5_001}, "string_too_long"),
        ({"receipt": "the receipt"}, "string_pattern_mismatch"),
        ({"uncategorized_text": ""}, "string_too_short"),
        ({"enhanced_evidence": {}}, "unknown_field"),
        (
            dict.fromkeys(LONG_TEXTS, "x" * 20_000),
            "evidence_too_long",
        ),
    ],
    ids=["long text", "long words", "no file", "empty", "unknown", "together"],
)
def test_evidence_that_stripe_would_not_take_is_refused(
    shop: Shop, stripe: Stripe, order_id: str, evidence: dict[str, Any], code: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id)

    assert reason(respond(shop, dispute_id, evidence=evidence)) == (422, code)
    assert evidence_at(stripe, dispute_id) == {}


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after"])
def test_a_short_fault_of_stripes_is_no_reason_to_refuse_a_response(
    shop: Shop, stripe: Stripe, order_id: str, kind: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    stripe.fault(UPDATE, kind, times=1)

    answered = respond(shop, dispute_id)

    assert (answered.status, answered.body["evidence_submissions"]) == (201, 1)
    assert dispute(shop, dispute_id)["status"] == "under_review"


def test_a_response_that_stripe_has_no_time_for_is_tried_again_by_the_merchant(
    shop: Shop, stripe: Stripe, order_id: str
) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    stripe.fault(UPDATE, "429")

    assert [respond(shop, dispute_id, key="answer-1").status for _ in range(2)] == [503, 201]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The attempts at answering; the first one meets a fault that has no effect, and that Stripe keeps."""
    answer, tried = stripe_gateway.answer_dispute, list[int]()

    def faulty(*given: Any, attempt: int, **named: Any) -> Any:
        tried.append(attempt)
        if len(tried) == 1:
            raise stripe_gateway.ProviderFault
        return answer(*given, attempt=attempt, **named)

    monkeypatch.setattr(stripe_gateway, "answer_dispute", faulty)
    return tried


def test_the_try_after_a_fault_is_another_attempt(
    shop: Shop, stripe: Stripe, order_id: str, attempts: list[int]
) -> None:
    """Or it would use the idempotency key under which Stripe answers its fault for ever."""
    dispute_id = disputed(shop, stripe, order_id)

    assert [respond(shop, dispute_id, key="answer-1").status for _ in range(2)] == [503, 201]
    assert attempts == [0, 1]


def test_a_fault_that_is_counted_while_news_come_in_is_not_forgotten(
    shop: Shop, stripe: Stripe, order_id: str, attempts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    stripe.sdk.v1.disputes.update(dispute_id, {"evidence": {"customer_name": "J."}, "submit": False})
    news = stripe.events()[-1]
    deliver(shop.call, news)
    fetch = stripe_gateway.get_dispute

    def overtaken(*given: Any) -> Any:
        found = fetch(*given)
        monkeypatch.setattr(stripe_gateway, "get_dispute", fetch)
        assert respond(shop, dispute_id).status == 503
        return found

    monkeypatch.setattr(stripe_gateway, "get_dispute", overtaken)
    assert consume(news["id"]) == {"batchItemFailures": []}

    assert respond(shop, dispute_id).status == 201
    assert attempts == [0, 1]


def test_a_response_whose_process_died_is_found_by_its_retry(
    shop: Shop, stripe: Stripe, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commerce.disputes import store

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    class AtItsEnd:
        """A Lambda context: the attempt's lease is over when its caller retries."""

        def get_remaining_time_in_millis(self) -> int:
            return 1

    dispute_id = disputed(shop, stripe, order_id)
    evidence = {"customer_name": "Jane D."}
    with monkeypatch.context() as dying:
        dying.setattr(store, "save", die)
        with pytest.raises(KeyboardInterrupt):
            respond(shop, dispute_id, key="answer-1", context=AtItsEnd(), evidence=evidence)
    held = evidence_at(stripe, dispute_id)
    retried = respond(shop, dispute_id, key="answer-1", evidence=evidence)

    assert (retried.status, retried.body["status"]) == (201, "under_review")
    assert evidence_at(stripe, dispute_id) == held
    assert timeline(shop, order_id) == ["needs_response", "under_review"]


def test_a_response_and_the_news_of_it_at_once_are_one(
    shop: Shop, stripe: Stripe, order_id: str, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe's event is applied between its answer and our commit."""
    dispute_id = disputed(shop, stripe, order_id)
    answer, calls = stripe_gateway.answer_dispute, list[str]()

    def overtaken(*args: Any, **named: Any) -> Any:
        answered = answer(*args, **named)
        calls.append(named["response_id"])
        shop.settle(stripe)
        return answered

    monkeypatch.setattr(stripe_gateway, "answer_dispute", overtaken)
    answered = respond(shop, dispute_id)

    assert (answered.status, answered.body["status"]) == (201, "under_review")
    assert len(calls) == 1
    assert told(table) == ["dispute.created", "dispute.updated"]


def test_a_dry_run_hands_nothing_in(shop: Shop, stripe: Stripe, order_id: str, table: Any) -> None:
    dispute_id = disputed(shop, stripe, order_id)
    before = table.scan()["Items"]

    tried = shop.call(
        "v2/disputes/respond_to_dispute", id=dispute_id, body={"evidence": {}}, headers={"X-Dry-Run": "true"}
    )

    assert (tried.status, tried.body["stopped_before"]) == (200, "disputes.update")
    assert table.scan()["Items"] == before
    assert evidence_at(stripe, dispute_id) == {}


def test_a_yen_dispute_is_told_in_yen(call: Call, stripe: Stripe, table: Any) -> None:
    tokyo = Shop(call, replace(OTHER_TENANT, currency="JPY", timezone="Asia/Tokyo")).open()
    cup = tokyo.product("CUP", 500, stock=9)
    order_id = tokyo.order(tokyo.customer(), (cup["id"], 2))
    intent = pay(tokyo, stripe, order_id, amount=1000)
    tokyo.settle(stripe)

    found = dispute(tokyo, dispute_of(stripe, intent))

    assert (found["amount"], found["amount_withdrawn"], found["currency"]) == (1000, 1000, "jpy")
    assert found["draft"]["product_description"] == "2 x Product CUP (SKU CUP), 500 JPY each"
    booked_as_recorded(table)
