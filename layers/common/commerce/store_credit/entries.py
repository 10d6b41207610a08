"""The ledger entries of store credit (contract 6.2). Each is for a lot as the change leaves it."""

from datetime import datetime

from commerce.kernel import ids
from commerce.kernel.money import Money
from commerce.ledger.model import PROMOTIONAL_VALUE, REFUNDS, Book, Entry, EntryType, order_tender, store_credit
from commerce.store_credit.model import Lot

REFUND = "refund"  # the reason whose credit stands in for money that was taken
PROMOTIONAL = "promotional"  # all other credit, to the ledger


def issue(lot: Lot, actor: str, order_id: str | None = None) -> Entry:
    """A customer gets credit: in place of a refund, or as a present."""
    source = REFUNDS if lot.reason == REFUND else PROMOTIONAL_VALUE
    return _entry(lot, EntryType.ISSUE, lot.issued, actor, debit=source, reason=lot.reason, order_id=order_id)


def commit(lot: Lot, amount: Money, order_id: str, actor: str) -> Entry:
    """Credit pays for an order."""
    return _entry(lot, EntryType.COMMIT, amount, actor, credit=order_tender(order_id), order_id=order_id)


def give_back(lot: Lot, amount: Money, order_id: str, kind: EntryType, source: str, actor: str) -> Entry:
    """What paid for an order goes back to the lot that it came from."""
    return _entry(lot, kind, amount, actor, debit=source, order_id=order_id)


def expire(lot: Lot, amount: Money, account: str, actor: str, effective_at: datetime) -> Entry:
    """A lot lapses; it is the shop's, or the state's (``account``)."""
    return _entry(lot, EntryType.EXPIRE, amount, actor, credit=account, effective_at=effective_at)


def void(lot: Lot, amount: Money, actor: str, reason: str) -> Entry:
    """The merchant takes credit back that should not have been given: the issue, undone."""
    source = REFUNDS if lot.reason == REFUND else PROMOTIONAL_VALUE
    return _entry(lot, EntryType.CANCEL, amount, actor, credit=source, reason=reason)


def funding_of(lot: Lot) -> str:
    """Where a lot's value came from, as its entries say it."""
    return REFUND if lot.reason == REFUND else PROMOTIONAL


def _entry(
    lot: Lot,
    kind: EntryType,
    amount: Money,
    actor: str,
    *,
    debit: str | None = None,
    credit: str | None = None,
    order_id: str | None = None,
    effective_at: datetime | None = None,
    reason: str | None = None,
) -> Entry:
    own = store_credit(lot.customer_id, lot.credit_id)
    return Entry(
        entry_id=ids.new("txn"),
        operation_id=f"{kind}:{lot.credit_id}:{lot.version}",
        type=kind,
        book=Book.STORE_CREDIT,
        owner_id=lot.customer_id,
        debit=debit or own,
        credit=credit or own,
        amount=amount,
        at=lot.updated_at,
        effective_at=effective_at or lot.updated_at,
        actor=actor,
        order_id=order_id,
        holder_id=lot.credit_id,
        balance_after=lot.remaining,
        funding=funding_of(lot),
        reason=reason,
    )
