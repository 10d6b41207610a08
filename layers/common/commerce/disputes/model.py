"""A dispute: the holder's bank takes a payment back, the merchant answers with evidence, the bank decides.

The provider's object is the truth: it is fetched again whatever event arrives, in whatever order and however often, and
what is recorded follows it. Money moves by what the provider withdrew and reinstated, each once, whatever the status.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from commerce.kernel import wire_json
from commerce.kernel.errors import IllegalMove
from commerce.kernel.money import Money, total
from commerce.orders.model import Order


class DisputeStatus(StrEnum):
    """Stripe's documented states. A ``warning`` is an inquiry, which takes no money."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    PREVENTED = "prevented"  # settled by a refund before it became a dispute


_DECIDED = frozenset({DisputeStatus.WON, DisputeStatus.LOST})
_APPEALED = frozenset({DisputeStatus.APPEAL_NEEDS_RESPONSE, DisputeStatus.APPEAL_UNDER_REVIEW})
_DISPUTED = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})

# To what a dispute may have moved since it was looked at last: several moves of the provider's may lie in between.
MOVES: dict[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: _DISPUTED
    | _DECIDED
    | {DisputeStatus.WARNING_UNDER_REVIEW, DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED},
    DisputeStatus.WARNING_UNDER_REVIEW: _DISPUTED | _DECIDED | {DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED},
    DisputeStatus.WARNING_CLOSED: frozenset(),
    DisputeStatus.NEEDS_RESPONSE: _DECIDED | _APPEALED | {DisputeStatus.UNDER_REVIEW, DisputeStatus.PREVENTED},
    DisputeStatus.UNDER_REVIEW: _DECIDED | _APPEALED,
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: _APPEALED | {DisputeStatus.WON},
    DisputeStatus.APPEAL_NEEDS_RESPONSE: _DECIDED | {DisputeStatus.APPEAL_UNDER_REVIEW},
    DisputeStatus.APPEAL_UNDER_REVIEW: _DECIDED,
    DisputeStatus.PREVENTED: frozenset(),
}

ANSWERABLE = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.WARNING_NEEDS_RESPONSE})
ANSWERED = frozenset({DisputeStatus.UNDER_REVIEW, DisputeStatus.WARNING_UNDER_REVIEW})
CLOSED = _DECIDED | {DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED}
LOSING = _APPEALED | {DisputeStatus.LOST}  # an appeal gives nothing back before it is won

MAX_EVIDENCE = 150_000  # characters in all fields together, of Stripe
MAX_TEXT = 20_000  # characters of a long field, of Stripe
MAX_WORDS = 5_000  # characters of a short one
MAX_KEPT_BYTES = 350_000  # of evidence in one row, which holds 400 KB


@dataclass(frozen=True, slots=True)
class Movement:
    """What the provider took out of our balance for a dispute (below zero), or put back."""

    movement_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """A dispute as the provider sees it. ``evidence`` is what it holds of ours, empty fields left out.

    ``due_by`` is None once nothing is awaited; ``submissions`` counts how often evidence went to the bank, and
    ``response_id`` names the response of ours that was the last.
    """

    dispute_id: str
    payment_id: str
    status: DisputeStatus
    reason: str
    amount: Money
    due_by: datetime | None
    past_due: bool
    submissions: int
    created_at: datetime
    movements: tuple[Movement, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    response_id: str | None = None

    def is_overdue(self, now: datetime) -> bool:
        return self.past_due or (self.due_by is not None and self.due_by <= now)


@dataclass(frozen=True, slots=True)
class Dispute:
    """What is recorded of a dispute; its id is the provider's.

    ``withdrawn``, ``reinstated`` and ``lost`` are what is booked so far, ``movements`` those of the provider's that
    are. ``attempts`` counts the responses to which the provider may keep a fault as its answer.
    """

    dispute_id: str
    order_id: str
    payment_id: str
    customer_id: str
    status: DisputeStatus
    reason: str
    amount: Money
    withdrawn: Money
    reinstated: Money
    lost: Money
    due_by: datetime | None
    past_due: bool
    submissions: int
    created_at: datetime
    updated_at: datetime
    movements: frozenset[str] = frozenset()
    attempts: int = 0
    version: int = 1

    @property
    def held(self) -> Money:
        """What the order's refunds cannot reach: withdrawn and not given back, be it for now or for good."""
        return self.withdrawn - self.reinstated

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    def follow(self, told: ProviderDispute) -> "Dispute":
        """The same dispute as the provider tells it; equal to this one where nothing is new.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if told.status is not self.status and told.status not in MOVES[self.status]:
            raise IllegalMove(f"A dispute that is {self.status} cannot become {told.status}")
        currency = self.amount.currency
        withdrawn = total([each.amount * -1 for each in told.movements if each.amount.minor < 0], currency)
        reinstated = total([each.amount for each in told.movements if each.amount.minor > 0], currency)
        gone = told.status in LOSING or (told.status is DisputeStatus.WON and reinstated.minor > 0)
        return replace(
            self,
            status=told.status,
            reason=told.reason,
            amount=told.amount,
            withdrawn=withdrawn,
            reinstated=reinstated,
            lost=withdrawn - reinstated if gone else Money.zero(currency),  # a win may be one of a part
            due_by=told.due_by,
            past_due=told.past_due,
            submissions=told.submissions,
            movements=frozenset(each.movement_id for each in told.movements),
        )


def first_seen(order: Order, told: ProviderDispute, at: datetime) -> Dispute:
    """A dispute of which nothing is recorded or booked yet."""
    nothing = Money.zero(order.currency)
    return Dispute(
        dispute_id=told.dispute_id,
        order_id=order.order_id,
        payment_id=told.payment_id,
        customer_id=order.buyer.customer_id,
        status=told.status,
        reason=told.reason,
        amount=told.amount,
        withdrawn=nothing,
        reinstated=nothing,
        lost=nothing,
        due_by=told.due_by,
        past_due=told.past_due,
        submissions=told.submissions,
        created_at=told.created_at,
        updated_at=at,
        version=0,
    )


@dataclass(frozen=True, slots=True)
class Response:
    """What a merchant answers: ``evidence`` by the provider's names, None for a field to be left as it is.

    What it does not name comes from the draft, for which ``include_notes`` lets the staff's notes be used. ``submit``
    hands it to the bank, which listens once; else it is staged with the provider.
    """

    dispute_id: str
    evidence: Mapping[str, str | None] = field(default_factory=dict)
    submit: bool = True
    include_notes: bool = False

    @property
    def response_id(self) -> str:
        """Names the response by what it says, so that the same one sent again is known."""
        said = wire_json.canonical([self.dispute_id, dict(self.evidence), self.submit, self.include_notes])
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def is_in(self, told: ProviderDispute) -> bool:
        """Whether the provider has taken it already, and awaits no further one."""
        own = {name: text for name, text in self.evidence.items() if text is not None}
        awaited = self.submit and told.status in ANSWERABLE  # again, once an inquiry has become a dispute
        return told.response_id == self.response_id and own.items() <= told.evidence.items() and not awaited
