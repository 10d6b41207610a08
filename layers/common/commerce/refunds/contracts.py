"""Refunds on the wire (contract PY-05, PY-10, OR-05, OR-10).

Payments count in integer minor units, orders in decimal major units, as each surface does throughout.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from commerce.http.contracts import Input, Instant, Line, Major, Output
from commerce.refunds.model import SourceKind, Step
from commerce.refunds.records import Refund, RefundStatus

Reason = Annotated[Line, Field(max_length=100, examples=["customer_request"])]


def _ours(asked: bool) -> bool:
    if asked:
        raise PydanticCustomError("no_application_fee", "Payments go to the shop itself; there is no such fee")
    return asked


class RefundPaymentIn(Input):
    """``amount`` in minor units; left out, all that is left goes back. ``refund_application_fee`` can only be false."""

    amount: Annotated[int, Field(strict=True, ge=1, examples=[19999])] | None = None
    reason: Reason | None = None
    refund_application_fee: Annotated[bool, Field(strict=True), AfterValidator(_ours)] = False


class PaymentRefundOut(Output):
    """What goes back through the payment provider, in minor units; it arrives after 5 to 10 business days.

    ``status`` is ``pending`` until the provider has made it. ``failure_reason`` is the provider's word for why it
    failed: then the money is still with the shop, and can be refunded again.
    """

    id: str
    payment_id: str
    order_id: str
    return_id: str | None
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None
    failure_reason: str | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, refund: Refund) -> "PaymentRefundOut":
        return cls(
            id=refund.refund_id,
            payment_id=refund.payment_id or "",
            order_id=refund.order_id,
            return_id=refund.return_id,
            amount=refund.external.minor,
            currency=refund.currency.lower(),
            status=refund.status,
            reason=refund.reason,
            failure_reason=refund.failure,
            created_at=refund.requested_at,
            updated_at=refund.updated_at,
        )


class RefundPartOut(Output):
    """Where a part of a refund goes; no gift card's number is told."""

    type: SourceKind
    amount: Major


class RefundStepOut(Output):
    """``amount`` is negative for what the shop keeps."""

    what: Annotated[str, Field(examples=["restocking_fee"])]
    amount: Major

    @classmethod
    def of(cls, step: Step) -> "RefundStepOut":
        return cls(what=step.what, amount=step.amount.major)


class RefundOut(Output):
    """What goes back of an order, and why that much: ``steps`` add up to ``amount``, and so do ``parts``; ``reason`` is
    what the shop said to it. Stored value is back at once; ``status`` is that of the part that goes through the payment
    provider, ``failure_reason`` its word for why that failed."""

    id: str
    amount: Major
    currency: str
    status: RefundStatus
    steps: list[RefundStepOut]
    parts: list[RefundPartOut]
    reason: str | None
    failure_reason: str | None
    created_at: Instant

    @classmethod
    def of(cls, refund: Refund) -> "RefundOut":
        return cls(
            id=refund.refund_id,
            amount=refund.amount.major,
            currency=refund.currency,
            status=refund.status,
            steps=[RefundStepOut.of(step) for step in refund.steps],
            parts=[RefundPartOut(type=part.kind, amount=part.amount.major) for part in refund.parts],
            reason=refund.reason,
            failure_reason=refund.failure,
            created_at=refund.requested_at,
        )
