"""A gift card at a cart on the wire (contract GC-06)."""

from typing import Annotated

from pydantic import Field

from commerce.carts.tenders import AppliedGiftCard, ApplyGiftCard
from commerce.gift_cards import serials
from commerce.gift_cards.contracts import Serial
from commerce.gift_cards.possession_contracts import PIN
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import CamelInput, CamelOutput, Id, Instant, Major


class ApplyCardIn(CamelInput):
    """Without ``amount`` the card pays as much as it can cover."""

    serial: Serial
    pin: Annotated[str, Field(strict=True, pattern=PIN, examples=["4892"])]
    cart_id: Id
    amount: Annotated[AmountIn, Field(examples=[50])] | None = None

    def to_command(self, shop_currency: str) -> ApplyGiftCard:
        amount = money(self.amount, shop_currency, field="amount") if self.amount is not None else None
        return ApplyGiftCard(self.serial, self.pin, amount)


class CardApplied(CamelOutput):
    """``amountApplied`` is held until ``expiresAt``; ``cardBalance`` is what the card could still pay besides.

    ``amountDue`` of the ``cartTotal`` is left to pay.
    """

    redemption_id: str
    serial: str
    amount_applied: Major
    card_balance: Major
    cart_total: Major
    amount_due: Major
    currency: str
    expires_at: Instant | None

    @classmethod
    def of(cls, applied: AppliedGiftCard) -> "CardApplied":
        redemption, priced = applied.redemption, applied.priced
        return cls(
            redemption_id=redemption.redemption_id,
            serial=serials.printed(applied.card.serial),
            amount_applied=redemption.amount.major,
            card_balance=applied.card.available.major,
            cart_total=priced.total.major,
            amount_due=priced.amount_due.major,
            currency=applied.card.currency,
            expires_at=redemption.expires_at,
        )
