"""Identifiers in Stripe's style: a prefix that names the kind, then random letters and digits."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits

PREFIXES = {
    "customer": "cus",
    "payment_method": "pm",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "event": "evt",
    "setup_intent": "seti",
    "dispute": "du",
    "balance_transaction": "txn",
    "product": "prod",
    "price": "price",
    "coupon": "coupon",
    "discount": "di",
    "subscription": "sub",
    "subscription_item": "si",
    "invoice": "in",
    "invoiceitem": "ii",
    "line_item": "il",
    "invoice_payment": "inpay",
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "billing.meter": "mtr",
    "billing.meter_event": "mev",
}


def random_text(length: int) -> str:
    """Give ``length`` random letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new(kind: str) -> str:
    """Give a fresh id for an object of ``kind``, for example ``pi_`` and 24 characters."""
    return f"{PREFIXES[kind]}_{random_text(24)}"
