"""Calling an order off: its stock, its stored value and, where that is wanted, its money go back at once (X-18)."""

from dataclasses import dataclass
from typing import Any

from commerce.events.model import TimelineType
from commerce.inventory import store as inventory
from commerce.kernel.return_policy import Allocation
from commerce.orders.changing import OrderChange
from commerce.orders.model import COLLECTED, Order, PaymentStatus, Status
from commerce.refunds.records import Refund


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Call an order off. With ``refund`` what the payment provider holds goes back, too; ``note`` is for the staff."""

    order_id: str
    reason: str | None = None
    note: str | None = None
    refund: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An order that was called off, and the refund of what was collected for it, where something was."""

    order: Order
    refund: Refund | None


def cancel(
    change: OrderChange,
    reason: str | None,
    *,
    voided: bool = False,
    refund: bool = False,
    data: dict[str, Any] | None = None,
) -> Refund | None:
    """Add an order's end to its change: its reserved stock goes back, its places in the queues for stock, its uses
    of coupons, and the stored value that was spent on it.

    What was collected goes back by one refund, which is given: stored value in any case, what the payment provider
    holds if ``refund``. ``voided``: the payment has been called off, so that nobody can pay any more.

    Raises:
        IllegalMove: the order has been shipped, or is cancelled already.
    """
    order = change.before
    change.after = change.after.move_to(Status.CANCELLED)
    change.tell(Status.CANCELLED, content=reason, data=data)
    change.announce("order.cancelled")
    for key, units in order.reserved:
        inventory.release(change.tx, change.tenant, key, units)
    if order.waiting:
        from commerce.backorders import queueing  # for orders that wait for stock

        queueing.leave(change.tx, change.tenant, order)
    change.called_off = True
    for coupon_id in order.coupon_ids:
        from commerce.promotions import store as promotions  # for orders that use one

        promotions.give_back(change.tx, change.tenant, coupon_id, order.order_id, order.buyer.customer_id)
    if voided and order.may_pay(PaymentStatus.VOIDED):
        change.after = change.after.pay(PaymentStatus.VOIDED)
        change.tell(PaymentStatus.VOIDED, TimelineType.PAYMENT)
    if order.payment_status in COLLECTED:
        return _refund(change, reason, whole=refund) if order.total.minor else None
    if order.tenders:
        from commerce.orders import tendering  # and with it all of stored value, for orders that it paid for

        change.after = tendering.give_all_back(change.tx, change.caller, change.after)
    return None


def _refund(change: OrderChange, reason: str | None, *, whole: bool) -> Refund | None:
    """Give back what was collected: all that is left of it, or the stored value alone. None where nothing is left."""
    from commerce.refunds import use_cases as refunds  # and with it all of stored value, for orders that were paid
    from commerce.refunds.model import RefundRequest
    from commerce.refunds.records import Door
    from commerce.refunds.sales import sale_of

    left = sale_of(change.after).ceiling
    amount = left if whole else min(left, change.after.tendered)
    if not amount.minor:
        return None
    given, _ = refunds.begin(
        change,
        RefundRequest(amount=amount),
        door=Door.CANCEL,
        reason=reason,
        allocation=Allocation.STORED_VALUE_FIRST,
    )
    return given
