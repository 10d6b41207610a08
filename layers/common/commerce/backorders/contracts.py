"""Backorders and preorders on the wire (contract BO-01…03, PO-01, PO-02, PO-04)."""

from typing import Annotated

from pydantic import Field

from commerce.backorders.allocating import Served
from commerce.backorders.model import MAX_PRIORITY, BackorderStatus, Kind, Standing, StockAllocation
from commerce.backorders.representation import as_object
from commerce.backorders.use_cases import ChangeBackorder
from commerce.http.contracts import Changes, Id, Input, Instant, Output, Quantity
from commerce.http.dates import Day, DayOut
from commerce.http.pages import OffsetQuery


class BackordersQuery(OffsetQuery):
    pass


class BackorderOut(Output):
    """``quantity`` units of an order's item had to wait for stock: ``allocated`` of them have it, ``remaining`` wait.

    ``order_item_id`` is the order's line; ``expected_date`` is what its customer was last told, null where nothing.
    """

    id: Annotated[str, Field(examples=["bo_01"])]
    type: Kind
    order_id: str
    order_item_id: str
    product_id: str
    variant_id: str
    quantity: Annotated[int, Field(examples=[10])]
    allocated: int
    remaining: int
    status: BackorderStatus
    expected_date: DayOut | None
    priority: int
    version: int
    created_at: Instant

    @classmethod
    def of(cls, standing: Standing) -> "BackorderOut":
        return cls(**as_object(standing))


class AllocateIn(Input):
    """Exactly ``quantity`` units, or none."""

    backorder_id: Annotated[Id, Field(examples=["bo_01"])]
    quantity: Annotated[Quantity, Field(examples=[5])]


class AllocationOut(Output):
    allocation_id: Annotated[str, Field(examples=["alloc_01"])]
    quantity_allocated: Annotated[int, Field(examples=[10])]
    backorder_id: str
    order_id: str

    @classmethod
    def of(cls, allocation: StockAllocation) -> "AllocationOut":
        return cls(
            allocation_id=allocation.allocation_id,
            quantity_allocated=allocation.quantity,
            backorder_id=allocation.backorder_id,
            order_id=allocation.order_id,
        )


class AllocatedOut(Output):
    """What this call has set aside. ``remaining`` is 0 where all were served; else there was no time for the queues of
    so many products at least: call again, or leave them to the next hour."""

    allocations_created: Annotated[int, Field(examples=[5])]
    total_allocated: Annotated[int, Field(examples=[45])]
    remaining: Annotated[int, Field(examples=[0])]

    @classmethod
    def of(cls, served: Served) -> "AllocatedOut":
        return cls(allocations_created=served.allocations, total_allocated=served.units, remaining=served.left)


class BackorderChangesIn(Changes):
    """``expected_date`` is told to the customer. A higher ``priority`` is served first; those of one, in the order in
    which they were placed."""

    expected_date: Annotated[Day, Field(examples=["2026-04-01"])] | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=MAX_PRIORITY)] | None = None

    def to_command(self, backorder_id: str) -> ChangeBackorder:
        return ChangeBackorder(backorder_id, self.expected_date, self.priority)
