"""The entries of an order's own book (contract 6.2). Those of cards and of store credit stand in their contexts."""

from datetime import datetime

from commerce.kernel import ids
from commerce.kernel.money import Money
from commerce.ledger.model import (
    DISPUTE_LOSS,
    PSP_CLEARING,
    PSP_DISPUTED,
    REFUNDS,
    SALES,
    SHIPPING,
    TAX,
    Book,
    Entry,
    EntryType,
    order_tender,
)


def capture(order_id: str, intent_id: str, amount: Money, at: datetime, actor: str) -> Entry:
    """The payment provider collected ``amount`` for the order."""
    return _entry(
        f"capture:{intent_id}", EntryType.CAPTURE, order_id, PSP_CLEARING, order_tender(order_id), amount, at, actor
    )


def refund(order_id: str, refund_id: str, amount: Money, at: datetime, actor: str, *, earned: bool) -> Entry:
    """The payment provider gave ``amount`` back: out of what was collected or, once that is ``earned``, of revenue."""
    source = given_back_from(order_id, earned=earned)
    return _entry(f"refund:{refund_id}", EntryType.PAYMENT_REFUND, order_id, source, PSP_CLEARING, amount, at, actor)


def refund_failed(order_id: str, refund_id: str, amount: Money, at: datetime, actor: str, *, earned: bool) -> Entry:
    """A refund that had succeeded came back to the payment provider, and so to where it was taken from."""
    target = given_back_from(order_id, earned=earned)
    operation = f"refund_failed:{refund_id}"
    return _entry(operation, EntryType.REFUND_FAILED, order_id, PSP_CLEARING, target, amount, at, actor)


def dispute(order_id: str, movement_id: str, amount: Money, at: datetime, actor: str) -> Entry:
    """The payment provider holds ``amount`` of the order back; below zero it lets go of it again.

    Its fee for a dispute is in no book of ours, as none of its fees are: they are settled with its payouts.
    """
    operation, moved = f"dispute:{movement_id}", Money(abs(amount.minor), amount.currency)
    if amount.minor < 0:
        back = EntryType.DISPUTE_REVERSAL
        return _entry(operation, back, order_id, PSP_CLEARING, PSP_DISPUTED, moved, at, actor)
    return _entry(operation, EntryType.DISPUTE, order_id, PSP_DISPUTED, PSP_CLEARING, moved, at, actor)


def dispute_loss(order_id: str, operation_id: str, amount: Money, at: datetime, actor: str) -> Entry:
    """``amount`` of what was held back will not come again; below zero the decision was turned over."""
    moved = Money(abs(amount.minor), amount.currency)
    debit, credit = (DISPUTE_LOSS, PSP_DISPUTED) if amount.minor > 0 else (PSP_DISPUTED, DISPUTE_LOSS)
    return _entry(operation_id, EntryType.DISPUTE_LOSS, order_id, debit, credit, moved, at, actor)


def recognition(order_id: str, *, sales: Money, shipping: Money, tax: Money, at: datetime, actor: str) -> list[Entry]:
    """The order's goods are on their way, so what was collected for them is earned, and its tax is owed."""
    parts = {SALES: sales, SHIPPING: shipping, TAX: tax}
    tender = order_tender(order_id)
    return [
        _entry(f"recognition:{account}", EntryType.RECOGNITION, order_id, tender, account, amount, at, actor)
        for account, amount in parts.items()
        if amount.minor
    ]


def shortfall(order_id: str, operation_id: str, amount: Money, at: datetime, actor: str) -> Entry:
    """More went back than was kept for the order: its gift cards had been spent when they were refunded."""
    return _entry(operation_id, EntryType.ADJUST, order_id, REFUNDS, order_tender(order_id), amount, at, actor)


def given_back_from(order_id: str, *, earned: bool) -> str:
    """The account that money goes back from: revenue's counter-account once it was earned, else the order's own."""
    return REFUNDS if earned else order_tender(order_id)


def _entry(
    operation_id: str,
    kind: EntryType,
    order_id: str,
    debit: str,
    credit: str,
    amount: Money,
    at: datetime,
    actor: str,
) -> Entry:
    return Entry(
        entry_id=ids.new("txn"),
        operation_id=operation_id,
        type=kind,
        book=Book.ORDER,
        owner_id=order_id,
        debit=debit,
        credit=credit,
        amount=amount,
        at=at,
        effective_at=at,
        actor=actor,
        order_id=order_id,
    )
