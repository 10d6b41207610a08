"""Ledger entries in the table (pattern L1): in their order's partition, and by local day for the export (L2)."""

import zlib
from zoneinfo import ZoneInfo

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Conflict
from commerce.ledger.model import Entry
from commerce.table import keys
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction

DAY_SHARDS = 8


class EntryRow(Row, discriminator="posting"):
    operation_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    debit = UnicodeAttribute()
    credit = UnicodeAttribute()
    amount = NumberAttribute()  # minor units
    currency = UnicodeAttribute()
    at = InstantAttribute()


def post(tx: Transaction, tenant: Tenant, entry: Entry) -> None:
    """Book an entry in the transaction of the change that it accounts for (L1).

    Raises (at commit):
        Conflict: the operation is booked already.
    """
    key = keys.posting(tenant, entry.order_id, entry.operation_id)
    day = entry.at.astimezone(ZoneInfo(tenant.timezone)).date().isoformat()
    shard = zlib.crc32(entry.operation_id.encode()) % DAY_SHARDS
    row = EntryRow(
        key.pk,
        key.sk,
        operation_id=entry.operation_id,
        order_id=entry.order_id,
        debit=entry.debit,
        credit=entry.credit,
        amount=entry.amount.minor,
        currency=entry.amount.currency,
        at=entry.at,
        gsi1pk=keys.ledger_day(tenant, entry.amount.currency, day, shard),
        gsi1sk=f"{sortable(entry.at)}#{entry.operation_id}",
    )
    tx.add(row, Conflict(f"{entry.operation_id} is booked already", reason="already_booked"))
