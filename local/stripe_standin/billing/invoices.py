"""What an invoice is: its lines, its totals, and the only ways it leaves draft and open.

Σ lines − Σ discounts = total; total + the customer's balance = amount due, and what is below zero stays on the balance.
Source: https://docs.stripe.com/invoicing/overview and https://docs.stripe.com/billing/customer/balance.
"""

from .. import payments
from ..accounts import Account, change
from ..currencies import MINIMUM
from ..errors import StripeError, invalid_request
from ..listing import DEFAULT_LIMIT
from ..shapes import JsonObject
from . import discounts as discounting
from . import lines as lining
from .calendar import DAY, HOUR

DRAFT_SECONDS = HOUR
"""How long a renewal's invoice stays a draft before it is finalised by itself."""


def draft(
    account: Account,
    customer_id: str,
    currency: str,
    lines: list[JsonObject],
    members: JsonObject,
    *,
    subscription: JsonObject | None = None,
    discounts: list[JsonObject] | None = None,
) -> JsonObject:
    """Store a draft over the given lines. Nothing is said yet: the caller does once the rest is in place."""
    customer = account.get("customer", customer_id)
    now = account.now()
    source = subscription or {}
    invoice = account.add(
        "invoice",
        {
            "account_country": "US",
            "account_name": "Till",
            "account_tax_ids": None,
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_paid_off_stripe": 0,
            "amount_remaining": 0,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": True,
            "automatic_tax": {
                "disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": "manual",
            "collection_method": source.get("collection_method", "charge_automatically"),
            "currency": currency,
            "custom_fields": None,
            "customer": customer_id,
            "customer_account": None,
            "customer_address": customer.get("address"),
            "customer_email": customer.get("email"),
            "customer_name": customer.get("name"),
            "customer_phone": customer.get("phone"),
            "customer_shipping": customer.get("shipping"),
            "customer_tax_exempt": customer.get("tax_exempt", "none"),
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [discount["id"] for discount in discounts or []],
            "due_date": None,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": None,
            "next_payment_attempt": None,
            "number": None,
            "on_behalf_of": None,
            "parent": _parent(subscription),
            "payment_settings": source.get("payment_settings") or {
                "default_mandate": None, "payment_method_options": None, "payment_method_types": None,
            },
            "period_end": now,
            "period_start": now,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": "draft",
            "status_details": None,
            "status_transitions": {
                "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
            },
            "subtotal": 0,
            "subtotal_excluding_tax": 0,
            "test_clock": None,
            "threshold_reason": None,
            "total": 0,
            "total_discount_amounts": [],
            "total_excluding_tax": 0,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": None,
        }
        | members,
    )  # fmt: skip
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        invoice["due_date"] = now + (source.get("days_until_due") or 0) * DAY
    set_lines(account, invoice, lines, discounts or [])
    if customer.get("currency") is None:
        customer["currency"] = currency
    return invoice


def take_pending(account: Account, customer_id: str, currency: str, subscription_id: str | None) -> list[JsonObject]:
    """Give the lines of the customer's pending items: those of this subscription and those of none."""
    found = [
        item
        for item in account.objects.get("invoiceitem", {}).values()
        if item["invoice"] is None
        and item["customer"] == customer_id
        and item["currency"] == currency
        and subscription_of(item) in {None, subscription_id}
    ]
    return [lining.of_pending(item) for item in found]


def subscription_of(thing: JsonObject) -> str | None:
    """Give the subscription an invoice or an invoice item belongs to."""
    details = (thing["parent"] or {}).get("subscription_details")
    return details["subscription"] if details else None


def lines_of(account: Account, invoice: JsonObject) -> list[JsonObject]:
    """Give all lines of an invoice; the invoice itself shows the first ten."""
    found: list[JsonObject] = account.behind(invoice["id"])["lines"]
    return found


def set_lines(account: Account, invoice: JsonObject, lines: list[JsonObject], discounts: list[JsonObject]) -> None:
    """Put the lines on a draft, mark the pending items they take up, and add everything up."""
    account.behind(invoice["id"])["lines"] = lines
    for line in lines:
        line["invoice"] = invoice["id"]
        details = line["parent"][line["parent"]["type"]]
        if details["invoice_item"] is not None:
            account.get("invoiceitem", details["invoice_item"])["invoice"] = invoice["id"]
    reducible = [line for line in lines if line["discountable"] and line["amount"] > 0]
    taken = discounting.taken_off(account, discounts, [line["amount"] for line in reducible])
    for discount_id, parts in taken:
        for line, part in zip(reducible, parts, strict=True):
            line["discount_amounts"] = [*line["discount_amounts"], {"amount": part, "discount": discount_id}]
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - sum(sum(parts) for _, parts in taken)
    balance = account.get("customer", invoice["customer"]).get("balance", 0)
    due = max(0, total + balance)
    change(
        invoice,
        {
            "lines": {
                "object": "list",
                "data": lines[:DEFAULT_LIMIT],
                "has_more": len(lines) > DEFAULT_LIMIT,
                "total_count": len(lines),
                "url": f"/v1/invoices/{invoice['id']}/lines",
            },
            "subtotal": subtotal,
            "subtotal_excluding_tax": subtotal,
            "total": total,
            "total_excluding_tax": total,
            "total_discount_amounts": [{"amount": sum(parts), "discount": one} for one, parts in taken],
            "starting_balance": balance,
            "amount_due": due,
            "amount_remaining": due,
        },
    )


def finalize(account: Account, invoice: JsonObject) -> None:
    """Open a draft: number it, settle it against the customer's balance, and say so; over nothing, it is paid at once.

    Raises:
        StripeError: 400 ``invoice_not_editable`` unless it is a draft.
    """
    if invoice["status"] != "draft":
        raise invalid_request(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", code="invoice_not_editable"
        )
    customer = account.get("customer", invoice["customer"])
    sequence = account.behind(customer["id"])
    sequence["invoices"] = sequence.get("invoices", 0) + 1
    balance: int = customer.get("balance", 0)
    due = max(0, invoice["total"] + balance)
    left = invoice["total"] + balance - due
    if 0 < due < MINIMUM.get(invoice["currency"], 1):
        # Too little for a card to carry: it waits on the balance for the next invoice.
        due, left = 0, due
    now = account.now()
    change(
        invoice,
        {
            "amount_due": due,
            "amount_remaining": due,
            "automatically_finalizes_at": None,
            "effective_at": now,
            "ending_balance": left,
            "hosted_invoice_url": f"https://invoice.stripe.com/i/{account.account_id}/{invoice['id']}",
            "invoice_pdf": f"https://pay.stripe.com/invoice/{account.account_id}/{invoice['id']}/pdf",
            "number": f"{customer['id'][-8:].upper()}-{sequence['invoices']:04}",
            "starting_balance": balance,
            "status": "open",
            "status_transitions": invoice["status_transitions"] | {"finalized_at": now},
        },
    )
    _set_balance(account, customer, left)
    account.emit("invoice.finalized", invoice)


def pay_off(account: Account, invoice: JsonObject, *, off_stripe: bool = False) -> None:
    """Record that all that was due is paid, and say so."""
    paid = invoice["amount_due"]
    change(
        invoice,
        {
            "amount_paid": paid,
            "amount_paid_off_stripe": paid if off_stripe else 0,
            "amount_remaining": 0,
            "attempted": True,
            "auto_advance": False,
            "next_payment_attempt": None,
            "status": "paid",
            "status_details": None,
            "status_transitions": invoice["status_transitions"] | {"paid_at": account.now()},
        },
    )
    account.emit("invoice.paid", invoice)
    account.emit("invoice.payment_succeeded", invoice)


def void(account: Account, invoice: JsonObject) -> None:
    """Void what is open or uncollectible, give back the balance it took, and say so; raise a 400 for another status."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise _wrong_status(invoice, "voided")
    stop_payment(account, invoice)
    customer = account.get("customer", invoice["customer"])
    _set_balance(
        account, customer, customer.get("balance", 0) - (invoice["ending_balance"] - invoice["starting_balance"])
    )
    _close(account, invoice, "void", "voided_at")
    account.emit("invoice.voided", invoice)


def mark_uncollectible(account: Account, invoice: JsonObject, reason: str = "user_forgiven") -> None:
    """Give up on an open invoice, and say so; it may still be paid later. Raises a 400 for another status."""
    if invoice["status"] != "open":
        raise _wrong_status(invoice, "marked uncollectible")
    _close(account, invoice, "uncollectible", "marked_uncollectible_at")
    invoice["status_details"] = {"uncollectible": {"reason": reason}}
    account.emit("invoice.marked_uncollectible", invoice)


def stop_payment(account: Account, invoice: JsonObject) -> None:
    """Cancel the payment intent of an invoice that is not to be paid by it any more."""
    intent = account.find("payment_intent", account.behind(invoice["id"]).get("payment_intent", ""))
    if intent is not None and intent["status"] in payments.CANCELABLE:
        payments.cancel(account, intent, "void_invoice")
    for payment in account.newest_first("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["status"] == "open":
            moments = payment["status_transitions"] | {"canceled_at": account.now()}
            change(payment, {"status": "canceled", "status_transitions": moments})


def _close(account: Account, invoice: JsonObject, status: str, moment: str) -> None:
    moments = invoice["status_transitions"] | {moment: account.now()}
    change(
        invoice,
        {"status": status, "auto_advance": False, "next_payment_attempt": None, "status_transitions": moments},
    )


def _wrong_status(invoice: JsonObject, what: str) -> StripeError:
    return invalid_request(f"This invoice cannot be {what} because it has a status of {invoice['status']}.")


def _set_balance(account: Account, customer: JsonObject, balance: int) -> None:
    if customer.get("deleted"):
        return
    previous = change(customer, {"balance": balance})
    if previous:
        account.emit("customer.updated", customer, previous)


def _parent(subscription: JsonObject | None) -> JsonObject | None:
    if subscription is None:
        return None
    details = {
        "metadata": dict(subscription["metadata"]),
        "subscription": subscription["id"],
        "subscription_proration_date": None,
    }
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
