"""Running the shop over HTTP on the deployed template: coupons, parcels, papers, files, waiting and bulk work."""

import csv
import io
import uuid
from functools import partial
from typing import Any

import httpx

from local.mails import address as mailbox
from tests.integration.conftest import Running
from tests.integration.test_purchase import (
    all_rows,
    at_once,
    eventually,
    new_customer,
    new_product,
    order,
    patiently,
    pay,
    start_payment,
)
from tests.invariants import check

PRICE = 20.0
PATIENCE = 120  # seconds; some functions start for the first time


def paid_order(stack: Running, units: int) -> Any:
    product, token = new_product(stack, units, PRICE), new_customer(stack)
    body = {"items": [{"product_id": product, "quantity": units}]}
    order_id = stack.as_customer("POST", "/orders", token, json=body).json()["data"]["id"]
    pay(stack, start_payment(stack, order_id, round(units * PRICE * 100)))
    eventually(lambda: order(stack, order_id)["payment_status"] == "paid")
    return order(stack, order_id)


def done(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    body = answer.json()
    return body.get("data", body)


def fetched(url: str) -> httpx.Response:
    """What a link without any credential leads to."""
    answer = httpx.get(url, follow_redirects=True, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer


def mails_to(stack: Running, recipient: str) -> list[str]:
    told = httpx.get(mailbox(stack.settings), trust_env=False).json()["messages"]
    return [mail["Subject"] for account in told.values() for mail in account if recipient in mail["To"]]


def test_an_order_leaves_in_two_parcels_with_its_papers_and_is_followed(stack: Running) -> None:
    bought = paid_order(stack, 3)
    [line] = bought["items"]
    for path in ("slip/{}", "invoice/{}", "pick-list?order_ids={}&format=pdf"):
        document = done(stack.as_owner("GET", "/admin/packing/" + path.format(bought["id"])))
        assert fetched(document["download_url"]).content.startswith(b"%PDF")
    parcel = {"order_id": bought["id"], "carrier": "UPS", "notify_customer": True}
    first = parcel | {"tracking_number": "1Z1", "items": [{"order_item_id": line["id"], "quantity": 1}]}
    shipment = done(stack.as_owner("POST", "/admin/fulfillment/ship", json=first))
    again = done(stack.as_owner("POST", "/admin/fulfillment/ship", json=first))

    assert again["shipment_id"] == shipment["shipment_id"]
    assert order(stack, bought["id"])["fulfillment_status"] == "partial"

    done(stack.as_owner("POST", "/admin/fulfillment/ship", json=parcel | {"tracking_number": "1Z2"}))
    assert order(stack, bought["id"])["status"] == "shipped"
    email = bought["customer"]["email"]
    query = {"order_id": bought["id"], "email": email.upper()}
    tracked = done(stack.as_anybody("GET", "/api/track-order", params=query, headers={"orgid": stack.tenant}))
    assert tracked["tracking_number"] == "1Z2"
    eventually(lambda: len(mails_to(stack, email)) >= 2, PATIENCE)
    assert len([each for each in mails_to(stack, email) if "way" in each.lower() or "ship" in each.lower()]) == 2
    check(all_rows(stack))


def test_what_is_out_of_stock_waits_and_is_allocated_by_itself_when_it_arrives(stack: Running) -> None:
    sku = f"B-{uuid.uuid4().hex[:10]}"
    body = {"name": "Stool", "sku": sku, "price": PRICE, "when_out_of_stock": "backorder"}
    product = done(stack.as_owner("POST", "/v2/products", json=body), 201)["id"]
    wanted = {"items": [{"product_id": product, "quantity": 2}]}
    placed = [done(stack.as_customer("POST", "/orders", new_customer(stack), json=wanted), 201) for _ in range(3)]

    def waiting() -> list[Any]:
        return [
            each for each in done(stack.as_owner("GET", "/admin/backorders?limit=200")) if each["product_id"] == product
        ]

    assert [each["order_id"] for each in waiting()] == [each["id"] for each in placed]

    stock = {"quantity": 3, "reason": "restock"}
    done(stack.as_owner("POST", f"/v2/inventory/{product}/adjust", json=stock), 201)
    eventually(lambda: [each["remaining"] for each in waiting()] == [1, 2], PATIENCE)
    done(stack.as_owner("POST", f"/v2/inventory/{product}/adjust", json=stock), 201)
    eventually(lambda: not waiting(), PATIENCE)
    check(all_rows(stack))


def test_of_many_who_want_the_last_uses_of_a_coupon_as_many_get_it_as_there_are(stack: Running) -> None:
    code = f"RACE{uuid.uuid4().hex[:6]}".upper()
    body = {"code": code, "discount_type": "percentage", "discount_value": 50, "max_uses": 3}
    coupon = done(stack.as_owner("POST", "/admin/coupons", json=body), 201)
    product, buyers = new_product(stack, 20, PRICE), [new_customer(stack) for _ in range(8)]
    for token in buyers:
        done(stack.as_customer("POST", "/cart/items", token, json={"product_id": product, "quantity": 1}), 201)
        cart = done(stack.as_customer("POST", "/cart/coupon", token, json={"code": code}), 201)
        assert cart["total"] == PRICE / 2

    def check_out(token: str) -> httpx.Response:
        return patiently(lambda: stack.as_customer("POST", "/cart/checkout", token))

    answers = at_once([partial(check_out, token) for token in buyers])

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert done(stack.as_owner("GET", f"/admin/coupons/{coupon['id']}"))["usage_count"] == 3
    check(all_rows(stack))


def test_a_file_is_attached_to_an_order_and_comes_back_as_it_was(stack: Running) -> None:
    bought = paid_order(stack, 1)
    proof = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(64)
    sent = {"file": ("proof.png", proof, "image/png")}
    path = f"/admin/orders/{bought['id']}/attachments"

    made = done(stack.as_owner("POST", path, files=sent), 201)
    shown = done(stack.as_owner("GET", f"{path}/{made['id']}"))

    answer = fetched(shown["download_url"])
    assert answer.content == proof
    assert answer.headers["content-disposition"].startswith("attachment")


def test_products_are_exported_and_changed_in_bulk(stack: Running) -> None:
    product = new_product(stack, 3, PRICE)
    change = {"product_ids": [product, "prod_missing"], "updates": {"price": 25.5}}
    changed = done(stack.as_owner("POST", "/admin/bulk/products/update", json=change))
    assert [row["ok"] for row in changed["results"]] == [True, False]

    exported = done(stack.as_owner("POST", "/admin/bulk/products/export?format=csv"))

    def finished() -> Any:
        return done(stack.as_owner("GET", f"/admin/bulk/exports/{exported['export_id']}"))

    eventually(lambda: finished()["url"] is not None, PATIENCE)
    rows = list(csv.DictReader(io.StringIO(fetched(finished()["url"]).content.decode("utf-8-sig"))))
    [row] = [row for row in rows if row["id"] == product]
    assert row["price"] == "25.50"
