"""A refund: one plan that is being carried out, and what became of it (contract 6.4.6, PY-05, PY-10).

pending ⇄ failed
   └──► succeeded ⇄ failed

What goes back to stored value does so at once, with the request. What goes back through the payment provider is pending
until the provider says so, and may fail even after it succeeded: then it is owed anew, and asked for anew.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import IllegalMove
from commerce.kernel.money import Money, total
from commerce.refunds.model import LineRefund, Part, SourceKind, Step


class RefundStatus(StrEnum):
    """A refund's state, and of the provider's words: its ``requires_action`` is pending, its ``canceled`` failed."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


MOVES: dict[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    # A refund that the provider seemed to refuse may turn up there after all.
    RefundStatus.FAILED: frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED}),
}


class Door(StrEnum):
    """Where a refund was asked for."""

    RETURN = "return"
    CANCEL = "cancel"
    REST = "rest"  # which was given up
    PAYMENT = "payment"
    GIFT_CARD = "gift_card"
    LATE_PAYMENT = "late_payment"  # it came after its order had ended
    PROVIDER = "provider"  # in the provider's own dashboard


@dataclass(frozen=True, slots=True)
class Refund:
    """``parts`` are where it goes, ``steps`` why that much.

    ``provider_id`` is the payment provider's own refund, once it is known; ``attempts`` counts the requests that the
    provider may keep an answer to. ``failure`` says, in the provider's word, why the external part failed.
    """

    refund_id: str
    order_id: str
    door: Door
    status: RefundStatus
    parts: tuple[Part, ...]
    steps: tuple[Step, ...]
    requested_at: datetime
    updated_at: datetime
    actor: str
    currency: str
    lines: tuple[LineRefund, ...] = ()
    reason: str | None = None
    return_id: str | None = None
    payment_id: str | None = None
    provider_id: str | None = None
    attempts: int = 0
    failure: str | None = None
    version: int = 1

    @property
    def amount(self) -> Money:
        return total([part.amount for part in self.parts], self.currency)

    @property
    def external(self) -> Money:
        """What of it goes back through the payment provider."""
        own = [part.amount for part in self.parts if part.kind is SourceKind.EXTERNAL]
        return total(own, self.currency)

    @property
    def compensated(self) -> Money:
        """What of it is new stored value in place of what was paid."""
        return total([part.amount for part in self.parts if part.source_id is None], self.currency)

    def move_to(self, target: RefundStatus, failure: str | None = None) -> "Refund":
        """The same refund in ``target``.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if target not in MOVES[self.status]:
            raise IllegalMove(f"A refund that is {self.status} cannot become {target}")
        return replace(self, status=target, failure=failure)

    def changed(self, at: datetime, **changes: Any) -> "Refund":
        """The same refund one version on, with ``changes``. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)
