"""Store credit on the wire of ``/admin`` (contract SC-01, SC-02, SC-06, SC-07). Amounts are decimal major units."""

from datetime import date
from typing import Annotated

from pydantic import Field

from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Id, Input, Instant, Line, Major, Output
from commerce.http.dates import Day
from commerce.kernel.money import currency_code
from commerce.ledger.model import Entry, EntryType
from commerce.store_credit.model import Balance, Lot
from commerce.store_credit.use_cases import IssueCredit


class IssueCreditIn(Input):
    """``reason`` is ``refund`` for credit in place of money that was taken; any other credit is a present."""

    customer_id: Id
    amount: Annotated[AmountIn, Field(examples=[50])]
    currency: (
        Annotated[str, Field(strict=True, max_length=3, description="ISO 4217; the shop's when missing")] | None
    ) = None
    reason: Annotated[Line, Field(max_length=64, examples=["refund", "goodwill"])]
    reference: Annotated[Line, Field(description="What it is about", examples=["order_789"])] | None = None
    expiration_date: Annotated[Day, Field(description="The last day of the shop on which it is good")] | None = None

    def to_command(self, shop_currency: str) -> IssueCredit:
        currency = currency_code(self.currency) if self.currency is not None else shop_currency
        return IssueCredit(
            customer_id=self.customer_id,
            amount=money(self.amount, currency, field="amount"),
            reason=self.reason,
            reference=self.reference,
            expires_on=self.expiration_date,
        )


class CreditOut(Output):
    """One lot of store credit; ``balance_remaining`` is what is left of it."""

    credit_id: str
    customer_id: str
    amount: Major
    balance_remaining: Major
    total_used: Major
    total_expired: Major
    total_voided: Major
    currency: str
    reason: str
    reference: str | None
    expiration_date: Annotated[str, Field(json_schema_extra={"format": "date"})] | None
    issued_at: Instant
    version: int

    @classmethod
    def of(cls, lot: Lot) -> "CreditOut":
        return cls(
            credit_id=lot.credit_id,
            customer_id=lot.customer_id,
            amount=lot.issued.major,
            balance_remaining=lot.remaining.major,
            total_used=lot.used.major,
            total_expired=lot.expired.major,
            total_voided=lot.voided.major,
            currency=lot.currency,
            reason=lot.reason,
            reference=lot.reference,
            expiration_date=_day(lot.expires_on),
            issued_at=lot.issued_at,
            version=lot.version,
        )


class CreditTotalsOut(Output):
    """All lots in one currency: ``balance_remaining`` is what was issued, less what was used, expired and voided."""

    currency: str
    total_issued: Major
    total_used: Major
    total_expired: Major
    total_voided: Major
    balance_remaining: Major

    @classmethod
    def of(cls, balance: Balance) -> "CreditTotalsOut":
        return cls(
            currency=balance.currency,
            total_issued=balance.issued.major,
            total_used=balance.used.major,
            total_expired=balance.expired.major,
            total_voided=balance.voided.major,
            balance_remaining=balance.remaining.major,
        )


class CreditBalanceOut(CreditTotalsOut):
    """The totals are those of the shop's own currency; ``by_currency`` has every one that there is credit in."""

    customer_id: str
    by_currency: list[CreditTotalsOut]

    @classmethod
    def of_customer(cls, customer_id: str, balances: list[Balance]) -> "CreditBalanceOut":
        totals = [CreditTotalsOut.of(balance) for balance in balances]
        return cls(**dict(totals[0]), customer_id=customer_id, by_currency=totals)


class VoidCreditIn(Input):
    reason: Annotated[Line, Field(examples=["Issued twice"])]


class CreditTransactionOut(Output):
    """One ledger entry of a lot: ``amount`` moved, which left ``balance_after`` in it.

    ``commit`` spends credit on an order, ``reversal`` and ``refund`` bring it back, ``cancel`` voids a lot.
    ``effective_at`` is when it happened, ``created_at`` when it was booked.
    """

    transaction_id: str
    type: EntryType
    credit_id: str
    amount: Major
    currency: str
    balance_after: Major
    order_id: str | None
    reason: str | None
    actor: str
    effective_at: Instant
    created_at: Instant

    @classmethod
    def of(cls, entry: Entry) -> "CreditTransactionOut":
        assert entry.holder_id is not None  # entries of store credit name their lot
        assert entry.balance_after is not None
        return cls(
            transaction_id=entry.entry_id,
            type=entry.type,
            credit_id=entry.holder_id,
            amount=entry.amount.major,
            currency=entry.amount.currency,
            balance_after=entry.balance_after.major,
            order_id=entry.order_id,
            reason=entry.reason,
            actor=entry.actor,
            effective_at=entry.effective_at,
            created_at=entry.at,
        )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
