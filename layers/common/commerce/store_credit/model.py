"""Store credit: lots of a customer's, each with an amount, a reason and perhaps a last day (contract SC-01…08).

A lot has no state of its own: issued − used − expired − voided remains, in the ledger as here. Lots are spent soonest
expiring first, and what comes back goes to the lot that it came from.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from commerce.kernel.errors import Conflict, Invalid, StaleWrite
from commerce.kernel.money import Money, total

MAX_LOTS_AT_ONCE = 20  # that one order spends: it must be placed, and cancelled, in one transaction
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lot:
    """One issue of store credit. ``expires_on`` is the last day of the shop that it can be spent on."""

    credit_id: str
    customer_id: str
    issued: Money
    used: Money
    expired: Money
    voided: Money
    reason: str
    issued_at: datetime
    updated_at: datetime
    reference: str | None = None
    expires_on: date | None = None
    expires_at: datetime | None = None
    entries: int = 0
    version: int = 1

    @property
    def currency(self) -> str:
        return self.issued.currency

    @property
    def remaining(self) -> Money:
        return self.issued - self.used - self.expired - self.voided

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def spend(self, amount: Money) -> "Lot":
        return self._with(used=self.used + amount)

    def give_back(self, amount: Money, at: datetime, grace: timedelta) -> "Lot":
        """The same lot with ``amount`` of what was used; an expired one is good for ``grace`` (contract 6.4.4)."""
        back = self._with(used=self.used - amount)
        return replace(back, expires_at=at + grace, expires_on=(at + grace).date()) if self.has_expired(at) else back

    def expire(self) -> "Lot":
        """The same lot with nothing left."""
        return self._with(expired=self.expired + self.remaining)

    def void(self) -> "Lot":
        """The same lot with nothing left, by the merchant's will.

        Raises:
            Conflict: nothing is left already.
        """
        if not self.remaining.minor:
            raise Conflict("Nothing of this credit remains", field="credit_id", reason="credit_spent")
        return self._with(voided=self.voided + self.remaining)

    def changed(self, at: datetime, **changes: Any) -> "Lot":
        """The same lot one version on. A use case calls it once, before saving."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)

    def _with(self, **changes: Any) -> "Lot":
        after = replace(self, entries=self.entries + 1, **changes)
        parts = (after.used, after.expired, after.voided, after.remaining)
        if any(part.minor < 0 for part in parts):
            raise StaleWrite("store credit")  # an order and its lots are not read in one instant
        return after


@dataclass(frozen=True, slots=True)
class Balance:
    """All of a customer's lots in one currency, added up."""

    currency: str
    issued: Money
    used: Money
    expired: Money
    voided: Money

    @property
    def remaining(self) -> Money:
        return self.issued - self.used - self.expired - self.voided


def balance_of(lots: Iterable[Lot], currency: str) -> Balance:
    """What the lots of ``currency`` add up to."""
    own = [lot for lot in lots if lot.currency == currency]
    return Balance(
        currency=currency,
        issued=total([lot.issued for lot in own], currency),
        used=total([lot.used for lot in own], currency),
        expired=total([lot.expired for lot in own], currency),
        voided=total([lot.voided for lot in own], currency),
    )


def spendable(lots: Iterable[Lot], currency: str, at: datetime) -> list[Lot]:
    """The lots that can pay now, in the order in which they are spent; more than one order may use are left out."""
    good = [lot for lot in lots if lot.currency == currency and lot.remaining.minor and not lot.has_expired(at)]
    return sorted(good, key=lambda lot: (lot.expires_at or _NEVER, lot.issued_at, lot.credit_id))[:MAX_LOTS_AT_ONCE]


def available(lots: Iterable[Lot], currency: str, at: datetime) -> Money:
    """What one order can be paid with."""
    return total([lot.remaining for lot in spendable(lots, currency, at)], currency)


def draw(lots: Iterable[Lot], amount: Money, at: datetime) -> list[tuple[Lot, Money]]:
    """Which lots give how much of ``amount``, soonest expiring first.

    Raises:
        Invalid: they have less.
    """
    drawn: list[tuple[Lot, Money]] = []
    left = amount
    for lot in spendable(lots, amount.currency, at):
        part = min(left, lot.remaining)
        if part.minor:
            drawn.append((lot, part))
            left = left - part
    if left.minor:
        raise Invalid(
            f"The customer has {(amount - left).major} {amount.currency} of store credit",
            field="amount",
            reason="insufficient_credit",
        )
    return drawn
