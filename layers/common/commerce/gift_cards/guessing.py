"""How often strangers may show serial and PIN (contract GC-05, GC-06, X-10).

An address asks 30 times a minute. After five misses about one serial within an hour, be there such a card or not, it
rests for everybody, and takes another guess each twelve minutes.
"""

from collections.abc import Mapping
from typing import Any

from commerce.gift_cards import serials
from commerce.limits.budgets import Budgets
from commerce.limits.model import Quota


def _serial(arguments: Mapping[str, Any]) -> str:
    shown = arguments.get("query") or arguments["body"]
    return serials.normalise(shown.serial)


BUDGETS = Budgets("gift-cards", calls=Quota(30, seconds=60), misses=Quota(5), subject=_serial)
