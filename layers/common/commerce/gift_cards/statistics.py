"""What a shop has issued and owes on gift cards, by currency and funding (contract GC-11, 6.3), out of counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from commerce.counters import store as counters
from commerce.gift_cards.model import Funding
from commerce.kernel.caller import Tenant
from commerce.kernel.money import Money
from commerce.ledger.model import Book, EntryType
from commerce.ledger.store import currencies_of, statistics_of
from commerce.observability import count_event, logger


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums of ledger entries by type, in one currency."""

    currency: str
    issued_count: int
    issued: Money
    redeemed: Money
    reversed: Money
    refunded: Money
    expired: Money
    cancelled: Money
    outstanding: Money
    by_funding: Mapping[Funding, "Figures"] = field(default_factory=dict)

    @property
    def reconciles(self) -> bool:
        """Whether what is owed is what the movements add up to. What is transferred leaves one card for another."""
        added = self.issued + self.reversed + self.refunded
        return self.outstanding == added - self.redeemed - self.expired - self.cancelled


def of(tenant: Tenant) -> tuple[Figures, list[Figures]]:
    """The shop's own currency, and each one that there ever was a card in: one read, and one for each of these."""
    currencies = sorted(counters.read(tenant, currencies_of(Book.GIFT_CARD)))
    figures = {each: _read(tenant, each) for each in currencies}
    return figures.get(tenant.currency) or _figures(tenant.currency, {}), list(figures.values())


def _read(tenant: Tenant, currency: str) -> Figures:
    counts = counters.read(tenant, statistics_of(Book.GIFT_CARD, currency))
    figures = _figures(currency, counts)
    if not figures.reconciles:
        logger.error("statistics of gift cards do not add up", currency=currency)
        count_event("UnreconciledStatistics")
    return figures


def _figures(currency: str, counts: Mapping[str, int]) -> Figures:
    there = [each for each in Funding if any(name.endswith(f":{each}") for name in counts)]
    return _sums(currency, counts, "", {each: _sums(currency, counts, f":{each}", {}) for each in there})


def _sums(currency: str, counts: Mapping[str, int], suffix: str, by_funding: Mapping[Funding, Figures]) -> Figures:
    def amount(name: str) -> Money:
        return Money(counts.get(name + suffix, 0), currency)

    return Figures(
        currency=currency,
        issued_count=counts.get("issued_count" + suffix, 0),
        issued=amount(EntryType.ISSUE),
        redeemed=amount(EntryType.COMMIT),
        reversed=amount(EntryType.REVERSAL),
        refunded=amount(EntryType.REFUND),
        expired=amount(EntryType.EXPIRE),
        cancelled=amount(EntryType.CANCEL),
        outstanding=amount("outstanding"),
        by_funding=by_funding,
    )
