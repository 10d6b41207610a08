"""The label that a customer prints and puts on a parcel that comes back.

One A6 page. The same label gives the same bytes, so it may be written any number of times.

Needs the documents layer.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from barcode import Code128  # type: ignore[import-untyped]
from fpdf.enums import MethodReturnValue

from commerce.documents.typesetting import TEXT as TYPEFACE
from commerce.documents.typesetting import Sheet

# Millimetres from here on; sizes of type are in points.
_PAGE = (105.0, 148.0)
_MARGIN = 6.0
_WIDTH = _PAGE[0] - 2 * _MARGIN
_LEADING = 0.43  # from line to line, for each point of type: a fifth more than its size
_SMALL, _TEXT, _LARGE, _HUGE = 7.0, 8.5, 12.0, 24.0

_RECIPIENT, _SENDER, _NUMBER, _BARS, _ORDER, _ITEMS = 6.0, 48.0, 76.0, 88.0, 111.0, 115.5  # where each part begins
_RECIPIENT_LINES, _SENDER_LINES, _CONTENT_LINES, _NOTE_LINES = 7, 6, 7, 2
_BAR_HEIGHT = 20.0
_MODULE_AT_MOST, _MODULE_AT_LEAST = 0.5, 0.25  # a hand-held scanner reads a quarter of a millimetre off plain paper
_QUIET = 10  # modules without ink on both sides, as Code 128 asks


@dataclass(frozen=True, slots=True)
class ReturnLabel:
    """What is printed. Lines of an address are as they shall read; an item is its name and its units."""

    rma_number: str
    order_number: str
    shop: str
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    items: tuple[tuple[str, int], ...]
    note: str | None


def render(label: ReturnLabel) -> bytes:
    """The label as a PDF: what is too long for its place is wrapped, then cut.

    Raises:
        ValueError: the RMA number has other than printable ASCII characters, or so many (28 letters fit) that its
            barcode could not be scanned.
    """
    bars = _bars(label.rma_number)
    pdf = Sheet(*_PAGE, _MARGIN, f"Return {label.rma_number}")
    pdf.set_auto_page_break(False)
    pdf.add_page()

    _address(pdf, _RECIPIENT, "RETURN TO", label.recipient, _RECIPIENT_LINES, _LARGE)
    _rule(pdf, _SENDER - 2)
    _address(pdf, _SENDER, "FROM", label.sender, _SENDER_LINES, _TEXT)
    _rule(pdf, _NUMBER - 2)
    _number(pdf, label.rma_number)
    _draw(pdf, bars)
    _contents(pdf, label)
    return bytes(pdf.output())


def _address(pdf: Sheet, top: float, heading: str, lines: Sequence[str], most: int, size: float) -> None:
    pdf.set_font(TYPEFACE, size=_SMALL)
    top = _lines(pdf, top, [heading])
    pdf.set_font(TYPEFACE, style="B" if size == _LARGE else "", size=size)
    _lines(pdf, top + 0.5, _fitted(pdf, lines, most))


def _number(pdf: Sheet, number: str) -> None:
    pdf.set_font(TYPEFACE, style="B", size=_HUGE)
    pdf.set_font_size(min(_HUGE, _HUGE * _WIDTH / pdf.get_string_width(number)))
    pdf.set_xy(_MARGIN, _NUMBER)
    pdf.cell(_WIDTH, _HUGE * _LEADING, number, align="C")


def _contents(pdf: Sheet, label: ReturnLabel) -> None:
    pdf.set_font(TYPEFACE, style="B", size=_TEXT)
    _lines(pdf, _ORDER, _fitted(pdf, [f"Order {label.order_number} - {label.shop}"], 1))
    pdf.set_font(TYPEFACE, size=_TEXT)
    note = _fitted(pdf, [label.note or ""], _NOTE_LINES)
    room = _CONTENT_LINES - len(note)
    items = [f"{units} x {name}" for name, units in label.items]
    if len(items) > room:
        items[room - 1 :] = [f"and {len(items) - room + 1} more"]
    _lines(pdf, _ITEMS, [*_fitted(pdf, items, room), *note])


def _bars(number: str) -> str:
    """The modules of Code 128, ``1`` for ink."""
    if not (number and number.isascii() and number.isprintable()):
        raise ValueError(f"no barcode for {number!r}")
    pattern: str = Code128(number).build()[0]
    if _module(pattern) < _MODULE_AT_LEAST:
        raise ValueError(f"too long for a barcode: {number!r}")
    return pattern


def _module(pattern: str) -> float:
    return min(_MODULE_AT_MOST, _WIDTH / (len(pattern) + 2 * _QUIET))


def _draw(pdf: Sheet, pattern: str) -> None:
    module = _module(pattern)
    x = (_PAGE[0] - len(pattern) * module) / 2
    for ink, run in groupby(pattern):
        width = len(list(run)) * module
        if ink == "1":
            pdf.rect(x, _BARS, width, _BAR_HEIGHT, style="F")
        x += width


def _rule(pdf: Sheet, y: float) -> None:
    pdf.line(_MARGIN, y, _PAGE[0] - _MARGIN, y)


def _lines(pdf: Sheet, top: float, lines: Sequence[str]) -> float:
    """Print each as it is, and give where the next one would begin."""
    height = pdf.font_size_pt * _LEADING
    for line in lines:
        pdf.set_xy(_MARGIN, top)
        pdf.cell(_WIDTH, height, line)
        top += height
    return top


def _fitted(pdf: Sheet, texts: Sequence[str], most: int) -> list[str]:
    """The texts in at most so many lines: each has one, those that need more have what is left, the first ones first.

    Of an address, the town and the country stand last, and a long name must not push them out.
    """
    printed = [text for each in texts if (text := pdf.plain(each))]
    if len(printed) > most:
        printed[most - 1 :] = [", ".join(printed[most - 1 :])]
    fitted: list[str] = []
    for index, text in enumerate(printed):
        room = most - len(fitted) - (len(printed) - index - 1)
        rows = _wrapped(pdf, text)
        fitted += rows if len(rows) <= room else [*rows[: room - 1], _cut(pdf, " ".join(rows[room - 1 :]))]
    return fitted


def _wrapped(pdf: Sheet, text: str) -> list[str]:
    return cast("list[str]", pdf.multi_cell(_WIDTH, text=text, align="L", dry_run=True, output=MethodReturnValue.LINES))


def _cut(pdf: Sheet, text: str) -> str:
    kept = bisect_right(range(len(text)), _WIDTH, key=lambda length: pdf.get_string_width(text[:length] + "...")) - 1
    return text[:kept].rstrip() + "..."
