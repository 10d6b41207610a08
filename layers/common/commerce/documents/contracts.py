"""Packing slips, invoices and pick lists on the wire (contract PK-01…PK-04)."""

from typing import Annotated, Literal

from pydantic import Field

from commerce.documents.files import Published
from commerce.documents.model import MAX_BATCH, MAX_PICKED, Invoice, Slip
from commerce.documents.use_cases import Picking
from commerce.http.contracts import Instant, Output, Query, Says
from commerce.kernel import ids
from commerce.kernel.errors import Invalid

_MAX_CHARACTERS = 65 * MAX_PICKED  # ids of 64 characters, with commas between them

OrderIds = Annotated[
    str,
    Field(min_length=1, max_length=_MAX_CHARACTERS, examples=["order_123,order_456"]),
    Says(pattern=r"^[A-Za-z0-9_-]+(,[A-Za-z0-9_-]+)*$"),
]


class PackingQuery(Query):
    order_ids: (
        Annotated[OrderIds, Field(description=f"Further orders, with commas between; at most {MAX_BATCH - 1}")] | None
    ) = None

    @property
    def further(self) -> tuple[str, ...]:
        """The orders besides the path's own.

        Raises:
            Invalid: too many, or something that is no id.
        """
        return _unique(self.order_ids, MAX_BATCH - 1)


class PickListQuery(Query):
    order_ids: Annotated[OrderIds, Field(description=f"With commas between; at most {MAX_PICKED}")]
    format: Annotated[Literal["pdf", "html"], Field(description="html: also as a page, within the answer")] = "pdf"

    @property
    def ids(self) -> tuple[str, ...]:
        """The orders, each once.

        Raises:
            Invalid: too many, or something that is no id.
        """
        return _unique(self.order_ids, MAX_PICKED)


class FileQuery(Query):
    token: Annotated[str, Field(max_length=1024, description="What the link was signed with")]


class SlipOut(Output):
    """``html_content`` is a page to print, ``download_url`` a PDF, for 10 to 15 minutes; both of all ``order_ids``."""

    order_id: str
    html_content: str
    download_url: str
    download_expires_at: Instant
    order_ids: list[str]

    @classmethod
    def of(cls, slips: tuple[Slip, ...], page: str, published: Published) -> "SlipOut":
        return cls(
            order_id=slips[0].order_id,
            html_content=page,
            download_url=published.url,
            download_expires_at=published.expires_at,
            order_ids=[slip.order_id for slip in slips],
        )


class InvoiceOut(SlipOut):
    """``invoice_numbers`` are those of ``order_ids``, in the same order."""

    invoice_number: str
    invoice_numbers: list[str]

    @classmethod
    def of_invoices(cls, invoices: tuple[Invoice, ...], page: str, published: Published) -> "InvoiceOut":
        return cls(
            order_id=invoices[0].order_id,
            html_content=page,
            download_url=published.url,
            download_expires_at=published.expires_at,
            order_ids=[invoice.order_id for invoice in invoices],
            invoice_number=invoices[0].number,
            invoice_numbers=[invoice.number for invoice in invoices],
        )


class PickListOut(Output):
    """``item_count`` counts units; ``not_pickable`` are orders of which nothing is picked now: they are not paid, or
    nothing that is set aside for them is still here. ``html_content`` where it was asked for."""

    pick_list_id: str
    order_count: int
    item_count: int
    download_url: str
    download_expires_at: Instant
    not_pickable: list[str]
    html_content: str | None

    @classmethod
    def of(cls, picking: Picking, pick_list_id: str, page: str | None, published: Published) -> "PickListOut":
        return cls(
            pick_list_id=pick_list_id,
            order_count=len(picking.pick_list.orders),
            item_count=picking.pick_list.units,
            download_url=published.url,
            download_expires_at=published.expires_at,
            not_pickable=list(picking.left_out),
            html_content=page,
        )


def _unique(text: str | None, most: int) -> tuple[str, ...]:
    named = [each.strip() for each in text.split(",")] if text else []
    if not all(map(ids.is_well_formed, named)):
        raise Invalid("Not an id", field="order_ids", reason="bad_order_ids")
    found = tuple(dict.fromkeys(map(ids.canonical_order_id, named)))
    if len(found) > most:
        raise Invalid(f"At most {most} orders", field="order_ids", reason="too_many_orders")
    return found
