"""Gift cards on the wire of ``/admin`` (contract GC-01…03, GC-20). Amounts are decimal major units.

``code`` is the serial as it is printed (contract X-06); the PIN is in the answer that issues a card, and nowhere else.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from commerce.gift_cards import serials
from commerce.gift_cards.batch_model import Batch, BatchStatus, IssueBatch
from commerce.gift_cards.issuing import IssueCard, Issued
from commerce.gift_cards.model import CardStatus, Funding, GiftCard
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import Email, Input, Instant, Line, Major, Output, Query, Says
from commerce.http.dates import Day
from commerce.http.pages import OffsetQuery
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.money import currency_code

MAX_QUANTITY = 10_000

Message = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]
Design = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_\-]{1,64}$", examples=["holiday-2026"])]
Currency = Annotated[str, Field(strict=True, max_length=3, description="ISO 4217; the shop's when missing")]
FundingIn = Annotated[
    Funding, Field(description="Where its value comes from: `paid` for one that was sold outside of this shop")
]
Serial = Annotated[
    str,
    Field(
        strict=True,
        max_length=serials.MAX_TYPED,
        pattern=r"^[A-Za-z0-9 \-]+$",
        description="As it is printed or typed: case, dashes and blanks do not matter",
        examples=["GC-ABCD-1234"],
    ),
]
LocalDay = Annotated[str, Field(description="The last day of the shop on which it is good"), Says(format="date")]


def iso_day(card: GiftCard) -> str | None:
    return card.expires_on.isoformat() if card.expires_on is not None else None


class IssueBatchIn(Input):
    """``quantity`` cards that are all alike. They are promotional unless ``funding`` says otherwise."""

    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY, examples=[100])]
    amount: Annotated[AmountIn, Field(examples=[50])]
    currency: Currency | None = None
    expiration_date: Annotated[Day, Field(description="The last day of the shop on which they are good")] | None = None
    funding: FundingIn = Funding.PROMOTIONAL

    def to_command(self, tenant: Tenant) -> IssueBatch:
        currency = currency_code(self.currency or tenant.currency)
        row = IssueCard(
            amount=money(self.amount, currency, field="amount"),
            funding=self.funding,
            expires_on=self.expiration_date,
        )
        return IssueBatch((row,), self.quantity)


DownloadUrl = Annotated[str, Field(description="Leads to a CSV file with codes and PINs, for 15 minutes")]


class BatchOut(Output):
    """A batch that is ``processing`` has some of its cards; one that is ``issued`` has all of them."""

    batch_id: str
    status: BatchStatus
    quantity: int
    cards_created: int
    created_at: Instant

    @classmethod
    def of(cls, batch: Batch, cards_created: int) -> "BatchOut":
        return cls(
            batch_id=batch.batch_id,
            status=batch.status,
            quantity=batch.quantity,
            cards_created=cards_created,
            created_at=batch.created_at,
        )


class NewBatchOut(BatchOut):
    """A batch of more than 100 cards is ``processing``: ask for it by its id, and for its file once it is issued."""

    download_url: DownloadUrl | None

    @classmethod
    def told(cls, batch: Batch, download_url: str | None) -> "NewBatchOut":
        return cls(**dict(BatchOut.of(batch, batch.issued)), download_url=download_url)


class DownloadOut(Output):
    download_url: DownloadUrl
    expires_at: Instant


class IssueCardIn(Input):
    """It is promotional unless ``funding`` says otherwise, and mailed only where ``deliver_email`` asks for that."""

    amount: Annotated[AmountIn, Field(examples=[100])]
    currency: Currency | None = None
    recipient_email: Annotated[Email, Field(description="Who owns it, and gets it by mail")] | None = None
    message: Message | None = None
    expiration_date: Annotated[Day, Field(description="The last day of the shop on which it is good")] | None = None
    funding: FundingIn = Funding.PROMOTIONAL
    sender_name: Line | None = None
    design: Design | None = None
    deliver_email: Annotated[bool, Field(strict=True)] = False

    def to_command(self, tenant: Tenant) -> IssueCard:
        currency = currency_code(self.currency or tenant.currency)
        return IssueCard(
            amount=money(self.amount, currency, field="amount"),
            funding=self.funding,
            owner_email=self.recipient_email,
            recipient_email=self.recipient_email,
            message=self.message,
            sender=self.sender_name,
            design=self.design,
            expires_on=self.expiration_date,
            deliver=self.deliver_email,
        )


class CardIssued(Output):
    """A new card. ``pin`` is told this once."""

    gift_card_id: str
    code: str
    pin: str
    amount: Major
    balance: Major
    currency: str
    status: CardStatus
    funding: Funding
    recipient_email: str | None
    expiration_date: LocalDay | None
    created_at: Instant

    @classmethod
    def of(cls, issued: Issued) -> "CardIssued":
        card = issued.card
        return cls(
            gift_card_id=card.gift_card_id,
            code=serials.printed(card.serial),
            pin=issued.pin,
            amount=card.original.major,
            balance=card.balance.major,
            currency=card.currency,
            status=card.status,
            funding=card.funding,
            recipient_email=card.recipient_email,
            expiration_date=iso_day(card),
            created_at=card.created_at,
        )


class CardRowOut(Output):
    """One line of a list; of ``code`` it shows the last four characters."""

    gift_card_id: str
    code: str
    amount: Major
    balance: Major
    held: Major
    currency: str
    status: CardStatus
    expired: bool
    depleted: bool
    funding: Funding
    recipient_email: str | None
    expiration_date: LocalDay | None
    batch_id: str | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, card: GiftCard, at: datetime) -> "CardRowOut":
        return cls(
            gift_card_id=card.gift_card_id,
            code=serials.masked(card.serial),
            amount=card.original.major,
            balance=card.balance.major,
            held=card.held.major,
            currency=card.currency,
            status=card.status,
            expired=card.has_expired(at),
            depleted=card.is_depleted,
            funding=card.funding,
            recipient_email=card.recipient_email,
            expiration_date=iso_day(card),
            batch_id=card.batch_id,
            created_at=card.created_at,
            updated_at=card.updated_at,
        )


class CardsQuery(OffsetQuery):
    owner_email: Annotated[Email, Field(description="Whose cards")] | None = None


class LookUpQuery(Query):
    code: Serial


class LookUpIn(Input):
    code: Serial


class CardFound(Output):
    """``balance`` is what is owed on the card; ``available`` of it no cart holds."""

    gift_card_id: str
    code: str
    balance: Major
    original_amount: Major
    available: Major
    currency: str
    status: CardStatus
    expired: bool
    depleted: bool
    funding: Funding
    expiration_date: LocalDay | None
    created_at: Instant

    @classmethod
    def of(cls, card: GiftCard) -> "CardFound":
        return cls(
            gift_card_id=card.gift_card_id,
            code=serials.printed(card.serial),
            balance=card.balance.major,
            original_amount=card.original.major,
            available=card.available.major,
            currency=card.currency,
            status=card.status,
            expired=card.has_expired(clock.now()),
            depleted=card.is_depleted,
            funding=card.funding,
            expiration_date=iso_day(card),
            created_at=card.created_at,
        )
