"""Calling off an order with its payment, or a payment alone (contract MO-04, OR-05, OR-10, PY-09, X-18).

Stripe is asked first. A payment that goes through in the meantime wins: the order follows it, and the caller is told.
"""

from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict, Forbidden, NotFound, require_version
from commerce.mails.notices import NoticeKind, notify
from commerce.orders import ending
from commerce.orders import queries as order_queries
from commerce.orders import store as order_rows
from commerce.orders import use_cases as orders
from commerce.orders.changing import OrderChange
from commerce.orders.ending import Cancelled, CancelOrder
from commerce.orders.model import COLLECTED, Order, PaymentStatus, Status
from commerce.payments import queries, store, stripe_gateway
from commerce.payments.model import Intent, IntentStatus, Payment, record_of
from commerce.payments.use_cases import follow
from commerce.refunds import store as refunds
from commerce.refunds.records import Door
from commerce.table.transaction import Transaction


def cancel_own(tx: Transaction, caller: Caller, order_id: str, reason: str | None) -> Cancelled:
    """Cancel the customer's own order, and give back all that was paid; one that is cancelled already stays as it is
    (contract MO-04).

    Raises:
        NotFound: no such order, or another customer's.
        Forbidden: the shop does not let its customers cancel.
        IllegalMove, Conflict: what ``cancel_order`` refuses.
    """
    order = order_queries.get(caller.tenant, order_id)
    if order.buyer.customer_id != caller.own_customer_id:
        raise NotFound("order")
    if not caller.tenant.customers_may_cancel:
        raise Forbidden("This shop cancels orders itself; ask it to", reason="customers_may_not_cancel")
    if order.status is Status.CANCELLED:
        own = refunds.of_order(caller.tenant, order_id)
        return Cancelled(order, next((each for each in own if each.door is Door.CANCEL), None))
    return cancel_order(tx, caller, order, reason=reason, refund=True)


def cancel(tx: Transaction, caller: Caller, command: CancelOrder, expected_version: int | None = None) -> Cancelled:
    """Cancel an order (contract OR-05, OR-10).

    Raises:
        NotFound: no such order. VersionMismatch: it is not at ``expected_version``.
        IllegalMove, Conflict: what ``cancel_order`` refuses.
    """
    order = order_queries.get(caller.tenant, command.order_id)
    require_version(order.version, expected_version, "order")
    return cancel_order(tx, caller, order, reason=command.reason, note=command.note, refund=command.refund)


def cancel_order(
    tx: Transaction,
    caller: Caller,
    order: Order,
    *,
    reason: str | None = None,
    note: str | None = None,
    refund: bool = False,
    notify_customer: bool = False,
) -> Cancelled:
    """Cancel an order: call off its open payment, then give its stock back, and the stored value that paid for it.

    With ``refund`` the money that the payment provider holds goes back, too; without, it stays there until somebody
    refunds the payment (contract X-18).

    Raises:
        IllegalMove: it has been shipped, or is cancelled already.
        Conflict: the payment just went through, or is about to; then nothing was changed, and trying again helps.
    """
    order.move_to(Status.CANCELLED)  # refused before Stripe is asked for anything
    intent = None
    if order.payment_intent_id is not None and order.may_pay(PaymentStatus.VOIDED):
        intent = call_off(tx, caller, order, order.payment_intent_id)
    change = OrderChange(tx, caller, order, order)
    data = {"notify_customer": notify_customer}
    refunded = ending.cancel(change, reason, voided=intent is not None, refund=refund, data=data)
    if notify_customer:
        notify(change, NoticeKind.ORDER_CANCELLED, order.order_id)
    cancelled = change.save()
    if intent is not None:
        record(tx, cancelled, intent, caller)
    if note is not None:
        orders.note(tx, caller, cancelled, note)
    return Cancelled(cancelled, refunded)


def void(tx: Transaction, caller: Caller, payment_id: str) -> Payment:
    """Cancel an open intent, or void an authorisation; the order can be paid anew (contract PY-09).

    A payment that is cancelled already is answered as it is.

    Raises:
        NotFound: no such payment.
        Conflict: the money was collected.
    """
    payment = queries.get(caller.tenant, payment_id)
    if payment.status is IntentStatus.CANCELED:
        return payment
    order = order_queries.get(caller.tenant, payment.order_id)
    if order.payment_status in COLLECTED:
        raise _collected(order)
    intent = call_off(tx, caller, order, payment_id)
    voided = order.pay(PaymentStatus.VOIDED).changed(clock.now(), sequence=order.sequence + 1)
    order_rows.save(tx, caller.tenant, voided)
    orders.record(tx, caller, voided, status=voided.payment_status, kind=TimelineType.PAYMENT)
    orders.announce(tx, caller.tenant, voided, "order.updated")
    return record(tx, voided, intent, caller)


def call_off(tx: Transaction, caller: Caller, order: Order, intent_id: str) -> Intent:
    """An order's intent, cancelled at Stripe; ``record`` it once the order is changed.

    Raises:
        Conflict: it went through meanwhile, and the order has followed it; or the bank is at it.
    """
    tx.outside("payment_intents.cancel")
    intent = stripe_gateway.cancel_intent(caller.tenant.mode, intent_id)
    if intent.status is IntentStatus.CANCELED:
        return intent
    if intent.status is not IntentStatus.SUCCEEDED:
        raise Conflict("The payment is being processed; wait for its end", field="status", reason="payment_processing")
    raise _collected(follow(caller.tenant, order.order_id, intent))


def _collected(order: Order) -> Conflict:
    return Conflict(
        f"The payment went through: the order is {order.status}, its payment {order.payment_status}",
        field="status",
        reason="already_collected",
    )


def record(tx: Transaction, order: Order, intent: Intent, caller: Caller) -> Payment:
    """Record what became of an intent."""
    before = store.find(caller.tenant, order.order_id, intent)
    payment = record_of(order, intent, order.updated_at, before)
    store.save(tx, caller.tenant, payment)
    return payment
