"""The ledger entries of gift cards (contract 6.2). Each is for a card as the change leaves it."""

from datetime import datetime
from typing import Any

from commerce.gift_cards.model import Funding, GiftCard, Redemption
from commerce.kernel import ids
from commerce.kernel.money import Money
from commerce.ledger.model import (
    PROMOTIONAL_VALUE,
    PSP_CLEARING,
    REFUNDS,
    TRANSFERS,
    Book,
    Entry,
    EntryType,
    gift_card,
    order_tender,
)

_SOURCES = {
    Funding.PAID: PSP_CLEARING,  # sold outside: what was taken for it is with the merchant's provider
    Funding.PROMOTIONAL: PROMOTIONAL_VALUE,
    Funding.GOODWILL: PROMOTIONAL_VALUE,
    Funding.REFUND: REFUNDS,
}


def issue(card: GiftCard, actor: str) -> Entry:
    """A card comes into being; one that was bought with an order is paid for out of what was collected for that."""
    bought = card.funding is Funding.PAID and card.order_id is not None
    source = order_tender(card.order_id) if bought and card.order_id else _SOURCES[card.funding]
    return _entry(card, "issue", EntryType.ISSUE, card.original, actor, debit=source, order_id=card.order_id)


def commit(card: GiftCard, redemption: Redemption, actor: str) -> Entry:
    """The card pays for an order."""
    assert redemption.order_id is not None
    return _entry(
        card,
        f"commit:{redemption.redemption_id}",
        EntryType.COMMIT,
        redemption.amount,
        actor,
        credit=order_tender(redemption.order_id),
        order_id=redemption.order_id,
        entry_id=redemption.transaction_id,
    )


def give_back(
    card: GiftCard,
    redemption: Redemption,
    amount: Money,
    kind: EntryType,
    source: str,
    actor: str,
    reason: str | None = None,
) -> Entry:
    """What paid for an order goes back onto a card: the same one, or the one that replaces it."""
    return _entry(
        card,
        f"{kind}:{redemption.redemption_id}:{redemption.version}",
        kind,
        amount,
        actor,
        debit=source,
        order_id=redemption.order_id,
        reason=reason,
    )


def expire(card: GiftCard, amount: Money, account: str, actor: str, effective_at: datetime) -> Entry:
    """A card's value lapses; it is the shop's, or the state's (``account``)."""
    return _entry(
        card, f"expire:{card.version}", EntryType.EXPIRE, amount, actor, credit=account, effective_at=effective_at
    )


def cancel(card: GiftCard, amount: Money, account: str, actor: str, reason: str | None) -> Entry:
    """A card is ended and what was on it goes elsewhere."""
    return _entry(card, "cancel", EntryType.CANCEL, amount, actor, credit=account, reason=reason)


def reclaim(card: GiftCard, amount: Money, account: str, actor: str) -> Entry:
    """What was paid for a card went back, so its value does too."""
    return _entry(
        card,
        f"reclaim:{card.version}",
        EntryType.CANCEL,
        amount,
        actor,
        credit=account,
        order_id=card.order_id,
        reason="refunded",
    )


def transfer(before: GiftCard, after: GiftCard, amount: Money, actor: str) -> tuple[Entry, Entry]:
    """What is on a card moves to another one: an entry in the book of each."""
    return (
        _entry(before, f"transfer:{before.version}", EntryType.TRANSFER, amount, actor, credit=TRANSFERS),
        _entry(after, "issue", EntryType.TRANSFER, amount, actor, debit=TRANSFERS),
    )


def _entry(
    card: GiftCard,
    operation_id: str,
    kind: EntryType,
    amount: Money,
    actor: str,
    *,
    debit: str | None = None,
    credit: str | None = None,
    order_id: str | None = None,
    **more: Any,
) -> Entry:
    own = gift_card(card.gift_card_id)
    return Entry(
        entry_id=more.pop("entry_id", None) or ids.new("txn"),
        operation_id=operation_id,
        type=kind,
        book=Book.GIFT_CARD,
        owner_id=card.serial,
        debit=debit or own,
        credit=credit or own,
        amount=amount,
        at=card.updated_at,
        effective_at=more.pop("effective_at", card.updated_at),
        actor=actor,
        order_id=order_id,
        holder_id=card.gift_card_id,
        balance_after=card.balance,
        funding=str(card.funding),
        **more,
    )
