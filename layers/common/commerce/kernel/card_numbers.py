"""Card numbers never enter Till: a field that holds one refuses the whole request, and is not logged."""

import re
from decimal import Decimal
from itertools import accumulate
from typing import Any

from commerce.kernel.errors import Invalid

# Letters and underscores next to the digits make it an id (hexadecimal ids have long runs of digits), not a card.
_RUN = re.compile(r"(?<!\w)\d+(?:[ \-]\d+)*(?!\w)")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # a digit's double, and of that the sum of its digits


def holds_card_number(text: str) -> bool:
    """Whether ``text`` contains 13 to 19 digits, blanks and dashes between them allowed, that pass the Luhn check.

    People write an expiry date or a security code next to the number, so every part of a run of digits counts that
    begins and ends where a group of them does.
    """
    return any(_in_run(match.group()) for match in _RUN.finditer(text) if len(match.group()) >= 13)


def _in_run(run: str) -> bool:
    """Whether a card number stands in a run of groups of digits (Luhn check: ISO/IEC 7812-1 annex B)."""
    groups = run.replace("-", " ").split()
    digits = [int(digit) for group in groups for digit in group]
    # Sums up to each place, with every digit at an odd or at an even place doubled: a part's check is one subtraction.
    sums = [
        list(accumulate((_DOUBLED[d] if at % 2 == odd else d for at, d in enumerate(digits)), initial=0))
        for odd in (0, 1)
    ]
    ends = list(accumulate(map(len, groups)))
    for index, start in enumerate([0, *ends[:-1]]):
        for end in ends[index : index + 19]:
            if end - start > 19:
                break
            checks = sums[end % 2]  # the last digit, at end - 1, is not doubled
            if end - start >= 13 and (checks[end] - checks[start]) % 10 == 0 and len(set(digits[start:end])) > 1:
                return True
    return False


def _text(value: str | int | Decimal) -> str:
    """``value`` as its digits: 4.2e15 and 4200000000000000.0 are the same number to whoever reads it later."""
    return str(int(value)) if isinstance(value, Decimal) and 12 <= value.adjusted() <= 18 else str(value)


def refuse_card_numbers(value: Any, field: str = "") -> None:
    """Walk parsed JSON; raise Invalid naming the first field that holds a card number (never its value)."""
    if isinstance(value, dict):
        for name, inner in value.items():
            refuse_card_numbers(str(name), field)
            refuse_card_numbers(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_card_numbers(inner, f"{field}.{index}")
    elif isinstance(value, str | int | Decimal) and not isinstance(value, bool) and holds_card_number(_text(value)):
        raise Invalid(
            "This field seems to hold a card number; send a token", field=field or "body", reason="card_number"
        )
