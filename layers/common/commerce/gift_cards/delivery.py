"""What the mail to a card's recipient says, and what became of it (contract GC-07, PM-14).

The mailer is told of a card and a generation of its PIN. It asks for the letter, mails it, and says so. A generation
that was delivered, or that another one replaced, has no letter; a mailer that died in between mails the same PIN again.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from commerce.access.queries import find_shop
from commerce.gift_cards import pins, serials, store
from commerce.gift_cards.model import CardStatus, DeliveryState
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction, run


class DeliveryOutcome(StrEnum):
    DELIVERED = "delivered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Letter:
    """``serial`` as it is printed; ``amount`` is what is on the card."""

    serial: str
    pin: str = field(repr=False)
    amount: Money
    recipient: str = field(repr=False)
    message: str | None
    design: str | None
    expires_on: date | None
    sender: str | None
    shop: str
    generation: int


def due(tenant: Tenant, serial: str, generation: int) -> Letter | None:
    """The letter for a generation of a card's PIN; None where there is nothing to mail (any more)."""
    card = store.find(tenant, serial)
    if (
        card is None
        or card.pin_generation != generation
        or card.delivery is not DeliveryState.REQUESTED
        or card.recipient_email is None
        or card.status is CardStatus.CANCELLED
    ):
        return None
    return Letter(
        serial=serials.printed(serial),
        pin=pins.derive(tenant, serial, generation),
        amount=card.balance,
        recipient=card.recipient_email,
        message=card.message,
        design=card.design,
        expires_on=card.expires_on,
        sender=card.sender,
        shop=find_shop(tenant.tenant_id),
        generation=generation,
    )


def sent(tenant: Tenant, serial: str, generation: int, outcome: DeliveryOutcome) -> None:
    """Record what became of a letter; nothing when that is recorded already or another PIN is to be delivered."""
    run(lambda tx: _record(tx, tenant, serial, generation, outcome), Cause("system:mailer"))


def _record(tx: Transaction, tenant: Tenant, serial: str, generation: int, outcome: DeliveryOutcome) -> None:
    card = store.find(tenant, serial)
    if card is None or card.pin_generation != generation or card.delivery is not DeliveryState.REQUESTED:
        return
    store.save(tx, tenant, replace(card, delivery=DeliveryState(outcome)).changed(clock.now()))
