"""How often a gift card's PIN may be guessed: one lock for all doors that take serial and PIN (contract GC-05, GC-06).

Five misses about a serial, be there such a card or not, and it rests for a while: for strangers and for signed-in
customers together.
"""

from collections.abc import Callable, Mapping
from typing import Any

from commerce.gift_cards import serials
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota


def budgets(serial: Callable[[Mapping[str, Any]], str]) -> Budgets:
    """The budgets of a route whose arguments hold a serial, as it was typed; addresses count on public routes only."""
    return Budgets(
        "gift-card",
        calls=Quota(30, seconds=60),
        misses=Quota(5),
        subject=lambda arguments: serials.normalise(serial(arguments)),
    )
