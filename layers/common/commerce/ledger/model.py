"""The ledger: append-only, double-entry. One entry moves one amount from one account to another.

An entry is keyed by its operation, so an operation is booked once however often it is tried. The accounts and postings
are those of contract 6.1 and 6.2.
"""

from dataclasses import dataclass
from datetime import datetime

from commerce.kernel.money import Money

PSP_CLEARING = "asset:psp_clearing"
REFUNDS = "contra:refunds"


def order_tender(order_id: str) -> str:
    """What was collected for an order and is not yet earned."""
    return f"liability:order_tender:{order_id}"


@dataclass(frozen=True, slots=True)
class Entry:
    """``amount`` (never negative) is debited to one account and credited to another."""

    operation_id: str
    order_id: str
    debit: str
    credit: str
    amount: Money
    at: datetime

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or self.debit == self.credit:
            raise ValueError("an entry moves a positive amount between two accounts")


def capture(order_id: str, intent_id: str, amount: Money, at: datetime) -> Entry:
    """The payment provider collected ``amount`` for the order."""
    return Entry(f"capture:{intent_id}", order_id, PSP_CLEARING, order_tender(order_id), amount, at)


def refund(order_id: str, refund_id: str, amount: Money, at: datetime) -> Entry:
    """The payment provider gave ``amount`` back."""
    return Entry(f"refund:{refund_id}", order_id, REFUNDS, PSP_CLEARING, amount, at)
