"""Moving an order by hand (contract OR-04, OR-09)."""

from dataclasses import dataclass, replace

from commerce.fulfillment.use_cases import ShipOrder, ship
from commerce.kernel.caller import Caller
from commerce.kernel.errors import IllegalMove, NotFound, require_version
from commerce.mails.notices import NoticeKind, notify
from commerce.orders import store, use_cases
from commerce.orders.changing import OrderChange
from commerce.orders.model import BY_HAND, Order, Status
from commerce.table.transaction import Transaction

_NOTICES = {Status.PROCESSING: NoticeKind.ORDER_PROCESSING, Status.DELIVERED: NoticeKind.ORDER_DELIVERED}


@dataclass(frozen=True, slots=True)
class SetStatus:
    """A move of an order by the merchant; ``note`` is for the merchant's staff alone."""

    order_id: str
    status: Status
    tracking_number: str | None = None
    carrier: str | None = None
    estimated_delivery: str | None = None
    notify_customer: bool = False
    note: str | None = None


def set_status(tx: Transaction, caller: Caller, command: SetStatus, expected_version: int | None = None) -> Order:
    """Move an order. Shipping it is what ``fulfillment`` does, cancelling it what ``payments.cancelling`` does.

    Raises:
        NotFound: no such order.
        VersionMismatch: the order is not at ``expected_version``.
        IllegalMove: the table of moves does not list this one, or it is the payment's to make.
        Conflict: what shipping and cancelling refuse.
    """
    if command.status is Status.SHIPPED:
        return ship(tx, caller, _parcel(command), expected_version).order
    order = store.find(caller.tenant, command.order_id)
    if order is None:
        raise NotFound("order")
    require_version(order.version, expected_version, "order")
    if command.status is Status.CANCELLED:
        from commerce.payments import cancelling  # and with it Stripe's SDK, for this one move

        notifies = command.notify_customer
        return cancelling.cancel_order(tx, caller, order, note=command.note, notify_customer=notifies).order
    if command.status not in BY_HAND:
        raise IllegalMove(f"An order becomes {command.status} by its payment")
    change = OrderChange(tx, caller, order, order)
    change.after = replace(
        order.move_to(command.status),
        tracking_number=command.tracking_number or order.tracking_number,
        carrier=command.carrier or order.carrier,
        estimated_delivery=command.estimated_delivery or order.estimated_delivery,
        delivered_at=change.at if command.status is Status.DELIVERED else order.delivered_at,
    )
    change.tell(command.status, data={"notify_customer": command.notify_customer})
    change.announce("order.updated")
    if command.notify_customer:
        notify(change, _NOTICES[command.status], order.order_id)
    moved = change.save()
    if command.note is not None:
        use_cases.note(tx, caller, moved, command.note)
    return moved


def _parcel(command: SetStatus) -> ShipOrder:
    return ShipOrder(
        order_id=command.order_id,
        tracking_number=command.tracking_number,
        carrier=command.carrier,
        notify_customer=command.notify_customer,
        estimated_delivery=command.estimated_delivery,
        note=command.note,
    )
