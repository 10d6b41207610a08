"""The draft of a response: what our own records say for the merchant, under Stripe's names (contract PY-07, PM-23).

Text only. Documents, such as a signed proof of delivery, are files that the merchant uploads to Stripe.
"""

from collections.abc import Iterable, Sequence

from commerce.disputes.model import MAX_TEXT, MAX_WORDS
from commerce.events.model import TimelineEvent, TimelineType
from commerce.kernel.clock import rfc3339
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of
from commerce.orders.model import Address, Order


def draft(order: Order, timeline: Sequence[TimelineEvent], timezone: str) -> dict[str, str]:
    """What is known of the sale, the parcel and what happened since, by Stripe's names of evidence.

    Args:
        timeline: newest first; with the staff's own notes only where they may be told, because the bank may show them
            to the holder of the card.
        timezone: of the shop, in which days are told.
    """
    shipped = day_of(order.shipped_at, timezone).isoformat() if order.shipped_at is not None else None
    known = {
        "customer_name": order.buyer.name,
        "customer_email_address": order.buyer.email,
        "billing_address": _address(order.billing_address),
        "shipping_address": _address(order.shipping_address),
        "shipping_carrier": order.carrier,
        "shipping_tracking_number": order.tracking_number,
        "shipping_date": shipped,
    }
    words = {name: text[:MAX_WORDS] for name, text in known.items() if text}
    history = [_line(each) for each in timeline if each.type is not TimelineType.DISPUTE]  # the bank knows of its own
    return words | {
        "product_description": _fitting(_sold(order)),
        "uncategorized_text": _account(order, timezone, history),
    }


def _sold(order: Order) -> list[str]:
    lines = [f"{line.quantity} x {line.name} (SKU {line.sku}), {_amount(line.unit_price)} each" for line in order.lines]
    return lines + [f"Gift card worth {_amount(card.amount)}, delivered by e-mail" for card in order.gift_cards]


def _account(order: Order, timezone: str, history: list[str]) -> str:
    """The sale in sentences, and as much of the newest history as fits behind them, told in order of time."""
    says = [
        f"Order {order.order_id} was placed on {day_of(order.placed_at, timezone)} for {_amount(order.total)},"
        f" of which {_amount(order.captured)} was charged to the card.",
    ]
    if order.refunded_outside.minor:
        says.append(f"{_amount(order.refunded_outside)} of it was refunded to the card.")
    if order.shipped_at is not None:
        says.append(f"It was shipped on {day_of(order.shipped_at, timezone)}.")
    if order.delivered_at is not None:
        says.append(f"It was delivered on {day_of(order.delivered_at, timezone)}.")
    head = " ".join(says) + "\n\nHistory, in UTC:\n"
    newest = _fitting(history, MAX_TEXT - len(head)).splitlines()
    return head + "\n".join(reversed(newest))


def _line(event: TimelineEvent) -> str:
    said = f": {' '.join(event.content.split())}" if event.content else ""
    what = f"{event.type} {event.status}" if event.status else str(event.type)
    return f"{rfc3339(event.at)} {what.replace('_', ' ')}{said}"


def _fitting(lines: Iterable[str], room: int = MAX_TEXT) -> str:
    """As many of the first lines as have room together; of a line that alone is longer, its beginning."""
    kept, left = list[str](), room
    for line in lines:
        if kept and len(line) + 1 > left:
            break
        kept.append(line[:left])
        left -= len(line) + 1
    return "\n".join(kept)


def _address(address: Address | None) -> str | None:
    if address is None:
        return None
    town = " ".join(filter(None, (address.city, address.state, address.postal_code)))
    parts = (address.name, address.company, address.address1, address.address2, town, address.country)
    return "\n".join(part for part in parts if part)


def _amount(amount: Money) -> str:
    return f"{amount.major} {amount.currency}"
