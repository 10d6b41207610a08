"""Everything that happened to a gift card's value, as records in order of time (contract GC-18, 5.2).

They are made of what stands in the card's partition: its ledger entries, which are never changed, and its redemptions,
which say what was set aside for carts and given up again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commerce.gift_cards import store
from commerce.gift_cards.model import GiftCard, Redemption, RedemptionStatus
from commerce.gift_cards.store import GiftCardRow, RedemptionRow
from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest, sign, verify
from commerce.ledger.model import Entry, EntryType
from commerce.ledger.store import EntryRow
from commerce.table import keys


class RecordType(StrEnum):
    """``HOLD`` and ``RELEASE`` set an amount aside for a cart and give it up; ``EXPIRE`` ends what was on the card."""

    ISSUE = "issue"
    ACTIVATE = "activate"
    HOLD = "hold"
    RELEASE = "release"
    COMMIT = "commit"
    REVERSAL = "reversal"
    REFUND = "refund"
    EXPIRE = "expire"
    CANCEL = "cancel"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Record:
    """``balance_after`` is what was on the card then; None where nothing was booked, and so nothing changed."""

    record_id: str
    serial: str
    type: RecordType
    at: datetime
    amount: Money
    balance_after: Money | None = None
    order_id: str | None = None
    cart_id: str | None = None
    redemption_id: str | None = None
    actor: str | None = None
    entry_id: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        return sortable(self.at), self.record_id


def page_of(tenant: Tenant, card: GiftCard, request: PageRequest) -> Page[Record]:
    """A page of a card's records, the oldest first: one query of its partition.

    Raises:
        Malformed: the cursor is of another card's list.
    """
    scope = f"{keys.partition(tenant)}\0gift_card_transactions:{card.serial}"
    position = verify(request.cursor, scope=scope) if request.cursor is not None else None
    after = (position["at"], position["id"]) if position is not None else ("", "")
    records = sorted(_records(tenant, card.serial), key=lambda each: each.place)
    left = [each for each in records if each.place > after]
    shown = left[: request.limit]
    at, record_id = shown[-1].place if shown else after
    return Page(
        items=tuple(shown),
        request=request,
        next_cursor=sign({"at": at, "id": record_id}, scope=scope) if len(left) > len(shown) else None,
    )


def _records(tenant: Tenant, serial: str) -> Iterator[Record]:
    for row in store.with_book(tenant, serial):
        if isinstance(row, EntryRow):
            yield _of_entry(row.to_entry())
        elif isinstance(row, RedemptionRow):
            yield from _of_redemption(row.to_redemption())
        elif isinstance(row, GiftCardRow):
            yield from _of_card(row.to_card())


_ABOUT_REDEMPTIONS = frozenset({EntryType.COMMIT, EntryType.REVERSAL, EntryType.REFUND})


def _of_entry(entry: Entry) -> Record:
    return Record(
        record_id=entry.entry_id,
        serial=entry.owner_id,
        type=RecordType(entry.type),
        at=entry.at,
        amount=entry.amount,
        balance_after=entry.balance_after,
        order_id=entry.order_id,
        redemption_id=entry.operation_id.split(":")[1] if entry.type in _ABOUT_REDEMPTIONS else None,
        actor=entry.actor,
        entry_id=entry.entry_id,
    )


def _of_redemption(redemption: Redemption) -> Iterator[Record]:
    """What was set aside for a cart; staff redeem without that."""
    if redemption.cart_id is not None:
        yield _about(redemption, RecordType.HOLD, redemption.created_at)
    if redemption.status in (RedemptionStatus.RELEASED, RedemptionStatus.EXPIRED):
        yield _about(redemption, RecordType.RELEASE, redemption.updated_at)


def _about(redemption: Redemption, kind: RecordType, at: datetime) -> Record:
    return Record(
        record_id=f"{redemption.transaction_id}_{kind}",
        serial=redemption.serial,
        type=kind,
        at=at,
        amount=redemption.amount,
        cart_id=redemption.cart_id,
        redemption_id=redemption.redemption_id,
    )


def _of_card(card: GiftCard) -> Iterator[Record]:
    if card.activated_at is not None and card.activated_at > card.created_at:
        record_id = f"txn_{card.gift_card_id.removeprefix('gc_')}_{RecordType.ACTIVATE}"
        yield Record(record_id, card.serial, RecordType.ACTIVATE, card.activated_at, card.original, card.original)
