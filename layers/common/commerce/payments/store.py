"""Payments and delivered Stripe events in the table (patterns Y1–Y4)."""

import time
from functools import reduce
from operator import and_
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite, Unavailable
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.payments.model import CaptureMethod, Intent, IntentStatus, Payment, StripeEvent
from commerce.table import keys
from commerce.table.reading import get, page
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction, code_of, is_temporary

_EVENT_KEEP_SECONDS = 90 * 24 * 3600


class PaymentRow(Row, discriminator="payment"):
    """What we know of one intent. ``refunded`` is what has its ledger entry."""

    audited: ClassVar[str] = "payment"

    intent_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    status = UnicodeAttribute()
    amount = NumberAttribute()  # minor units, as all amounts
    received = NumberAttribute()
    refunded = NumberAttribute()
    currency = UnicodeAttribute()
    capture_method = UnicodeAttribute()
    payment_method = UnicodeAttribute(null=True)
    metadata = DocumentAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    version = NumberAttribute()

    def to_payment(self) -> Payment:
        return Payment(
            payment_id=self.intent_id,
            order_id=self.order_id,
            customer_id=self.customer_id,
            status=IntentStatus(self.status),
            amount=Money(int(self.amount), self.currency),
            received=Money(int(self.received), self.currency),
            refunded=Money(int(self.refunded), self.currency),
            capture_method=CaptureMethod(self.capture_method),
            payment_method=self.payment_method,
            metadata=self.metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=int(self.version),
        )


class IntentRow(Row, discriminator="intent"):
    """Tells which order an intent is for, and so where its payment stands."""

    order_id = UnicodeAttribute()
    created_at = InstantAttribute()


class StripeEventRow(Row, discriminator="stripe_event"):
    event_id = UnicodeAttribute()
    type = UnicodeAttribute()
    intent_id = UnicodeAttribute(null=True)
    dispute_id = UnicodeAttribute(null=True)
    mode = UnicodeAttribute()
    state = UnicodeAttribute()  # received | applied

    def to_event(self) -> StripeEvent:
        return StripeEvent(
            event_id=self.event_id,
            type=self.type,
            intent_id=self.intent_id,
            dispute_id=self.dispute_id,
            mode=self.mode,
        )


def find(tenant: Tenant, order_id: str, intent: Intent) -> Payment | None:
    """What is recorded of an order's intent (Y1)."""
    row = get(keys.payment(tenant, order_id, intent.created_at, intent.intent_id))
    return row.to_payment() if isinstance(row, PaymentRow) else None


def find_by_id(tenant: Tenant, payment_id: str) -> Payment | None:
    """One payment, by its intent (Y3)."""
    pointer = get(keys.intent(tenant, payment_id))
    if not isinstance(pointer, IntentRow):
        return None
    row = get(keys.payment(tenant, pointer.order_id, pointer.created_at, payment_id))
    return row.to_payment() if isinstance(row, PaymentRow) else None


def page_of(
    tenant: Tenant,
    request: PageRequest,
    *,
    order_id: str | None = None,
    customer_id: str | None = None,
    status: IntentStatus | None = None,
) -> Page[Payment]:
    """A page of payments, newest first (Y4). An order's and a customer's are few, so that the rest is a filter."""
    condition = None
    if order_id is not None:
        pk, index = keys.order(tenant, order_id).pk, None
        condition = Row.sk.startswith(keys.PAYMENT_PREFIX)
        keep = _filter(customer_id, status)
    elif customer_id is not None:
        pk, index = keys.payments_of_customer(tenant, customer_id), "gsi3"
        keep = _filter(None, status)
    elif status is not None:
        pk, index, keep = keys.payments_in_status(tenant, status), "gsi2", None
    else:
        pk, index, keep = keys.all_payments(tenant), "gsi1", None
    return page(
        tenant,
        request,
        _payment,
        pk=pk,
        index=index,
        query_name=f"payments:{order_id}:{customer_id}:{status}",
        condition=condition,
        keep=keep,
    )


def add(tx: Transaction, tenant: Tenant, payment: Payment) -> None:
    """Record a payment that has just been started (Y1, Y3)."""
    tx.add(_row(tenant, payment))
    key = keys.intent(tenant, payment.payment_id)
    tx.put(IntentRow(key.pk, key.sk, order_id=payment.order_id, created_at=payment.created_at))


def save(tx: Transaction, tenant: Tenant, payment: Payment) -> None:
    """Record what became of a payment (Y1).

    Raises (at commit):
        StaleWrite: somebody else recorded something since it was read.
    """
    tx.put(_row(tenant, payment), PaymentRow.version == payment.version - 1, StaleWrite("payment"))


def receive(event: StripeEvent) -> bool:
    """Store a delivered event once; give whether it still has to be applied (Y2)."""
    row = StripeEventRow(
        *keys.stripe_event(event.event_id),
        event_id=event.event_id,
        type=event.type,
        intent_id=event.intent_id,
        dispute_id=event.dispute_id,
        mode=event.mode,
        state="received",
        ttl=int(time.time()) + _EVENT_KEEP_SECONDS,
    )
    try:
        row.save(condition=StripeEventRow.pk.does_not_exist())
    except PutError as error:
        if code_of(error) == "ConditionalCheckFailedException":
            return find_event(event.event_id) is not None
        if is_temporary(error):
            raise Unavailable from error
        raise
    return True


def find_event(event_id: str) -> StripeEvent | None:
    """A delivered event that is not applied yet (Y2)."""
    row = get(keys.stripe_event(event_id))
    return row.to_event() if isinstance(row, StripeEventRow) and row.state == "received" else None


def applied(tx: Transaction, event: StripeEvent) -> None:
    """Mark an event as applied, in the transaction of its effect (Y2)."""
    tx.update(StripeEventRow(*keys.stripe_event(event.event_id)), [StripeEventRow.state.set("applied")])


def _filter(customer_id: str | None, status: IntentStatus | None) -> Any:
    wanted = [] if customer_id is None else [PaymentRow.customer_id == customer_id]
    wanted += [] if status is None else [PaymentRow.status == str(status)]
    return reduce(and_, wanted) if wanted else None


def _payment(row: Row) -> Payment:
    assert isinstance(row, PaymentRow)
    return row.to_payment()


def _row(tenant: Tenant, payment: Payment) -> PaymentRow:
    when = keys.by_time(payment.created_at, payment.payment_id)
    return PaymentRow(
        *keys.payment(tenant, payment.order_id, payment.created_at, payment.payment_id),
        intent_id=payment.payment_id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        status=str(payment.status),
        amount=payment.amount.minor,
        received=payment.received.minor,
        refunded=payment.refunded.minor,
        currency=payment.amount.currency,
        capture_method=str(payment.capture_method),
        payment_method=payment.payment_method,
        metadata=payment.metadata,
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        version=payment.version,
        gsi1pk=keys.all_payments(tenant),
        gsi1sk=when,
        gsi2pk=keys.payments_in_status(tenant, payment.status),
        gsi2sk=when,
        gsi3pk=keys.payments_of_customer(tenant, payment.customer_id),
        gsi3sk=when,
    )
