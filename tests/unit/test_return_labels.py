"""The label of a return: what a scanner and a reader get from the page."""

from dataclasses import replace

import pytest
import zxingcpp
from PIL import Image, ImageOps
from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from commerce.returns.label_documents import ReturnLabel, render

MILLIMETRE = 72 / 25.4  # in points
DPI = 300
LABEL = ReturnLabel(
    rma_number="RMA-7K3M-9Q2X",
    order_number="10482",
    shop="Nordlys",
    sender=("Ida Sørensen", "Vesterbrogade 12", "1620 København V", "Denmark"),
    recipient=("Nordlys Returns", "Dock 4", "Havnegade 31", "5000 Odense C", "Denmark"),
    items=(("Wool jumper, grey, M", 1), ("Lamp shade", 2)),
    note="Please keep the tags on.",
)
LONG = "A line that goes on and on, WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW, " * 3
CROWDED = replace(
    LABEL,
    order_number=LONG,
    shop=LONG,
    sender=(LONG,) * 5 + ("Sender's country",),
    recipient=(LONG,) * 6 + ("Recipient's country",),
    items=((LONG, 1),) * 40,
    note=LONG,
)


def picture(pdf: bytes) -> Image.Image:
    document = PdfDocument(pdf)
    assert len(document) == 1
    image: Image.Image = document[0].render(scale=DPI / 72).to_pil().convert("L")
    return image


def scanned(pdf: bytes) -> list[tuple[str, zxingcpp.BarcodeFormat]]:
    return [(found.text, found.format) for found in zxingcpp.read_barcodes(picture(pdf))]


def text(pdf: bytes) -> str:
    read: str = PdfDocument(pdf)[0].get_textpage().get_text_bounded()
    return read.replace("\r\n", "\n")


def bands(pdf: bytes) -> list[tuple[float, float]]:
    """From where to where, in points up the page, there is something: each line of text, each rule, and the bars.
    Two that touch are one."""
    edges = [each.get_bounds() for each in PdfDocument(pdf)[0].get_objects()]
    found: list[tuple[float, float]] = []
    for bottom, top in sorted((round(bottom, 1), round(top, 1)) for _, bottom, _, top in edges):
        if found and bottom < found[-1][1]:
            found[-1] = (found[-1][0], max(top, found[-1][1]))
        else:
            found.append((bottom, top))
    return found


@pytest.mark.parametrize(
    "number",
    ["RMA-7K3M-9Q2X", "RMA-0000-0000", "RMA-1234567", "RMA-WWWW-WWWW", "20261122001", "RMA-7K3M-9Q2X-00123", "W" * 28],
)
def test_a_scanner_reads_the_rma_number(number: str) -> None:
    pdf = render(replace(LABEL, rma_number=number))

    assert scanned(pdf) == [(number, zxingcpp.BarcodeFormat.Code128)]
    assert number in text(pdf).splitlines()


@pytest.mark.parametrize("number", ["", "RMA-Ø", "RMA\n1", "W" * 29])
def test_a_number_that_no_scanner_could_read_gets_no_label(number: str) -> None:
    with pytest.raises(ValueError, match="barcode"):
        render(replace(LABEL, rma_number=number))


def test_the_longest_number_has_ten_modules_without_ink_on_both_sides_of_its_bars() -> None:
    page = picture(render(replace(LABEL, rma_number="W" * 28)))
    middle = round(98 / 25.4 * DPI)
    left, _, right, _ = ImageOps.invert(page.crop((0, middle, page.width, middle + 1))).getbbox() or (0, 0, 0, 0)

    module = (right - left) / (11 * (28 + 2) + 13)  # start and check beside the letters, and the stop
    assert module * 25.4 / DPI > 0.25
    assert min(left, page.width - right) > 10 * module + 5.9 / 25.4 * DPI


def test_a_label_is_one_a6_page_with_all_that_it_says() -> None:
    pdf = render(LABEL)

    width, height = PdfDocument(pdf)[0].get_size()
    assert (width / MILLIMETRE, height / MILLIMETRE) == pytest.approx((105, 148), abs=0.1)
    assert text(pdf).splitlines() == [
        "RETURN TO",
        *LABEL.recipient,
        "FROM",
        *LABEL.sender,
        "RMA-7K3M-9Q2X",
        "Order 10482 - Nordlys",
        "1 x Wool jumper, grey, M",
        "2 x Lamp shade",
        "Please keep the tags on.",
    ]


def test_a_label_written_again_is_the_same_to_the_byte() -> None:
    pdf = render(LABEL)

    assert render(LABEL) == pdf
    assert PdfDocument(pdf).get_metadata_value("CreationDate") == "D:20000101000000Z"  # not when it was written


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script> **bold** & Søn", "{nb} __under__ --cut-- ~~gone~~", r"(\) Tj \n 5€ “quoted”"]
)
def test_a_name_prints_as_it_is_written(name: str) -> None:
    pdf = render(replace(LABEL, sender=(name,), items=((name, 1),)))

    assert name in text(pdf).splitlines()
    assert f"1 x {name}" in text(pdf).splitlines()


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Łódź, Đặng", "Łódź, Đặng"),
        ("Mu\u0308ller\u200b", "Müller"),
        ("two\nlines\tin one", "two lines in one"),
        ("محمد", "محمد"),
        ("דוד", "דוד"),
        ("王小明 🎁", "王小明 □"),
        ("홍길동", "홍길동"),
    ],
)
def test_names_print_in_their_own_script_and_what_no_typeface_has_as_a_box(name: str, printed: str) -> None:
    pdf = render(replace(LABEL, sender=(name, "Denmark")))

    assert printed in text(pdf).splitlines()
    assert scanned(pdf) == [(LABEL.rma_number, zxingcpp.BarcodeFormat.Code128)]


def test_many_items_are_counted_where_they_have_no_room() -> None:
    printed = text(render(replace(LABEL, items=tuple((f"Item {number}", 1) for number in range(1, 41)))))

    assert "1 x Item 5\nand 35 more\nPlease keep the tags on." in printed
    assert "Item 6" not in printed


def test_as_many_items_as_there_is_room_for_are_all_named() -> None:
    printed = text(render(replace(LABEL, items=tuple((f"Item {number}", 1) for number in range(1, 8)), note=None)))

    assert "1 x Item 7" in printed
    assert "more" not in printed


def test_too_much_text_stays_on_the_page_and_off_the_barcode() -> None:
    pdf = render(CROWDED)

    left, top, right, bottom = ImageOps.invert(picture(pdf)).getbbox() or (0, 0, 0, 0)
    inches = 25.4 / DPI
    assert min(left * inches, top * inches, 105 - right * inches, 148 - bottom * inches) > 5.5
    assert scanned(pdf) == [(LABEL.rma_number, zxingcpp.BarcodeFormat.Code128)]


def test_lines_rules_and_bars_do_not_run_into_each_other() -> None:
    found = bands(render(CROWDED))

    assert len(found) == 1 + 7 + 1 + 1 + 6 + 1 + 1 + 1 + 1 + 7  # heading, address, rule; again; number, bars, contents


def test_a_long_name_does_not_push_the_country_off_an_address() -> None:
    printed = text(render(CROWDED)).splitlines()

    assert "Recipient's country" in printed
    assert "Sender's country" in printed


def test_more_lines_than_an_address_has_share_the_last_one() -> None:
    printed = text(render(replace(LABEL, recipient=tuple(f"Line {number}" for number in range(1, 10)))))

    assert "Line 6\nLine 7, Line 8, Line 9\nFROM" in printed
