"""Bringing an order's refunds to what the payment provider says of them (contract 4.6, 6.4.6)."""

from collections.abc import Iterable
from dataclasses import replace

from commerce.events.model import TimelineType
from commerce.kernel.money import Money
from commerce.ledger import entries
from commerce.observability import count_event, logger
from commerce.orders.changing import OrderChange
from commerce.payments.model import ProviderRefund
from commerce.refunds import store
from commerce.refunds.model import Part, SourceKind, Step
from commerce.refunds.records import Door, Refund, RefundStatus
from commerce.refunds.telling import SETTLED, as_data, told_of


def settle(change: OrderChange, found: Iterable[ProviderRefund]) -> Money | None:
    """Add to an order's change what became of its refunds; one that we know nothing of was made in the dashboard.

    Gives by how much more was given back, or less, where a refund that had succeeded failed; None where all is as it
    was.
    """
    known = store.of_order(change.tenant, change.before.order_id)
    booked: list[int] = []
    for each in found:
        own = _known(known, each)
        if own is None:
            store.add(change.tx, change.tenant, _adopted(change, each))
            booked += _book(change, None, _adopted(change, each), each)
        elif own.status is not each.status:
            moved = own.move_to(each.status, each.failure).changed(change.at, provider_id=each.provider_id)
            store.save(change.tx, change.tenant, moved)
            booked += _book(change, own.status, moved, each)
        elif own.provider_id is None:
            store.save(change.tx, change.tenant, own.changed(change.at, provider_id=each.provider_id))
    return Money(sum(booked), change.before.currency) if booked else None


def give_up(change: OrderChange, refund: Refund, failure: str) -> None:
    """Add to an order's change that the provider refused a refund: what was reserved for it is free again."""
    failed = refund.move_to(RefundStatus.FAILED, failure).changed(change.at)
    store.save(change.tx, change.tenant, failed)
    _book(change, refund.status, failed, None)


def _known(known: list[Refund], found: ProviderRefund) -> Refund | None:
    """Ours by the provider's id; by our own where the provider's was not known yet."""
    by_provider = next((each for each in known if each.provider_id == found.provider_id), None)
    if by_provider is not None or found.refund_id is None:
        return by_provider
    return next((each for each in known if each.refund_id == found.refund_id and each.provider_id is None), None)


def _adopted(change: OrderChange, found: ProviderRefund) -> Refund:
    """A refund that somebody made in the provider's dashboard. Its id follows from the provider's."""
    return Refund(
        refund_id=f"refund_{found.provider_id}",
        order_id=change.before.order_id,
        door=Door.PROVIDER,
        status=found.status,
        parts=(Part(SourceKind.EXTERNAL, change.before.payment_intent_id, found.amount),),
        steps=(Step("amount", found.amount),),
        requested_at=found.created_at,
        updated_at=change.at,
        actor=change.caller.actor,
        currency=found.amount.currency,
        payment_id=change.before.payment_intent_id,
        provider_id=found.provider_id,
        failure=found.failure,
    )


def _book(change: OrderChange, before: RefundStatus | None, refund: Refund, found: ProviderRefund | None) -> list[int]:
    """Move the order's money as a refund moved from ``before``; gives by how much more of it was given back."""
    amount, zero = refund.external, Money.zero(refund.currency)
    reserved = _if(refund.status is RefundStatus.PENDING, amount) - _if(before is RefundStatus.PENDING, amount)
    back = _if(refund.status is RefundStatus.SUCCEEDED, amount) - _if(before is RefundStatus.SUCCEEDED, amount)
    change.after = replace(change.after, refunding=change.after.refunding + reserved)
    if back.minor:
        assert found is not None
        change.after = change.after.refund(back)
        order_id, earned, actor = refund.order_id, change.after.is_earned, change.caller.actor
        book = entries.refund if zero < back else entries.refund_failed
        change.post(book(order_id, found.provider_id, amount, change.at, actor, earned=earned))
        change.spend(zero - back)
        change.tell(change.after.payment_status, TimelineType.REFUND, data=as_data(refund))
        change.announce("order.refunded" if zero < back else "order.updated")
    elif before is not refund.status:
        change.tell(f"refund_{refund.status}", TimelineType.REFUND, data=as_data(refund))
    if refund.status is RefundStatus.FAILED and before is not None:
        count_event("RefundsFailed")
        logger.error("refund failed", refund_id=refund.refund_id, failure=refund.failure)
    if refund.return_id is not None and refund.status is not RefundStatus.PENDING:
        change.announce(SETTLED, told_of(refund))
    return [back.minor]


def _if(condition: bool, amount: Money) -> Money:
    return amount if condition else Money.zero(amount.currency)
