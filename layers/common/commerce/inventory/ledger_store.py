"""The stock ledger: everything that changed what is on hand, newest first (pattern S9).

A movement is one entry, a goods issue one for each of its parts. The entries of a place add up to what is on hand.
"""

from dataclasses import dataclass
from datetime import datetime

from commerce.inventory.model import StockKey
from commerce.inventory.store import GoodsIssueRow, MovementRow
from commerce.kernel.caller import Tenant
from commerce.kernel.paging import Page, PageRequest, sign, verify
from commerce.table import keys
from commerce.table.reading import stream
from commerce.table.rows import Row

SOLD = "sold"
_LOOKED_AT = 2_000  # rows, for a page of one product


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """``delta`` units came, or left where it is negative. ``reference`` names what it is part of.

    That is the order that units left for, a job (``job_…``) or a bulk request (``bulk_…``).
    """

    entry_id: str
    key: StockKey
    delta: int
    reason: str
    note: str | None
    reference: str | None
    actor: str
    at: datetime


def page_of(tenant: Tenant, request: PageRequest, product_id: str | None) -> Page[LedgerEntry]:
    """A page of the ledger: of all, or of one product. The latter can come out short with more to follow (S9).

    Raises:
        Malformed: a cursor of another list.
    """
    scope = f"{keys.partition(tenant)}\0stock_ledger:{product_id}"
    position = {"at": "", "part": "0"} if request.cursor is None else verify(request.cursor, scope=scope)
    begins, wanted = position["at"], request.offset + request.limit
    rows = stream(
        keys.stock_ledger(tenant),
        Row.gsi1sk <= begins if begins else None,
        index="gsi1",
        page_size=wanted + 1 if product_id is None else _LOOKED_AT,
        newest_first=True,
    )
    kept: list[LedgerEntry] = []
    for number, row in enumerate(rows):
        entries = _entries(row)
        for part in range(int(position["part"]) if row.gsi1sk == begins else 0, len(entries)):
            if len(kept) == wanted or number == _LOOKED_AT:
                goes_on = sign({"at": row.gsi1sk, "part": str(part)}, scope=scope)
                return Page(tuple(kept[request.offset :]), request, next_cursor=goes_on)
            if product_id in (None, entries[part].key.product_id):
                kept.append(entries[part])
    return Page(tuple(kept[request.offset :]), request)


def _entries(row: Row) -> list[LedgerEntry]:
    if isinstance(row, MovementRow):
        key = StockKey(row.product_id, row.variant_id, row.warehouse_id)
        return [
            LedgerEntry(row.sk, key, int(row.delta), row.reason, row.note, row.reference, row.actor, row.at),
        ]
    assert isinstance(row, GoodsIssueRow)
    issue_id = row.sk.removeprefix(keys.STOCK_PREFIX)
    return [
        LedgerEntry(f"{issue_id}.{number}", StockKey(*place), -units, SOLD, None, row.order_id, row.actor, row.at)
        for number, (*place, units) in enumerate(row.parts, start=1)
    ]
