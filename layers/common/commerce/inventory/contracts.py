"""Stock and its alerts on the wire (contract IN-01…04)."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from commerce.http.contracts import Id, Input, Output, Query, Says, Text
from commerce.inventory.model import MAX_STOCK, Stock
from commerce.inventory.use_cases import Adjust, Levels


class LocationOut(Output):
    warehouse_id: str
    available: int
    reserved: int


class VariantLevelsOut(Output):
    variant_id: str
    total_available: int
    total_reserved: int
    locations: list[LocationOut]


class LevelsOut(Output):
    """``total_available`` and ``total_reserved`` are the sums over ``locations``, and over ``variants`` too."""

    product_id: str
    total_available: int
    total_reserved: int
    locations: list[LocationOut]
    variants: list[VariantLevelsOut]

    @classmethod
    def of(cls, levels: Levels) -> "LevelsOut":
        by_variant: dict[str, list[Stock]] = {variant_id: [] for variant_id in levels.variant_ids}
        for stock in levels.stocks:
            by_variant[stock.key.variant_id].append(stock)
        return cls(
            product_id=levels.product_id,
            **_sums(levels.stocks),
            variants=[
                VariantLevelsOut(variant_id=variant_id, **_sums(stocks)) for variant_id, stocks in by_variant.items()
            ],
        )


def _sums(stocks: Iterable[Stock]) -> dict[str, Any]:
    """Per warehouse and in all."""
    sums: dict[str, list[int]] = {}
    for stock in stocks:
        warehouse = sums.setdefault(stock.key.warehouse_id, [0, 0])
        warehouse[0] += stock.available
        warehouse[1] += stock.reserved
    return {
        "total_available": sum(available for available, _ in sums.values()),
        "total_reserved": sum(reserved for _, reserved in sums.values()),
        "locations": [
            LocationOut(warehouse_id=name, available=available, reserved=reserved)
            for name, (available, reserved) in sorted(sums.items())
        ],
    }


class LevelsQuery(Query):
    variant_id: Annotated[Id, Field(description="Only this variant")] | None = None


Reason = Literal["sold", "restock", "damaged", "returned", "lost", "found", "correction", "transfer", "other"]


class AdjustIn(Input):
    """``quantity`` is a change, not a level."""

    quantity: Annotated[
        int, Field(strict=True, examples=[-10]), Says(minimum=-MAX_STOCK, maximum=MAX_STOCK, **{"not": {"const": 0}})
    ]
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
