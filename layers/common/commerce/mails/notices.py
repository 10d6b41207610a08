"""What customers are told by mail about their orders, and how a change asks for it (contract PM-21).

A change announces a notice with what it writes. The bus brings it to a queue, whose consumer mails it: once for each
kind and subject, however often it is announced and delivered. Another kind needs a member here, a letter in
``customer_letters`` and its two templates.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode, Tenant

if TYPE_CHECKING:
    from commerce.orders.changing import OrderChange

NOTICE = "customer.notice"


class NoticeKind(StrEnum):
    """What a mail is about; its subject is named behind it."""

    SHIPMENT = "shipment"  # the shipment
    ORDER_PROCESSING = "order_processing"  # the order, as of all that follow
    ORDER_DELIVERED = "order_delivered"
    ORDER_CANCELLED = "order_cancelled"
    BACKORDER_EXPECTED = "backorder_expected"
    BACKORDER_RESCHEDULED = "backorder_rescheduled"  # the backorder and its version
    BACKORDER_LATE = "backorder_late"  # the backorder and the day that is over
    BACKORDER_ALLOCATED = "backorder_allocated"  # the backorder


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to the buyer of an order. ``data`` is what its letter says beyond what the table knows: no address, and
    nothing that opens anything."""

    tenant: Tenant
    kind: NoticeKind
    order_id: str
    subject_id: str
    data: dict[str, Any] = field(default_factory=dict)


def notify(change: "OrderChange", kind: NoticeKind, subject_id: str, **data: Any) -> None:
    """Let a change of an order tell its buyer."""
    change.announce(NOTICE, told_of(kind, change.before.order_id, subject_id, **data))


def told_of(kind: NoticeKind, order_id: str, subject_id: str, **data: Any) -> dict[str, Any]:
    """The object of a notice's event, for changes of something else than the order."""
    return {"kind": str(kind), "order_id": order_id, "subject_id": subject_id, "data": data}


def notice_of(body: str) -> Notice:
    """What a message of the queue asks for. ``tenant`` has no settings."""
    told = wire_json.loads(body)["detail"]
    asked = told["data"]["object"]
    return Notice(
        tenant=Tenant(tenant_id=str(told["tenant"]), mode=Mode(told["mode"])),
        kind=NoticeKind(asked["kind"]),
        order_id=str(asked["order_id"]),
        subject_id=str(asked["subject_id"]),
        data=dict(asked["data"]),
    )
