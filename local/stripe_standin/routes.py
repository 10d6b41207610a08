"""Every endpoint the stand-in has. A new resource module adds its ``ROUTES`` here."""

from .resources import (
    billing_portal,
    charges,
    coupons,
    customers,
    disputes,
    events,
    invoice_items,
    invoices,
    meters,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
    subscriptions,
)

ROUTES = (
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *payment_intents.ROUTES,
    *setup_intents.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *products.ROUTES,
    *prices.ROUTES,
    *coupons.ROUTES,
    *meters.ROUTES,
    *subscriptions.ROUTES,
    *invoices.ROUTES,
    *invoice_items.ROUTES,
    *billing_portal.ROUTES,
    *events.ROUTES,
)
