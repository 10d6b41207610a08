"""Refunding a payment (contract PY-05)."""

from commerce.kernel.caller import Caller
from commerce.kernel.errors import Conflict
from commerce.kernel.money import Money
from commerce.orders import queries as orders
from commerce.payments import queries
from commerce.refunds import use_cases
from commerce.refunds.model import RefundRequest
from commerce.refunds.records import Door, Refund
from commerce.table.transaction import Transaction


def refund(tx: Transaction, caller: Caller, payment_id: str, minor: int | None, reason: str | None) -> Refund:
    """Give back ``minor`` units of a payment, or all that is left of it.

    Raises:
        NotFound: no such payment.
        Conflict: nothing of it was collected, or nothing is left.
        Invalid: more than is left.
    """
    payment = queries.get(caller.tenant, payment_id)
    order = orders.get(caller.tenant, payment.order_id)
    if not order.captured.minor or order.payment_intent_id != payment_id:
        raise Conflict("Nothing of this payment was collected", field="status", reason="not_collected")
    amount = None if minor is None else Money(minor, order.currency)
    request = RefundRequest(amount=amount, source_id=payment_id)
    _, given = use_cases.give(tx, caller, order, order, request, door=Door.PAYMENT, reason=reason)
    return given
