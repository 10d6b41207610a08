"""Credits and debits for a change in the middle of a period, to the second.

The rule of Stripe's flexible billing mode, the default of the SDK's API version: a credit is the unused share of what
the item was last debited, whatever has changed since. So it never gives back more than was asked for.
Source: https://docs.stripe.com/billing/subscriptions/prorations.

Each amount is rounded once, halves away from zero. Discounts are in the amounts (``proration_discounts=included``).
"""

from ..accounts import Account
from ..shapes import JsonObject
from . import discounts, lines
from .calendar import Period
from .pricing import full_amount, share


def debited(account: Account, item: JsonObject, amount: int, period: Period) -> None:
    """Remember what the item was debited, net of discounts, and for which stretch."""
    account.behind(item["id"])["debit"] = {"amount": amount, "start": period.start, "end": period.end}


def credit(account: Account, subscription: JsonObject, item: JsonObject, moment: int) -> int:
    """Pend the credit for what is left of the item's last debit at ``moment``; give its amount (0 or negative)."""
    debit = account.behind(item["id"]).get("debit")
    if debit is None or debit["end"] <= moment:
        return 0
    start = max(moment, debit["start"])
    amount = share(debit["amount"], debit["end"] - start, debit["end"] - debit["start"])
    del account.behind(item["id"])["debit"]
    if amount:
        rest = Period(start, debit["end"], debit["start"])
        lines.pend_proration(account, subscription, item, rest, -amount)
    return -amount


def debit(account: Account, subscription: JsonObject, item: JsonObject, moment: int) -> int:
    """Pend what is left of the item's period at ``moment`` at its price and quantity now; give its amount."""
    rest = period_of(account, item).rest(moment)
    whole = net_of(account, subscription, item, moment)
    amount = share(whole, rest.end - rest.start, rest.whole_seconds)
    if amount:
        lines.pend_proration(account, subscription, item, rest, amount)
    debited(account, item, amount, rest)
    return amount


def period_of(account: Account, item: JsonObject) -> Period:
    """Give the item's current period, with where a whole one would have begun."""
    whole_start = account.behind(item["id"])["whole_start"]
    return Period(item["current_period_start"], item["current_period_end"], whole_start)


def set_period(account: Account, item: JsonObject, period: Period) -> None:
    """Put the item into a period."""
    item["current_period_start"], item["current_period_end"] = period.start, period.end
    account.behind(item["id"])["whole_start"] = period.whole_start


def net_of(account: Account, subscription: JsonObject, item: JsonObject, moment: int) -> int:
    """Give what a whole period of the item costs after the subscription's discounts, which its items share."""
    items = [one for one in subscription["items"]["data"] if licensed(one)]
    amounts = [full_amount(account, one["price"], one["quantity"]) for one in items]
    nets = discounts.net(account, discounts.active(account, subscription, moment), amounts)
    return next((net for one, net in zip(items, nets, strict=True) if one["id"] == item["id"]), 0)


def licensed(item: JsonObject) -> bool:
    """Tell whether an item is billed for its quantity, in advance; a metered one is billed for its usage, later."""
    return bool(item["price"]["recurring"]["usage_type"] == "licensed")
