"""Gift cards that pay for the cart, on the wire (contract CA-09)."""

from typing import Annotated

from pydantic import Field

from commerce.carts.tenders import ApplyGiftCard
from commerce.gift_cards.serials import MAX_TYPED
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Input

TypedSerial = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_TYPED, examples=["GC-ABCD-1234"])]
TypedPin = Annotated[str, Field(strict=True, min_length=1, max_length=32, examples=["4892"])]


class ApplyGiftCardIn(Input):
    """Without ``amount`` the card pays as much as it can."""

    serial: TypedSerial
    pin: TypedPin
    amount: Annotated[AmountIn, Field(examples=[50], description="At most this much")] | None = None

    def to_command(self, currency: str) -> ApplyGiftCard:
        amount = None if self.amount is None else money(self.amount, currency, field="amount")
        return ApplyGiftCard(self.serial, self.pin, amount)
