"""Printed documents: page breaks, page numbers, scripts, and the same bytes each time."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from commerce.documents import html, pdf
from commerce.documents.model import (
    Document,
    Invoice,
    InvoiceLine,
    Payment,
    Pick,
    PickedOrder,
    PickList,
    PickPlace,
    PickRow,
    Sender,
    Slip,
    SlipLine,
)
from commerce.kernel.document_policy import Paper
from commerce.kernel.money import Money, total

DAY = date(2026, 11, 20)
SENDER = Sender("Nordlys & Søn", ("1 Dock Street",), "VAT 123", Paper.A4, None)
TO = ("Jane Doe", "123 Main St")
LONG = "A name that goes on and on, with many words in it, so that it needs several lines of the table. " * 2
MARGIN = 15 * 72 / 25.4  # points


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def invoice(*names: str, number: str = "INV-000001") -> Invoice:
    zero = usd(0)
    lines = tuple(
        InvoiceLine(f"SKU-{place:04d}", name, 1, usd(1000), zero, zero) for place, name in enumerate(names, start=1)
    )
    worth = total([each.amount for each in lines], "USD")
    return Invoice(
        number=number,
        issued_on=DAY,
        order_id="order_1",
        placed_on=DAY,
        sender=SENDER,
        bill_to=TO,
        ship_to=TO,
        currency="USD",
        lines=lines,
        discount_names=(),
        subtotal=worth,
        discount=zero,
        shipping=zero,
        tax=zero,
        total=worth,
        payments=(Payment("Card", worth),),
    )


def slip(*names: str) -> Slip:
    lines = tuple(SlipLine(f"SKU-{place}", name, 1, 1, 0, 0) for place, name in enumerate(names, start=1))
    return Slip("order_1", DAY, SENDER, TO, "Standard", lines)


def opened(*documents: Document) -> PdfDocument:
    return PdfDocument(pdf.render(documents, None))


def text(page: Any) -> str:
    read: str = page.get_textpage().get_text_bounded()
    return read.replace("\r\n", "\n")


def test_an_invoice_of_300_lines_has_each_line_once_and_whole_under_a_heading() -> None:
    pages = [text(page) for page in opened(invoice(*(LONG if number % 7 == 0 else "Item" for number in range(300))))]

    assert len(pages) > 8
    assert all("SKU Item Quantity Unit price Discount Tax Amount (USD)" in page for page in pages[:-1])
    rows = [number for page in pages for number in re.findall(r"^SKU-(\d{4})", page, re.MULTILINE)]
    assert rows == [f"{number:04d}" for number in range(1, 301)]
    assert sum(page.count("several lines") for page in pages) == 2 * 43
    ends_with_a_whole_row = [
        page.count("A name that goes on") == page.count("several lines of the table") for page in pages
    ]
    assert all(ends_with_a_whole_row)


def test_every_page_tells_its_number_and_of_which_document_it_is() -> None:
    pages = [
        text(page) for page in opened(invoice(*["Item"] * 120), slip("Shirt"), invoice("Mug", number="INV-000002"))
    ]

    own = [re.search(r"Page \d+ of \d+", page)[0] for page in pages]  # type: ignore[index]
    first = len(pages) - 2
    assert own == [f"Page {number} of {first}" for number in range(1, first + 1)] + ["Page 1 of 1"] * 2
    assert all("Invoice INV-000001" in page for page in pages[1:first])
    assert all("VAT 123" in page for page in pages)


def test_nothing_stands_in_the_margins_or_over_the_foot() -> None:
    document = opened(invoice(*[LONG, "W" * 120, "商品" * 60, "คำ" * 60] * 20))

    for page in document:
        width, height = page.get_size()
        bounds = [each.get_bounds() for each in page.get_objects()]
        assert min(left for left, _, _, _ in bounds) > MARGIN - 3
        assert max(right for _, _, right, _ in bounds) < width - MARGIN + 3
        assert max(top for _, _, _, top in bounds) < height - MARGIN + 6
        foot = [top for _, bottom, _, top in bounds if bottom < 13 * 72 / 25.4]
        assert max(foot) < 15 * 72 / 25.4


@pytest.mark.parametrize("lines", range(20, 60, 3))
def test_the_sums_stand_together_on_one_page(lines: int) -> None:
    pages = [text(page) for page in opened(invoice(*["Item"] * lines))]

    assert [page for page in pages if "Subtotal" in page] == [page for page in pages if "Amount due" in page]


@pytest.mark.parametrize(
    "name",
    [
        "Łódź, Đặng & Søn €5 \u2013 “quoted”",
        "Ελληνικά",
        "Українська",
        "عربي",
        "עברית",
        "日本語の商品名",
        "简体中文",
        "繁體中文",
        "한국어",
        "<script>alert(1)</script> **bold** {nb}",
    ],
)
def test_a_name_prints_in_its_own_script_and_as_it_is_written(name: str) -> None:
    (page,) = opened(slip(name))

    assert f"SKU-1 {name} 1 1" in text(page)


@pytest.mark.parametrize("name", ["हिन्दी कमीज़", "เสื้อยืด", "ქართული"])
def test_scripts_whose_letters_join_have_no_box_among_them(name: str) -> None:
    (page,) = opened(slip(name))

    assert "□" not in text(page)
    assert not page.get_textpage().search("\ufffd").get_next()


def test_what_cannot_be_printed_is_a_box_and_what_is_invisible_is_left_out() -> None:
    (page,) = opened(slip("Gift 🎁 \u202eevil\u0000 box"))

    assert "Gift □ evil box" in text(page)


def test_the_same_documents_give_the_same_bytes() -> None:
    document = invoice("日本語", "Item", LONG)

    assert pdf.render((document,), None) == pdf.render((document,), None)


def test_a_pick_list_of_200_orders_names_each_of_them_and_tears_no_row() -> None:
    orders = tuple(PickedOrder(f"order_{number:03d}x", 2) for number in range(1, 201))
    picks = tuple(Pick(number, 2) for number in range(1, 201))
    rows = (PickRow("SKU-1", "Shirt", picks), PickRow("SKU-2", "Mug", picks[:1]))
    listed = PickList(SENDER, orders, (PickPlace("wh_1", rows), PickPlace("wh_2", rows[1:])))

    printed = "\n".join(text(page) for page in opened(listed))

    found = re.findall(r"(\d+)\u00d72", printed)
    assert sorted(map(int, found)) == sorted([*range(1, 201), 1, 1])
    assert re.findall(r"order_(\d{3})x", printed) == [f"{number:03d}" for number in range(1, 201)]
    assert "Warehouse wh_1: 402 units" in printed


def test_a_page_says_what_its_pdf_says() -> None:
    document = replace(invoice("<b>Shirt</b>"), discount=usd(100), discount_names=("<i>",), total=usd(900))

    page = html.render((document,), None)

    assert "&lt;b&gt;Shirt&lt;/b&gt;" in page
    assert "Discount (&lt;i&gt;)" in page
    assert "<b>" not in page
    assert "http" not in page
    assert "<script" not in page


def test_a_very_long_discount_is_cut_where_its_line_ends() -> None:
    document = replace(invoice("Shirt"), discount=usd(100), discount_names=("SUMMER" * 60,))
    (page,) = opened(document)

    assert re.search(r"Discount \(SUMMER(SUMMER)+\w*…\s+-1\.00", text(page))
