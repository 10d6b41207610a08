"""What was on all cards and lots when a day ended, although the shop went on selling.

A card or lot that was last changed before that instant counts with the balance that it has. One that changed later is
rewound: what was booked on it since is taken off again.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from commerce.gift_cards import store as cards
from commerce.gift_cards.model import GiftCard
from commerce.gift_cards.store import GiftCardRow
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.ledger.model import Book, Entry
from commerce.ledger.store import EntryRow
from commerce.liability.model import Account, Balances, Slice
from commerce.store_credit import entries as credit_entries
from commerce.store_credit import store as lots
from commerce.store_credit.model import Lot
from commerce.store_credit.store import LotRow
from commerce.table.rows import Row

_CLOCKS_DIFFER_BY = timedelta(minutes=1)  # a change by a slow clock may look older than the one that it followed
_READS = 5


def of_cards(tenant: Tenant, part: Slice, cutoff: datetime) -> Balances:
    """What was on the cards of a slice before ``cutoff``, streamed."""
    sums: dict[Account, int] = defaultdict(int)
    for card in cards.all_of(tenant, part.start, part.end):
        account = Account(str(Book.GIFT_CARD), card.currency, str(card.funding))
        changed = card.updated_at >= cutoff - _CLOCKS_DIFFER_BY
        sums[account] += _card_before(tenant, card.serial, cutoff) if changed else card.balance.minor
    return dict(sums)


def of_lots(tenant: Tenant, part: Slice, cutoff: datetime) -> Balances:
    """What was left of the lots of a slice before ``cutoff``, streamed."""
    sums: dict[Account, int] = defaultdict(int)
    for lot in lots.all_of(tenant, part.start, part.end):
        account = Account(str(Book.STORE_CREDIT), lot.currency, credit_entries.funding_of(lot))
        changed = lot.updated_at >= cutoff - _CLOCKS_DIFFER_BY
        sums[account] += _lot_before(tenant, lot, cutoff) if changed else lot.remaining.minor
    return dict(sums)


def _card_before(tenant: Tenant, serial: str, cutoff: datetime) -> int:
    def look(rows: Sequence[Row]) -> tuple[GiftCard, int]:
        card = next(row.to_card() for row in rows if isinstance(row, GiftCardRow))
        return card, card.balance.minor

    return _rewound(lambda: cards.with_book(tenant, serial), look, cutoff)


def _lot_before(tenant: Tenant, lot: Lot, cutoff: datetime) -> int:
    def look(rows: Sequence[Row]) -> tuple[Lot, int]:
        found = next(row.to_lot() for row in rows if isinstance(row, LotRow) and row.credit_id == lot.credit_id)
        return found, found.remaining.minor

    return _rewound(lambda: lots.with_book(tenant, lot.customer_id), look, cutoff)


def _rewound(
    read: Callable[[], Sequence[Row]],
    look: Callable[[Sequence[Row]], tuple[GiftCard | Lot, int]],
    cutoff: datetime,
) -> int:
    """The balance without what was booked from ``cutoff`` on.

    Raises:
        Unavailable: the card or lot changed under every look.
    """
    for _ in range(_READS):
        rows = read()
        holder, minor = look(rows)
        booked = _booked(rows, holder)
        if len(booked) == holder.entries:  # else a change fell between two pages of the query
            return minor - sum(entry.growth for entry in booked if entry.at >= cutoff)
    raise Unavailable


def _booked(rows: Sequence[Row], holder: GiftCard | Lot) -> list[Entry]:
    holder_id = holder.gift_card_id if isinstance(holder, GiftCard) else holder.credit_id
    return [row.to_entry() for row in rows if isinstance(row, EntryRow) and row.holder_id == holder_id]
