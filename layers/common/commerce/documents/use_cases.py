"""A merchant asks for packing slips, invoices and a pick list (contract PK-01…03).

Asking changes nothing, except that the first one who asks for the invoice of an order makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from commerce.access import queries as shops
from commerce.documents import contents, store
from commerce.documents.model import (
    Invoice,
    PickList,
    Sender,
    Slip,
    invoice_of,
    is_pickable,
    pick_list_of,
    require_invoiceable,
    require_packable,
    require_printable,
    slip_of,
)
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Tenant
from commerce.kernel.errors import Invalid, NotFound
from commerce.orders.model import Order
from commerce.table.transaction import Transaction, run


@dataclass(frozen=True, slots=True)
class Picking:
    """A pick list, and those of the wanted orders of which nothing can be picked now."""

    pick_list: PickList
    left_out: tuple[str, ...]


def slips(caller: Caller, order_id: str, further: Sequence[str] = ()) -> tuple[Slip, ...]:
    """The packing slips of orders, each once, in the order named.

    Raises:
        NotFound: there is no such order.
        Invalid: one of the ``further`` ones does not exist, or they have too many lines together.
        Conflict: an order is cancelled.
    """
    found = _orders(caller.tenant, _each_once(order_id, further), asked_for=order_id)
    for order in found:
        require_packable(order)
    sender = _sender(caller.tenant)
    return tuple(slip_of(order, sender, _day(order.placed_at, caller.tenant)) for order in found)


def invoices(caller: Caller, order_id: str, further: Sequence[str] = ()) -> tuple[Invoice, ...]:
    """The invoices of orders, each once, in the order named; those that there are not yet are made now.

    Each takes its number in a transaction of its own, when all orders are known to get one.

    Raises:
        NotFound: there is no such order.
        Invalid: one of the ``further`` ones does not exist, or they have too many lines together.
        Conflict: an order is cancelled, or not paid; no invoice was made then.
    """
    wanted = _each_once(order_id, further)
    made = store.find(caller.tenant, wanted)
    missing = [each for each in wanted if each not in made]
    if missing:
        for order in _orders(caller.tenant, missing, asked_for=order_id):
            require_invoiceable(order)
        sender = _sender(caller.tenant)
        for each in missing:
            made[each] = run(partial(_make, caller.tenant, each, sender), caller.cause())
    documents = tuple(_invoice(made[each]) for each in wanted)
    require_printable(sum(len(invoice.lines) for invoice in documents))
    return documents


def pick_list(caller: Caller, order_ids: Sequence[str]) -> Picking:
    """What is to be picked for orders: of those that are paid, what is set aside and has not left.

    Raises:
        Invalid: there is no such order, or they have too many lines together.
    """
    found = _orders(caller.tenant, order_ids)
    wanted = [order for order in found if is_pickable(order)]
    left_out = tuple(order.order_id for order in found if not is_pickable(order))
    return Picking(pick_list_of(wanted, _sender(caller.tenant)), left_out)


def _make(tenant: Tenant, order_id: str, sender: Sender, tx: Transaction) -> str:
    """The invoice of an order as a text: the one that somebody else has just made, or a new one."""
    made = store.find(tenant, [order_id])
    if made:
        return made[order_id]
    (order,) = _orders(tenant, [order_id])
    require_invoiceable(order)
    last, now = store.last_number(tenant), clock.now()
    number = f"INV-{last + 1:06d}"
    invoice = invoice_of(order, sender, number, _day(now, tenant), _day(order.placed_at, tenant))
    content = contents.write((invoice,))
    store.add(tx, tenant, order, last, number, content, now)
    return content


def _each_once(order_id: str, further: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((order_id, *further)))


def _orders(tenant: Tenant, order_ids: Sequence[str], asked_for: str = "") -> list[Order]:
    """The orders; of those that do not exist, the one that was ``asked_for`` by the path is simply not there."""
    found = store.find_orders(tenant, order_ids)
    for order_id in order_ids:
        if order_id not in found:
            if order_id == asked_for:
                raise NotFound("order")
            raise Invalid(f"No such order: {order_id}", field="order_ids", reason="unknown_order")
    require_printable(sum(len(order.lines) for order in found.values()))
    return [found[order_id] for order_id in order_ids]


def _sender(tenant: Tenant) -> Sender:
    name, policy = shops.find_letterhead(tenant.tenant_id)
    return Sender.of(name, tenant.country, policy)


def _invoice(content: str) -> Invoice:
    (invoice,) = contents.read(content)
    assert isinstance(invoice, Invoice)
    return invoice


def _day(instant: datetime, tenant: Tenant) -> date:
    return instant.astimezone(ZoneInfo(tenant.timezone)).date()
