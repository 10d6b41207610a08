"""The stock ledger on the wire (contract BU-06)."""

from typing import Annotated

from pydantic import Field

from commerce.http.contracts import Id, Instant, Output
from commerce.http.pages import OffsetQuery
from commerce.inventory.ledger_store import LedgerEntry


class LedgerQuery(OffsetQuery):
    product_id: Annotated[Id, Field(description="Only this product")] | None = None


class LedgerEntryOut(Output):
    """``quantity_change`` units came, or left where it is negative; ``reference`` is an order, job or bulk request."""

    id: str
    product_id: str
    variant_id: str
    location: str
    quantity_change: int
    reason: str
    note: str | None
    reference: str | None
    actor: str
    created_at: Instant

    @classmethod
    def of(cls, entry: LedgerEntry) -> "LedgerEntryOut":
        return cls(
            id=entry.entry_id,
            product_id=entry.key.product_id,
            variant_id=entry.key.variant_id,
            location=entry.key.warehouse_id,
            quantity_change=entry.delta,
            reason=entry.reason,
            note=entry.note,
            reference=entry.reference,
            actor=entry.actor,
            created_at=entry.at,
        )
