"""Paying with a gift card, in two phases: hold, then commit or release (contract X-09, GC-21).

Nothing here knows carts or orders beyond their ids; ``carts.tenders`` and ``orders.tendering`` do.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from commerce.gift_cards import entries, pins, serials, store
from commerce.gift_cards.issuing import request_delivery
from commerce.gift_cards.model import (
    HOLD_FOR,
    MAX_HOLDS,
    CardStatus,
    DeliveryState,
    Funding,
    GiftCard,
    Redemption,
    RedemptionStatus,
)
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Mode, Tenant
from commerce.kernel.errors import Conflict, Invalid, NotFound
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of, end_of
from commerce.ledger import store as ledger
from commerce.ledger.model import EntryType
from commerce.table.transaction import Transaction

REPLACEMENT_GOOD_FOR = timedelta(days=30)  # at least, whenever its predecessor expired


def possessed(tenant_id: str, typed: str, pin: str) -> tuple[Mode, GiftCard]:
    """The card that serial and PIN open, if it can pay: one read, whatever comes out (contract GC-05, GC-06).

    Raises:
        NotFound: no such card, another PIN, or a card that cannot pay; nobody is told which.
    """
    serial = serials.normalise(typed)
    mode, card = store.find_in_any_mode(tenant_id, serial) or (Mode.LIVE, None)
    opens = pins.opens(Tenant(tenant_id, mode), serial, pin, card.pin_hash if card is not None else None)
    if card is None or not opens or not card.is_usable(clock.now()):
        raise NotFound("gift card with this PIN")
    return mode, card


def hold(tx: Transaction, tenant: Tenant, card: GiftCard, cart_id: str, wanted: Money) -> tuple[GiftCard, Redemption]:
    """Set aside what the card can give of ``wanted`` for a cart: three writes with the cart's own.

    The caller has proved possession. So where too little is free, what other carts hold is taken over: what they held
    for too long first, then the oldest. A cart that holds some of the card already holds another amount of it then.

    Raises:
        Invalid: the card is empty, or in another currency than ``wanted``.
    """
    now = clock.now()
    if wanted.currency != card.currency:
        raise Invalid(f"The gift card is in {card.currency}", field="serial", reason="currency_mismatch")
    amount = min(wanted, card.balance)
    if amount.minor <= 0:
        raise Invalid("There is nothing on the gift card", field="serial", reason="gift_card_empty")
    held = [each for each in store.redemptions_of(tenant, card.serial) if each.status is RedemptionStatus.HELD]
    own = next((each for each in held if each.cart_id == cart_id), None)
    others = sorted((each for each in held if each is not own), key=lambda each: (each.is_live(now), each.created_at))
    after = card if own is None else card.release(own.amount)
    for other in others:
        if amount <= after.available and after.holds < MAX_HOLDS:
            break
        after = _end(tx, tenant, after, other, now)
    saved = after.hold(amount).changed(now)
    store.save(tx, tenant, saved)
    if own is not None:
        kept = replace(own, amount=amount, expires_at=now + HOLD_FOR, updated_at=now, version=own.version + 1)
        store.save_redemption(tx, tenant, kept)
        return saved, kept
    redemption = Redemption(
        redemption_id=ids.new("rdm"),
        serial=card.serial,
        gift_card_id=card.gift_card_id,
        amount=amount,
        given_back=Money.zero(card.currency),
        status=RedemptionStatus.HELD,
        created_at=now,
        updated_at=now,
        expires_at=now + HOLD_FOR,
        cart_id=cart_id,
    )
    store.add_redemption(tx, tenant, redemption)
    return saved, redemption


def release(tx: Transaction, tenant: Tenant, card: GiftCard, redemption: Redemption) -> None:
    """Take back what a cart holds; nothing when that ended already."""
    if redemption.status is RedemptionStatus.HELD:
        now = clock.now()
        store.save(tx, tenant, _end(tx, tenant, card, redemption, now).changed(now))


def release_all(tx: Transaction, tenant: Tenant, card: GiftCard, at: datetime) -> GiftCard:
    """The card with nothing held of it, and all its held redemptions ended; the caller saves the card."""
    if card.holds:
        for redemption in store.redemptions_of(tenant, card.serial):
            if redemption.status is RedemptionStatus.HELD:
                card = _end(tx, tenant, card, redemption, at)
    return card


def commit(
    tx: Transaction, caller: Caller, card: GiftCard, redemption: Redemption, spent: Money, order_id: str
) -> Redemption:
    """Spend ``spent`` of what a cart holds for its order: three writes. The rest of the hold is free again.

    The caller has made sure that the redemption is live and the card usable.
    """
    now = clock.now()
    saved = card.commit(redemption.amount, spent).changed(now)
    store.save(tx, caller.tenant, saved)
    done = redemption.move_to(RedemptionStatus.COMMITTED, now, amount=spent, order_id=order_id, expires_at=None)
    store.save_redemption(tx, caller.tenant, done)
    ledger.post(tx, caller.tenant, entries.commit(saved, done, caller.actor))
    return done


def redeem(
    tx: Transaction, caller: Caller, card: GiftCard, amount: Money, order_id: str
) -> tuple[GiftCard, Redemption]:
    """Hold and commit in one, for an order that exists (contract GC-04, X-09): three writes, never a part.

    Raises:
        Conflict: the card cannot pay.
        Invalid: less than ``amount`` is available, or the card is in another currency.
    """
    now = clock.now()
    card.require_usable(now)
    if amount.currency != card.currency:
        raise Invalid(f"The gift card is in {card.currency}", field="code", reason="currency_mismatch")
    saved = card.withdraw(amount).changed(now)
    store.save(tx, caller.tenant, saved)
    redemption = Redemption(
        redemption_id=ids.new("rdm"),
        serial=card.serial,
        gift_card_id=card.gift_card_id,
        amount=amount,
        given_back=Money.zero(card.currency),
        status=RedemptionStatus.COMMITTED,
        created_at=now,
        updated_at=now,
        order_id=order_id,
    )
    store.add_redemption(tx, caller.tenant, redemption)
    ledger.post(tx, caller.tenant, entries.commit(saved, redemption, caller.actor))
    return saved, redemption


def give_back(
    tx: Transaction,
    caller: Caller,
    card: GiftCard,
    parts: Sequence[tuple[Redemption, Money]],
    *,
    kind: EntryType,
    source: str,
    reason: str | None = None,
) -> GiftCard:
    """Put amounts of a card's committed redemptions back: two writes each and one for the card, two for a new one.

    A suspended card takes its value back; a cancelled or expired one is replaced by a new card for the same owner,
    mailed where there is an address (contract 6.4.5). Gives the card that the value is on now.

    Args:
        kind: reversal (with its order) or refund. ``source``: the ledger account it comes out of. ``reason``: kept with
            the entries.

    Raises:
        IllegalMove, Invalid: one was not committed, or less of it remains.
    """
    tenant, now = caller.tenant, clock.now()
    ended = card.status is CardStatus.CANCELLED or card.has_expired(now)
    after = (_replacement(tenant, card, parts[0][0].order_id, now) if ended else card).changed(now)
    for redemption, amount in parts:
        done = redemption.give_back(amount, now)
        store.save_redemption(tx, tenant, done)
        after = after.deposit(amount)
        ledger.post(tx, tenant, entries.give_back(after, done, amount, kind, source, caller.actor, reason))
    if not ended:
        store.save(tx, tenant, after)
        return after
    new = replace(after, original=after.balance, version=1)
    store.add(tx, tenant, new)
    if new.delivery is DeliveryState.REQUESTED:
        request_delivery(tx, tenant, new)
    return new


def _replacement(tenant: Tenant, old: GiftCard, order_id: str | None, at: datetime) -> GiftCard:
    """An empty card for the owner of one that has ended."""
    serial, zero = serials.new(), Money.zero(old.currency)
    recipient = old.owner_email or old.recipient_email
    grace = day_of(at + REPLACEMENT_GOOD_FOR, tenant.timezone)
    last_day = max(old.expires_on, grace) if old.expires_on is not None else None
    return GiftCard(
        gift_card_id=ids.new("gc"),
        serial=serial,
        pin_hash=pins.hash_of(tenant, serial, pins.derive(tenant, serial, 1)),
        pin_generation=1,
        original=zero,
        balance=zero,
        held=zero,
        status=CardStatus.ACTIVE,
        funding=Funding.REFUND,
        owner_email=old.owner_email,
        recipient_email=recipient,
        created_at=at,
        updated_at=at,
        activated_at=at,
        design=old.design,
        expires_on=last_day,
        expires_at=end_of(last_day, tenant.timezone) if last_day else None,
        order_id=order_id,
        delivery=DeliveryState.REQUESTED if recipient else None,
        sequence=int(recipient is not None),
    )


def _end(tx: Transaction, tenant: Tenant, card: GiftCard, redemption: Redemption, at: datetime) -> GiftCard:
    """End a held redemption; the card without it, not saved yet."""
    live = redemption.is_live(at)
    ended = redemption.move_to(RedemptionStatus.RELEASED if live else RedemptionStatus.EXPIRED, at, expires_at=None)
    store.save_redemption(tx, tenant, ended)
    return card.release(redemption.amount)


def sweep(tx: Transaction, tenant: Tenant, serial: str, redemption_id: str) -> None:
    """End a redemption that was held for too long (contract GC-22); nothing when it ended already."""
    card, redemption = store.find_with_redemption(tenant, serial, redemption_id)
    if card is None or redemption is None or redemption.is_live(clock.now()):
        return
    release(tx, tenant, card, redemption)


def refundable(redemptions: Sequence[Redemption], order_id: str | None, redemption_id: str | None) -> Redemption:
    """The redemption that a refund onto a card is about: the named one, or the only one that it can be.

    Raises:
        Invalid: there is none. Conflict: several are possible.
    """
    possible = [
        each
        for each in redemptions
        if each.status is RedemptionStatus.COMMITTED
        and order_id in (None, each.order_id)
        and redemption_id in (None, each.redemption_id)
    ]
    if not possible:
        raise Invalid("The card paid for nothing that can be refunded", field="orderId", reason="nothing_to_refund")
    if len(possible) > 1:
        raise Conflict(
            "The card paid more than once: name the redemption", field="redemptionId", reason="ambiguous_redemption"
        )
    return possible[0]
