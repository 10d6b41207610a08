"""The last part of ``make demo``: a coupon, a parcel, its papers, its tracking, and what waits for stock."""

import time
import uuid
from decimal import Decimal
from typing import Any

import httpx

from local.buyer import Buyer, expect
from local.stack.shop import call

_WITHIN_SECONDS = 60


def apply_coupon(buyer: Buyer) -> Decimal:
    """Make a coupon and put it into the customer's cart; give what the cart costs then."""
    code = f"DEMO{uuid.uuid4().hex[:6].upper()}"
    buyer.step("A coupon: a tenth off, for ten orders at most")
    body = {"code": code, "discount_type": "percentage", "discount_value": 10, "max_uses": 10}
    buyer.ask(
        "POST",
        "/admin/coupons",
        who="TILL_API_KEY",
        status=201,
        json=body,
        show=lambda answer: {name: answer["data"][name] for name in ("code", "usage_count", "max_uses")},
    )
    buyer.step("The customer has it; looking at it uses nothing up")
    cart = buyer.ask(
        "POST",
        "/cart/coupon",
        who="TILL_CUSTOMER_TOKEN",
        status=201,
        json={"code": code.lower()},
        show=lambda answer: {name: answer["data"][name] for name in ("subtotal", "discount", "total")},
    )["data"]
    expect(cart["discount"] > 0, "the coupon takes something off")
    return Decimal(cart["total"])


def pack(buyer: Buyer, order_id: str) -> None:
    """Print what goes into the parcel and with it."""
    buyer.step("What to fetch from the shelves, the packing slip and the invoice, as PDFs")
    for path in (
        f"/admin/packing/pick-list?order_ids={order_id}&format=pdf",
        f"/admin/packing/slip/{order_id}",
        f"/admin/packing/invoice/{order_id}",
    ):
        document = buyer.ask("GET", path, who="TILL_API_KEY")["data"]
        printed = httpx.get(document["download_url"], follow_redirects=True, timeout=60, trust_env=False)
        expect(printed.content.startswith(b"%PDF"), f"{path} is a PDF")
        buyer.tell(f"a PDF of {len(printed.content) // 1024} KB")


def ship(buyer: Buyer, order_id: str) -> None:
    """Send one unit, and then the rest."""
    order = buyer.ask("GET", f"/admin/orders/{order_id}", who="TILL_API_KEY")["data"]
    line = order["items"][0]
    buyer.step("One of the two units leaves, and the customer gets a mail; the other follows the next day")
    for number, items in enumerate(([{"order_item_id": line["id"], "quantity": 1}], None), start=1):
        parcel = {
            "order_id": order_id,
            "tracking_number": f"1Z999AA1012345678{number}",
            "carrier": "UPS",
            "notify_customer": True,
        }
        buyer.ask(
            "POST",
            "/admin/fulfillment/ship",
            who="TILL_API_KEY",
            json=parcel if items is None else parcel | {"items": items},
            show=lambda answer: answer["data"],
        )


def track(buyer: Buyer, order_id: str) -> None:
    """Follow the parcels by a QR code."""
    buyer.step("The customer's QR code leads to the parcels, for a while and without an account")
    code = buyer.ask("GET", f"/orders/{order_id}/qr", who="TILL_CUSTOMER_TOKEN")["data"]
    image = httpx.get(code["qr_code_url"], timeout=60, trust_env=False)
    expect(image.status_code == 200, "the QR code can be fetched")
    buyer.tell(f"{image.headers['content-type']}, {len(image.content)} bytes")


def wait_for_stock(buyer: Buyer) -> None:
    """Sell more than there is, and let the rest arrive."""
    buyer.step("A product that may be sold before it is there: one on the shelf, three wanted")
    sku = f"DEMO-{uuid.uuid4().hex[:8]}"
    body = {"name": "Walnut stool", "sku": sku, "price": 89, "when_out_of_stock": "backorder"}
    product = buyer.ask("POST", "/v2/products", who="TILL_API_KEY", status=201, json=body)["id"]
    stock = f"/v2/inventory/{product}/adjust"
    buyer.ask("POST", stock, who="TILL_API_KEY", status=201, json={"quantity": 1, "reason": "restock"})
    order = buyer.ask(
        "POST",
        "/orders",
        who="TILL_CUSTOMER_TOKEN",
        status=201,
        json={"items": [{"product_id": product, "quantity": 3}]},
        show=lambda answer: {name: answer["data"][name] for name in ("id", "status", "total")},
    )["data"]
    waiting = _backorders(buyer, product, show=True)
    expect(sum(each["remaining"] for each in waiting) == 2, "two of them wait")
    buyer.step("Five arrive: what waits gets its units by itself, the longest waiting first")
    buyer.ask("POST", stock, who="TILL_API_KEY", status=201, json={"quantity": 5, "reason": "restock"})
    began = time.monotonic()
    while _backorders(buyer, product):
        expect(time.monotonic() - began < _WITHIN_SECONDS, f"nothing was allocated for {_WITHIN_SECONDS} s")
        time.sleep(0.3)
    buyer.tell(f"allocated after {time.monotonic() - began:.1f} s")
    buyer.ask(
        "GET",
        f"/v2/inventory/{product}",
        who="TILL_API_KEY",
        show=lambda body: {name: body[name] for name in ("total_available", "total_reserved")},
    )
    buyer.ask("POST", f"/orders/{order['id']}/cancel", who="TILL_CUSTOMER_TOKEN")


def _backorders(buyer: Buyer, product_id: str, *, show: bool = False) -> list[dict[str, Any]]:
    """What waits of a product."""
    if show:
        told = buyer.ask("GET", "/admin/backorders", who="TILL_API_KEY", show=lambda body: body["data"][:1])
    else:
        told = call(buyer.url, "GET", "/admin/backorders", buyer.credential("TILL_API_KEY")).json()
    return [each for each in told["data"] if each["product_id"] == product_id]
