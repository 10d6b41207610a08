"""Payments and delivered Stripe events in the table (patterns Y1, Y2)."""

import time

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.payments.model import Intent, StripeEvent
from commerce.table import keys
from commerce.table.reading import get
from commerce.table.rows import Row, WordsAttribute
from commerce.table.transaction import Transaction, is_temporary

_EVENT_KEEP_SECONDS = 90 * 24 * 3600


class PaymentRow(Row, discriminator="payment"):
    """What we know of one intent. ``booked_refunds`` are the refunds that have their ledger entry."""

    intent_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    status = UnicodeAttribute()
    amount = NumberAttribute()  # minor units
    received = NumberAttribute()
    currency = UnicodeAttribute()
    booked_refunds = WordsAttribute()


class StripeEventRow(Row, discriminator="stripe_event"):
    event_id = UnicodeAttribute()
    type = UnicodeAttribute()
    intent_id = UnicodeAttribute(null=True)
    mode = UnicodeAttribute()
    state = UnicodeAttribute()  # received | applied

    def to_event(self) -> StripeEvent:
        return StripeEvent(event_id=self.event_id, type=self.type, intent_id=self.intent_id, mode=self.mode)


def find(tenant: Tenant, order_id: str, intent_id: str) -> PaymentRow | None:
    """What is recorded of an intent (Y1)."""
    row = get(keys.payment(tenant, order_id, intent_id))
    return row if isinstance(row, PaymentRow) else None


def save(tx: Transaction, tenant: Tenant, order_id: str, intent: Intent, booked_refunds: list[str]) -> None:
    """Record what an intent says, with the order's change (Y1)."""
    tx.put(
        PaymentRow(
            *keys.payment(tenant, order_id, intent.intent_id),
            intent_id=intent.intent_id,
            order_id=order_id,
            status=str(intent.status),
            amount=intent.amount.minor,
            received=intent.received.minor,
            currency=intent.amount.currency,
            booked_refunds=booked_refunds,
        )
    )


def receive(event: StripeEvent) -> bool:
    """Store a delivered event once; give whether it still has to be applied (Y2)."""
    row = StripeEventRow(
        *keys.stripe_event(event.event_id),
        event_id=event.event_id,
        type=event.type,
        intent_id=event.intent_id,
        mode=event.mode,
        state="received",
        ttl=int(time.time()) + _EVENT_KEEP_SECONDS,
    )
    try:
        row.save(condition=StripeEventRow.pk.does_not_exist())
    except PutError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
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
