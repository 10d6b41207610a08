"""Stock on the wire (contract IN-01, IN-02)."""

from typing import Annotated, Literal

from pydantic import Field

from commerce.http.contracts import Id, Input, Output, Query, Text
from commerce.inventory.use_cases import Adjust, Levels


class LocationOut(Output):
    warehouse_id: str
    available: int
    reserved: int


class LevelsOut(Output):
    """``total_available`` and ``total_reserved`` are the sums over ``locations``."""

    product_id: str
    total_available: int
    total_reserved: int
    locations: list[LocationOut]

    @classmethod
    def of(cls, levels: Levels) -> "LevelsOut":
        by_warehouse: dict[str, list[int]] = {}
        for stock in levels.stocks:
            sums = by_warehouse.setdefault(stock.key.warehouse_id, [0, 0])
            sums[0] += stock.available
            sums[1] += stock.reserved
        return cls(
            product_id=levels.product_id,
            total_available=levels.available,
            total_reserved=levels.reserved,
            locations=[
                LocationOut(warehouse_id=name, available=available, reserved=reserved)
                for name, (available, reserved) in sorted(by_warehouse.items())
            ],
        )


class LevelsQuery(Query):
    variant_id: Annotated[Id, Field(description="Only this variant")] | None = None


Reason = Literal["sold", "restock", "damaged", "returned", "lost", "found", "correction", "transfer", "other"]


class AdjustIn(Input):
    """``quantity`` is a change, not a level."""

    quantity: Annotated[int, Field(strict=True, examples=[-10])]
    reason: Reason
    location: (
        Annotated[Id, Field(description="Warehouse; the shop's first one when left out", examples=["wh_001"])] | None
    ) = None
    variant_id: Id | None = None
    note: Annotated[Text, Field(examples=["Online order #12345"])] | None = None

    def to_command(self, product_id: str) -> Adjust:
        return Adjust(
            product_id=product_id,
            delta=self.quantity,
            reason=self.reason,
            variant_id=self.variant_id,
            warehouse_id=self.location,
            note=self.note,
        )
