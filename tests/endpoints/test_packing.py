"""PK-01…PK-04: slips, invoices and pick lists through their handlers, their links, and how a shop's documents look."""

import io
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from PIL import Image
from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from commerce.documents import model, pdf
from commerce.kernel import clock
from commerce.kernel.caller import Role
from commerce.orders import store as orders
from commerce.orders.model import Order
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential

SCRIPT = "<script>alert(1)</script>"
SHIRT, MUG = Decimal("29.99"), Decimal("7.5")
TWO_SHIRTS_AND_A_MUG = Decimal("67.48")


@dataclass
class Packing:
    """A shop with a customer, shirts in one warehouse, and mugs in another."""

    shop: Shop
    stripe: Stripe
    jane: Credential
    shirt: Any
    mug: Any
    bucket: Any

    def place(self, shirts: int = 2, mugs: int = 1) -> str:
        wanted = ((self.shirt["id"], shirts), (self.mug["id"], mugs))
        return self.shop.order(self.jane, *(each for each in wanted if each[1]))

    def sell(self, shirts: int = 2, mugs: int = 1) -> str:
        """An order that is paid."""
        order_id = self.place(shirts, mugs)
        intent = self.shop.start_payment(order_id, self.order(order_id).total.minor)
        assert self.stripe.pay(intent) == "succeeded"
        self.shop.settle(self.stripe)
        return order_id

    def order(self, order_id: str) -> Order:
        found = orders.find(TENANT, order_id)
        assert found is not None
        return found

    def ask(self, document: str, **request: Any) -> Answered:
        answered: Answered = self.shop.call(f"admin/packing/get_{document}", **request)
        return answered

    def get(self, document: str, **request: Any) -> Any:
        answered = self.ask(document, **request)
        assert answered.status == 200, answered.text
        return answered.body["data"]

    def follow(self, url: str, **changed: str) -> Answered:
        """Open a link to a document, or one that somebody has ``changed``."""
        link = urlsplit(url)
        token = parse_qs(link.query)["token"][0]
        sent = {"name": link.path.removeprefix("/files/"), "token": token} | changed
        answered: Answered = self.shop.call(
            "storefront/files/download_file", name=sent["name"], query={"token": sent["token"]}
        )
        return answered

    def download(self, url: str) -> PdfDocument:
        """What the link leads to, out of the bucket that the answer points into."""
        opened = self.follow(url)
        assert opened.status == 302, opened.text
        key = urlsplit(opened.headers["Location"]).path.removeprefix(f"/{self.bucket.name}/").lstrip("/")
        return PdfDocument(self.bucket.Object(key).get()["Body"].read())

    def brand(self, **documents: Any) -> Any:
        owner = replace(self.shop.merchant, role=Role.OWNER)
        return self.shop.do(
            "v2/access/update_tenant", by=owner, id=TENANT.tenant_id, body={"documents": documents}, method="PATCH"
        )


@pytest.fixture
def packing(call: Call, table: Any, stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packing]:
    monkeypatch.setenv("API_URL", "https://api.example.com")
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    shop = Shop(call).open()
    shirt = shop.product("TEE", SHIRT, name="Shirt", stock=30)
    mug = shop.product("MUG", MUG, name="Mug", stock=10, warehouse="wh_002")
    yield Packing(shop, stripe, shop.customer(), shirt, mug, bucket)
    check(table.scan()["Items"])
    bucket.objects.all().delete()
    bucket.delete()


class Visible(HTMLParser):
    """The texts of a page, and the elements it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


def text(document: PdfDocument) -> str:
    return "\n".join(page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document)


def refused(answered: Answered) -> tuple[int, str]:
    details = answered.body["error"]["details"]
    return answered.status, details[0]["code"] if details else answered.body["error"]["code"]


# Packing slips


def test_a_slip_says_what_lies_in_the_parcel_and_where_it_goes_and_no_price(packing: Packing) -> None:
    order_id = packing.sell()

    slip = packing.get("slip", order_id=order_id)

    assert slip["order_id"] == order_id
    printed = text(packing.download(slip["download_url"]))
    for said in (" ".join(Visible(slip["html_content"]).texts), printed):
        assert all(
            each in said for each in ("Packing slip", order_id, "Jane Doe", "123 Main St", "62701", "TEE", "Mug")
        )
        assert not any(price in said for price in ("29.99", "59.98", "7.50", "67.48", "USD"))
    assert re.search(r"^TEE Shirt 2 2$", printed, re.MULTILINE)
    assert "Units in this parcel 3" in printed.replace("\n", " ")


def test_the_link_to_a_slip_is_an_address_of_the_api_that_ends_with_pdf_and_soon(packing: Packing) -> None:
    order_id = packing.sell()
    at = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    with clock.use(lambda: at):
        slip = packing.get("slip", order_id=order_id)

    assert slip["download_url"].startswith(f"https://api.example.com/files/slip_{order_id}.pdf?token=")
    assert slip["download_expires_at"] == "2026-11-22T10:15:00Z"


def test_a_cancelled_order_has_no_slip(packing: Packing) -> None:
    order_id = packing.place()
    packing.shop.do("admin/orders/cancel_order", order_id=order_id, body={"reason": "customer_request"})

    assert refused(packing.ask("slip", order_id=order_id)) == (409, "not_packable")


def test_slips_of_several_orders_come_in_one_page_and_one_pdf_each_with_its_own_pages(packing: Packing) -> None:
    first, second = packing.sell(), packing.sell(1, 0)

    slips = packing.get("slip", order_id=first, query={"order_ids": f"{second},{first}"})

    assert slips["order_ids"] == [first, second]
    document = packing.download(slips["download_url"])
    assert [[first, second][number] in text([page]) for number, page in enumerate(document)] == [True, True]
    assert text(document).count("Page 1 of 1") == 2
    assert slips["html_content"].count("<section>") == 2


def test_of_further_orders_the_one_that_does_not_exist_is_named(packing: Packing) -> None:
    order_id = packing.sell()

    for document in ("slip", "invoice"):
        answered = packing.ask(document, order_id=order_id, query={"order_ids": "order_none"})

        assert refused(answered) == (422, "unknown_order")
        assert "order_none" in answered.body["error"]["message"]
        assert packing.ask(document, order_id="order_none").status == 404


@pytest.mark.parametrize("listed", ["order_1,", "a#b", ",".join(f"order_{number}" for number in range(100))])
def test_a_list_of_orders_that_cannot_be_is_refused(packing: Packing, listed: str) -> None:
    assert packing.ask("slip", order_id=packing.place(), query={"order_ids": listed}).status == 422


def test_orders_whose_lines_would_take_too_long_to_print_are_refused(
    packing: Packing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = packing.sell(), packing.sell()
    packing.get("invoice", order_id=first)
    packing.get("invoice", order_id=second)
    monkeypatch.setattr(model, "MAX_LINES", 3)

    for document in ("slip", "invoice"):
        assert packing.ask(document, order_id=first).status == 200
        both = packing.ask(document, order_id=first, query={"order_ids": second})
        assert refused(both) == (422, "too_large")
    assert refused(packing.ask("pick_list", query={"order_ids": f"{first},{second}"})) == (422, "too_large")


# Invoices


def test_an_invoice_says_what_was_sold_and_how_it_was_paid(packing: Packing) -> None:
    order_id = packing.sell()

    invoice = packing.get("invoice", order_id=order_id)

    assert invoice["invoice_number"] == "INV-000001"
    printed = text(packing.download(invoice["download_url"]))
    assert re.search(r"^TEE Shirt 2 29\.99 0\.00 0\.00 59\.98$", printed, re.MULTILINE), printed
    flat = printed.replace("\n", " ")
    for sum_ in ("Subtotal 67.48", "Total 67.48 USD", "Paid by Card 67.48", "Amount due 0.00 USD"):
        assert sum_ in flat
    seen = " ".join(Visible(invoice["html_content"]).texts)
    for each in ("INV-000001", order_id, "TEE Shirt 2 29.99 0.00 0.00 59.98", "Total 67.48 USD", "Paid by Card 67.48"):
        assert each in seen


def test_gift_cards_and_store_credit_are_payments_and_take_nothing_off_the_total(packing: Packing) -> None:
    shop = packing.shop
    card = shop.do("admin/gift_cards/issue_gift_card", body={"amount": 20})
    shop.do(
        "admin/store_credit/issue_store_credit",
        body={"customer_id": packing.jane.customer_id, "amount": 5, "reason": "goodwill"},
    )
    shop.add_to_cart(packing.jane, packing.shirt["id"], 2)
    shop.do("storefront/carts/add_cart_gift_card", by=packing.jane, body={"serial": card["code"], "pin": card["pin"]})
    cart = shop.do("storefront/carts/get_cart", by=packing.jane)
    shop.do("storefront/checkouts/apply_store_credit", by=packing.jane, checkout_id=cart["id"])
    order_id = shop.do("storefront/carts/checkout_cart", by=packing.jane)["order_id"]
    due = packing.order(order_id).outstanding.minor
    assert packing.stripe.pay(shop.start_payment(order_id, due)) == "succeeded"
    shop.settle(packing.stripe)

    printed = text(packing.download(packing.get("invoice", order_id=order_id)["download_url"])).replace("\n", " ")

    assert f"Total 59.98 USD Paid by Gift card …{card['code'][-4:]} 20.00 Paid by Store credit 5.00" in printed
    assert "Paid by Card 34.98 Amount due 0.00 USD" in printed
    assert card["code"] not in printed
    assert "Discount -" not in printed


def test_asking_again_gives_the_same_invoice_and_takes_no_other_number(packing: Packing) -> None:
    first, second = packing.sell(), packing.sell()

    numbers = [packing.get("invoice", order_id=each)["invoice_number"] for each in (first, second, first, second)]

    assert numbers == ["INV-000001", "INV-000002"] * 2


def test_an_invoice_stays_what_it_was_when_the_order_and_the_shop_change(packing: Packing) -> None:
    packing.brand(address=["1 Dock Street"])
    order_id = packing.sell()
    before = packing.get("invoice", order_id=order_id)
    packing.brand(address=["Elsewhere"])
    packing.shop.do("admin/orders/cancel_order", order_id=order_id, body={"reason": "customer_request", "refund": True})
    packing.shop.settle(packing.stripe)

    after = packing.get("invoice", order_id=order_id)

    assert packing.order(order_id).status == "cancelled"
    assert after["html_content"] == before["html_content"]
    assert "1 Dock Street" in after["html_content"]


def test_an_order_that_is_not_paid_has_no_invoice_and_takes_no_number(packing: Packing) -> None:
    unpaid, paid = packing.place(), packing.sell()

    assert refused(packing.ask("invoice", order_id=unpaid)) == (409, "not_invoiceable")
    assert refused(packing.ask("invoice", order_id=paid, query={"order_ids": unpaid})) == (409, "not_invoiceable")
    assert packing.get("invoice", order_id=paid)["invoice_number"] == "INV-000001"


def test_invoices_of_several_orders_are_numbered_in_the_order_they_are_asked_for(packing: Packing) -> None:
    first, second, third = packing.sell(), packing.sell(), packing.sell()
    packing.get("invoice", order_id=second)

    invoices = packing.get("invoice", order_id=third, query={"order_ids": f"{first},{second}"})

    assert invoices["order_ids"] == [third, first, second]
    assert invoices["invoice_numbers"] == ["INV-000002", "INV-000003", "INV-000001"]


# Pick lists


def test_a_pick_list_groups_by_warehouse_and_sku_and_counts_units(packing: Packing) -> None:
    first, second = packing.sell(2, 1), packing.sell(5, 0)

    listed = packing.get("pick_list", query={"order_ids": f"{first},{second}"})

    assert (listed["order_count"], listed["item_count"], listed["not_pickable"]) == (2, 8, [])
    assert listed["pick_list_id"].startswith("picklist_")
    assert f"/files/{listed['pick_list_id']}.pdf?" in listed["download_url"]
    printed = text(packing.download(listed["download_url"]))
    places = printed.index("Warehouse wh_001: 7 units"), printed.index("Warehouse wh_002: 1 units")
    assert places[0] < printed.index("TEE Shirt 7 1\u00d72, 2\u00d75") < places[1] < printed.index("MUG Mug 1 1\u00d71")
    assert [line for line in printed.splitlines() if first in line or second in line] == [
        f"1 {first} 3",
        f"2 {second} 5",
    ]


def test_nothing_is_picked_for_orders_that_are_not_paid_or_have_left(packing: Packing) -> None:
    paid, unpaid, gone = packing.sell(1, 0), packing.place(1, 0), packing.sell(1, 0)
    packing.shop.move(gone, "shipped")

    listed = packing.get("pick_list", query={"order_ids": f"{unpaid},{paid},{gone}", "format": "html"})

    assert (listed["order_count"], listed["item_count"], listed["not_pickable"]) == (1, 1, [unpaid, gone])
    assert paid in listed["html_content"]
    assert unpaid not in listed["html_content"]
    nothing = packing.get("pick_list", query={"order_ids": unpaid})
    assert (nothing["order_count"], nothing["item_count"]) == (0, 0)
    assert len(packing.download(nothing["download_url"])) == 1


def test_the_same_pick_list_has_the_same_id_and_another_one_another(packing: Packing) -> None:
    first, second = packing.sell(), packing.sell()

    def id_of(*order_ids: str) -> str:
        return str(packing.get("pick_list", query={"order_ids": ",".join(order_ids)})["pick_list_id"])

    assert id_of(first, second) == id_of(first, second) != id_of(first)


def test_a_pick_list_names_the_order_that_does_not_exist(packing: Packing) -> None:
    answered = packing.ask("pick_list", query={"order_ids": f"{packing.sell()},order_none"})

    assert refused(answered) == (422, "unknown_order")
    assert "order_none" in answered.body["error"]["message"]


# What customers write


def test_a_name_that_is_a_script_or_runs_from_right_to_left_prints_as_text(packing: Packing) -> None:
    rtl, hebrew, japanese = "محمد علي", "דוד לוי", "山田太郎"
    shirt = packing.shop.product("RTL", 5, name=f"{SCRIPT} {rtl}", stock=5)
    address = {"name": f"{hebrew} {japanese}", "street": SCRIPT, "city": "Haifa", "zip": "1", "country": "IL"}
    items = [{"product_id": shirt["id"], "quantity": 1}]
    body = {"customer_id": packing.jane.customer_id, "items": items, "shipping_address": address}
    order_id = packing.shop.do("admin/orders/create_order", body=body)["id"]
    packing.stripe.pay(packing.shop.start_payment(order_id, 500))
    packing.shop.settle(packing.stripe)

    for document in ("slip", "invoice"):
        answered = packing.get(document, order_id=order_id)
        page = Visible(answered["html_content"])
        assert "script" not in page.elements
        assert f"{SCRIPT} {rtl}" in page.texts
        assert f"{hebrew} {japanese}" in page.texts
        printed = text(packing.download(answered["download_url"]))
        assert SCRIPT in printed
        words = f"{rtl} {hebrew} {japanese}".split()  # a line with both directions reads from left to right
        assert [word for word in words if word not in printed] == []
    picked = packing.get("pick_list", query={"order_ids": order_id, "format": "html"})
    assert "script" not in Visible(picked["html_content"]).elements


# Links


def test_a_pdf_is_printed_when_it_is_first_downloaded_and_once(
    packing: Packing, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip = packing.get("slip", order_id=packing.sell())
    printed: list[bytes] = []
    render = pdf.render

    def counting(*arguments: Any) -> bytes:
        printed.append(render(*arguments))
        return printed[-1]

    monkeypatch.setattr(pdf, "render", counting)
    assert [each.key for each in packing.bucket.objects.all() if each.key.endswith(".pdf")] == []
    opened = [packing.follow(slip["download_url"]) for _ in range(3)]

    assert len(printed) == 1
    assert {each.status for each in opened} == {302}
    assert {each.headers["Cache-Control"] for each in opened} == {"no-store"}
    assert "X-Amz-Expires=900" in opened[0].headers["Location"]


def test_a_link_that_is_over_or_was_changed_leads_nowhere(packing: Packing) -> None:
    order_id = packing.sell()
    slip = packing.get("slip", order_id=order_id)
    other = packing.get("invoice", order_id=order_id)
    token = parse_qs(urlsplit(slip["download_url"]).query)["token"][0]
    stolen = parse_qs(urlsplit(other["download_url"]).query)["token"][0]

    good = packing.follow(slip["download_url"])
    refusals = [
        packing.follow(slip["download_url"], token=stolen),
        packing.follow(slip["download_url"], token=token[:-2]),
        packing.follow(slip["download_url"], token=("B" if token[0] == "A" else "A") + token[1:]),
        packing.follow(slip["download_url"], token="x"),
        packing.follow(slip["download_url"], name="slip_order_other.pdf"),
    ]

    with clock.use(lambda: datetime.now(UTC) + timedelta(minutes=16)):
        refusals.append(packing.follow(slip["download_url"]))

    assert good.status == 302
    assert {each.status for each in refusals} == {404}
    assert len({each.body["error"]["message"] for each in refusals}) == 1


def test_another_shop_gets_neither_the_documents_nor_their_orders(packing: Packing) -> None:
    order_id = packing.sell()
    packing.get("invoice", order_id=order_id)
    stranger = Credential(tenant=OTHER_TENANT)

    for document in ("slip", "invoice"):
        theirs = packing.ask(document, order_id=order_id, credential=stranger)
        assert theirs.body["error"]["message"] == packing.ask(document, order_id="order_none").body["error"]["message"]
        assert theirs.status == 404
    assert refused(packing.ask("pick_list", query={"order_ids": order_id}, credential=stranger)) == (
        422,
        "unknown_order",
    )
    keys = {each.key for each in packing.bucket.objects.all()}
    assert all(key.startswith(f"documents/{TENANT.tenant_id}/{TENANT.mode}/") for key in keys)


def test_without_the_bucket_the_caller_may_try_again(packing: Packing) -> None:
    order_id = packing.sell()
    packing.bucket.objects.all().delete()
    packing.bucket.delete()
    try:
        answered = packing.ask("invoice", order_id=order_id)
    finally:
        packing.bucket.create()

    assert (answered.status, "Retry-After" in answered.headers) == (503, True)
    assert packing.get("invoice", order_id=order_id)["invoice_number"] == "INV-000001"


# How a shop's documents look


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100)) -> str:
    written = io.BytesIO()
    Image.new("RGB", size, (20, 90, 160)).save(written, kind)
    return b64encode(written.getvalue()).decode()


def test_documents_carry_the_shops_logo_address_and_footer_on_its_paper(packing: Packing) -> None:
    shown = packing.brand(address=["1 Dock Street", "Portland"], footer="VAT US123", paper="a4", logo=picture("JPEG"))

    assert shown["documents"] == {
        "address": ["1 Dock Street", "Portland"],
        "footer": "VAT US123",
        "paper": "a4",
        "has_logo": True,
    }
    slip = packing.get("slip", order_id=packing.sell())
    document = packing.download(slip["download_url"])
    assert [round(side / 72 * 25.4) for side in document[0].get_size()] == [210, 297]
    assert all(each in text(document) for each in ("Shop", "1 Dock Street", "VAT US123"))
    assert "image" in {type_of(each) for each in document[0].get_objects()}
    assert 'src="data:image/png;base64,' in slip["html_content"]
    assert "size: A4" in slip["html_content"]


def type_of(each: Any) -> str:
    return "image" if type(each).__name__ == "PdfImage" else "other"


def test_what_is_taken_away_is_gone_and_what_is_left_out_stays(packing: Packing) -> None:
    packing.brand(address=["1 Dock Street"], footer="VAT US123", paper="a4", logo=picture())

    shown = packing.brand(footer=None, paper=None, logo=None)

    assert shown["documents"] == {"address": ["1 Dock Street"], "footer": None, "paper": "letter", "has_logo": False}
    slip = packing.get("slip", order_id=packing.sell())
    assert [round(side / 72 * 25.4) for side in packing.download(slip["download_url"])[0].get_size()] == [216, 279]
    assert "<img" not in slip["html_content"]


@pytest.mark.parametrize(
    "logo",
    [
        "not base64!",
        b64encode(b"GIF89a nothing").decode(),
        b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(),
        b64encode(b"MZ\x90\x00 an executable").decode(),
        picture()[: len(picture()) // 2 // 4 * 4],
        picture(size=(8000, 2001)),
    ],
    ids=["words", "gif", "svg", "executable", "half a picture", "too many pixels"],
)
def test_a_logo_that_is_no_picture_is_refused_and_nothing_changes(packing: Packing, logo: str) -> None:
    owner = replace(packing.shop.merchant, role=Role.OWNER)
    body = {"documents": {"logo": logo, "footer": "Changed"}}

    answered = packing.shop.call("v2/access/update_tenant", credential=owner, id=TENANT.tenant_id, body=body)

    assert refused(answered) == (422, "bad_logo")
    assert packing.shop.do("v2/access/list_tenants", by=owner)["data"][0]["documents"]["footer"] is None
    assert not list(packing.bucket.objects.all())


def test_a_logo_is_kept_small_and_without_what_came_with_it(packing: Packing) -> None:
    written = io.BytesIO()
    Image.new("RGB", (3000, 500)).save(written, "JPEG", comment=b"PK\x03\x04 something else")
    packing.brand(logo=b64encode(written.getvalue()).decode())

    (kept,) = packing.bucket.objects.all()
    content = kept.get()["Body"].read()

    assert kept.key.startswith(f"logos/{TENANT.tenant_id}/")
    assert Image.open(io.BytesIO(content)).size == (1200, 200)
    assert b"something else" not in content
