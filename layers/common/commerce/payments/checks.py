"""The daily check of our payments against the payment provider's list: what it goes over, and what it finds.

Every day, all of a window is looked at anew: what was not mended is found again, and rings again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from commerce.kernel.caller import Mode
from commerce.kernel.periods import Period
from commerce.payments.model import Intent, IntentStatus, Payment

SETTLED_AFTER = timedelta(hours=3)  # news of the day before has come by then, or will not come soon
WINDOW = timedelta(days=10)  # an authorisation lasts seven days, and Stripe repeats an event for three
DISPUTE_WINDOW = timedelta(days=120)  # a bank takes its time
MAX_TOLD = 200  # differences that a report names; it counts all


class PartKind(StrEnum):
    """Which of the provider's lists a part goes over."""

    PAYMENTS = "payments"
    REFUNDS = "refunds"
    DISPUTES = "disputes"


# How much of a list one part is: all of it is done at once, or again.
_PARTS = (
    (PartKind.PAYMENTS, WINDOW, timedelta(hours=6)),
    (PartKind.REFUNDS, WINDOW, timedelta(hours=6)),
    (PartKind.DISPUTES, DISPUTE_WINDOW, timedelta(days=10)),
)


@dataclass(frozen=True, slots=True)
class Part:
    """What the provider made in a period."""

    kind: PartKind
    period: Period


class DifferenceKind(StrEnum):
    """What differs. Only the first five ring; the provider's account may serve others, too."""

    MISSING_HERE = "missing_here"  # money that none of our orders knows of
    MISSING_THERE = "missing_there"  # the provider does not know our payment
    STATUS = "status"  # of a payment, or what of it was collected
    AMOUNT = "amount"
    REFUND = "refund"  # one that we do not know of, or that stands elsewhere
    DISPUTE = "dispute"  # likewise
    ABANDONED = "abandoned"  # an intent of ours that holds no money and whose order never learnt of it
    NOT_OURS = "not_ours"


HARMLESS = frozenset({DifferenceKind.ABANDONED, DifferenceKind.NOT_OURS})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: of a payment, or of a refund or dispute of it. ``ours`` and ``theirs`` say where each stood."""

    kind: DifferenceKind
    payment_id: str
    ours: str
    theirs: str
    tenant_id: str | None = None
    order_id: str | None = None
    subject_id: str | None = None
    repaired: bool = False

    @property
    def rings(self) -> bool:
        """Whether somebody has to look."""
        return not self.repaired and self.kind not in HARMLESS


@dataclass(frozen=True, slots=True)
class Check:
    """One day's check of a mode. ``done`` counts its parts, ``compared`` what was looked at, ``counts`` the differences
    by kind: all of them, and those that were repaired."""

    mode: Mode
    day: date
    done: int = 0
    compared: int = 0
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    told: tuple[Difference, ...] = ()
    finished_at: datetime | None = None

    def plus(self, compared: int, found: Iterable[Difference], at: datetime) -> "Check":
        """The same check with one more part done."""
        differences, counts = list(found), dict(self.counts)
        for each in differences:
            before, repaired = counts.get(each.kind, (0, 0))
            counts[each.kind] = (before + 1, repaired + each.repaired)
        told = self.told + tuple(each for each in differences if each.kind is not DifferenceKind.NOT_OURS)
        return replace(
            self,
            done=self.done + 1,
            compared=self.compared + compared,
            counts=counts,
            told=told[:MAX_TOLD],
            finished_at=at if self.done + 1 == len(parts_of(self.day)) else None,
        )


def day_of_check(now: datetime) -> date:
    """The day whose check is due: it looks at what was made before that day."""
    return (now - SETTLED_AFTER).date()


def parts_of(day: date) -> list[Part]:
    """What the check of ``day`` goes over, in UTC."""
    end = datetime.combine(day, time(), UTC)
    return [Part(kind, each) for kind, window, length in _PARTS for each in _slices(end - window, end, length)]


def _slices(start: datetime, end: datetime, length: timedelta) -> Iterator[Period]:
    while start < end:
        yield Period(start, start + length)
        start += length


def difference_of(payment: Payment, intent: Intent) -> DifferenceKind | None:
    """How what is recorded of a payment differs from what it is now."""
    if payment.amount != intent.amount:
        return DifferenceKind.AMOUNT
    same = (payment.status, payment.received) == (intent.status, intent.received)
    return None if same else DifferenceKind.STATUS


def missing_kind(intent: Intent) -> DifferenceKind | None:
    """What an intent is that none of our payments is recorded for; None for one that is over without any money."""
    if intent.tenant_id is None:
        return DifferenceKind.NOT_OURS
    if intent.received.minor or intent.status in (IntentStatus.REQUIRES_CAPTURE, IntentStatus.PROCESSING):
        return DifferenceKind.MISSING_HERE
    return DifferenceKind.ABANDONED if intent.is_open else None
