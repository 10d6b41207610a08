"""Giving back what was paid for an order, by one plan for every door (contract 6.4, X-18, X-25).

The request's own transaction does all that needs nobody else: it gives stored value back, reserves what goes back
through the payment provider under the order's ceilings, and keeps the refund. ``execution`` asks the provider.
"""

from dataclasses import replace

from commerce.events.model import TimelineType
from commerce.gift_cards.model import Funding, GiftCard, Redemption
from commerce.kernel import ids
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, total
from commerce.kernel.return_policy import Allocation
from commerce.ledger.model import EntryType
from commerce.orders import store as orders
from commerce.orders import tendering
from commerce.orders.changing import OrderChange
from commerce.orders.model import COLLECTED, Order, Status
from commerce.refunds import store
from commerce.refunds.model import Part, RefundPlan, RefundRequest, SourceKind, plan
from commerce.refunds.records import Door, Refund, RefundStatus
from commerce.refunds.sales import policy_of, sale_of
from commerce.refunds.telling import REQUESTED, SETTLED, as_data, told_of
from commerce.table.transaction import Transaction


def quote(tenant: Tenant, order: Order, request: RefundRequest, allocation: Allocation | None = None) -> RefundPlan:
    """What ``request`` would give back of an order now: the same answer as ``give`` acts on.

    ``allocation`` is for another one than the shop's.

    Raises:
        Conflict, Invalid: what ``refunds.model.plan`` refuses; nothing was collected.
    """
    if order.payment_status not in COLLECTED:
        raise Conflict("Nothing was collected for this order", field="order_id", reason="nothing_to_refund")
    policy = policy_of(tenant.returns, order.currency)
    return plan(sale_of(order), request, replace(policy, allocation=allocation or policy.allocation))


def give(
    tx: Transaction,
    caller: Caller,
    before: Order,
    after: Order,
    request: RefundRequest,
    *,
    door: Door,
    reason: str | None = None,
    return_id: str | None = None,
) -> tuple[Order, Refund]:
    """Give back what ``request`` asks for, and save the order.

    Args:
        before: the order as it is stored. ``after``: the same, or with other changes that are not saved yet.

    Raises:
        Conflict, Invalid: what ``quote`` refuses.
    """
    change = OrderChange(tx, caller, before, after)
    refund, _ = begin(change, request, door=door, reason=reason, return_id=return_id)
    return change.save(), refund


def refund_onto_card(
    tx: Transaction, caller: Caller, redemption: Redemption, amount: Money, reason: str | None = None
) -> GiftCard:
    """Refund part of what a card paid for an order; gives the card that it is on now (contract GC-16).

    Raises:
        Conflict: the order is not paid, or is cancelled; all that was paid for it went back.
        Invalid: less of what the card paid remains.
    """
    order = orders.find(caller.tenant, redemption.order_id or "")
    if order is None or order.payment_status not in COLLECTED or order.status is Status.CANCELLED:
        raise Conflict("Only what a paid order was paid with is refunded", field="orderId", reason="not_refundable")
    if amount.minor <= 0 or redemption.remaining < amount:
        raise Invalid(
            f"{redemption.remaining.major} {amount.currency} of it can still be refunded",
            field="amount",
            reason="refund_exceeds_redemption",
        )
    change = OrderChange(tx, caller, order, order)
    request = RefundRequest(amount=amount, source_id=redemption.redemption_id)
    _, [onto] = begin(change, request, door=Door.GIFT_CARD, reason=reason)
    change.save()
    return onto


def begin(
    change: OrderChange,
    request: RefundRequest,
    *,
    door: Door,
    reason: str | None = None,
    return_id: str | None = None,
    allocation: Allocation | None = None,
) -> tuple[Refund, list[GiftCard]]:
    """Add a refund to a change of its order; gives it, and the gift cards that some of it is on now.

    Raises:
        Conflict, Invalid: what ``quote`` refuses.
    """
    planned = quote(change.tenant, change.after, request, allocation)
    external = [part for part in planned.parts if part.kind is SourceKind.EXTERNAL]
    refund = Refund(
        refund_id=ids.new("refund"),
        order_id=change.before.order_id,
        door=door,
        status=RefundStatus.PENDING if external else RefundStatus.SUCCEEDED,
        parts=planned.parts,
        steps=planned.steps,
        requested_at=change.at,
        updated_at=change.at,
        actor=change.caller.actor,
        currency=planned.amount.currency,
        lines=planned.lines,
        reason=reason,
        return_id=return_id,
        payment_id=external[0].source_id if external else None,
    )
    cards = _give_at_once(change, refund)
    order = change.after
    counted = order.count_refunded({line.line_id: line.units for line in planned.lines})
    change.after = replace(
        counted,
        refunding=counted.refunding + refund.external,
        shipping_refunded=counted.shipping_refunded + (planned.shipping or Money.zero(order.currency)),
    )
    store.add(change.tx, change.tenant, refund)
    _tell(change, refund)
    return refund, cards


def _give_at_once(change: OrderChange, refund: Refund) -> list[GiftCard]:
    """Give back what goes to stored value; gives the cards that it is on now."""
    back = {
        part.source_id: part.amount
        for part in refund.parts
        if part.source_id is not None and part.kind is not SourceKind.EXTERNAL
    }
    kind = EntryType.REVERSAL if refund.door is Door.CANCEL else EntryType.REFUND
    cards: list[GiftCard] = []
    if back:
        change.after, cards = tendering.give_back(change.tx, change.caller, change.after, back, kind, refund.reason)
    for part in refund.parts:
        if part.source_id is None:
            cards += _compensate(change, part)
    at_once = total([*back.values(), refund.compensated], refund.currency)
    if at_once.minor:
        change.spend(Money.zero(refund.currency) - at_once)
    return cards


def _compensate(change: OrderChange, part: Part) -> list[GiftCard]:
    """Give new stored value in place of what was paid."""
    buyer, order_id = change.after.buyer, change.after.order_id
    cards = []
    if part.kind is SourceKind.STORE_CREDIT:
        from commerce.store_credit.entries import REFUND
        from commerce.store_credit.use_cases import IssueCredit, issue

        command = IssueCredit(buyer.customer_id, part.amount, REFUND, reference=order_id, order_id=order_id)
        issue(change.tx, change.caller, command)
    else:
        from commerce.gift_cards import serials
        from commerce.gift_cards.issuing import IssueCard, make

        card = IssueCard(
            amount=part.amount,
            funding=Funding.REFUND,
            owner_email=buyer.email,
            recipient_email=buyer.email,
            deliver=True,
            order_id=order_id,
        )
        # Not bounded as an issue is: this value exists already, and whoever paid it gets all of it back.
        cards.append(make(change.tx, change.tenant, card, serials.new(), change.caller.actor).card)
    more = replace(change.after, compensated=change.after.compensated + part.amount)
    change.after = more.refund(part.amount)
    return cards


def _tell(change: OrderChange, refund: Refund) -> None:
    before, after = change.before, change.after
    data = as_data(refund)
    at_once = refund.amount - refund.external
    if at_once.minor:
        change.tell(after.payment_status, TimelineType.REFUND, data=data)
        change.announce("order.refunded")
    if refund.external.minor:
        change.tell("refund_requested", TimelineType.REFUND, data=data)
        change.announce(REQUESTED, told_of(refund))
    if after.fulfillment_status is not before.fulfillment_status:
        change.tell(after.fulfillment_status, TimelineType.SHIPMENT)
        change.announce("order.refunded" if at_once.minor else "order.updated")
    if refund.status is RefundStatus.SUCCEEDED and refund.return_id is not None:
        change.announce(SETTLED, told_of(refund))
