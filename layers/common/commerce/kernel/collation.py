"""Texts that sort as values do, for the keys of lists. Those of instants are ``clock.sortable``'s."""

BELOW = "\0"  # ends a text in a key, below every character, so that "Tee" stands before "Tee, blue"
_CHARACTERS = 200  # of a text: an index key holds 1,024 bytes


def of_text(text: str) -> str:
    """In alphabetical order whatever the case; beyond 200 characters all are alike."""
    return text.casefold()[:_CHARACTERS]


def of_amount(thousandths: int) -> str:
    """In order of an amount in thousandths of the major unit, which every currency's minor unit is a multiple of."""
    return f"{thousandths:018d}"
