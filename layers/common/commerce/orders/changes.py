"""Changes of placed orders on the wire (contract OR-04, OR-05, OR-09, OR-10, MO-04, NT-01, NT-02)."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from commerce.events.model import TimelineEvent
from commerce.http.contracts import Input, Instant, Line, Output, Says
from commerce.http.dates import Day
from commerce.orders.ending import Cancelled, CancelOrder
from commerce.orders.model import Order, Status
from commerce.orders.moving import SetStatus
from commerce.refunds.contracts import RefundOut

MAX_NOTE = 5000  # characters


def _words(text: str) -> str:
    if not text.strip() or not all(char.isprintable() or char in "\n\t" for char in text):
        raise PydanticCustomError("not_printable", "Must be printable text; lines and tabs are fine")
    return text


NoteText = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=MAX_NOTE),
    AfterValidator(_words),
    Says(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"),
]


class SetStatusIn(Input):
    """Where the order is to go, by the table of moves.

    ``tracking_number``, ``carrier`` and ``estimated_delivery`` are kept and shown to whoever tracks the order. ``note``
    becomes a note for the merchant's staff. With ``notify_customer`` the customer is mailed, once for each status.
    """

    status: Annotated[Status, Field(examples=["processing"])]
    tracking_number: Annotated[Line, Field(max_length=100, examples=["TRK123456789"])] | None = None
    carrier: Annotated[Line, Field(max_length=50, examples=["UPS"])] | None = None
    estimated_delivery: Annotated[Day, Field(examples=["2026-03-25"])] | None = None
    notify_customer: Annotated[bool, Field(strict=True)] = False
    note: Annotated[NoteText, Field(examples=["Payment confirmed, preparing shipment"])] | None = None

    def to_command(self, order_id: str) -> SetStatus:
        return SetStatus(
            order_id=order_id,
            status=self.status,
            tracking_number=self.tracking_number,
            carrier=self.carrier,
            estimated_delivery=None if self.estimated_delivery is None else str(self.estimated_delivery),
            notify_customer=self.notify_customer,
            note=self.note,
        )


class StatusOut(Output):
    """An order after a move. The two other axes are shown, since a move may take them along."""

    id: str
    status: Status
    payment_status: str
    fulfillment_status: str
    tracking_number: str | None
    carrier: str | None
    version: int
    updated_at: Instant

    @classmethod
    def of(cls, order: Order) -> "StatusOut":
        return cls(
            id=order.order_id,
            status=order.status,
            payment_status=str(order.payment_status),
            fulfillment_status=str(order.fulfillment_status),
            tracking_number=order.tracking_number,
            carrier=order.carrier,
            version=order.version,
            updated_at=order.updated_at,
        )


class CancelIn(Input):
    reason: Annotated[Line, Field(examples=["Changed my mind"])] | None = None


class CancelOrderIn(CancelIn):
    """With ``refund`` the money that was collected goes back; stored value goes back in any case, and stock does.

    ``note`` becomes a note for the merchant's staff.
    """

    refund: Annotated[bool, Field(strict=True)] = False
    note: Annotated[NoteText, Field(examples=["Customer changed mind"])] | None = None

    def to_command(self, order_id: str) -> CancelOrder:
        return CancelOrder(order_id, reason=self.reason, note=self.note, refund=self.refund)


class CancelledOut(Output):
    """An order after it was cancelled. ``refund`` is what goes back of it, where something was collected."""

    id: str
    status: Status
    payment_status: str
    updated_at: Instant
    refund: RefundOut | None

    @classmethod
    def of(cls, cancelled: Cancelled) -> "CancelledOut":
        order, refund = cancelled.order, cancelled.refund
        return cls(
            id=order.order_id,
            status=order.status,
            payment_status=str(order.payment_status),
            updated_at=order.updated_at,
            refund=RefundOut.of(refund) if refund is not None else None,
        )


class NoteIn(Input):
    content: Annotated[NoteText, Field(examples=["Expedited shipping approved per manager"])]


class NoteOut(Output):
    """``author`` is the e-mail address of who wrote it where the credential names one, else the credential."""

    id: str
    content: str
    author: Annotated[str, Field(examples=["marc@example.com"])]
    created_at: Instant

    @classmethod
    def of(cls, event: TimelineEvent) -> "NoteOut":
        return cls(
            id=event.event_id,
            content=event.content or "",
            author=str(event.data["author"]),
            created_at=event.at,
        )
