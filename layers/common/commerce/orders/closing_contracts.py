"""Giving up the rest of an order on the wire."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Input, Instant, Line, Output
from commerce.orders.closing import Closed
from commerce.orders.model import FulfillmentStatus, PaymentStatus, Status
from commerce.refunds.contracts import RefundOut


class CloseRestIn(Input):
    """``reason`` stands in the timeline, and with the refund."""

    reason: Annotated[Line, Field(examples=["Not made any more"])] | None = None


class ClosedOut(Output):
    """An order after its rest was given up. ``refund`` is what goes back for that, where something is left to give."""

    id: str
    status: Status
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    updated_at: Instant
    refund: RefundOut | None

    @classmethod
    def of(cls, closed: Closed) -> "ClosedOut":
        order, refund = closed.order, closed.refund
        return cls(
            id=order.order_id,
            status=order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            updated_at=order.updated_at,
            refund=RefundOut.of(refund) if refund is not None else None,
        )
