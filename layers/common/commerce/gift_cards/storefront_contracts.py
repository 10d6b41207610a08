"""Gift cards on the wire of ``/storefront/giftcards`` (contract GC-07…10, GC-12…17, GC-24): camelCase, bare.

Amounts are decimal major units.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from commerce.gift_cards import serials
from commerce.gift_cards.batch_model import Batch, BatchStatus, IssueBatch
from commerce.gift_cards.contracts import Currency, Design, FundingIn, LocalDay, Message, Serial, iso_day
from commerce.gift_cards.issuing import IssueCard, Issued
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.gift_cards.model import CardStatus, DeliveryState, Funding, GiftCard, Redemption
from commerce.http.amounts import AmountIn, money
from commerce.http.contracts import CamelInput, CamelOutput, CamelQuery, Email, Id, Instant, Line, Major, OrderId
from commerce.http.dates import Day
from commerce.http.pages import Limit
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.money import Money, currency_code
from commerce.kernel.paging import DEFAULT_LIMIT, PageRequest

MAX_CARDS = 100  # of a batch as an array

Reason = Annotated[Line, Field(description="Kept with the ledger entry")]


class NewCardIn(CamelInput):
    """It is promotional unless ``funding`` says otherwise. With ``deliverEmail`` serial and PIN are mailed to the
    recipient, who is the owner where no other is named. A card that is not ``active`` pays once it is activated."""

    amount: Annotated[AmountIn, Field(examples=[100])]
    currency: Currency | None = None
    owner_email: Email | None = None
    recipient_email: Email | None = None
    expires_at: Annotated[Day, Field(description="The last day of the shop on which it is good")] | None = None
    deliver_email: Annotated[bool, Field(strict=True)] = False
    design: Design | None = None
    message: Message | None = None
    sender_name: Line | None = None
    funding: FundingIn = Funding.PROMOTIONAL
    active: Annotated[bool, Field(strict=True)] = True

    def to_command(self, tenant: Tenant) -> IssueCard:
        currency = currency_code(self.currency or tenant.currency)
        return IssueCard(
            amount=money(self.amount, currency, field="amount"),
            funding=self.funding,
            owner_email=self.owner_email,
            recipient_email=self.recipient_email or self.owner_email,
            message=self.message,
            sender=self.sender_name,
            design=self.design,
            expires_on=self.expires_at,
            deliver=self.deliver_email,
            inactive=not self.active,
        )


class CardFields(CamelOutput):
    """What is shown of a card. ``balance`` is what is owed on it; ``available`` of it no cart holds."""

    gift_card_id: str
    serial: str
    amount: Major
    balance: Major
    available: Major
    currency: str
    status: CardStatus
    expired: bool
    depleted: bool
    funding: Funding
    owner_email: str | None
    recipient_email: str | None
    message: str | None
    design: str | None
    expires_at: LocalDay | None
    batch_id: str | None
    order_id: str | None
    delivery: Annotated[DeliveryState, Field(description="Of the mail with the present PIN")] | None
    created_at: Instant
    updated_at: Instant
    activated_at: Instant | None


def _fields(card: GiftCard) -> dict[str, Any]:
    return {
        "gift_card_id": card.gift_card_id,
        "serial": serials.printed(card.serial),
        "amount": card.original.major,
        "balance": card.balance.major,
        "available": card.available.major,
        "currency": card.currency,
        "status": card.status,
        "expired": card.has_expired(clock.now()),
        "depleted": card.is_depleted,
        "funding": card.funding,
        "owner_email": card.owner_email,
        "recipient_email": card.recipient_email,
        "message": card.message,
        "design": card.design,
        "expires_at": iso_day(card),
        "batch_id": card.batch_id,
        "order_id": card.order_id,
        "delivery": card.delivery,
        "created_at": card.created_at,
        "updated_at": card.updated_at,
        "activated_at": card.activated_at,
    }


class CardOut(CardFields):
    @classmethod
    def of(cls, card: GiftCard) -> "CardOut":
        return cls(**_fields(card))


class NewCardOut(CardFields):
    """A new card. ``pin`` is told this once."""

    pin: str

    @classmethod
    def of(cls, issued: Issued) -> "NewCardOut":
        return cls(**_fields(issued.card), pin=issued.pin)


def _either_form(schema: dict[str, Any]) -> None:
    """Say in the JSON schema that the array may stand alone."""
    named = {name: schema.pop(name) for name in ("type", "properties", "required", "additionalProperties")}
    schema["oneOf"] = [named, named["properties"]["cards"]]


class NewCardsIn(CamelInput):
    """An array of what issues one card, or an object with that array as ``cards``."""

    model_config = ConfigDict(json_schema_extra=_either_form)

    cards: Annotated[list[NewCardIn], Field(min_length=1, max_length=MAX_CARDS)]

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"cards": list(value)} if isinstance(value, list | tuple) else value

    def to_command(self, tenant: Tenant) -> IssueBatch:
        return IssueBatch(tuple(card.to_command(tenant) for card in self.cards), len(self.cards))


class BatchRowOut(NewCardOut):
    """``index`` counts the rows that were sent, from 0."""

    index: int

    @classmethod
    def at(cls, index: int, issued: Issued) -> "BatchRowOut":
        return cls(**_fields(issued.card), pin=issued.pin, index=index)


class NewCardsOut(CamelOutput):
    batch_id: str
    status: BatchStatus
    cards_created: int
    cards: list[BatchRowOut]

    @classmethod
    def of(cls, batch: Batch, issued: list[Issued]) -> "NewCardsOut":
        return cls(
            batch_id=batch.batch_id,
            status=batch.status,
            cards_created=batch.issued,
            cards=[BatchRowOut.at(index, each) for index, each in enumerate(issued)],
        )


class CursorQuery(CamelQuery):
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=1024, description="From nextCursor")] | None = None

    def page_request(self) -> PageRequest:
        return PageRequest(limit=self.limit, cursor=self.cursor)


class CancelIn(CamelInput):
    """``disposition`` says where a balance goes; ``toEmail`` gets the new card of a ``transfer``."""

    disposition: Disposition | None = None
    to_email: Email | None = None
    reason: Reason | None = None

    def to_command(self, serial: str) -> CancelCard:
        return CancelCard(serial, self.disposition, self.to_email, self.reason)


class RefundIn(CamelInput):
    """Without ``redemptionId`` it is the only redemption of the card, or of the card for that order."""

    amount: Annotated[AmountIn, Field(examples=[25])]
    order_id: OrderId | None = None
    redemption_id: Id | None = None
    reason: Reason | None = None

    def money(self, currency: str) -> Money:
        return money(self.amount, currency, field="amount")


class RefundedOut(CamelOutput):
    """``serial`` is the card that the amount is on now: another one, where the old one was cancelled or expired."""

    redemption_id: str
    order_id: str | None
    serial: str
    amount_refunded: Major
    card_balance: Major
    currency: str
    status: CardStatus
    refunded_at: Instant

    @classmethod
    def of(cls, card: GiftCard, redemption: Redemption, amount: Money) -> "RefundedOut":
        return cls(
            redemption_id=redemption.redemption_id,
            order_id=redemption.order_id,
            serial=serials.printed(card.serial),
            amount_refunded=amount.major,
            card_balance=card.balance.major,
            currency=card.currency,
            status=card.status,
            refunded_at=card.updated_at,
        )


class TransferIn(CamelInput):
    """With ``fromEmail`` the card must be theirs."""

    serial: Serial
    to_email: Email
    from_email: Email | None = None
