"""Redeeming a gift card in an order on the wire of ``/admin`` (contract GC-04)."""

from typing import Annotated

from pydantic import Field

from commerce.gift_cards.contracts import Serial
from commerce.gift_cards.model import GiftCard, Redemption
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Input, Instant, Major, OrderId, Output
from commerce.kernel.caller import Tenant
from commerce.orders.tendering import Redeem


class RedeemIn(Input):
    """All of ``amount_to_redeem`` or nothing."""

    code: Serial
    order_id: Annotated[OrderId, Field(examples=["order_999"])]
    amount_to_redeem: Annotated[AmountIn, Field(examples=[75])]

    def to_command(self, tenant: Tenant) -> Redeem:
        amount = money(self.amount_to_redeem, tenant.currency, field="amount_to_redeem")
        return Redeem(self.order_id, amount, self.code)


class RedeemedOut(Output):
    """``redemption_id`` is what a refund onto the card names."""

    transaction_id: str
    redemption_id: str
    amount_redeemed: Major
    balance_remaining: Major
    currency: str
    redeemed_at: Instant

    @classmethod
    def of(cls, card: GiftCard, redemption: Redemption) -> "RedeemedOut":
        return cls(
            transaction_id=redemption.transaction_id,
            redemption_id=redemption.redemption_id,
            amount_redeemed=redemption.amount.major,
            balance_remaining=card.balance.major,
            currency=card.currency,
            redeemed_at=redemption.created_at,
        )
