"""What is asked of fulfilment, and what it answers (contract FU-01, FU-02)."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from commerce.fulfillment.contracts import ShipmentFields, ShippedItemOut, items_of, shared
from commerce.fulfillment.dispatching import Dispatched
from commerce.fulfillment.use_cases import ShipOrder, Shipped
from commerce.http.contracts import Id, Input, Line, OrderId, Output, Quantity
from commerce.http.dates import Day
from commerce.jobs.model import MAX_AT_ONCE, MAX_ROWS, Job, JobStatus
from commerce.kernel.errors import CommerceError
from commerce.kernel.limits import MAX_LINES
from commerce.orders.model import FulfillmentStatus, Status


class ShippedItemIn(Input):
    """Units of a line; ``order_item_id`` is the id of the order's line."""

    order_item_id: Annotated[Id, Field(examples=["item_01"])]
    quantity: Quantity


class ShipOrderIn(Input):
    """Units of an order that leave together, under the carrier's number for them.

    Without ``items`` everything leaves that is set aside for the order. ``notify_customer`` mails the customer.
    """

    order_id: OrderId
    tracking_number: Annotated[Line, Field(max_length=100, examples=["1Z999AA10123456784"])]
    carrier: Annotated[Line, Field(max_length=50, examples=["UPS"])]
    notify_customer: Annotated[bool, Field(strict=True)] = False
    items: Annotated[list[ShippedItemIn], Field(min_length=1, max_length=MAX_LINES)] | None = None
    estimated_delivery: Day | None = None

    def to_command(self) -> ShipOrder:
        units: Counter[str] = Counter()
        for item in self.items or ():
            units[item.order_item_id] += item.quantity
        return ShipOrder(
            order_id=self.order_id,
            tracking_number=self.tracking_number,
            carrier=self.carrier,
            items=None if self.items is None else dict(units),
            notify_customer=self.notify_customer,
            estimated_delivery=None if self.estimated_delivery is None else str(self.estimated_delivery),
        )


class ShippedOut(ShipmentFields):
    """A shipment with the order's own states. ``items_waiting`` are units of the order that wait for stock."""

    shipment_id: str
    order_id: str
    status: Status
    fulfillment_status: FulfillmentStatus
    items: list[ShippedItemOut]
    items_waiting: int

    @classmethod
    def of(cls, shipped: Shipped) -> "ShippedOut":
        order, shipment = shipped.order, shipped.shipment
        return cls(
            **shared(shipment),
            shipment_id=shipment.shipment_id,
            order_id=order.order_id,
            status=order.status,
            fulfillment_status=order.fulfillment_status,
            items=items_of(shipment),
            items_waiting=order.waiting,
        )


class BulkDispatchIn(Input):
    """Orders to ship, each on its own."""

    orders: Annotated[
        list[ShipOrderIn],
        Field(
            min_length=1,
            max_length=MAX_ROWS,
            description=f"Up to {MAX_AT_ONCE} are shipped by the time of the answer, more by a job",
        ),
    ]

    def to_commands(self) -> list[ShipOrder]:
        return [row.to_command() for row in self.orders]


class DispatchErrorOut(Output):
    """``reason`` is the finer word for ``code``."""

    code: str
    reason: str
    message: str

    @classmethod
    def of(cls, refusal: CommerceError) -> "DispatchErrorOut":
        return cls(code=refusal.code, reason=refusal.reason, message=refusal.message)


class DispatchedOut(Output):
    """What became of one row; ``already``: its shipment had left before, and nothing was changed."""

    order_id: str
    ok: bool
    already: bool
    shipment_id: str | None
    status: Status | None
    error: DispatchErrorOut | None

    @classmethod
    def of(cls, row: Dispatched) -> "DispatchedOut":
        shipped, refusal = row.shipped, row.refusal
        return cls(
            order_id=row.order.order_id,
            ok=shipped is not None,
            already=shipped is not None and shipped.already,
            shipment_id=shipped.shipment.shipment_id if shipped is not None else None,
            status=shipped.order.status if shipped is not None else None,
            error=DispatchErrorOut.of(refusal) if refusal is not None else None,
        )


class SummaryOut(Output):
    """Rows: ``dispatched`` counts those that had left before, too."""

    requested: int
    dispatched: int
    failed: int


class BulkDispatchOut(Output):
    """A row for each that was asked for, in the same order; or the job that ships them, whose file will have the rows:
    ask ``GET /v2/jobs/{id}``."""

    status: JobStatus
    job_id: str | None
    results: list[DispatchedOut]
    summary: SummaryOut

    @classmethod
    def of(cls, rows: Sequence[Dispatched] | Job) -> "BulkDispatchOut":
        if isinstance(rows, Job):
            return cls(
                status=rows.status,
                job_id=rows.job_id,
                results=[],
                summary=SummaryOut(requested=rows.total, dispatched=rows.done - rows.refused, failed=rows.refused),
            )
        failed = sum(row.refusal is not None for row in rows)
        return cls(
            status=JobStatus.SUCCEEDED,
            job_id=None,
            results=[DispatchedOut.of(row) for row in rows],
            summary=SummaryOut(requested=len(rows), dispatched=len(rows) - failed, failed=failed),
        )
