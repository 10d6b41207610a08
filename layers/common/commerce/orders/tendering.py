"""Stored value paying for orders: spent when the order is placed or later, given back when it is called off.

The order, the cards and the lots change in one transaction (contract GC-04, GC-06, GC-16, GC-21, SC-05, X-56, X-57).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from commerce.events.model import TimelineType
from commerce.gift_cards import lifecycle, redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.model import AppliedCard, Funding, GiftCard, Redemption
from commerce.kernel import clock
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict, Detail, Invalid, StaleWrite
from commerce.kernel.limits import MAX_ENDING_WRITES, MAX_GIFT_CARDS
from commerce.kernel.money import Money, total
from commerce.ledger import store as ledger
from commerce.ledger.entries import given_back_from, shortfall
from commerce.ledger.model import Entry, EntryType
from commerce.orders import store, use_cases
from commerce.orders.model import COLLECTED, Order, PaymentStatus, Status, Tender, TenderKind
from commerce.store_credit import entries as credit_entries
from commerce.store_credit import store as credit
from commerce.store_credit import use_cases as store_credit
from commerce.store_credit.model import Lot, available, balance_of, draw
from commerce.table.transaction import MAX_ACTIONS, Transaction


@dataclass(frozen=True, slots=True)
class StoredValue:
    """What a cart was told that stored value pays; ``credit`` None where no store credit is to be used."""

    gift_cards: tuple[AppliedCard, ...] = ()
    credit: Money | None = None


def settle(tx: Transaction, caller: Caller, order: Order, told: StoredValue) -> Order:
    """The order with its tenders, which are spent in the transaction that places it.

    A card pays at most what is left to pay, and what it holds beyond that is free again. What was told is never
    silently replaced by less.

    Raises:
        Conflict: a card or the credit cannot pay any more what was told; the details say by how much.
    """
    now = clock.now()
    found = cards.find_all(caller.tenant, [(each.serial, each.redemption_id) for each in told.gift_cards])
    lots = credit.lots_of(caller.tenant, order.buyer.customer_id) if told.credit is not None else []
    differences = [
        _difference(f"gift_cards.{index}", "gift_card_changed", each.amount, Money.zero(order.currency))
        for index, each in enumerate(told.gift_cards)
        if not _stands(each, found, now)
    ]
    left, tenders = order.total - order.sold_value, list[Tender]()
    for each in told.gift_cards if not differences else ():
        spent = min(left, each.amount)
        left = left - spent
        card, redemption = found.cards[each.serial], found.redemptions[each.redemption_id]
        if spent.minor:
            redeeming.commit(tx, caller, card, redemption, spent, order.order_id)
            tenders.append(_tender(TenderKind.GIFT_CARD, each.redemption_id, each.serial, spent))
        else:
            redeeming.release(tx, caller.tenant, card, redemption)
    if told.credit is not None:
        due = min(left, told.credit)
        there = available(lots, order.currency, now)
        if there < due:
            differences.append(_difference("store_credit", "store_credit_changed", due, there))
        elif not differences:
            tenders += map(_of_credit, _spend(tx, caller, lots, min(left, there), order.order_id))
    if differences:
        raise Conflict("What was to pay for this has changed; look at the cart again", details=tuple(differences))
    return _paid_if_covered(replace(order, tenders=tuple(tenders)))


def _stands(told: AppliedCard, found: cards.Found, now: datetime) -> bool:
    card, redemption = found.cards.get(told.serial), found.redemptions.get(told.redemption_id)
    if card is None or redemption is None:
        return False
    return card.is_usable(now) and redemption.is_live(now) and redemption.amount == told.amount


def _difference(field: str, code: str, told: Money, there: Money) -> Detail:
    return Detail(field, f"{told.major} {told.currency} was applied, {there.major} is there", code)


def _paid_if_covered(order: Order) -> Order:
    """An order that stored value pays in full is paid; nothing is asked of the payment provider."""
    if order.outstanding.minor or not order.total.minor:
        return order
    return order.pay(PaymentStatus.PAID)


def _spend(tx: Transaction, caller: Caller, lots: Sequence[Lot], amount: Money, order_id: str) -> list[Entry]:
    """Spend store credit, soonest expiring first; gives the entry of each lot."""
    entries = []
    for lot, part in draw(lots, amount, clock.now()) if amount.minor else ():
        spent = lot.spend(part).changed(clock.now())
        credit.save(tx, caller.tenant, spent)
        entry = credit_entries.commit(spent, part, order_id, caller.actor)
        ledger.post(tx, caller.tenant, entry)
        entries.append(entry)
    return entries


def _of_credit(entry: Entry) -> Tender:
    assert entry.holder_id is not None  # the lot
    return _tender(TenderKind.STORE_CREDIT, entry.holder_id, entry.owner_id, entry.amount)


def _tender(kind: TenderKind, tender_id: str, source: str, amount: Money) -> Tender:
    return Tender(kind, tender_id, source, amount, Money.zero(amount.currency))


def require_cancellable(tx: Transaction, order: Order) -> None:
    """Raise Invalid where calling the order off would not fit into one transaction; so it is not placed."""
    if len(tx) > MAX_ACTIONS or order.ending_writes > MAX_ENDING_WRITES:
        raise Invalid(
            "So many lines and tenders do not go into one order; use fewer", field="items", reason="too_many_parts"
        )


# Later, on an order that waits for its payment


@dataclass(frozen=True, slots=True)
class Redeem:
    """``amount`` of a gift card (by its ``code``) or, where that is None, of the customer's store credit."""

    order_id: str
    amount: Money
    code: str | None = None


def redeem_gift_card(tx: Transaction, caller: Caller, command: Redeem) -> tuple[GiftCard, Redemption]:
    """Pay for an order with a gift card, all of ``amount`` or nothing (contract GC-04).

    Raises:
        NotFound: no such card. Invalid: no such order, more than is to be paid or than is on the card.
        Conflict: nothing is to be paid; the card cannot pay; the order's payment is being processed.
    """
    order = _waiting(caller, command)
    card = lifecycle.get(caller.tenant, command.code or "")
    used = sum(tender.kind is TenderKind.GIFT_CARD for tender in order.tenders)
    if used >= min(caller.tenant.checkout.gift_cards_per_order, MAX_GIFT_CARDS):
        raise Conflict("No further gift card goes into this order", field="code", reason="too_many_gift_cards")
    saved, redemption = redeeming.redeem(tx, caller, card, command.amount, order.order_id)
    tender = _tender(TenderKind.GIFT_CARD, redemption.redemption_id, card.serial, command.amount)
    _save_tendered(tx, caller, order, [tender])
    return saved, redemption


@dataclass(frozen=True, slots=True)
class SpentCredit:
    """``amount`` of store credit was spent, by one entry of each lot; ``left`` is what the customer has left of it."""

    entries: tuple[Entry, ...]
    amount: Money
    left: Money
    at: datetime


def redeem_store_credit(tx: Transaction, caller: Caller, command: Redeem, customer_id: str) -> SpentCredit:
    """Pay for an order with its customer's store credit, all of ``amount`` or nothing (contract SC-05).

    Raises:
        Invalid: no such order, another customer's, more than is to be paid or than there is credit.
        Conflict: nothing is to be paid; the order's payment is being processed.
    """
    order = _waiting(caller, command)
    if order.buyer.customer_id != customer_id:
        raise Invalid("The order is another customer's", field="customer_id", reason="wrong_customer")
    lots = credit.lots_of(caller.tenant, customer_id)
    spent = _spend(tx, caller, lots, command.amount, order.order_id)
    saved = _save_tendered(tx, caller, order, [_of_credit(entry) for entry in spent])
    left = balance_of(lots, order.currency).remaining - command.amount
    return SpentCredit(tuple(spent), command.amount, left, saved.updated_at)


def _waiting(caller: Caller, command: Redeem) -> Order:
    order = store.find(caller.tenant, command.order_id)
    if order is None:
        raise Invalid("No such order", field="order_id", reason="unknown_order")
    if not order.is_payable:
        raise Conflict("Nothing is to be paid for this order", field="order_id", reason="not_payable")
    if command.amount.minor <= 0:
        raise Invalid("Nothing is redeemed", field="amount_to_redeem", reason="amount_out_of_range")
    if command.amount.currency != order.currency:
        raise Invalid(f"The order is in {order.currency}", field="order_id", reason="currency_mismatch")
    if order.coverable < command.amount:
        raise Invalid(
            f"{order.coverable.major} {order.currency} of this order can be paid so",
            field="amount_to_redeem",
            reason="exceeds_outstanding",
        )
    return order


def _save_tendered(tx: Transaction, caller: Caller, order: Order, tenders: Iterable[Tender]) -> Order:
    """The order with more tenders; paid, if they cover it. An open payment is called off: it would collect too much."""
    tenant, called_off = caller.tenant, None
    after, told = order, list[PaymentStatus]()
    if order.payment_intent_id is not None and order.may_pay(PaymentStatus.VOIDED):
        from commerce.payments import cancelling  # and with it Stripe's SDK, for orders with an open payment

        called_off = cancelling.call_off(tx, caller, order, order.payment_intent_id)
        after = after.pay(PaymentStatus.VOIDED)
        told.append(after.payment_status)
    after = replace(after, tenders=_merged([*after.tenders, *tenders]))
    if not after.outstanding.minor:
        if after.payment_status is PaymentStatus.VOIDED:
            after = after.pay(PaymentStatus.PENDING)
            told.append(after.payment_status)
        after = after.pay(PaymentStatus.PAID)
        told.append(after.payment_status)
    saved = after.changed(clock.now(), sequence=order.sequence + 1)
    require_cancellable(tx, saved)
    store.save(tx, tenant, saved)
    if order.expires_at is not None and saved.expires_at is None:
        store.settle(tx, tenant, order.order_id)
    if called_off is not None:
        cancelling.record(tx, saved, called_off, caller)
    amount = total([tender.amount for tender in tenders], order.currency)
    use_cases.record(
        tx, caller, saved, status="tendered", kind=TimelineType.PAYMENT, data={"amount": str(amount.major)}
    )
    for index, status in enumerate(told, start=1):
        use_cases.record(tx, caller, saved, status=status, kind=TimelineType.PAYMENT, index=index)
    if saved.status is not order.status:
        use_cases.record(tx, caller, saved, status=saved.status, index=len(told) + 1)
    if saved.payment_status is PaymentStatus.PAID:
        use_cases.count_spent(tx, tenant, saved, saved.total)
    use_cases.announce(tx, tenant, saved, "order.updated")
    return saved


def _merged(tenders: Iterable[Tender]) -> tuple[Tender, ...]:
    """One tender per redemption or lot."""
    merged: dict[str, Tender] = {}
    for each in tenders:
        same = merged.get(each.tender_id)
        merged[each.tender_id] = each if same is None else replace(same, amount=same.amount + each.amount)
    return tuple(merged.values())


# Back again


def give_all_back(tx: Transaction, caller: Caller, order: Order) -> Order:
    """The order after all that stored value paid for it has gone back; the caller saves it (contract X-18, GC-21)."""
    back = {tender.tender_id: tender.remaining for tender in order.tenders if tender.remaining.minor}
    return give_back(tx, caller, order, back, EntryType.REVERSAL)[0] if back else order


def give_back(
    tx: Transaction, caller: Caller, order: Order, back: dict[str, Money], kind: EntryType, reason: str | None = None
) -> tuple[Order, list[GiftCard]]:
    """Give amounts back, by tender id: the order after it, which the caller saves, and the cards that they are on now.

    Args:
        kind: reversal (with its order) or refund. ``reason``: kept with the entries of gift cards.
    """
    tenant = caller.tenant
    source = given_back_from(order.order_id, earned=order.is_earned)
    of_cards = [each for each in order.tenders if each.tender_id in back and each.kind is TenderKind.GIFT_CARD]
    of_credit = [each for each in order.tenders if each.tender_id in back and each.kind is TenderKind.STORE_CREDIT]
    found = cards.find_all(tenant, [(tender.source, tender.tender_id) for tender in of_cards])
    parts: dict[str, list[tuple[Redemption, Money]]] = defaultdict(list)
    for tender in of_cards:
        redemption = found.redemptions[tender.tender_id]
        if redemption.given_back != tender.given_back:
            raise StaleWrite("order")  # somebody gave it back between the two reads
        parts[tender.source].append((redemption, back[tender.tender_id]))
    onto = [
        redeeming.give_back(tx, caller, found.cards[serial], own, kind=kind, source=source, reason=reason)
        for serial, own in parts.items()
    ]
    lots = credit.find_all(tenant, order.buyer.customer_id, [tender.tender_id for tender in of_credit])
    for tender in of_credit:
        lot, amount = lots[tender.tender_id], back[tender.tender_id]
        store_credit.give_back(tx, caller, lot, amount, order.order_id, kind=kind, source=source)
    return order.take_back(back), onto


# Gift cards that are bought


def follow_payment(tx: Transaction, caller: Caller, before: Order, after: Order) -> Order:
    """The order after news of its payment, with the gift cards that were bought with it: issued and mailed once it is
    paid, taken back as far as they are refunded. The caller saves it."""
    if before.payment_status in COLLECTED:
        _reclaim_sold(tx, caller, before, after)
        return after
    lives = after.status is not Status.CANCELLED and after.payment_status is PaymentStatus.PAID
    return _issue_sold(tx, caller, after) if lives else after


def _issue_sold(tx: Transaction, caller: Caller, order: Order) -> Order:
    sold = []
    for card in order.gift_cards:
        command = IssueCard(
            amount=card.amount,
            funding=Funding.PAID,
            owner_email=card.recipient_email,
            recipient_email=card.recipient_email,
            message=card.message,
            sender=card.sender_name or order.buyer.name or None,
            design=card.design,
            deliver=True,
            order_id=order.order_id,
        )
        sold.append(replace(card, serial=issue(tx, caller, command).card.serial))
    return replace(order, gift_cards=tuple(sold))


def _reclaim_sold(tx: Transaction, caller: Caller, before: Order, after: Order) -> None:
    """Refunds are for the goods first, then for the cards. What a card's holder has spent already cannot be taken back:
    the shop bears it."""
    excess = _refunded_for_cards(after) - _refunded_for_cards(before)
    source = given_back_from(after.order_id, earned=after.is_earned)
    for sold in after.gift_cards:
        card = cards.find(caller.tenant, sold.serial) if sold.serial and excess.minor else None
        if card is not None:
            excess = excess - lifecycle.reclaim(tx, caller, card, excess, source)
    if excess.minor and not after.is_earned:
        operation = f"shortfall:{after.version}"
        ledger.post(tx, caller.tenant, shortfall(after.order_id, operation, excess, after.updated_at, caller.actor))


def _refunded_for_cards(order: Order) -> Money:
    issued = sum(card.amount.minor for card in order.gift_cards if card.serial is not None)
    return Money(max(0, order.refunded.minor - (order.total.minor - issued)), order.currency)
