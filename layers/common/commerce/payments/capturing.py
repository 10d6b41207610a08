"""Collecting what was authorised (contract PY-04). An authorisation is captured once; what is not captured is let go.

Stripe is asked first, and its answer counts: whoever captured, here or in Stripe's dashboard, the order follows.
"""

from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money
from commerce.orders import queries as order_queries
from commerce.orders.model import Order
from commerce.payments import queries, store, stripe_gateway
from commerce.payments.model import Intent, IntentStatus, Payment, record_of
from commerce.payments.use_cases import follow, reconcile
from commerce.table.transaction import Transaction


def capture(tx: Transaction, caller: Caller, payment_id: str, minor: int | None = None) -> Payment:
    """Collect ``minor`` units of an authorised payment, or all of it; the rest is let go, and is then a discount of the
    order's. A payment that is captured already is answered as it is, where it is the same amount.

    Raises:
        NotFound: no such payment.
        Invalid: more than was authorised, or less than the gift cards cost that are bought with the order.
        Conflict: the authorisation has ended (authorize anew); nothing was authorised yet; or another amount was
            captured.
    """
    tenant = caller.tenant
    payment = queries.get(tenant, payment_id)
    order = order_queries.get(tenant, payment.order_id)
    asked = payment.amount if minor is None else Money(minor, payment.amount.currency)
    _require_possible(order, payment, asked)
    if payment.status is IntentStatus.SUCCEEDED:
        _require_same(payment.received, asked)
        return payment
    if payment.status is IntentStatus.CANCELED:
        raise _expired()
    tx.outside("payment_intents.capture")
    intent = stripe_gateway.capture_intent(tenant.mode, payment_id, asked)
    if intent.status is not IntentStatus.SUCCEEDED or intent.received != asked:
        raise _refused(caller, order, intent, asked)
    after = reconcile(tx, caller, order, intent)
    return record_of(after, intent, after.updated_at, store.find(tenant, order.order_id, intent))


def _require_possible(order: Order, payment: Payment, asked: Money) -> None:
    if payment.amount < asked:
        raise Invalid(
            f"{payment.amount.minor} {asked.currency} (minor units) was authorised",
            field="amount",
            reason="exceeds_authorized",
        )
    if asked < order.sold_value:
        raise Invalid(
            "The gift cards that are bought with this order cost more; they are not sold at a discount",
            field="amount",
            reason="gift_cards_unpaid",
        )


def _require_same(received: Money, asked: Money) -> None:
    if received != asked:
        raise Conflict(
            f"{received.minor} {received.currency} (minor units) was captured already",
            field="amount",
            reason="already_captured",
        )


def _refused(caller: Caller, order: Order, intent: Intent, asked: Money) -> Conflict:
    """Why ``intent`` could not be captured as ``asked``. The order follows it, should its news not have come yet."""
    follow(caller.tenant, order.order_id, intent)
    if intent.status is IntentStatus.SUCCEEDED:
        _require_same(intent.received, asked)
    if intent.status in (
        IntentStatus.CANCELED,
        IntentStatus.REQUIRES_CAPTURE,
    ):  # the latter: beyond the bank's patience
        return _expired()
    return Conflict(
        f"The payment is not authorised: its status is {intent.status}", field="status", reason="not_authorized"
    )


def _expired() -> Conflict:
    return Conflict(
        "The authorisation has expired or was cancelled; start a payment for the order again and have it authorised",
        field="status",
        reason="authorization_expired",
    )
