"""What an order's moves mean for the books (contract 6.2)."""

from datetime import datetime

from commerce.ledger import entries
from commerce.ledger.model import Entry
from commerce.orders.model import Order


def recognition(order: Order, at: datetime, actor: str) -> list[Entry]:
    """What is earned now that the order's goods are on their way: what was collected for them and not given back.

    The gift cards that were bought with it are no part of it: they are owed to their holders. What was given back is
    taken off the goods first, then off shipping, then off tax.
    """
    given_back = order.refunded
    parts = []
    for part in (order.subtotal - order.sold_value - order.discount, order.shipping, order.tax):
        less = min(part, given_back)
        given_back = given_back - less
        parts.append(part - less)
    goods, shipping, tax = parts
    return entries.recognition(order.order_id, sales=goods, shipping=shipping, tax=tax, at=at, actor=actor)
