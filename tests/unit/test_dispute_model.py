"""What a dispute does by what the provider tells, and what a draft of a response says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.disputes.evidence import draft
from commerce.disputes.model import (
    ANSWERABLE,
    ANSWERED,
    CLOSED,
    MAX_TEXT,
    MOVES,
    Dispute,
    DisputeStatus,
    Movement,
    ProviderDispute,
    first_seen,
)
from commerce.events.model import TimelineEvent, TimelineType
from commerce.kernel.errors import IllegalMove
from commerce.kernel.money import Money
from commerce.orders.model import Address, Buyer, FulfillmentStatus, Order, OrderLine, PaymentStatus, Status
from commerce.payments import stripe_gateway

AT = datetime(2026, 3, 20, 23, 30, tzinfo=UTC)
NOTHING = Money.zero("USD")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def order(**changes: Any) -> Order:
    line = OrderLine("line_1", "prod_1", "var_1", "CUP", "Cup", 2, usd(5000), NOTHING, NOTHING)
    placed = Order(
        order_id="order_1",
        buyer=Buyer("cust_1", "jane@example.com", "Jane Doe"),
        lines=(line,),
        currency="USD",
        status=Status.DELIVERED,
        payment_status=PaymentStatus.PAID,
        fulfillment_status=FulfillmentStatus.FULFILLED,
        shipping_address=Address("Jane Doe", "123 Main St", "Springfield", "US", "IL", "62701"),
        billing_address=None,
        placed_at=AT,
        updated_at=AT,
        expires_at=None,
        discount=NOTHING,
        shipping=NOTHING,
        tax=NOTHING,
        refunded=NOTHING,
        refunding=NOTHING,
        compensated=NOTHING,
        disputed=NOTHING,
        shipping_refunded=NOTHING,
    )
    return replace(placed, **changes)


def told(status: DisputeStatus, *movements: int, **changes: Any) -> ProviderDispute:
    """What the provider tells: ``movements`` below zero were taken, above it given back."""
    found = ProviderDispute(
        dispute_id="dp_1",
        payment_id="pi_1",
        status=status,
        reason="fraudulent",
        amount=usd(10000),
        due_by=AT + timedelta(days=9),
        past_due=False,
        submissions=0,
        created_at=AT,
        movements=tuple(Movement(f"txn_{number}", usd(minor)) for number, minor in enumerate(movements)),
    )
    return replace(found, **changes)


def after(*seen: ProviderDispute) -> Dispute:
    dispute = first_seen(order(), seen[0], AT)
    for each in seen:
        dispute = dispute.follow(each)
    return dispute


def sums(dispute: Dispute) -> tuple[int, int, int]:
    """What refunds cannot reach, what was given back, and what is lost for good."""
    return dispute.held.minor, dispute.reinstated.minor, dispute.lost.minor


@pytest.mark.parametrize(
    ("status", "movements", "expected"),
    [
        (DisputeStatus.WARNING_NEEDS_RESPONSE, (), (0, 0, 0)),
        (DisputeStatus.NEEDS_RESPONSE, (), (0, 0, 0)),  # it is open, and the money has not been taken yet
        (DisputeStatus.NEEDS_RESPONSE, (-10000,), (10000, 0, 0)),
        (DisputeStatus.UNDER_REVIEW, (-10000,), (10000, 0, 0)),
        (DisputeStatus.LOST, (-10000,), (10000, 0, 10000)),
        (DisputeStatus.LOST, (), (0, 0, 0)),
        (DisputeStatus.WON, (-10000,), (10000, 0, 0)),  # won, and the money is still on its way back
        (DisputeStatus.WON, (-10000, 10000), (0, 10000, 0)),
        (DisputeStatus.WON, (-10000, 4000), (6000, 4000, 6000)),  # won in part
        (DisputeStatus.APPEAL_UNDER_REVIEW, (-10000,), (10000, 0, 10000)),
        (DisputeStatus.PREVENTED, (), (0, 0, 0)),
    ],
)
def test_money_moves_by_what_was_taken_and_given_back(
    status: DisputeStatus, movements: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    assert sums(after(told(status, *movements))) == expected


def test_a_loss_that_an_appeal_turns_over_is_none() -> None:
    lost = after(told(DisputeStatus.LOST, -10000))
    appealed = lost.follow(told(DisputeStatus.APPEAL_UNDER_REVIEW, -10000))

    assert sums(appealed) == (10000, 0, 10000)
    assert sums(appealed.follow(told(DisputeStatus.WON, -10000, 10000))) == (0, 10000, 0)


def test_what_is_told_again_is_no_news() -> None:
    news = told(DisputeStatus.UNDER_REVIEW, -10000, submissions=1)

    assert after(news, news) == after(news)


@pytest.mark.parametrize("ended", sorted(CLOSED - {DisputeStatus.LOST}))
def test_a_dispute_that_is_over_does_not_begin_again(ended: DisputeStatus) -> None:
    with pytest.raises(IllegalMove):
        after(told(ended), told(DisputeStatus.NEEDS_RESPONSE))


def test_every_status_has_its_moves_and_can_be_reached() -> None:
    reached = {target for targets in MOVES.values() for target in targets}

    assert set(MOVES) == set(DisputeStatus)
    assert reached == set(DisputeStatus) - {DisputeStatus.WARNING_NEEDS_RESPONSE}
    assert all(status not in targets for status, targets in MOVES.items())
    assert not (ANSWERABLE | ANSWERED) & CLOSED


@pytest.mark.parametrize(
    ("past_due", "due_in", "overdue"), [(False, 1, False), (False, 0, True), (True, 1, True), (False, None, False)]
)
def test_evidence_is_overdue_by_its_date_or_by_the_providers_word(
    past_due: bool, due_in: int | None, overdue: bool
) -> None:
    due_by = None if due_in is None else AT + timedelta(seconds=due_in)

    assert told(DisputeStatus.NEEDS_RESPONSE, past_due=past_due, due_by=due_by).is_overdue(AT) is overdue


def test_an_account_that_settles_in_another_currency_moves_the_disputes_own_amount() -> None:
    disputed = usd(5000)
    taken, back = (
        stripe_gateway._movement({"id": "txn_1", "amount": amount, "currency": "eur"}, disputed)
        for amount in (-4630, 4581)
    )

    assert (taken.amount, back.amount) == (usd(-5000), usd(5000))
    own = stripe_gateway._movement({"id": "txn_1", "amount": -4000, "currency": "usd"}, disputed)
    assert own.amount == usd(-4000)


# The draft


def event(kind: TimelineType, status: str | None, minutes: int, content: str | None = None) -> TimelineEvent:
    at = AT + timedelta(minutes=minutes)
    return TimelineEvent("order_1", minutes, 0, at, "system:stripe", kind, status=status, content=content)


HISTORY = [  # newest first, as it is read
    event(TimelineType.DISPUTE, "needs_response", 5),
    event(TimelineType.NOTE, None, 4, "Nice\nperson"),
    event(TimelineType.STATUS_CHANGE, "delivered", 3),
    event(TimelineType.PAYMENT, "paid", 2),
]


def test_a_draft_tells_the_sale_and_what_happened_in_order_of_time() -> None:
    shipped = order(shipped_at=AT, delivered_at=AT, carrier="UPS", tracking_number="1Z999", refunded=usd(1000))

    drafted = draft(shipped, HISTORY, "Asia/Tokyo")

    assert drafted == {
        "customer_name": "Jane Doe",
        "customer_email_address": "jane@example.com",
        "shipping_address": "Jane Doe\n123 Main St\nSpringfield IL 62701\nUS",
        "shipping_carrier": "UPS",
        "shipping_tracking_number": "1Z999",
        "shipping_date": "2026-03-21",
        "product_description": "2 x Cup (SKU CUP), 50.00 USD each",
        "uncategorized_text": (
            "Order order_1 was placed on 2026-03-21 for 100.00 USD, of which 100.00 USD was charged to the card. "
            "10.00 USD of it was refunded to the card. It was shipped on 2026-03-21. It was delivered on 2026-03-21."
            "\n\nHistory, in UTC:\n"
            "2026-03-20T23:32:00Z payment paid\n"
            "2026-03-20T23:33:00Z status change delivered\n"
            "2026-03-20T23:34:00Z note: Nice person"
        ),
    }


def test_a_draft_leaves_out_what_is_not_known() -> None:
    drafted = draft(order(), [], "UTC")

    assert set(drafted) == {
        "customer_name",
        "customer_email_address",
        "shipping_address",
        "product_description",
        "uncategorized_text",
    }


@pytest.mark.parametrize("length", [10, 4_000, 30_000])
def test_a_draft_fits_and_keeps_the_newest_history(length: int) -> None:
    many = [event(TimelineType.STATUS_CHANGE, f"step_{n}", n, "x" * length) for n in range(400, 0, -1)]
    line = replace(order().lines[0], name="y" * 250)

    drafted = draft(order(lines=(line,) * 200), many, "UTC")

    assert all(len(text) <= MAX_TEXT for text in drafted.values())
    assert "step 400: xxx" in drafted["uncategorized_text"]
    assert drafted["uncategorized_text"].startswith("Order order_1 was placed")
    assert drafted["product_description"].startswith("2 x yyy")
