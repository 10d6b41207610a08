"""The transactions of a gift card on the wire (contract GC-18)."""

from typing import Annotated

from pydantic import Field

from commerce.gift_cards import serials
from commerce.gift_cards.contracts import Serial
from commerce.gift_cards.storefront_contracts import CursorQuery
from commerce.gift_cards.transactions import Record, RecordType
from commerce.http.contracts import CamelOutput, Instant, Major


class TransactionsQuery(CursorQuery):
    serial: Annotated[Serial, Field(alias="where[giftCardSerial]")]


class TransactionOut(CamelOutput):
    """``balanceAfter`` is null for what sets an amount aside and books nothing; ``actor`` is for the staff."""

    id: str
    gift_card_serial: str
    type: RecordType
    amount: Major
    currency: str
    balance_after: Major | None
    order_id: str | None
    cart_id: str | None
    redemption_id: str | None
    actor: str | None
    ledger_entry_id: str | None
    created_at: Instant

    @classmethod
    def of(cls, record: Record, *, is_staff: bool) -> "TransactionOut":
        return cls(
            id=record.record_id,
            gift_card_serial=serials.printed(record.serial),
            type=record.type,
            amount=record.amount.major,
            currency=record.amount.currency,
            balance_after=record.balance_after.major if record.balance_after is not None else None,
            order_id=record.order_id,
            cart_id=record.cart_id,
            redemption_id=record.redemption_id,
            actor=record.actor if is_staff else None,
            ledger_entry_id=record.entry_id,
            created_at=record.at,
        )
