"""Files of bulk work: CSV that spreadsheets open as it is, and JSON that is one array (contract BU-02, BU-05).

CSV is RFC 4180 in UTF-8 with a byte order mark, without which spreadsheets take it for another encoding; no cell is a
formula. A list is one cell, its values with ``; `` between them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commerce.bulk.changes import RowResult
from commerce.jobs.files import Frame
from commerce.jobs.model import Format, JobType
from commerce.kernel import csv_text, wire_json
from commerce.kernel.clock import rfc3339

if TYPE_CHECKING:  # at run time only the job that dispatches needs it
    from commerce.fulfillment.dispatching import Dispatched

type Record = dict[str, Any]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_RESULTS = ("row", "product_id", "sku", "ok", "code", "reason", "message")
_COLUMNS: dict[JobType, tuple[str, ...]] = {
    JobType.PRODUCT_UPDATE: _RESULTS,
    JobType.PRODUCT_IMPORT: _RESULTS,
    JobType.STOCK_ADJUSTMENT: _RESULTS,
    JobType.BULK_DISPATCH: (
        *("row", "order_id", "carrier", "tracking_number", "shipment_id", "status"),
        *("ok", "already", "code", "reason", "message"),
    ),
    JobType.PRODUCT_EXPORT: (
        *("id", "sku", "name", "description", "price", "currency", "status"),
        *("categories", "variant_skus", "created_at", "updated_at"),
    ),
    JobType.ORDER_EXPORT: (
        *("id", "customer_id", "status", "payment_status", "fulfillment_status"),
        *("currency", "total", "refunded", "items_count", "created_at", "updated_at"),
    ),
    JobType.INVENTORY_EXPORT: (
        *("product_id", "variant_id", "sku", "name", "location"),
        *("available", "reserved", "on_hand"),
    ),
}


def frame(type: JobType, format: Format) -> Frame:
    """What stands around the rows."""
    if format is Format.JSON:
        return Frame(b"[\n", b",\n", b"\n]\n")
    return Frame(_BYTE_ORDER_MARK + csv_text.table([_COLUMNS[type]]).encode(), b"", b"")


def rows(type: JobType, format: Format, records: Sequence[Record]) -> bytes:
    """Some rows; those of several calls belong together with the frame's ``between``."""
    if format is Format.JSON:
        return ",\n".join(map(wire_json.dumps, records)).encode()
    return csv_text.table([_cell(record[name]) for name in _COLUMNS[type]] for record in records).encode()


def record_of(result: RowResult) -> Record:
    """A row of what came of a change."""
    error = result.error
    return {
        "row": result.number,
        "product_id": result.product_id,
        "sku": result.sku,
        "ok": error is None,
        "code": error and error.code,
        "reason": error and error.reason,
        "message": error and error.message,
    }


def record_of_dispatched(number: int, row: "Dispatched") -> Record:
    """A row of what came of an order that was to be shipped; ``number`` counts from 1."""
    shipped, refusal = row.shipped, row.refusal
    return {
        "row": number,
        "order_id": row.order.order_id,
        "carrier": row.order.carrier,
        "tracking_number": row.order.tracking_number,
        "shipment_id": shipped and shipped.shipment.shipment_id,
        "status": shipped and str(shipped.order.status),
        "ok": refusal is None,
        "already": shipped is not None and shipped.already,
        "code": refusal and refusal.code,
        "reason": refusal and refusal.reason,
        "message": refusal and refusal.message,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "; ".join(value)
    return rfc3339(value) if hasattr(value, "tzinfo") else value
