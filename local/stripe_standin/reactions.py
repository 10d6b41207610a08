"""What Stripe does by itself, when something happens and when time passes."""

from collections.abc import Mapping

from . import disputes, payments
from .accounts import React
from .agenda import Source
from .billing import collection, creation, renewal

REACTIONS: Mapping[str, tuple[React, ...]] = {
    "payment_intent.succeeded": (collection.on_paid, disputes.on_paid),
    "payment_intent.payment_failed": (collection.on_failed,),
    "payment_intent.requires_action": (collection.on_action_required,),
    "payment_intent.processing": (collection.on_processing,),
    "setup_intent.succeeded": (creation.on_set_up,),
}
"""By the type of the event; they run after it was told, in this order."""

SOURCES: tuple[Source, ...] = (payments.tasks, renewal.tasks, collection.tasks, disputes.tasks)
"""Where what falls due comes from."""
