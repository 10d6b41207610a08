"""Collecting money for orders through Stripe (contract PY-01…03)."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from commerce.access.queries import find_tenant
from commerce.events.model import TimelineType
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Tenant, system
from commerce.kernel.errors import Conflict, Invalid, Unavailable
from commerce.kernel.money import Money, currency_code
from commerce.ledger import entries as ledger
from commerce.ledger import store as ledger_rows
from commerce.ledger.model import Entry
from commerce.observability import logger
from commerce.orders import queries as order_queries
from commerce.orders import store as order_rows
from commerce.orders import use_cases as orders
from commerce.orders.model import Order, PaymentStatus, Status
from commerce.payments import store, stripe_gateway
from commerce.payments.model import HANDLED, Intent, IntentStatus, Refund, StartPayment, StripeEvent, record_of
from commerce.payments.representation import as_object
from commerce.table.transaction import Transaction, run

PROCESSING_GRACE = timedelta(hours=1)
NOT_PAID = "Not paid in time"
LATE = "order_cancelled"  # why a payment that came after its order's end is given back


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
    store.add(tx, tenant, record_of(started, intent, now, None, []))
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
    intent = stripe_gateway.get_intent(mode, event.intent_id, with_refunds="refund" in event.type)
    tenant = find_tenant(intent.tenant_id, mode) if intent.tenant_id else None
    order = order_rows.find(tenant, intent.order_id) if tenant is not None and intent.order_id else None
    if tenant is None or order is None or order.payment_intent_id != intent.intent_id:
        # Somebody else's payment in the same Stripe account, or an intent that its order has replaced.
        logger.info("stripe event without an order", event_id=event.event_id, type=event.type)
        store.applied(tx, event)
        return
    reconcile(tx, system(tenant, "stripe"), order, intent)
    store.applied(tx, event)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a payment did to its order: its timeline row, its ledger entry, and the payment's event."""

    kind: TimelineType
    status: str
    event: str | None = None
    entry: Entry | None = None


def reconcile(tx: Transaction, caller: Caller, order: Order, intent: Intent) -> Order:
    """Add what brings the order to the state of its intent; nothing when it is there already."""
    tenant, now = caller.tenant, clock.now()
    if order.status is Status.CANCELLED and intent.status is IntentStatus.SUCCEEDED:
        intent = _given_back(tenant, intent)
    recorded = store.find(tenant, order.order_id, intent)
    booked = recorded.refunds if recorded is not None else frozenset()
    refunds = [each for each in intent.refunds if each.succeeded and each.refund_id not in booked]
    after, steps = _steps(order, intent, refunds, now, caller.actor)
    if not steps:
        if intent.means is order.payment_status:  # news of the payment alone, such as an authentication under way
            _record(tx, tenant, order, intent, now)
        return order
    told = [step.event for step in steps if step.event is not None]
    told += ["order.updated"] if after.payment_status is not order.payment_status and not refunds else []
    told += ["order.refunded"] if refunds else []
    changed = after.changed(now, sequence=order.sequence + len(told))
    if order.gift_cards:
        from commerce.orders import tendering  # and with it all of stored value, for orders that bought some

        changed = tendering.follow_payment(tx, caller, order, changed)
    order_rows.save(tx, tenant, changed)
    if order.expires_at is not None and changed.expires_at is None:
        order_rows.settle(tx, tenant, order.order_id)
    payment = record_of(changed, intent, now, recorded, refunds)
    store.save(tx, tenant, payment)
    for index, step in enumerate(steps):
        orders.record(tx, caller, changed, status=step.status, kind=step.kind, index=index)
        if step.entry is not None:
            ledger_rows.post(tx, tenant, step.entry)
    for number, event in enumerate(told, start=1):
        numbered = replace(changed, sequence=order.sequence + number)
        shown = as_object(payment) if event.startswith("payment.") else None
        orders.announce(tx, tenant, numbered, event, shown)
    orders.count_spent(tx, tenant, changed, _spent(steps, order))
    return changed


def _record(tx: Transaction, tenant: Tenant, order: Order, intent: Intent, now: datetime) -> None:
    """Record what an intent says, where that is news."""
    recorded = store.find(tenant, order.order_id, intent)
    if recorded is not None and (recorded.status, recorded.payment_method) != (intent.status, intent.payment_method):
        store.save(tx, tenant, record_of(order, intent, now, recorded, []))


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
        orders.cancel(tx, caller, order, NOT_PAID)
        return
    tx.outside("payment_intents.cancel")
    intent = stripe_gateway.get_intent(tenant.mode, order.payment_intent_id)
    if intent.means not in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED):
        intent = stripe_gateway.cancel_intent(tenant.mode, order.payment_intent_id)
    if intent.status is IntentStatus.CANCELED:
        orders.cancel(tx, caller, order, NOT_PAID, voided=True)
        _record(tx, tenant, order, intent, now)
    elif intent.means in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED):
        reconcile(tx, caller, order, intent)
    else:
        order_rows.postpone(tx, tenant, order, now + PROCESSING_GRACE)


def _steps(order: Order, intent: Intent, refunds: list[Refund], at: datetime, actor: str) -> tuple[Order, list[Step]]:
    """What happened between the order's state and its intent's, in order."""
    steps: list[Step] = []
    target = intent.means
    if target is not order.payment_status and order.may_pay(target):
        before, order = order, order.pay(target)
        collected = target is PaymentStatus.PAID and intent.received.minor > 0
        entry = ledger.capture(order.order_id, intent.intent_id, intent.received, at, actor) if collected else None
        steps.append(Step(TimelineType.PAYMENT, target, _TOLD.get(target), entry))
        if order.status is not before.status:
            steps.append(Step(TimelineType.STATUS_CHANGE, order.status))
    for refund in refunds:
        order = order.refund(refund.amount)
        entry = ledger.refund(order.order_id, refund.refund_id, refund.amount, at, actor, earned=order.is_earned)
        steps.append(Step(TimelineType.REFUND, order.payment_status, "payment.refunded", entry))
    return order, steps


_TOLD = {PaymentStatus.PAID: "payment.succeeded", PaymentStatus.FAILED: "payment.failed"}


def _spent(steps: list[Step], order: Order) -> Money:
    """What the customer has paid more, or less, by these steps. With the payment, what stored value paid counts too."""
    spent = Money.zero(order.currency)
    for step in steps:
        if step.entry is not None:
            refunded = step.kind is TimelineType.REFUND
            spent = spent - step.entry.amount if refunded else spent + step.entry.amount + order.tendered
    return spent


def _given_back(tenant: Tenant, intent: Intent) -> Intent:
    """A payment that came after its order had ended is refunded in full; the intent with that refund."""
    if not intent.refunds:
        with suppress(stripe_gateway.ProviderFault):  # what counts is what the intent says afterwards
            stripe_gateway.refund_all(tenant.mode, intent.intent_id, LATE)
    intent = stripe_gateway.get_intent(tenant.mode, intent.intent_id, with_refunds=True)
    if not intent.refunds:
        raise Unavailable("A payment for a cancelled order could not be given back yet", retry_after=60)
    return intent
