"""Invoices in the table (patterns T3, T4).

The row of an invoice is added together with the number that it takes, and never written again: numbers have no gap, and
an invoice says for ever what it said at first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import StaleWrite
from commerce.orders.model import Order
from commerce.orders.store import OrderRow
from commerce.table import keys
from commerce.table.reading import get, get_all
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction


class InvoiceRow(Row, discriminator="invoice"):
    """``content`` is the document as ``contents`` writes it."""

    audited: ClassVar[str] = "invoice"

    number = UnicodeAttribute()
    order_id = UnicodeAttribute()
    issued_at = InstantAttribute()
    currency = UnicodeAttribute()
    total = NumberAttribute()  # minor units
    content = UnicodeAttribute()


class InvoiceNumbersRow(Row, discriminator="invoice_numbers"):
    last = NumberAttribute()


def find(tenant: Tenant, order_ids: Sequence[str]) -> dict[str, str]:
    """The invoices that were made of orders, as texts by the order's id (T3)."""
    rows = get_all([keys.invoice(tenant, order_id) for order_id in order_ids])
    return {row.order_id: row.content for row in rows.values() if isinstance(row, InvoiceRow)}


def last_number(tenant: Tenant) -> int:
    """How many invoices the shop has made (T4)."""
    row = get(keys.invoice_numbers(tenant))
    return int(row.last) if isinstance(row, InvoiceNumbersRow) else 0


def add(tx: Transaction, tenant: Tenant, order: Order, last: int, number: str, content: str, at: datetime) -> None:
    """Write the invoice of an order under the number after the ``last`` one (T3, T4).

    Raises (at commit):
        StaleWrite: somebody else took the number, made the order's invoice, or changed the order.
    """
    key = keys.order(tenant, order.order_id)
    tx.check(OrderRow(*key), OrderRow.version == order.version, StaleWrite("order"))
    tx.add(
        InvoiceRow(
            *keys.invoice(tenant, order.order_id),
            number=number,
            order_id=order.order_id,
            issued_at=at,
            currency=order.currency,
            total=order.total.minor,
            content=content,
        ),
        StaleWrite("invoice"),
    )
    numbers = InvoiceNumbersRow(*keys.invoice_numbers(tenant), last=last + 1)
    if last:
        tx.put(numbers, InvoiceNumbersRow.last == last, StaleWrite("number of the invoice"))
    else:
        tx.add(numbers, StaleWrite("number of the invoice"))


def find_orders(tenant: Tenant, order_ids: Sequence[str]) -> dict[str, Order]:
    """Those of the orders that exist, by their id (O1)."""
    rows = get_all([keys.order(tenant, order_id) for order_id in order_ids])
    return {row.order_id: row.to_order() for row in rows.values() if isinstance(row, OrderRow)}
