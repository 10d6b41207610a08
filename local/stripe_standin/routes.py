"""Every endpoint the stand-in has. A new resource module adds its ``ROUTES`` here."""

from .resources import charges, customers, events, payment_intents, payment_methods, refunds

ROUTES = (
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *payment_intents.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *events.ROUTES,
)
