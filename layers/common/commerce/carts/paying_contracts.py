"""Gift cards that pay for the cart, on the wire (contract CA-09)."""

from typing import Annotated

from pydantic import Field

from commerce.carts.tenders import ApplyGiftCard
from commerce.gift_cards.contracts import Serial
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Input

Pin = Annotated[str, Field(strict=True, pattern=r"^[0-9]{4,12}$", examples=["4892"])]


class ApplyGiftCardIn(Input):
    """Without ``amount`` the card pays as much as it can."""

    serial: Serial
    pin: Pin
    amount: Annotated[AmountIn, Field(examples=[50], description="At most this much")] | None = None

    def to_command(self, currency: str) -> ApplyGiftCard:
        amount = None if self.amount is None else money(self.amount, currency, field="amount")
        return ApplyGiftCard(self.serial, self.pin, amount)
