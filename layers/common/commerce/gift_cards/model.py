"""Gift cards: what a card is, and the only ways it may move (contract X-11, section 7).

card        inactive ──► active ⇄ suspended        any of them ──► cancelled (the end)
            expired and depleted are not states: a date and a balance say so
redemption  held ──► committed ──► reversed (all of it went back)
              └──► released | expired

``balance`` is what the ledger says is owed to the holder; ``held`` of it is set aside for carts. A redemption is held
for a cart and committed by its order in the order's own transaction, so each hold ends exactly once.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import Conflict, IllegalMove, Invalid, StaleWrite
from commerce.kernel.money import Money

MAX_HOLDS = 10  # of one card at a time: what a change of the card has to release fits in its transaction
HOLD_FOR = timedelta(minutes=30)


class CardStatus(StrEnum):
    INACTIVE = "inactive"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


MOVES: dict[CardStatus, frozenset[CardStatus]] = {
    CardStatus.INACTIVE: frozenset({CardStatus.ACTIVE, CardStatus.CANCELLED}),
    CardStatus.ACTIVE: frozenset({CardStatus.SUSPENDED, CardStatus.CANCELLED}),
    CardStatus.SUSPENDED: frozenset({CardStatus.ACTIVE, CardStatus.CANCELLED}),
    CardStatus.CANCELLED: frozenset(),
}


class Funding(StrEnum):
    """Where a card's value came from (contract X-55)."""

    PAID = "paid"
    PROMOTIONAL = "promotional"
    REFUND = "refund"
    GOODWILL = "goodwill"


class DeliveryState(StrEnum):
    """Of the mail with serial and PIN, of the card's present PIN."""

    REQUESTED = "requested"
    DELIVERED = "delivered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class GiftCard:
    """``serial`` in its normal form. ``expires_on`` is the last day of the shop that the card is good on, and
    ``expires_at`` the instant after it (contract X-30). ``entries`` counts its ledger entries, ``sequence`` its events.
    """

    gift_card_id: str
    serial: str
    pin_hash: str
    pin_generation: int
    original: Money
    balance: Money
    held: Money
    status: CardStatus
    funding: Funding
    owner_email: str | None
    recipient_email: str | None
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = None
    message: str | None = None
    sender: str | None = None
    design: str | None = None
    expires_on: date | None = None
    expires_at: datetime | None = None
    batch_id: str | None = None
    order_id: str | None = None  # that it was bought with, or that it was given back for
    delivery: DeliveryState | None = None
    holds: int = 0  # redemptions that are held
    entries: int = 0
    sequence: int = 0
    version: int = 1

    @property
    def currency(self) -> str:
        return self.original.currency

    @property
    def available(self) -> Money:
        return self.balance - self.held

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    @property
    def is_depleted(self) -> bool:
        return self.balance.minor == 0

    def is_usable(self, at: datetime) -> bool:
        """Whether it can pay: active, and not past its date."""
        return self.status is CardStatus.ACTIVE and not self.has_expired(at)

    def require_usable(self, at: datetime) -> None:
        """Raise Conflict unless the card can pay. For staff; strangers are told nothing of the kind."""
        if self.status is not CardStatus.ACTIVE:
            raise Conflict(f"The gift card is {self.status}", field="code", reason=f"gift_card_{self.status}")
        if self.has_expired(at):
            raise Conflict("The gift card has expired", field="code", reason="gift_card_expired")

    def move_to(self, target: CardStatus) -> "GiftCard":
        """The same card in ``target``.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if target not in MOVES[self.status]:
            raise IllegalMove(f"A gift card that is {self.status} cannot become {target}")
        return replace(self, status=target)

    def hold(self, amount: Money) -> "GiftCard":
        """Set ``amount`` aside; the caller has made sure that so much is available."""
        return self._with(held=self.held + amount, holds=self.holds + 1)

    def release(self, amount: Money) -> "GiftCard":
        """Take back what a redemption holds."""
        return self._with(held=self.held - amount, holds=self.holds - 1)

    def commit(self, held: Money, spent: Money) -> "GiftCard":
        """Spend ``spent`` of what a redemption held, and take back the rest."""
        return self._with(
            balance=self.balance - spent, held=self.held - held, holds=self.holds - 1, entries=self.entries + 1
        )

    def withdraw(self, amount: Money) -> "GiftCard":
        """Take ``amount`` out that nothing holds.

        Raises:
            Invalid: less is available.
        """
        if self.available < amount:
            raise Invalid(
                f"The gift card has {self.available.major} {self.currency} available",
                field="amount",
                reason="insufficient_balance",
            )
        return self._with(balance=self.balance - amount, entries=self.entries + 1)

    def deposit(self, amount: Money) -> "GiftCard":
        """Put ``amount`` on the card."""
        return self._with(balance=self.balance + amount, entries=self.entries + 1)

    def changed(self, at: datetime, **changes: Any) -> "GiftCard":
        """The same card one version on, with ``changes``. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)

    def _with(self, **changes: Any) -> "GiftCard":
        after = replace(self, **changes)
        if not 0 <= after.held.minor <= after.balance.minor or after.holds < 0:
            # A card and its redemptions are not read in one instant: somebody wrote in between.
            raise StaleWrite("gift card")
        return after


class RedemptionStatus(StrEnum):
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"
    REVERSED = "reversed"


REDEMPTION_MOVES: dict[RedemptionStatus, frozenset[RedemptionStatus]] = {
    RedemptionStatus.HELD: frozenset({RedemptionStatus.COMMITTED, RedemptionStatus.RELEASED, RedemptionStatus.EXPIRED}),
    RedemptionStatus.COMMITTED: frozenset({RedemptionStatus.REVERSED}),
    RedemptionStatus.RELEASED: frozenset(),
    RedemptionStatus.EXPIRED: frozenset(),
    RedemptionStatus.REVERSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Redemption:
    """``amount`` of a card for a cart, and then for its order; ``given_back`` of it went back onto a card."""

    redemption_id: str
    serial: str
    gift_card_id: str
    amount: Money
    given_back: Money
    status: RedemptionStatus
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    cart_id: str | None = None
    order_id: str | None = None
    version: int = 1

    def is_live(self, at: datetime) -> bool:
        return self.status is RedemptionStatus.HELD and self.expires_at is not None and at < self.expires_at

    @property
    def transaction_id(self) -> str:
        """The id of the ledger entry that commits it."""
        return "txn_" + self.redemption_id.removeprefix("rdm_")

    @property
    def remaining(self) -> Money:
        """What can still go back."""
        return self.amount - self.given_back

    def move_to(self, target: RedemptionStatus, at: datetime, **changes: Any) -> "Redemption":
        """The same redemption in ``target``, one version on.

        Raises:
            IllegalMove: the table does not list the move.
        """
        if target not in REDEMPTION_MOVES[self.status]:
            raise IllegalMove(f"A redemption that is {self.status} cannot become {target}")
        return replace(self, status=target, updated_at=at, version=self.version + 1, **changes)

    def give_back(self, amount: Money, at: datetime) -> "Redemption":
        """The same redemption after ``amount`` of it went back.

        Raises:
            IllegalMove: it was not committed, or all of it went back.
            Invalid: less of it remains.
        """
        if self.status is not RedemptionStatus.COMMITTED:
            raise IllegalMove(f"A redemption that is {self.status} cannot be given back")
        if self.remaining < amount:
            raise Invalid(
                f"{self.remaining.major} {amount.currency} of it can still be refunded",
                field="amount",
                reason="refund_exceeds_redemption",
            )
        given_back = self.given_back + amount
        if given_back == self.amount:
            return self.move_to(RedemptionStatus.REVERSED, at, given_back=given_back)
        return replace(self, given_back=given_back, updated_at=at, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class AppliedCard:
    """A gift card that pays for the cart: ``amount`` of it, held by a redemption."""

    redemption_id: str
    serial: str
    amount: Money
