"""Alerts on stock on the wire (contract IN-03, IN-04)."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Id, Input, Instant, Line, Output
from commerce.http.pages import PageQuery
from commerce.inventory.alert_representation import as_object
from commerce.inventory.alerts import SetAlert, Watched
from commerce.inventory.model import MAX_STOCK, Level, Reorder

Units = Annotated[int, Field(strict=True, ge=1, le=MAX_STOCK)]


class ReorderIn(Input):
    """How many units are to be ordered when stock is low, and from whom: a purchase order is drafted then."""

    enabled: Annotated[bool, Field(strict=True)]
    quantity: Annotated[Units, Field(examples=[100])]
    supplier: Annotated[Line, Field(examples=["Harbor Textiles"])] | None = None


class AlertIn(Input):
    """Stock is low when fewer units than ``threshold`` are available."""

    threshold: Annotated[Units, Field(examples=[10])]
    variant_id: Annotated[Id, Field(description="All variants together when left out")] | None = None
    location: (
        Annotated[Id, Field(description="Warehouse; all of them together when left out", examples=["wh_001"])] | None
    ) = None
    reorder: ReorderIn | None = None

    def to_command(self, product_id: str) -> SetAlert:
        return SetAlert(
            product_id=product_id,
            threshold=self.threshold,
            variant_id=self.variant_id,
            warehouse_id=self.location,
            reorder=None if self.reorder is None else Reorder(**dict(self.reorder)),
        )


class ReorderOut(Output):
    enabled: bool
    quantity: int
    supplier: str | None


class AlertOut(Output):
    """``available`` units are there now of what the alert watches, and ``status`` is what that means."""

    id: Annotated[str, Field(examples=["alert_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    product_id: str
    variant_id: str | None
    location: str | None
    threshold: Annotated[int, Field(examples=[10])]
    reorder: ReorderOut | None
    available: Annotated[int, Field(examples=[7])]
    status: Annotated[Level, Field(examples=["low"])]
    version: Annotated[int, Field(examples=[1])]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, watched: Watched) -> "AlertOut":
        return cls(**as_object(watched.alert, watched.available))


class AlertsQuery(PageQuery):
    pass
