"""Calling off what was not collected: an order with its payment, or the payment alone (contract MO-04, PY-09, X-18).

Stripe is asked first. A payment that goes through in the meantime wins: the order follows it, and the caller is told.
"""

from typing import Any

from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, system
from commerce.kernel.errors import Conflict, Forbidden, NotFound
from commerce.orders import queries as order_queries
from commerce.orders import store as order_rows
from commerce.orders import use_cases as orders
from commerce.orders.model import COLLECTED, Order, PaymentStatus, Status
from commerce.payments import queries, store, stripe_gateway
from commerce.payments.model import Intent, IntentStatus, Payment, record_of
from commerce.payments.use_cases import reconcile
from commerce.table.transaction import Transaction, run


def cancel_own(tx: Transaction, caller: Caller, order_id: str, reason: str | None) -> Order:
    """Cancel the customer's own order; one that is cancelled already stays as it is (contract MO-04).

    Raises:
        NotFound: no such order, or another customer's.
        Forbidden: the shop does not let its customers cancel.
        Conflict: what ``cancel_order`` refuses.
    """
    order = order_queries.get(caller.tenant, order_id)
    if order.buyer.customer_id != caller.own_customer_id:
        raise NotFound("order")
    if not caller.tenant.customers_may_cancel:
        raise Forbidden("This shop cancels orders itself; ask it to", reason="customers_may_not_cancel")
    if order.status is Status.CANCELLED:
        return order
    return cancel_order(tx, caller, order, reason=reason)


def cancel_order(
    tx: Transaction,
    caller: Caller,
    order: Order,
    *,
    reason: str | None = None,
    note: str | None = None,
    data: dict[str, Any] | None = None,
) -> Order:
    """Cancel an order for which the provider holds no money: void its payment, then give its stock back, and the
    stored value that paid for it (contract X-18).

    Raises:
        IllegalMove: it has been shipped, or is cancelled already.
        Conflict: money was collected, and has to be refunded first; or the payment just went through, or is about to.
    """
    order.move_to(Status.CANCELLED)  # refused before Stripe is asked for anything
    if order.collected_outside.minor:
        raise Conflict(
            f"The order is {order.payment_status}: refund the payment first", field="status", reason="refund_required"
        )
    intent = None
    if order.payment_intent_id is not None and order.may_pay(PaymentStatus.VOIDED):
        intent = call_off(tx, caller, order, order.payment_intent_id)
    cancelled = orders.cancel(tx, caller, order, reason, voided=intent is not None, data=data)
    if intent is not None:
        record(tx, cancelled, intent, caller)
    if note is not None:
        orders.note(tx, caller, cancelled, note)
    return cancelled


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
    by, tenant = system(caller.tenant, "stripe"), caller.tenant
    raise _collected(run(lambda own: reconcile(own, by, order_queries.get(tenant, order.order_id), intent), by.cause()))


def _collected(order: Order) -> Conflict:
    return Conflict(
        f"The payment went through: the order is {order.status}, its payment {order.payment_status}",
        field="status",
        reason="already_collected",
    )


def record(tx: Transaction, order: Order, intent: Intent, caller: Caller) -> Payment:
    """Record what became of an intent."""
    before = store.find(caller.tenant, order.order_id, intent)
    payment = record_of(order, intent, order.updated_at, before, [])
    store.save(tx, caller.tenant, payment)
    return payment
