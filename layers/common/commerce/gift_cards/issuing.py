"""Issuing gift cards (contract GC-01, GC-07, X-06, X-07): the card and its ledger entry in one transaction."""

from dataclasses import dataclass
from datetime import date, datetime

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.gift_cards import entries, pins, serials, store
from commerce.gift_cards.model import CardStatus, DeliveryState, Funding, GiftCard
from commerce.gift_cards.policies import require_lawful_expiry
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money, exponent
from commerce.kernel.periods import day_of, end_of
from commerce.ledger import store as ledger
from commerce.table.transaction import Transaction

DELIVERY_REQUESTED = "gift_card.delivery_requested"
MAX_FACE = 10_000  # major units of one card; a policy against slips of the keyboard


@dataclass(frozen=True, slots=True)
class IssueCard:
    """``expires_on`` is the last day that the card is good on; ``deliver`` mails serial and PIN to the recipient.

    ``order_id`` is the order that the card was bought with.
    """

    amount: Money
    funding: Funding = Funding.PROMOTIONAL
    owner_email: str | None = None
    recipient_email: str | None = None
    message: str | None = None
    sender: str | None = None
    design: str | None = None
    expires_on: date | None = None
    deliver: bool = False
    inactive: bool = False
    batch_id: str | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new card, and its PIN, which is told once."""

    card: GiftCard
    pin: str


def issue(tx: Transaction, caller: Caller, command: IssueCard) -> Issued:
    """Issue a card: two writes, and one more where it is mailed.

    Raises:
        Invalid: no amount or too much of it; a date that has passed or that the law forbids; nobody to mail it to.
    """
    require_issuable(caller.tenant, command, clock.now())
    return make(tx, caller.tenant, command, serials.new(), caller.actor)


def make(tx: Transaction, tenant: Tenant, command: IssueCard, serial: str, actor: str) -> Issued:
    """Issue a card that was found issuable before."""
    now = clock.now()
    pin = pins.derive(tenant, serial, 1)
    card = GiftCard(
        gift_card_id=ids.new("gc"),
        serial=serial,
        pin_hash=pins.hash_of(tenant, serial, pin),
        pin_generation=1,
        original=command.amount,
        balance=command.amount,
        held=Money.zero(command.amount.currency),
        status=CardStatus.INACTIVE if command.inactive else CardStatus.ACTIVE,
        funding=command.funding,
        owner_email=command.owner_email,
        recipient_email=command.recipient_email,
        created_at=now,
        updated_at=now,
        activated_at=None if command.inactive else now,
        message=command.message,
        sender=command.sender,
        design=command.design,
        expires_on=command.expires_on,
        expires_at=end_of(command.expires_on, tenant.timezone) if command.expires_on else None,
        batch_id=command.batch_id,
        order_id=command.order_id,
        delivery=DeliveryState.REQUESTED if command.deliver else None,
        entries=1,
        sequence=int(command.deliver),
    )
    store.add(tx, tenant, card)
    ledger.post(tx, tenant, entries.issue(card, actor))
    if command.deliver:
        request_delivery(tx, tenant, card)
    return Issued(card, pin)


def require_issuable(tenant: Tenant, command: IssueCard, at: datetime) -> None:
    """Raise Invalid for what ``issue`` refuses."""
    amount = command.amount
    if not amount.minor > 0:
        raise Invalid("A gift card is worth something", field="amount", reason="amount_out_of_range")
    if amount.major > MAX_FACE * _scale(amount.currency):
        raise Invalid("No gift card is worth this much", field="amount", reason="amount_out_of_range")
    if command.deliver and command.recipient_email is None:
        raise Invalid("Say whom to mail it to", field="recipient_email", reason="recipient_required")
    today = day_of(at, tenant.timezone)
    require_lawful_expiry(tenant.country, command.funding, today, command.expires_on)


def request_delivery(tx: Transaction, tenant: Tenant, card: GiftCard) -> None:
    """Tell whoever sends mails that the card's present PIN is to be delivered; neither it nor an address is told.

    ``card.sequence`` counts the event already.
    """
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=DELIVERY_REQUESTED,
            aggregate_id=card.gift_card_id,
            sequence=card.sequence,
            at=card.updated_at,
            tenant=tenant,
            data={"serial": card.serial, "generation": card.pin_generation},
        ),
    )


def _scale(currency: str) -> int:
    """Currencies without decimal places count in larger numbers."""
    return 1 if exponent(currency) else 100
