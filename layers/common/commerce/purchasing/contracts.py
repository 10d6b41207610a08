"""Purchase orders on the wire (contract PM-20)."""

from typing import Annotated, Literal

from pydantic import Field

from commerce.http.contracts import Input, Instant, Output
from commerce.http.pages import PageQuery
from commerce.purchasing.model import PurchaseOrder, PurchaseOrderStatus
from commerce.purchasing.representation import as_object


class PurchaseOrderOut(Output):
    """``quantity`` units to buy of a product: of ``variant_id``, or of whichever variants are wanted where it is null.

    ``location`` is the warehouse that ran low; null where all were watched together.
    """

    id: Annotated[str, Field(examples=["po_0192f0c1a7b87c3e9d5f6a7b8c9d0e1f"])]
    status: PurchaseOrderStatus
    alert_id: str
    product_id: str
    variant_id: str | None
    location: str | None
    quantity: Annotated[int, Field(examples=[100])]
    supplier: str | None
    version: Annotated[int, Field(examples=[1])]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, order: PurchaseOrder) -> "PurchaseOrderOut":
        return cls(**as_object(order))


class PurchaseOrdersQuery(PageQuery):
    status: PurchaseOrderStatus | None = None


class CloseIn(Input):
    """``ordered`` says that the supplier has the order; ``cancelled`` drops the draft."""

    status: Literal[PurchaseOrderStatus.ORDERED, PurchaseOrderStatus.CANCELLED]
