"""Invoice lines and pending invoice items. Amounts are integer minor units; a credit is negative."""

from datetime import UTC, datetime
from decimal import Decimal

from .. import ids
from ..accounts import Account
from ..currencies import written
from ..shapes import JsonObject
from .calendar import Period
from .pricing import Charge, charges, rounded

TIMES = "\N{MULTIPLICATION SIGN}"


def for_item(
    account: Account, subscription: JsonObject, item: JsonObject, period: Period, quantity: int
) -> list[JsonObject]:
    """Give the lines a subscription item comes to for a whole period."""
    price = item["price"]
    return [
        _line(
            subscription["currency"],
            charge.amount,
            _described(account, price, charge),
            period,
            {
                "parent": _item_parent(subscription["id"], item["id"], None),
                "pricing": _pricing(price, charge.unit_amount_decimal),
                "quantity": charge.quantity,
                "subscription": subscription["id"],
                "metadata": dict(item["metadata"]),
                "livemode": account.livemode,
            },
        )
        for charge in charges(account, price, quantity)
    ]


def stub(account: Account, subscription: JsonObject, item: JsonObject, period: Period, amount: int) -> JsonObject:
    """Give the one line of a first period that is shorter than a whole one."""
    name = named(account, item)
    made = for_item(account, subscription, item, period, 0)[0]
    return made | {
        "amount": amount,
        "subtotal": amount,
        "description": f"{name} (until {_date(period.end)})",
        "quantity": item.get("quantity", 0),
        "parent": _item_parent(subscription["id"], item["id"], None, proration=True),
    }


def trial(account: Account, subscription: JsonObject, item: JsonObject, period: Period) -> JsonObject:
    """Give the line, over nothing, of an item on trial."""
    return stub(account, subscription, item, period, 0) | {
        "description": f"Trial period for {named(account, item)}",
        "parent": _item_parent(subscription["id"], item["id"], None),
    }


def pend(account: Account, customer_id: str, currency: str, amount: int, members: JsonObject) -> JsonObject:
    """Store a pending invoice item, which the next invoice takes up, and say so."""
    now = account.now()
    item = account.add(
        "invoiceitem",
        {
            "amount": amount,
            "currency": currency,
            "customer": customer_id,
            "customer_account": None,
            "date": now,
            "description": None,
            "discountable": amount > 0,
            "discounts": [],
            "invoice": None,
            "net_amount": amount,
            "parent": None,
            "period": {"start": now, "end": now},
            "pricing": None,
            "proration": False,
            "proration_details": None,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": None,
        }
        | members,
    )
    del item["created"]
    account.emit("invoiceitem.created", item)
    return item


def pend_proration(
    account: Account, subscription: JsonObject, item: JsonObject, period: Period, amount: int
) -> JsonObject:
    """Store the pending credit (negative) or debit of a change in mid-period. Discounts are already in its amount."""
    what = "Unused" if amount < 0 else "Remaining"
    return pend(
        account,
        subscription["customer"],
        subscription["currency"],
        amount,
        {
            "description": f"{what} time on {named(account, item)} after {_date(period.start)}",
            "discountable": False,
            "parent": {
                "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
                "type": "subscription_details",
            },
            "period": {"start": period.start, "end": period.end},
            "pricing": _pricing(item["price"], item["price"]["unit_amount_decimal"]),
            "proration": True,
            "proration_details": {"credited_items": None, "discount_amounts": []},
            "quantity": item.get("quantity", 1),
            "quantity_decimal": str(item.get("quantity", 1)),
        },
    )


def of_pending(item: JsonObject) -> JsonObject:
    """Give the line that takes up a pending invoice item."""
    details = (item["parent"] or {}).get("subscription_details")
    if item["proration"] and details:
        parent = _item_parent(details["subscription"], details["subscription_item"], item["id"], proration=True)
    else:
        inner = {
            "invoice_item": item["id"],
            "proration": item["proration"],
            "proration_details": {"credited_items": None},
            "subscription": details["subscription"] if details else None,
        }
        parent = {"invoice_item_details": inner, "subscription_item_details": None, "type": "invoice_item_details"}
    return _line(
        item["currency"],
        item["amount"],
        item["description"],
        Period(item["period"]["start"], item["period"]["end"], item["period"]["start"]),
        {
            "discountable": item["discountable"],
            "livemode": item["livemode"],
            "metadata": dict(item["metadata"]),
            "parent": parent,
            "pricing": item["pricing"],
            "quantity": item["quantity"],
            "subscription": details["subscription"] if details else None,
        },
    )


def named(account: Account, item: JsonObject) -> str:
    """Give ``3 x Gold``, or ``Gold`` for one of it."""
    product = account.find("product", item["price"]["product"])
    name = str(product["name"]) if product else item["price"]["product"]
    return f"{item['quantity']} {TIMES} {name}" if item.get("quantity", 1) > 1 else name


def pricing_of(price: JsonObject) -> JsonObject:
    """Give the ``pricing`` member of an item or line that bills ``price``."""
    return _pricing(price, price["unit_amount_decimal"])


def _line(currency: str, amount: int, description: str | None, period: Period, members: JsonObject) -> JsonObject:
    quantity = members["quantity"]
    return {
        "id": ids.new("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "period": {"start": period.start, "end": period.end},
        "pretax_credit_amounts": [],
        "quantity_decimal": str(quantity),
        "subtotal": amount,
        "taxes": [],
    } | members


def _pricing(price: JsonObject, unit: str | None) -> JsonObject:
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": unit,
    }


def _item_parent(
    subscription_id: str, item_id: str | None, invoice_item: str | None, *, proration: bool = False
) -> JsonObject:
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": invoice_item,
            "proration": proration,
            "proration_details": {"credited_items": None},
            "subscription": subscription_id,
            "subscription_item": item_id,
        },
        "type": "subscription_item_details",
    }


def _described(account: Account, price: JsonObject, charge: Charge) -> str:
    product = account.find("product", price["product"])
    name = product["name"] if product else price["product"]
    every = price["recurring"]["interval"]
    if price["recurring"]["interval_count"] > 1:
        every = f"every {price['recurring']['interval_count']} {every}s"
    at = charge.note or f"at {written(rounded(Decimal(charge.unit_amount_decimal)), price['currency'])}"
    return f"{charge.quantity} {TIMES} {name} ({at} / {every})"


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%d %b %Y}"
