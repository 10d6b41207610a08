"""What the mails to customers say. A letter is a heading, two templates, and the values that they show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from commerce.access.queries import find_shop
from commerce.fulfillment import store as shipments
from commerce.kernel.errors import NotFound
from commerce.mails.model import Mail
from commerce.mails.notices import Notice, NoticeKind
from commerce.mails.rendering import render
from commerce.orders.model import FulfillmentStatus, Order, Status


class Outdated(Exception):
    """What a notice says is not so any more: it waited for longer than it was true."""


type Values = Callable[[Notice, Order], dict[str, Any]]


def _as_told(notice: Notice, order: Order) -> dict[str, Any]:
    return notice.data


@dataclass(frozen=True, slots=True)
class Letter:
    """``heading`` is the mail's subject, too; ``values`` is what its templates show besides shop and order.

    The templates are ``<kind>.html`` and ``<kind>.txt``.
    """

    heading: str
    values: Values = _as_told


def _shipment(notice: Notice, order: Order) -> dict[str, Any]:
    shipment = shipments.find(notice.tenant, order.order_id, notice.subject_id)
    if shipment is None:
        raise NotFound("shipment")
    estimated = shipment.estimated_delivery
    return {
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "estimated_delivery": date.fromisoformat(estimated) if estimated is not None else None,
        "items": [(line.name, shipment.items[line.line_id]) for line in order.lines if line.line_id in shipment.items],
        "more_follows": not order.is_earned,
    }


def _waiting(notice: Notice, order: Order) -> dict[str, Any]:
    """What of the order waits when the mail is sent."""
    _require_standing(order)
    return {"items": [(line.name, line.waiting, line.expected_on) for line in order.lines if line.waiting]}


def _waited_for(notice: Notice, order: Order) -> dict[str, Any]:
    """The units of one line that wait, or waited."""
    _require_standing(order)
    line = next((each for each in order.lines if each.backorder_id == notice.data["backorder_id"]), None)
    if line is None:
        raise NotFound("backorder")
    may_cancel = order.fulfillment_status is FulfillmentStatus.UNFULFILLED
    return {"name": line.name, "waiting": line.waiting, "expected_on": line.expected_on, "may_cancel": may_cancel}


def _waits(notice: Notice, order: Order) -> dict[str, Any]:
    """The units of one line that wait still."""
    values = _waited_for(notice, order)
    if not values["waiting"]:
        raise Outdated
    return values


def _late(notice: Notice, order: Order) -> dict[str, Any]:
    """The units of one line that wait still, though the day that they were told of last is over."""
    values = _waits(notice, order)
    if notice.subject_id != f"{notice.data['backorder_id']}.{values['expected_on']}":
        raise Outdated
    return values


def _require_standing(order: Order) -> None:
    if order.status is Status.CANCELLED:
        raise Outdated


LETTERS = {
    NoticeKind.SHIPMENT: Letter("Your order is on its way", _shipment),
    NoticeKind.ORDER_PROCESSING: Letter("We are preparing your order"),
    NoticeKind.ORDER_DELIVERED: Letter("Your order was delivered"),
    NoticeKind.ORDER_CANCELLED: Letter("Your order was cancelled"),
    NoticeKind.BACKORDER_EXPECTED: Letter("Some of your order has to wait", _waiting),
    NoticeKind.BACKORDER_RESCHEDULED: Letter("A new date for your order", _waits),
    NoticeKind.BACKORDER_LATE: Letter("Your order is late", _late),
    NoticeKind.BACKORDER_ALLOCATED: Letter("What you waited for is here", _waited_for),
}


def compose(notice: Notice, order: Order) -> Mail:
    """The mail of a notice to the buyer of its order.

    Raises:
        NotFound: there is no such shipment, or backorder.
        Outdated: what it says is not so any more.
        Refused: the buyer's address is none.
    """
    letter = LETTERS[notice.kind]
    shop = find_shop(notice.tenant.tenant_id)
    shown = {"heading": letter.heading, "shop": shop, "order_id": order.order_id, **letter.values(notice, order)}
    return Mail(
        to=order.buyer.email,
        subject=f"{letter.heading}: {order.order_id}",
        html=render(f"{notice.kind}.html", **shown),
        text=render(f"{notice.kind}.txt", **shown),
        sender_name=shop,
    )
