"""``make demo``: buy something in the running shop over HTTP, and send it, one narrated step at a time.

Reads where the shop is from the environment, or from ``.till/local.env``. Ends with status 1 at the first surprise.
"""

import os
import sys
import time
import uuid
from decimal import Decimal
from typing import Any

import httpx
import stripe

from local import demo_fulfilment, demo_stored_value
from local.buyer import Buyer, UnexpectedError, expect
from local.stack.settings import Ports, Settings
from local.stack.shop import call

PAID_WITHIN_SECONDS = 30


def browse(buyer: Buyer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Look at the catalogue; give a product and a variant that is in stock."""
    buyer.step("The merchant's catalogue, newest first")
    listed = buyer.ask(
        "GET",
        "/v2/products?limit=5",
        who="TILL_API_KEY",
        show=lambda body: {"products": [row["name"] for row in body["data"]], "of": body["pagination"]["total_items"]},
    )
    expect(len(listed["data"]) == 5, "five products were asked for")
    buyer.step("Search it")
    found = buyer.ask(
        "GET",
        "/v2/products?search=merino",
        who="TILL_API_KEY",
        show=lambda body: [f"{row['name']}: {row['price']} {row['currency']}" for row in body["data"]],
    )
    expect(bool(found["data"]), "merino is in the catalogue")
    buyer.step("One product with its variants and their stock")
    product = buyer.ask(
        "GET",
        f"/v2/products/{found['data'][0]['id']}",
        who="TILL_API_KEY",
        show=lambda body: {each["sku"]: each["inventory"] for each in body["variants"][:4]},
    )
    variant = next((each for each in product["variants"] if each["inventory"] >= 2), None)
    expect(variant is not None, "no variant is in stock any more; make down FRESH=1 fills the shelves")
    assert variant is not None
    return product, variant


def fill_cart(buyer: Buyer, product: dict[str, Any], variant: dict[str, Any]) -> Decimal:
    """Empty the customer's cart and put two of a variant in; give the total."""
    buyer.step("The customer's cart")
    buyer.ask("DELETE", "/cart", who="TILL_CUSTOMER_TOKEN")
    empty = buyer.ask("GET", "/cart", who="TILL_CUSTOMER_TOKEN", show=lambda body: body["data"])
    expect(empty["data"]["total"] == 0, "an emptied cart costs nothing")
    buyer.step("Two of it, please")
    item = {"product_id": product["id"], "variant_id": variant["id"], "quantity": 2}
    cart = buyer.ask(
        "POST",
        "/cart/items",
        who="TILL_CUSTOMER_TOKEN",
        status=201,
        json=item,
        show=lambda body: {name: body["data"][name] for name in ("subtotal", "discount", "total", "currency")},
    )
    total = Decimal(cart["data"]["total"])
    expect(total == 2 * Decimal(variant["price"] or product["price"]), "two cost twice as much as one")
    return total


def place_order(buyer: Buyer, total: Decimal) -> str:
    """Check out, and again with the same key; give the order's id."""
    buyer.step("Checkout: order, stock reservation and emptied cart in one transaction")
    key = {"Idempotency-Key": f"demo-{uuid.uuid4()}"}
    order = buyer.ask(
        "POST",
        "/cart/checkout",
        who="TILL_CUSTOMER_TOKEN",
        status=201,
        headers=key,
        json={},
        show=lambda body: body["data"],
    )["data"]
    expect(order["status"] == "pending_payment", "an order waits for its payment")
    expect(Decimal(order["total"]) == total, "the order costs what the cart cost")
    buyer.step("The same request again, as after a lost answer: the same order")
    again = buyer.ask("POST", "/cart/checkout", who="TILL_CUSTOMER_TOKEN", status=201, headers=key, json={})
    expect(again["data"]["order_id"] == order["order_id"], "one key places one order")
    buyer.tell(f"still {order['order_id']}")
    return str(order["order_id"])


def pay(buyer: Buyer, shop: dict[str, str], order_id: str, total: Decimal) -> None:
    """Start the payment, confirm it at Stripe, and wait for the signed webhook to mark the order paid."""
    buyer.step("The merchant starts the payment: a Stripe payment intent")
    minor = int(total * 100)
    intent = buyer.ask(
        "POST",
        "/admin/payments/intent",
        who="TILL_API_KEY",
        status=201,
        json={"order_id": order_id, "amount": minor, "currency": "usd"},
        show=lambda body: {"payment_intent_id": body["data"]["payment_intent_id"], "client_secret": "…"},
    )["data"]
    buyer.step("The buyer's browser confirms it with 4242 4242 4242 4242, through Stripe's own library")
    client = stripe.StripeClient(shop["TILL_STRIPE_KEY"], base_addresses={"api": shop["TILL_STRIPE_URL"]})
    confirmed = client.v1.payment_intents.confirm(
        intent["payment_intent_id"], params={"payment_method": "pm_card_visa", "return_url": "https://shop.example/"}
    )
    buyer.tell(f"{confirmed.status}, {confirmed.amount_received} cents received")
    expect(confirmed.status == "succeeded", "the test card always pays")
    expect(confirmed.amount_received == minor, "Stripe took what the order costs")
    buyer.step("Stripe's signed webhook marks the order paid")
    began = time.monotonic()
    while True:
        answer = call(shop["TILL_URL"], "GET", f"/orders/{order_id}", shop["TILL_CUSTOMER_TOKEN"])
        state = answer.json()["data"]["status"] if answer.status_code == 200 else f"HTTP {answer.status_code}"
        if state != "pending_payment":
            break
        expect(time.monotonic() - began < PAID_WITHIN_SECONDS, f"not paid after {PAID_WITHIN_SECONDS} s")
        time.sleep(0.2)
    buyer.tell(f"{state} after {time.monotonic() - began:.1f} s")
    expect(state == "pending", "a paid order waits to be packed")


def look_back(buyer: Buyer, shop: dict[str, str], order_id: str) -> None:
    """Read the order as customer, as merchant and as a guest."""
    buyer.step("The customer's order")
    mine = buyer.ask(
        "GET",
        f"/orders/{order_id}",
        who="TILL_CUSTOMER_TOKEN",
        show=lambda body: {name: body["data"][name] for name in ("status", "payment_status", "total")},
    )["data"]
    expect(mine["payment_status"] == "paid", "the order is paid")
    buyer.step("What happened to it, as the merchant sees it")
    buyer.ask(
        "GET",
        f"/admin/orders/{order_id}/timeline",
        who="TILL_API_KEY",
        show=lambda body: [[row["type"], row.get("status"), row["actor"]] for row in body["data"]],
    )
    buyer.step("Tracked without an account, by id and e-mail")
    email = buyer.ask("GET", f"/v2/customers/{shop['TILL_CUSTOMER_ID']}", who="TILL_API_KEY")["email"]
    tracked = buyer.ask(
        "GET",
        "/api/track-order",
        params={"order_id": order_id, "email": email},
        headers={"orgid": shop["TILL_TENANT"]},
        show=lambda body: body["data"],
    )
    expect(tracked["data"]["order_id"] == order_id, "the tracked order is ours")
    buyer.step("The merchant's badges (kept by the table's stream, a moment behind)")
    began = time.monotonic()
    while time.monotonic() - began < PAID_WITHIN_SECONDS:
        counts = call(shop["TILL_URL"], "GET", "/admin/orders/counts", shop["TILL_API_KEY"]).json()["data"]
        if counts["pending"]:
            break
        time.sleep(0.3)
    counts = buyer.ask("GET", "/admin/orders/counts", who="TILL_API_KEY", show=lambda body: body["data"])["data"]
    expect(counts["pending"] >= 1, "the paid order is counted")


def buy_with_stored_value(buyer: Buyer, shop: dict[str, str], product: dict[str, Any], variant: dict[str, Any]) -> str:
    """Buy the same again with two gift cards, store credit and a bank card; give the order's id."""
    cards, credit = demo_stored_value.prepare(buyer, shop)
    total = fill_cart(buyer, product, variant)
    due = demo_stored_value.apply(buyer, cards, credit, total)
    order_id = place_order(buyer, total)
    pay(buyer, shop, order_id, due)
    demo_stored_value.look_at_the_books(buyer, cards, credit, order_id)
    demo_stored_value.look_at_the_liability(buyer, shop)
    return order_id


def shop_environment() -> dict[str, str]:
    """The running shop: from the environment when it names one, from ``.till/local.env`` otherwise.

    Raises:
        UnexpectedError: no shop is open.
    """
    if {"TILL_URL", "TILL_API_KEY", "TILL_CUSTOMER_ID"} <= os.environ.keys():
        return dict(os.environ)
    file = Settings(Ports.from_environment()).environment_file
    if not file.exists():
        raise UnexpectedError("no shop is open here; start it with: make up")
    pairs = (line.removeprefix("export ").partition("=") for line in file.read_text().splitlines())
    return {name: value.strip("'") for name, _, value in pairs}


def main() -> int:
    """Buy; 0 when every step was as it should be."""
    try:
        shop = shop_environment()
        buyer = Buyer(shop)
        product, variant = browse(buyer)
        fill_cart(buyer, product, variant)
        total = demo_fulfilment.apply_coupon(buyer)
        order_id = place_order(buyer, total)
        pay(buyer, shop, order_id, total)
        look_back(buyer, shop, order_id)
        demo_fulfilment.pack(buyer, order_id)
        demo_fulfilment.ship(buyer, order_id)
        demo_fulfilment.track(buyer, order_id)
        second = buy_with_stored_value(buyer, shop, product, variant)
        demo_fulfilment.wait_for_stock(buyer)
    except UnexpectedError as error:
        print(f"\nNot as it should be: {error}", file=sys.stderr)
        return 1
    except httpx.TransportError as error:
        print(f"\nThe shop does not answer ({error}). Is `make up` running?", file=sys.stderr)
        return 1
    print(f"\nOrder {order_id} is on its way; {second} is paid and ready to be packed.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
