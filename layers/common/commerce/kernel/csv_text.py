"""CSV for spreadsheets (RFC 4180), of which no cell is a formula."""

import csv
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO

_FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are wide forms of the first


def table(rows: Iterable[Iterable[object]]) -> str:
    """Rows as text, each ended by CR LF. Numbers stay numbers, without an exponent; None is an empty cell."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return str(cell) if isinstance(cell, int) else defused(str(cell))


def defused(cell: str) -> str:
    """A cell that a spreadsheet shows as it is: an apostrophe goes before what it would take for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULAS) else cell
