"""Giving up the rest of an order of which some has left: what will never be sent (contract OR-04, OR-05)."""

from collections.abc import Mapping
from dataclasses import dataclass

from commerce.events.model import TimelineType
from commerce.inventory import store as inventory
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import require_version
from commerce.kernel.money import Money, total
from commerce.orders import queries
from commerce.orders.accounting import recognition
from commerce.orders.changing import OrderChange
from commerce.orders.model import Order
from commerce.refunds import store as refund_rows
from commerce.refunds import use_cases as refunds
from commerce.refunds.model import RefundRequest
from commerce.refunds.records import Door, Refund, RefundStatus
from commerce.refunds.sales import sale_of
from commerce.table.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Closed:
    """An order whose rest was given up, and the refund of that, where something went back."""

    order: Order
    refund: Refund | None


def close_rest(
    tx: Transaction, caller: Caller, order_id: str, reason: str | None = None, expected_version: int | None = None
) -> Closed:
    """Give up the units of an order that have not left: their stock goes back, their places in the queues for stock,
    and what was paid for them. The order is shipped with those that have.

    What went back without a return counts as paid back for them already.

    Raises:
        NotFound: no such order. VersionMismatch: it is not at ``expected_version``.
        IllegalMove, Conflict: what ``Order.give_up_rest`` refuses.
    """
    order = queries.get(caller.tenant, order_id)
    require_version(order.version, expected_version, "order")
    change = OrderChange(tx, caller, order, order)
    units = {line.line_id: line.unsent for line in order.lines if line.unsent}
    refund = _refund(change, units, reason)  # before anything is earned: what goes back at once never is
    change.after = change.after.give_up_rest()
    for key, reserved in order.reserved:
        inventory.release(tx, caller.tenant, key, reserved)
    if order.waiting:
        from commerce.backorders import queueing  # for orders that wait for stock

        queueing.leave(tx, caller.tenant, order)
    change.tell(change.after.status, content=reason)
    change.tell(change.after.fulfillment_status, TimelineType.SHIPMENT, data={"given_up": units})
    for entry in recognition(change.after, change.at, caller.actor):
        change.post(entry)
    change.announce("order.fulfilled")
    return Closed(change.save(), refund)


def _refund(change: OrderChange, units: Mapping[str, int], reason: str | None) -> Refund | None:
    """Give back what units are worth, as far as it did not go back already; None where nothing is left to give."""
    order, sale = change.before, sale_of(change.before)
    worth = total(
        [line.refund(units[line.line_id]).amount for line in sale.lines if line.line_id in units], order.currency
    )
    due = min(worth - _paid_back(change.tenant, order), sale.ceiling)
    if due.minor <= 0:
        return None
    refund, _ = refunds.begin(change, RefundRequest(amount=due), door=Door.REST, reason=reason)
    return refund


def _paid_back(tenant: Tenant, order: Order) -> Money:
    """What of an order went back, or is on its way, for nothing that came back."""
    own = [each for each in refund_rows.of_order(tenant, order.order_id) if each.return_id is None]
    failed = [each.external for each in own if each.status is RefundStatus.FAILED]
    return total([each.amount for each in own], order.currency) - total(failed, order.currency)
