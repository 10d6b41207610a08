"""Documents as PDFs: headings stand on every page, no row is torn, and each document counts its own pages.

The same documents give the same bytes, so a PDF may be written any number of times. Needs the documents layer.
"""

from collections.abc import Iterator, Sequence
from functools import singledispatch
from io import BytesIO
from itertools import batched

from fpdf.enums import Align, TableBordersLayout, VAlign
from fpdf.fonts import FontFace

from commerce.documents.html import number
from commerce.documents.model import Document, Invoice, Pick, PickList, PickPlace, Slip
from commerce.documents.typesetting import TEXT, Sheet
from commerce.kernel.document_policy import Paper
from commerce.mails.rendering import amount, day

_SIZES = {Paper.A4: (210.0, 297.0), Paper.LETTER: (215.9, 279.4)}
_MARGIN, _FOOT = 15.0, 18.0
_TEXT, _SMALL, _NAME, _TITLE = 9.0, 7.5, 11.0, 18.0
_LEADING = 0.46  # from line to line, for each point of type
_LOGO = (60.0, 18.0)
_GAP = 6.0
_RULE = 0.1
_PADDING = 2.0  # right of a column
_MIDDLE = 0.55  # of the width: where what stands on the right begins
_HEADING = FontFace(emphasis="BOLD", size_pt=_SMALL)
_PICKS_IN_A_ROW = 60  # a row is never torn, so it must fit on a page

_TIMES = "\N{MULTIPLICATION SIGN}"

type Row = tuple[str, ...]


def render(documents: tuple[Document, ...], logo: bytes | None) -> bytes:
    """One PDF with all the documents; ``logo`` is a PNG."""
    pages = _Pages(documents, logo)
    for document in documents:
        pages.begin(document.title)
        _print(document, pages)
    pages.number()
    return bytes(pages.output())


class _Pages(Sheet):
    """The sheets of one shop's documents."""

    def __init__(self, documents: tuple[Document, ...], logo: bytes | None) -> None:
        sender = documents[0].sender
        super().__init__(*_SIZES[sender.paper], _MARGIN, documents[0].title)
        self.set_auto_page_break(True, margin=_FOOT)
        self.set_line_width(_RULE)
        self._sender, self._logo = sender, logo
        self._running = ""  # at the head of a document's further pages
        self._begins: list[int] = []  # the first page of each document

    def begin(self, title: str) -> None:
        """Begin a document on a new page."""
        self._running = ""
        self.add_page()
        self._begins.append(self.page)
        self._running = self.plain(f"{self._sender.name}  ·  {title}")

    def header(self) -> None:
        """What fpdf2 prints on each new page."""
        if self._running:
            self.set_font(TEXT, size=_SMALL)
            self.cell(self.epw, _SMALL * _LEADING, self._running, new_x="LMARGIN", new_y="NEXT")
            self.ln(3)

    def letterhead(self, title: str, facts: Sequence[str]) -> None:
        """The shop on the left, the document's name and facts on the right."""
        middle = self.l_margin + self.epw * _MIDDLE
        top = self.t_margin
        if self._logo is not None:
            placed = self.image(BytesIO(self._logo), self.l_margin, top, *_LOGO, keep_aspect_ratio=True)
            top += placed.rendered_height + 2
        width = middle - self.l_margin - _GAP
        left = self.column(self.l_margin, top, width, [self._sender.name], size=_NAME, bold=True)
        left = self.column(self.l_margin, left, width, self._sender.address)
        width = self.l_margin + self.epw - middle
        right = self.column(middle, self.t_margin, width, [title], size=_TITLE, bold=True)
        self.set_y(max(left, self.column(middle, right + 1, width, facts)) + _GAP)

    def parties(self, **parties: Sequence[str]) -> None:
        """Addresses beside each other, each under what it is."""
        top, width, bottom = self.y, self.epw * (1 - _MIDDLE), self.y
        for place, (label, lines) in enumerate(parties.items()):
            x = self.l_margin + place * self.epw * _MIDDLE
            below = self.column(x, top, width, [label.replace("_", " ").capitalize()], size=_SMALL, bold=True)
            bottom = max(bottom, self.column(x, below, width, lines))
        self.set_y(bottom + _GAP)

    def column(
        self, x: float, top: float, width: float, lines: Sequence[str], *, size: float = _TEXT, bold: bool = False
    ) -> float:
        """Print lines, wrapped, below each other; give where the next one would begin."""
        self.set_font(TEXT, "B" if bold else "", size)
        self.set_xy(x, top)
        for line in lines:
            self.multi_cell(width, size * _LEADING, self.plain(line), align="L", new_x="LEFT", new_y="NEXT")
        return self.y

    def rows(self, widths: Sequence[float], headings: Row, rows: Iterator[Row], numbers: frozenset[int]) -> None:
        """A table whose heading is repeated; ``widths`` in parts of the whole, ``numbers`` are columns of figures."""
        self.set_font(TEXT, size=_TEXT)
        with self.table(
            col_widths=tuple(widths),
            v_align=VAlign.T,
            text_align=tuple(Align.R if column in numbers else Align.L for column in range(len(widths))),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=_HEADING,
            line_height=_TEXT * _LEADING,
            padding=(0.8, _PADDING, 0.8, 0),
        ) as table:
            table.row(headings)
            for row in rows:
                table.row([self.plain(text) for text in row])
        self.set_font(TEXT, size=_TEXT)

    def sums(self, rows: Sequence[tuple[str, str, bool]]) -> None:
        """Labels and amounts at the right, together on one page; those marked are bold, below a rule."""
        height, width, right = _TEXT * _LEADING + 1.2, 40.0, self.l_margin + self.epw
        if self.will_page_break(height * len(rows) + 2):
            self.add_page()
        self.ln(2)
        for label, text, is_bold in rows:
            if is_bold:
                self.line(right - 2.5 * width, self.y, right, self.y)
            self.set_font(TEXT, "B" if is_bold else "", _TEXT)
            self.cell(self.epw - width, height, self.fitted(label, self.epw - width), align="R")
            self.cell(width - _PADDING, height, text, align="R", new_x="LMARGIN", new_y="NEXT")

    def fitted(self, label: str, width: float) -> str:
        """As much of a label as has room on one line."""
        text = self.plain(label)
        while self.get_string_width(text) > width:
            text = text[:-2].rstrip("…") + "…"
        return text

    def heading(self, text: str) -> None:
        """A heading that stands on the page of what it is about."""
        if self.will_page_break(30):
            self.add_page()
        self.ln(3)
        self.set_y(self.column(self.l_margin, self.y, self.epw, [text], size=_NAME, bold=True) + 1)

    def number(self) -> None:
        """The foot of every page, now that it is known how many there are."""
        self.set_auto_page_break(False)
        footer = self.plain(self._sender.footer or "")
        for first, after in zip(self._begins, [*self._begins[1:], len(self.pages) + 1], strict=True):
            for page in range(first, after):
                self.page = page
                self.set_font(TEXT, "B", _SMALL)  # another one first, so that the page is told of its font
                self.set_font(TEXT, "", _SMALL)
                self.set_xy(self.l_margin, -_FOOT + 5)
                self.multi_cell(self.epw - 30, _SMALL * _LEADING, footer, align="L", max_line_height=_SMALL * _LEADING)
                self.set_xy(self.l_margin + self.epw - 30, -_FOOT + 5)
                self.cell(30, _SMALL * _LEADING, f"Page {page - first + 1} of {after - first}", align="R")


@singledispatch
def _print(document: Document, pages: _Pages) -> None:
    raise TypeError(type(document))


@_print.register
def _slip(document: Slip, pages: _Pages) -> None:
    facts = [f"Order {document.order_id}", f"Placed on {day(document.placed_on)}"]
    pages.letterhead(
        "Packing slip", [*facts, *([f"Shipping: {document.shipping_method}"] if document.shipping_method else [])]
    )
    pages.parties(ship_to=document.ship_to)
    if document.is_partial:
        widths, headings = (18, 38, 11, 11, 11, 11), ("Ordered", "Sent before", "In this parcel", "To follow")
    else:
        widths, headings = (20, 52, 14, 14), ("Ordered", "In this parcel")  # type: ignore[assignment]
    rows = (
        (line.sku, line.name, *map(str, (line.ordered, line.sent, line.packed, line.waiting)))
        if document.is_partial
        else (line.sku, line.name, str(line.ordered), str(line.packed))
        for line in document.lines
    )
    pages.rows(widths, ("SKU", "Item", *headings), rows, frozenset(range(2, len(widths))))
    pages.sums([("Units in this parcel", str(document.units), True)])


@_print.register
def _invoice(document: Invoice, pages: _Pages) -> None:
    pages.letterhead(
        "Invoice",
        [
            document.number,
            f"Issued on {day(document.issued_on)}",
            f"Order {document.order_id}",
            f"Placed on {day(document.placed_on)}",
        ],
    )
    pages.parties(bill_to=document.bill_to, ship_to=document.ship_to)
    headings = ("SKU", "Item", "Quantity", "Unit price", "Discount", "Tax", f"Amount ({document.currency})")
    rows = (
        (line.sku, line.name, str(line.quantity), *map(number, (line.unit_price, line.discount, line.tax, line.amount)))
        for line in document.lines
    )
    pages.rows((16, 32, 9, 11, 10, 9, 13), headings, rows, frozenset(range(2, 7)))
    pages.sums([(label, amount(money) if is_sum else number(money), is_sum) for label, money, is_sum in document.sums])


@_print.register
def _pick_list(document: PickList, pages: _Pages) -> None:
    pages.letterhead("Pick list", [f"Orders: {len(document.orders)}", f"Units: {document.units}"])
    for place in document.places:
        pages.heading(f"Warehouse {place.warehouse_id}: {place.units} units")
        pages.rows(
            (20, 36, 8, 36),
            ("SKU", "Item", "Units", f"For order number {_TIMES} units"),
            _picked(place),
            frozenset({2}),
        )
    pages.heading("Orders")
    orders = ((str(place), order.order_id, str(order.units)) for place, order in enumerate(document.orders, start=1))
    pages.rows((12, 70, 18), ("Number", "Order", "Units"), orders, frozenset({2}))


def _picked(place: PickPlace) -> Iterator[Row]:
    for row in place.rows:
        first, *further = batched(row.picks, _PICKS_IN_A_ROW, strict=False)
        yield row.sku, row.name, str(row.units), _picks(first)
        yield from (("", f"{row.sku}, further orders", "", _picks(picks)) for picks in further)


def _picks(picks: Sequence[Pick]) -> str:
    return ", ".join(f"{pick.place}{_TIMES}{pick.units}" for pick in picks)  # no blanks, at which a line could end
