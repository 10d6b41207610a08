"""The ledger: append-only, double-entry. One entry moves one amount from one account to another.

An entry is kept in the book that it belongs to (an order's, a gift card's, a customer's store credit) under its
operation, so an operation is booked once however often it is tried. Accounts and postings are those of contract 6.1 and
6.2. Collected money stays a liability to the buyer (``order_tender``) until the goods are on their way; then it is
earned. What is booked for a value holder (a gift card, a lot of store credit) also says the balance that it left.

Entries are bi-temporal: ``at`` is when it was booked, and decides the day whose export shows it; ``effective_at`` is
when it happened, which may be earlier.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commerce.kernel.caller import Unclaimed
from commerce.kernel.money import Money

PSP_CLEARING = "asset:psp_clearing"
PSP_DISPUTED = "asset:psp_disputed"  # held back by the payment provider until a dispute is decided
REFUNDS = "contra:refunds"
SALES = "revenue:sales"
SHIPPING = "revenue:shipping"
BREAKAGE = "revenue:breakage"
TAX = "liability:tax"
ESCHEAT = "liability:escheat"
PROMOTIONAL_VALUE = "expense:promotional_value"
DISPUTE_LOSS = "expense:dispute_loss"
TRANSFERS = "liability:gift_card_transfers"  # between two cards, so always empty after a change

UNCLAIMED = {
    Unclaimed.BREAKAGE: BREAKAGE,
    Unclaimed.ESCHEAT: ESCHEAT,
}  # where lapsed value goes, by the tenant's policy

GIFT_CARDS = "liability:gift_card:"
STORE_CREDIT = "liability:store_credit:"


def order_tender(order_id: str) -> str:
    """What was collected for an order and is not yet earned."""
    return f"liability:order_tender:{order_id}"


def gift_card(gift_card_id: str) -> str:
    """What is owed to a gift card's holder."""
    return f"{GIFT_CARDS}{gift_card_id}"


def store_credit(customer_id: str, credit_id: str) -> str:
    """What is owed to a customer out of one lot of store credit."""
    return f"{STORE_CREDIT}{customer_id}:{credit_id}"


class Book(StrEnum):
    """Where an entry is kept: with the order, the card or the customer's credit that it changes."""

    ORDER = "order"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"


class EntryType(StrEnum):
    """Why an amount moved. Of stored value: ``COMMIT`` spends it, ``REVERSAL`` takes that back with its order."""

    CAPTURE = "capture"
    PAYMENT_REFUND = "payment_refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    DISPUTE_LOSS = "dispute_loss"
    RECOGNITION = "recognition"
    ISSUE = "issue"
    COMMIT = "commit"
    REVERSAL = "reversal"
    REFUND = "refund"
    EXPIRE = "expire"
    CANCEL = "cancel"
    TRANSFER = "transfer"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class Entry:
    """``amount`` (always positive) is debited to one account and credited to another.

    ``operation_id`` is unique in the book of ``owner_id``: an order, a card's serial, a customer. ``holder_id`` is the
    card or lot whose balance changed, ``balance_after`` that balance, and ``funding`` where its value came from.
    """

    entry_id: str
    operation_id: str
    type: EntryType
    book: Book
    owner_id: str
    debit: str
    credit: str
    amount: Money
    at: datetime
    effective_at: datetime
    actor: str
    order_id: str | None = None
    holder_id: str | None = None
    balance_after: Money | None = None
    funding: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or self.debit == self.credit:
            raise ValueError("an entry moves a positive amount between two accounts")

    @property
    def growth(self) -> int:
        """By how many minor units the entry changes the stored value that is owed: negative where it was spent."""
        return self.amount.minor * (_is_stored_value(self.credit) - _is_stored_value(self.debit))


def _is_stored_value(account: str) -> bool:
    return account.startswith((GIFT_CARDS, STORE_CREDIT))


def balances(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Rebuild every account's balance from entries alone: by (account, currency), credits less debits, minor units.

    What is owed to somebody is positive; the sum over all accounts is zero.
    """
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        sums[(entry.credit, entry.amount.currency)] += entry.amount.minor
        sums[(entry.debit, entry.amount.currency)] -= entry.amount.minor
    return dict(sums)
