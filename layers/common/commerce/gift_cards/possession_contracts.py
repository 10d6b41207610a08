"""What whoever has a gift card's serial and PIN sends, and its balance (contract GC-05, GC-19)."""

from typing import Annotated

from pydantic import Field

from commerce.gift_cards import serials
from commerce.gift_cards.contracts import Serial
from commerce.gift_cards.model import CardStatus, GiftCard
from commerce.http.contracts import CamelOutput, CamelQuery, Major

PIN = r"^[0-9]{4,12}$"


class PossessionQuery(CamelQuery):
    """Serial and PIN: whoever has both has the card."""

    serial: Serial
    pin: Annotated[str, Field(pattern=PIN, examples=["4892"])]


class BalanceOut(CamelOutput):
    """``balance`` is what is on the card, what carts hold of it included."""

    serial: str
    balance: Major
    currency: str
    status: CardStatus

    @classmethod
    def of(cls, card: GiftCard) -> "BalanceOut":
        return cls(
            serial=serials.printed(card.serial), balance=card.balance.major, currency=card.currency, status=card.status
        )
