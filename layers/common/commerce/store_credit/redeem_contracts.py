"""Store credit that pays for an order, on the wire of ``/admin`` (contract SC-05). Amounts are decimal major units."""

from typing import Annotated

from pydantic import Field

from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Id, Input, Instant, Major, OrderId, Output
from commerce.orders.tendering import Redeem, SpentCredit


class RedeemCreditIn(Input):
    customer_id: Id
    order_id: OrderId
    amount_to_redeem: Annotated[AmountIn, Field(examples=[30])]

    def to_command(self, currency: str) -> Redeem:
        return Redeem(self.order_id, money(self.amount_to_redeem, currency, field="amount_to_redeem"))


class SpentLotOut(Output):
    """What one lot gave."""

    transaction_id: str
    credit_id: str
    amount: Major


class CreditRedeemedOut(Output):
    """``lots`` tells which lots paid, the soonest expiring first; ``transaction_id`` is the first one's entry."""

    transaction_id: str
    amount_redeemed: Major
    balance_remaining: Major
    currency: str
    redeemed_at: Instant
    lots: list[SpentLotOut]

    @classmethod
    def of(cls, spent: SpentCredit) -> "CreditRedeemedOut":
        return cls(
            transaction_id=spent.entries[0].entry_id,
            amount_redeemed=spent.amount.major,
            balance_remaining=spent.left.major,
            currency=spent.amount.currency,
            redeemed_at=spent.at,
            lots=[
                SpentLotOut(transaction_id=entry.entry_id, credit_id=entry.holder_id or "", amount=entry.amount.major)
                for entry in spent.entries
            ],
        )
