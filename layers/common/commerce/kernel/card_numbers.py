"""Card numbers never enter Till: a field that holds one refuses the whole request, and is not logged."""

import re
from typing import Any

from commerce.kernel.errors import Invalid

# Letters and underscores next to the digits make it an id (hexadecimal ids have long runs of digits), not a card.
_CANDIDATE = re.compile(r"(?<!\w)\d(?:[ \-]?\d){12,18}(?!\w)")


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B check digit."""
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    plain = [int(d) for d in digits[-1::-2]]
    return (sum(d - 9 if d > 9 else d for d in doubled) + sum(plain)) % 10 == 0


def holds_card_number(text: str) -> bool:
    """Whether ``text`` contains 13 to 19 digits, blanks and dashes between them allowed, that pass the Luhn check."""
    return any(
        _passes_luhn(re.sub(r"\D", "", match.group())) and len(set(match.group()) - set(" -")) > 1
        for match in _CANDIDATE.finditer(text)
    )


def refuse_card_numbers(value: Any, field: str = "") -> None:
    """Walk parsed JSON; raise Invalid naming the first field that holds a card number (never its value)."""
    if isinstance(value, dict):
        for name, inner in value.items():
            refuse_card_numbers(str(name), field)
            refuse_card_numbers(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_card_numbers(inner, f"{field}.{index}")
    elif isinstance(value, str | int) and not isinstance(value, bool) and holds_card_number(str(value)):
        raise Invalid(
            "This field seems to hold a card number; send a token", field=field or "body", reason="card_number"
        )
