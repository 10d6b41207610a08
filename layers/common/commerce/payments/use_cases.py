"""Collecting money for orders through Stripe (contract PY-01…03)."""

from datetime import datetime, timedelta

from commerce.access.queries import find_tenant
from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Tenant, system
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, currency_code
from commerce.ledger import entries as ledger
from commerce.observability import logger
from commerce.orders import ending
from commerce.orders import queries as order_queries
from commerce.orders import store as order_rows
from commerce.orders import use_cases as orders
from commerce.orders.changing import OrderChange
from commerce.orders.model import COLLECTED, Order, PaymentStatus, Status
from commerce.payments import store, stripe_gateway
from commerce.payments.model import HANDLED, Intent, IntentStatus, StartPayment, StripeEvent, record_of
from commerce.payments.representation import as_object
from commerce.refunds import settling
from commerce.refunds.model import RefundRequest
from commerce.refunds.records import Door
from commerce.table.transaction import Transaction, run

PROCESSING_GRACE = timedelta(hours=1)
NOT_PAID = "Not paid in time"


def start(tx: Transaction, caller: Caller, command: StartPayment) -> Intent:
    """The order's open payment intent, made if there is none (contract PY-01, PY-03, X-24).

    Stripe is called before the order knows of the intent. If the process dies between the two, nobody has the intent's
    client secret, and the retry gets the same intent by its idempotency key.

    Raises:
        NotFound: no such order.
        Conflict: the order is paid, or cancelled; or its open intent takes the money at another time than asked for.
        Invalid: the amount is not what is outstanding, or the customer is not the order's.
    """
    tenant = caller.tenant
    order = order_queries.get(tenant, command.order_id)
    if command.customer_id not in (None, order.buyer.customer_id):
        raise Invalid("The order is another customer's", field="customer_id", reason="wrong_customer")
    if not order.is_payable:
        raise Conflict("Nothing is to be paid for this order", field="order_id", reason="not_payable")
    asked = Money(command.minor, currency_code(command.currency))
    if asked != order.outstanding:
        raise Invalid(
            f"{order.outstanding.minor} {order.currency} (minor units) is outstanding",
            field="amount" if asked.currency == order.currency else "currency",
            reason="amount_mismatch",
        )
    now = clock.now()
    if order.payment_intent_id is not None:
        known = stripe_gateway.get_intent(tenant.mode, order.payment_intent_id)
        if known.is_open:
            return _as_asked(known, command)
        if known.status is IntentStatus.SUCCEEDED:
            raise Conflict("This order has just been paid", field="order_id", reason="not_payable")
        _record(tx, tenant, order, known, now)
    tx.outside("payment_intents.create")
    try:
        intent = stripe_gateway.create_intent(tenant, command, asked, attempt=order.payment_attempts)
    except stripe_gateway.ProviderFault:
        run(lambda own: _count_attempt(own, caller, order), tx.cause)
        raise
    voided = order.payment_status is PaymentStatus.VOIDED
    started = (order.pay(PaymentStatus.PENDING) if voided else order).changed(
        now,
        payment_intent_id=intent.intent_id,
        payment_attempts=order.payment_attempts + 1,
        sequence=order.sequence + voided,
    )
    order_rows.save(tx, tenant, started)
    store.add(tx, tenant, record_of(started, intent, now, None))
    orders.record(tx, caller, started, status="started", kind=TimelineType.PAYMENT)
    if voided:
        orders.record(tx, caller, started, status=started.payment_status, kind=TimelineType.PAYMENT, index=1)
        orders.announce(tx, tenant, started, "order.updated")
    return intent


def _as_asked(intent: Intent, command: StartPayment) -> Intent:
    """The order's open intent, if it is what is asked for."""
    if command.capture_method not in (None, intent.capture_method):
        raise Conflict(
            f"The order has an open intent whose capture is {intent.capture_method}; cancel it first",
            field="capture_method",
            reason="open_intent",
        )
    return intent


def _count_attempt(tx: Transaction, caller: Caller, order: Order) -> None:
    """Let the next try use another idempotency key: Stripe answers a stored internal error for ever.

    Should the failed call have made an intent, nobody has its client secret, so nobody can pay it.
    """
    tried = order.changed(clock.now(), payment_attempts=order.payment_attempts + 1)
    order_rows.save(tx, caller.tenant, tried)
    orders.record(tx, caller, tried, status="not_started", kind=TimelineType.PAYMENT)


def apply(tx: Transaction, event: StripeEvent) -> None:
    """Bring the order of a delivered event to what Stripe says of its payment now (contract 4.6).

    The intent is fetched again inside, so duplicates, any order of delivery and two consumers at once end alike.
    """
    mode = Mode(event.mode)
    if event.type not in HANDLED or event.intent_id is None:
        store.applied(tx, event)
        return
    intent = stripe_gateway.get_intent(mode, event.intent_id)
    tenant = find_tenant(intent.tenant_id, mode) if intent.tenant_id else None
    order = order_rows.find(tenant, intent.order_id) if tenant is not None and intent.order_id else None
    if tenant is None or order is None or order.payment_intent_id != intent.intent_id:
        # Somebody else's payment in the same Stripe account, or an intent that its order has replaced.
        logger.info("stripe event without an order", event_id=event.event_id, type=event.type)
        store.applied(tx, event)
        return
    caller = system(tenant, "stripe")
    if event.dispute_id is None:
        if "refund" in event.type:
            # After the order was read: refunds move back, too, and what is older than the order could undo what it is.
            intent = stripe_gateway.get_intent(mode, intent.intent_id, with_refunds=True)
        reconcile(tx, caller, order, intent)
    else:
        from commerce.disputes import use_cases as disputes

        disputes.apply(tx, caller, order, event.dispute_id)
    store.applied(tx, event)


def reconcile(tx: Transaction, caller: Caller, order: Order, intent: Intent) -> Order:
    """Add what brings the order, and its refunds, to the state of its intent; nothing when they are there already.

    Where the order had ended when its payment went through, all of it is given back.
    """
    tenant = caller.tenant
    change = OrderChange(tx, caller, order, order)
    paid = _follow(change, intent)
    booked = settling.settle(change, intent.refunds) if intent.refunds else None
    if paid and order.status is Status.CANCELLED:
        from commerce.refunds import use_cases as refunds  # and with it all of stored value

        refunds.begin(change, RefundRequest(source_id=intent.intent_id), door=Door.LATE_PAYMENT)
    if change.is_empty:
        if intent.means is order.payment_status:  # news of the payment alone, such as an authentication under way
            _record(tx, tenant, order, intent, change.at)
        return order
    payment = record_of(order, intent, change.at, store.find(tenant, order.order_id, intent), booked)
    store.save(tx, tenant, payment)
    for event in _told_of_payment(change.before, change.after, booked):
        change.announce(event, as_object(payment))
    if change.after.payment_status is not order.payment_status and not change.tells_of_order:
        change.announce("order.updated")
    return change.save()


def follow(tenant: Tenant, order_id: str, intent: Intent) -> Order:
    """Let an order follow its intent at once, in a transaction of its own: the news of it may come later, or twice."""
    by = system(tenant, "stripe")
    return run(lambda tx: reconcile(tx, by, order_queries.get(tenant, order_id), intent), by.cause())


def _follow(change: OrderChange, intent: Intent) -> bool:
    """Move the order's payment to where its intent is; give whether that collected money."""
    target, before = intent.means, change.after
    collects = before.payment_status not in COLLECTED  # from then on refunds alone move it
    if target is before.payment_status or not collects or not before.may_pay(target):
        return False
    collected = target is PaymentStatus.PAID and intent.received.minor > 0
    short = before.due_outside - intent.received if collected else Money.zero(before.currency)
    # Less was taken than was authorised: the shop lets the buyer have the rest, which is a discount (contract PY-04).
    change.after = (before.reduce(short) if short.minor > 0 else before).pay(target)
    change.tell(target, TimelineType.PAYMENT)
    if change.after.status is not before.status:
        change.tell(change.after.status)
    if collected:
        entry = ledger.capture(before.order_id, intent.intent_id, intent.received, change.at, change.caller.actor)
        change.post(entry)
        change.spend(intent.received + change.after.tendered)  # with the payment, what stored value paid counts too
    return collected


def _told_of_payment(before: Order, after: Order, booked: Money | None) -> list[str]:
    """The payment's events of a change."""
    moved = after.payment_status is not before.payment_status
    told = []
    if moved and before.payment_status not in COLLECTED and after.payment_status in COLLECTED:
        told.append("payment.succeeded")
    if moved and after.payment_status is PaymentStatus.FAILED:
        told.append("payment.failed")
    return told + (["payment.refunded"] if booked is not None and booked.minor > 0 else [])


def _record(tx: Transaction, tenant: Tenant, order: Order, intent: Intent, now: datetime) -> None:
    """Record what an intent says, where that is news."""
    recorded = store.find(tenant, order.order_id, intent)
    if recorded is not None and (recorded.status, recorded.payment_method) != (intent.status, intent.payment_method):
        store.save(tx, tenant, record_of(order, intent, now, recorded))


def expire(tx: Transaction, tenant: Tenant, order_id: str) -> None:
    """Cancel an order whose time to be paid is over, and give its stock back.

    Its payment is cancelled first, so that nobody can pay for what was given back. Where the payment has gone through
    meanwhile, the order follows it instead; where it is being processed, the order waits an hour more.
    """
    order, now = order_queries.get(tenant, order_id), clock.now()
    if order.expires_at is None or order.status is not Status.PENDING_PAYMENT:
        order_rows.settle(tx, tenant, order_id)
        return
    if order.expires_at > now:
        return
    caller = system(tenant, "expiry")
    if order.payment_intent_id is None or order.payment_status is PaymentStatus.VOIDED:
        _end(tx, caller, order)
        return
    tx.outside("payment_intents.cancel")
    intent = stripe_gateway.get_intent(tenant.mode, order.payment_intent_id)
    if intent.means not in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED):
        intent = stripe_gateway.cancel_intent(tenant.mode, order.payment_intent_id)
    if intent.status is IntentStatus.CANCELED:
        _end(tx, caller, order, voided=True)
        _record(tx, tenant, order, intent, now)
    elif intent.means in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED):
        reconcile(tx, caller, order, intent)
    else:
        order_rows.postpone(tx, tenant, order, now + PROCESSING_GRACE)


def _end(tx: Transaction, caller: Caller, order: Order, *, voided: bool = False) -> None:
    change = OrderChange(tx, caller, order, order)
    ending.cancel(change, NOT_PAID, voided=voided)
    change.save()
