"""The ends of a subscription: canceled now or at the end of its period, or expired before its first payment."""

from ..accounts import Account
from ..errors import invalid_request
from ..shapes import JsonObject
from . import cycle, invoices, proration, status
from .calendar import HOUR

INCOMPLETE_SECONDS = 23 * HOUR
"""How long a first payment may take."""


def cancel(account: Account, subscription: JsonObject, reason: str = "cancellation_requested") -> None:
    """End it now, stop collecting what is open, and say so; raise a 404 when it has ended already."""
    if subscription["status"] in status.ENDED:
        raise invalid_request(
            f"No such subscription: '{subscription['id']}'", code="resource_missing", param="id", status=404
        )
    now = account.now()
    details = subscription["cancellation_details"] | {"reason": reason}
    subscription |= {
        "status": "canceled",
        "status_details": None,
        "canceled_at": subscription["canceled_at"] or now,
        "cancellation_details": details,
        "ended_at": now,
        "pause_collection": None,
    }
    for invoice in account.objects.get("invoice", {}).values():
        if invoices.subscription_of(invoice) == subscription["id"] and invoice["status"] in {"draft", "open"}:
            invoice |= {"auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
    account.emit("customer.subscription.deleted", subscription)


def expire(account: Account, subscription: JsonObject) -> None:
    """End a subscription whose first invoice was not paid in time; the invoice is void."""
    with status.telling(account, subscription):
        subscription |= {"status": "incomplete_expired", "ended_at": account.now()}
    invoice = account.find("invoice", subscription["latest_invoice"] or "")
    if invoice is not None and invoice["status"] == "open":
        invoices.void(account, invoice)


def bill_last(
    account: Account, subscription: JsonObject, usage: list[JsonObject], reason: str = "subscription_update"
) -> JsonObject | None:
    """Draft the last invoice, over unbilled usage and what is pending; None when that is nothing."""
    pending = invoices.take_pending(account, subscription["customer"], subscription["currency"], subscription["id"])
    return cycle.bill(account, subscription, reason, usage) if pending or usage else None


def release(account: Account, invoice: JsonObject) -> None:
    """Let the last invoice of a canceled subscription be finalised and collected in its hour, and say it is there."""
    invoice |= {
        "auto_advance": True,
        "automatically_finalizes_at": account.now() + invoices.DRAFT_SECONDS,
    }
    account.emit("invoice.created", invoice)


def credit_unused(account: Account, subscription: JsonObject) -> None:
    """Pend the credits for what is left of every item's period."""
    for item in subscription["items"]["data"]:
        proration.credit(account, subscription, item, account.now())


def drop_pending(account: Account, subscription: JsonObject) -> None:
    """Remove the prorations that no invoice has taken up: after a cancellation nobody is to pay them."""
    for item in list(account.objects.get("invoiceitem", {}).values()):
        pending = item["invoice"] is None and invoices.subscription_of(item) == subscription["id"]
        if pending and item["proration"]:
            del account.objects["invoiceitem"][item["id"]]
            account.emit("invoiceitem.deleted", item)
