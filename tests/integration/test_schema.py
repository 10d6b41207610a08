"""Every documented route against its description: schemathesis makes requests out of it and judges the answers.

The calls are made in a shop of their own, so that other tests' shops stay as they are. A run depends on its seed, which
it prints; ``TILL_SCHEMA_SEED`` repeats one. ``schemathesis.toml`` says how the routes are called, ``schema_checks.py``
what is checked beyond schemathesis' own checks.
"""

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.stack.settings import ROOT, child_environment
from local.stack.shop import call
from tests.integration.conftest import Running
from tests.integration.test_purchase import eventually, pay
from tests.integration.test_rate_limits import open_shop

CONFIG = Path(__file__).with_name("schemathesis.toml")
CHECKS = "tests.integration.schema_checks"
WORKERS = 2

pytestmark = pytest.mark.timeout(1800)  # each route's function has to start once


@dataclass(frozen=True, slots=True)
class Furnished:
    """A shop's customer, and ids by the names that ``schemathesis.toml`` has for them."""

    customer_token: str
    ids: dict[str, str]


def furnish(stack: Running, owner: str, tenant: str) -> Furnished:
    """One of everything that routes are called for."""

    def make(path: str, body: Any, credential: str = owner) -> Any:
        answer = call(stack.url, "POST", path, credential, json=body)
        assert answer.status_code == 201, (path, answer.text)
        made = answer.json()
        return made.get("data", made)

    email = f"jane.{uuid.uuid4().hex[:8]}@example.com"
    address = {"first_name": "Jane", "last_name": "Doe", "address1": "1 Main St", "city": "Anytown", "postal_code": "1"}
    product = make("/v2/products", {"name": "Mug", "price": 12.5, "sku": "MUG-1"})["id"]
    make(f"/v2/inventory/{product}/adjust", {"quantity": 100_000, "reason": "restock"})
    customer = make(
        "/v2/customers",
        {"email": email, "first_name": "Jane", "last_name": "Doe", "addresses": [address, {**address, "city": "B"}]},
    )
    token = stack.issuer.customer(customer["id"], tenant)
    items = [{"product_id": product, "quantity": 1}]
    order = make("/v2/orders", {"customer_id": customer["id"], "items": items})
    bundle = {"name": "3 + 1", "type": "buy_x_get_y", "conditions": {"buy_quantity": 3, "get_quantity": 1}}
    promise = {"when_out_of_stock": "preorder", "expected_on": "2099-04-01"}
    lamp = make("/v2/products", {"name": "Lamp", "price": 5, "sku": "LAMP-1"} | promise)["id"]
    waiting = {"customer_id": customer["id"], "items": [{"product_id": lamp, "quantity": 1000}]}
    attachment = {"filename": "note.txt", "content_type": "text/plain", "size": 5}
    intent = make("/v2/payments/intents", {"order_id": order["id"], "amount": 1250, "currency": "usd"})
    gift_card = make("/admin/gift-cards", {"amount": 500, "recipient_email": email})
    credit = {"customer_id": customer["id"], "amount": 500, "reason": "goodwill"}
    cart = make("/cart/items", items[0], token)
    sold = make("/v2/orders", {"customer_id": customer["id"], "items": [{"product_id": product, "quantity": 50}]})
    paid = make("/v2/payments/intents", {"order_id": sold["id"], "amount": 62500, "currency": "usd"})["id"]
    ship(stack, owner, sold["id"], paid)
    line = {"order_item_id": sold["items"][0]["id"], "quantity": 1, "reason": "wrong_size"}
    return Furnished(
        token,
        {
            "tenants": tenant,
            "customers": customer["id"],
            "emails": email,
            "addresses": customer["addresses"][1]["id"],
            "products": product,
            "drafts": drafted(stack, owner, make),
            "coupons": make("/admin/coupons", {"code": "SHIP", "discount_type": "free_shipping"})["id"],
            "codes": "SHIP",
            "discounts": make("/v2/discounts/automatic", bundle)["id"],
            "alerts": make(f"/v2/inventory/{product}/alerts", {"threshold": 5})["id"],
            "orders": order["id"],
            "order_lists": f"{order['id']},{sold['id']}",
            "backorders": make("/v2/orders", waiting)["items"][0]["backorder_id"],
            "attachments": make(f"/admin/orders/{order['id']}/attachments", attachment)["id"],
            "payments": intent["id"],
            "sold": sold["id"],
            "paid": paid,
            "lines": line["order_item_id"],
            "returns": make("/admin/returns", {"order_id": sold["id"], "items": [line]})["id"],
            "serials": gift_card["code"],
            "pins": gift_card["pin"],
            "exports": call(stack.url, "POST", "/admin/bulk/products/export", owner).json()["data"]["export_id"],
            "batches": make("/admin/gift-cards/batch", {"quantity": 2, "amount": 5})["batch_id"],
            "credits": make("/admin/store-credit/issue", credit)["credit_id"],
            "cart_items": cart["items"][0]["id"],
            "checkouts": cart["id"],
            "keys": make("/v2/api-keys", {"name": "Spare", "scopes": ["orders:read"]})["id"],  # not the calls' own
        },
    )


def drafted(stack: Running, owner: str, make: Callable[[str, Any], Any]) -> str:
    """Let a product fall low whose alert is set to reorder; give the purchase order."""
    product = make("/v2/products", {"name": "Jug", "price": 9, "sku": "JUG-1"})["id"]
    make(f"/v2/inventory/{product}/adjust", {"quantity": 10, "reason": "restock"})
    make(f"/v2/inventory/{product}/alerts", {"threshold": 10, "reorder": {"enabled": True, "quantity": 100}})
    make(f"/v2/inventory/{product}/adjust", {"quantity": -1, "reason": "sold"})

    def drafts() -> Any:
        return call(stack.url, "GET", "/v2/purchase-orders", owner).json()["data"]

    eventually(lambda: bool(drafts()))
    return str(drafts()[0]["id"])


def ship(stack: Running, owner: str, order_id: str, intent_id: str) -> None:
    """Let an order be paid with a bank card, and leave."""
    pay(stack, intent_id)

    def is_paid() -> bool:
        return bool(call(stack.url, "GET", f"/v2/orders/{order_id}", owner).json()["payment_status"] == "paid")

    eventually(is_paid)
    left = call(stack.url, "PATCH", f"/v2/orders/{order_id}/status", owner, json={"status": "shipped"})
    assert left.status_code == 200, left.text


def configuration(ids: dict[str, str]) -> str:
    """``schemathesis.toml`` with a dictionary of each id."""
    dictionaries = [f"[dictionaries.{name}]\nvalues = [{json.dumps(text)}]\n" for name, text in ids.items()]
    return "\n".join([CONFIG.read_text(), *dictionaries])


def test_every_route_answers_as_its_description_says(
    stack: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    owner = open_shop(stack, "professional")
    tenant = call(stack.url, "GET", "/v2/tenants", owner).json()["data"][0]["id"]
    shop = furnish(stack, owner, tenant)
    config = tmp_path / CONFIG.name
    config.write_text(configuration(shop.ids))
    credentials = {"SCHEMA_OWNER_KEY": owner, "SCHEMA_CUSTOMER_TOKEN": shop.customer_token, "SCHEMA_TENANT": tenant}
    seed = os.environ.get("TILL_SCHEMA_SEED") or str(random.randrange(2**32))

    with capfd.disabled():
        print(f"\nTILL_SCHEMA_SEED={seed}", flush=True)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
                *("run", f"{stack.url}/openapi.json", "--url", stack.url, "--checks", "all", "--seed", seed),
                *("--workers", str(WORKERS), "--continue-on-failure", "--no-color", "--warnings", "off"),
            ],
            cwd=ROOT,
            env=child_environment(**credentials, SCHEMATHESIS_HOOKS=CHECKS, SCHEMA_SEED=seed),
            check=False,
        )

    assert done.returncode == 0
