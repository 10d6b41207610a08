"""What the merchant does with a card: the moves of its state, its owner, its PIN (contract GC-12…17, GC-22, GC-24)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from commerce.gift_cards import entries, pins, serials, store
from commerce.gift_cards.issuing import request_delivery
from commerce.gift_cards.model import CardStatus, DeliveryState, Funding, GiftCard
from commerce.gift_cards.redeeming import release_all
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Tenant, system
from commerce.kernel.errors import Conflict, IllegalMove, Invalid, NotFound, RateLimited
from commerce.kernel.money import Money
from commerce.ledger import store as ledger
from commerce.ledger.model import PSP_CLEARING, UNCLAIMED
from commerce.table.transaction import Transaction

RESENT_AFTER = timedelta(minutes=1)


class Disposition(StrEnum):
    """Where the balance of a cancelled card goes (contract GC-15)."""

    REFUND_ORIGINAL = "refund_original"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class CancelCard:
    """``to_email`` gets the new card of a ``TRANSFER``; ``reason`` is kept with the ledger entry."""

    serial: str
    disposition: Disposition | None = None
    to_email: str | None = None
    reason: str | None = None


def get(tenant: Tenant, typed: str) -> GiftCard:
    """A card by its serial, however that is typed (contract GC-03, GC-10).

    Raises:
        Invalid: a serial of ours with a typing mistake.
        NotFound: no such card.
    """
    serial = serials.normalise(typed)
    if serials.is_mistyped(serial):
        raise Invalid("There is a typing mistake in this serial", field="serial", reason="mistyped_serial")
    card = store.find(tenant, serial)
    if card is None:
        raise NotFound("gift card")
    return card


def activate(tx: Transaction, caller: Caller, typed: str) -> GiftCard:
    """Let a card that was issued inactive pay (contract GC-12).

    Raises:
        NotFound, Invalid: as ``get`` does.
        IllegalMove: it is not inactive.
    """
    card = get(caller.tenant, typed)
    if card.status is not CardStatus.INACTIVE:
        raise IllegalMove(f"A gift card that is {card.status} is not activated")
    now = clock.now()
    return _save(tx, caller.tenant, replace(card.move_to(CardStatus.ACTIVE), activated_at=now), now)


def suspend(tx: Transaction, caller: Caller, typed: str) -> GiftCard:
    """Stop a card from paying, and release what carts hold of it (contract GC-13).

    Raises:
        NotFound, Invalid: as ``get`` does.
        IllegalMove: it is not active.
    """
    card, now = get(caller.tenant, typed), clock.now()
    return _save(tx, caller.tenant, release_all(tx, caller.tenant, card.move_to(CardStatus.SUSPENDED), now), now)


def reactivate(tx: Transaction, caller: Caller, typed: str) -> GiftCard:
    """Let a suspended card pay again (contract GC-14).

    Raises:
        NotFound, Invalid: as ``get`` does.
        IllegalMove: it is not suspended.
    """
    card = get(caller.tenant, typed)
    if card.status is not CardStatus.SUSPENDED:
        raise IllegalMove(f"A gift card that is {card.status} is not reactivated")
    return _save(tx, caller.tenant, card.move_to(CardStatus.ACTIVE), clock.now())


def cancel(tx: Transaction, caller: Caller, command: CancelCard) -> GiftCard:
    """End a card for good; what is on it goes where ``disposition`` says (contract GC-15).

    Refunding the original payment is booked here and paid outside; a card that was bought with an order of this shop is
    refunded with that order.

    Raises:
        NotFound, Invalid: as ``get`` does; a balance without a disposition, or a transfer without an address.
        IllegalMove: it is cancelled already.
        Conflict: a refund of a card that nobody paid for, or that was bought with an order.
    """
    tenant, now = caller.tenant, clock.now()
    card = get(tenant, command.serial)
    ended = release_all(tx, tenant, card.move_to(CardStatus.CANCELLED), now)
    amount = ended.balance
    if not amount.minor:
        return _save(tx, tenant, ended, now)
    if command.disposition is None:
        raise Invalid(
            f"There is {amount.major} {amount.currency} on the card: say where it goes",
            field="disposition",
            reason="disposition_required",
        )
    if command.disposition is Disposition.TRANSFER:
        return _move(tx, caller, ended, amount, command.to_email, now)
    if command.disposition is Disposition.REFUND_ORIGINAL:
        _require_refundable(card)
        account = PSP_CLEARING
    else:
        account = UNCLAIMED[tenant.checkout.unclaimed_value]
    saved = _save(tx, tenant, ended.withdraw(amount), now)
    ledger.post(tx, tenant, entries.cancel(saved, amount, account, caller.actor, command.reason))
    return saved


def transfer(tx: Transaction, caller: Caller, typed: str, to_email: str, from_email: str | None = None) -> GiftCard:
    """Give a card to another owner: a new PIN, mailed to them, and nothing held any more (contract GC-17).

    Raises:
        NotFound, Invalid: as ``get`` does.
        Conflict: the card is cancelled, or is not ``from_email``'s.
    """
    card, now = get(caller.tenant, typed), clock.now()
    if card.status is CardStatus.CANCELLED:
        raise Conflict("The gift card is cancelled", field="serial", reason="gift_card_cancelled")
    if from_email is not None and (card.owner_email or "").casefold() != from_email.casefold():
        raise Conflict("The gift card belongs to somebody else", field="fromEmail", reason="wrong_owner")
    free = release_all(tx, caller.tenant, card, now)
    return _deliver(tx, caller.tenant, replace(free, owner_email=to_email, recipient_email=to_email), now)


def resend(tx: Transaction, caller: Caller, typed: str) -> GiftCard:
    """Mail a card again, with a new PIN (contract GC-24).

    Raises:
        NotFound, Invalid: as ``get`` does; nobody to mail it to.
        Conflict: the card is cancelled.
        RateLimited: its last mail was asked for a moment ago.
    """
    card, now = get(caller.tenant, typed), clock.now()
    if card.status is CardStatus.CANCELLED:
        raise Conflict("The gift card is cancelled", field="serial", reason="gift_card_cancelled")
    recipient = card.recipient_email or card.owner_email
    if recipient is None:
        raise Invalid("The card has neither recipient nor owner", field="serial", reason="recipient_required")
    if card.delivery is not None and now < card.updated_at + RESENT_AFTER:
        raise RateLimited("A mail is on its way", retry_after=int(RESENT_AFTER.total_seconds()))
    return _deliver(tx, caller.tenant, replace(card, recipient_email=recipient), now)


def expire(tx: Transaction, tenant: Tenant, serial: str) -> None:
    """Let what is on a card lapse once its last day is over (contract GC-22); nothing when that was done already."""
    card, now = store.find(tenant, serial), clock.now()
    if card is None or card.expires_at is None or not card.has_expired(now) or not card.balance.minor:
        return
    if card.status is CardStatus.CANCELLED:
        return
    free = release_all(tx, tenant, card, now)
    amount = free.balance
    saved = _save(tx, tenant, free.withdraw(amount), now)
    account = UNCLAIMED[tenant.checkout.unclaimed_value]
    actor = system(tenant, "expiry").actor
    ledger.post(tx, tenant, entries.expire(saved, amount, account, actor, card.expires_at))


def reclaim(tx: Transaction, caller: Caller, card: GiftCard, wanted: Money, account: str) -> Money:
    """Take back what was paid back for a card, as far as it is still there: to ``account``; an emptied card ends.

    Gives how much that was.
    """
    amount = min(wanted, card.balance)
    if not amount.minor:
        return amount
    now = clock.now()
    taken = release_all(tx, caller.tenant, card, now).withdraw(amount)
    ends = taken.is_depleted and card.status is not CardStatus.CANCELLED
    saved = _save(tx, caller.tenant, taken.move_to(CardStatus.CANCELLED) if ends else taken, now)
    ledger.post(tx, caller.tenant, entries.reclaim(saved, amount, account, caller.actor))
    return amount


def _move(
    tx: Transaction, caller: Caller, ended: GiftCard, amount: Money, to_email: str | None, now: datetime
) -> GiftCard:
    """Move what is on a card that ends to a new one."""
    if to_email is None:
        raise Invalid("Say who gets the new card", field="toEmail", reason="recipient_required")
    tenant, serial = caller.tenant, serials.new()
    saved = _save(tx, tenant, ended.withdraw(amount), now)
    new = replace(
        ended,
        gift_card_id=ids.new("gc"),
        serial=serial,
        pin_hash=pins.hash_of(tenant, serial, pins.derive(tenant, serial, 1)),
        pin_generation=1,
        original=amount,
        balance=amount,
        status=CardStatus.ACTIVE,
        owner_email=to_email,
        recipient_email=to_email,
        created_at=now,
        updated_at=now,
        activated_at=now,
        batch_id=None,
        delivery=DeliveryState.REQUESTED,
        entries=1,
        sequence=1,
        version=1,
    )
    store.add(tx, tenant, new)
    request_delivery(tx, tenant, new)
    for entry in entries.transfer(saved, new, amount, caller.actor):
        ledger.post(tx, tenant, entry)
    return saved


def _require_refundable(card: GiftCard) -> None:
    if card.funding is not Funding.PAID:
        raise Conflict("Nobody paid for this card", field="disposition", reason="not_paid_for")
    if card.order_id is not None:
        raise Conflict(
            "The card was bought with an order: refund that order", field="disposition", reason="refund_the_order"
        )


def _deliver(tx: Transaction, tenant: Tenant, card: GiftCard, now: datetime) -> GiftCard:
    generation = card.pin_generation + 1
    pin = pins.derive(tenant, card.serial, generation)
    saved = card.changed(
        now,
        pin_generation=generation,
        pin_hash=pins.hash_of(tenant, card.serial, pin),
        delivery=DeliveryState.REQUESTED,
        sequence=card.sequence + 1,
    )
    store.save(tx, tenant, saved)
    request_delivery(tx, tenant, saved)
    return saved


def _save(tx: Transaction, tenant: Tenant, card: GiftCard, at: datetime) -> GiftCard:
    saved = card.changed(at)
    store.save(tx, tenant, saved)
    return saved
