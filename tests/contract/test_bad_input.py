"""Bad input at every endpoint: a clear refusal in the surface's own envelope, nothing written, nothing repeated.

The cases come from the routes themselves: a new endpoint fails here until ``GOOD`` shows a request that it takes.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.checkouts.contracts import consignment_of
from commerce.disputes import use_cases as disputes
from commerce.disputes.model import DisputeStatus, Movement, ProviderDispute
from commerce.http.api import PUBLIC_SCOPE
from commerce.kernel import clock, ids, wire_json
from commerce.kernel.caller import Mode, Role, Tenant, system
from commerce.kernel.money import Money
from commerce.observability import logger
from commerce.orders import queries as orders
from commerce.payments import store as payments
from commerce.payments import stripe_gateway
from commerce.payments.model import Intent, IntentStatus, StartPayment
from commerce.payments.use_cases import reconcile
from commerce.table.transaction import run
from tests.cases import try_each
from tests.cheap_moto import items_of, undone
from tests.contract.endpoints import Endpoint, endpoints
from tests.contract.shops import HOME, Shop
from tests.invariants import check
from tests.liability import LONG_AGO, close_day
from tests.payments import Stripe, signature
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential
from tests.stock_watch import drafted

CANARY = "zq9canary7x"  # stands in what is refused, and must stand nowhere else
CARD = "4242 4242 4242 4242"
SECRETS = [CANARY, CARD, CARD.replace(" ", "")]
CUSTOMERS = {"portal", "checkouts"}  # surfaces of signed-in customers

WRITING = [each for each in endpoints().values() if each.route.mutates]
TAKING_BODIES = [each for each in WRITING if each.route.body is not None]
# OAuth has its own errors and ignores what it does not know: tests/endpoints/test_oauth.py.
READING = [each for each in endpoints().values() if each.route.method == "GET" and each.surface.name != "oauth"]
LISTS = [each for each in READING if each.route.answers_page and each.route.query is not None]
NUMBERED = [each for each in LISTS if {"page", "offset"} & each.route.query.model_fields.keys()]  # type: ignore[union-attr]
OF_A_CARD = "GET /api/data/giftcard-transaction"
OF_ONE = {OF_A_CARD, "GET /v2/payments/{id}/refunds"}  # lists of what only its own shop has
SHAPED = [each for each in READING if not each.route.hidden]  # what answers in an envelope


def named(found: list[Endpoint]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("endpoint", found, ids=[each.name for each in found])


@dataclass
class World:
    """A shop with something of everything, and a second tenant's shop: for each test as they were built."""

    shop: Shop
    other: Shop
    jane: Credential
    product_id: str
    order_id: str
    key_id: str
    address_id: str
    alert_id: str
    payment_id: str
    refunded_id: str  # the payment of the order that returns are of, of which something went back
    dispute_id: str
    returned: Any  # the shipped order that returns are of
    return_ids: dict[str, str]  # by the move that is to be made of each
    card: Any  # that has paid for an order
    redemption_id: str  # of it, held for Jane's cart
    batch_id: str  # of gift cards that are not issued yet
    credit_id: str  # of Jane's store credit
    cart_id: str  # Jane's
    table: Any
    purchase_order_id: str  # a draft
    export_id: str
    attachment_id: str
    discount_id: str
    coupon: Any
    backorder_id: str  # of units that wait though stock is there
    begun_id: str  # an order of which one unit has left, and one has not
    calls: int = 0

    def request(self, endpoint: Endpoint, *, by: Credential | None = None, **changes: Any) -> Answered:
        """A good request to an endpoint, with ``changes`` to it."""
        sent: dict[str, Any] = {"credential": by or self.caller(endpoint), "headers": {}, **self.path_of(endpoint)}
        if endpoint.route.scope == PUBLIC_SCOPE:
            sent["headers"] = {"orgid": self.shop.tenant.tenant_id}
            self.calls += 1  # each from another address, which may call so often
            sent["source_ip"] = f"198.51.{self.calls // 250}.{self.calls % 250}"
        if endpoint in TAKING_BODIES:
            sent["body"] = GOOD[endpoint.name](self)
        if endpoint.name == "GET /api/track-order":
            sent["query"] = {"order_id": self.order_id, "email": "jane@example.com"}
        if endpoint.name == "GET /files/{name}":
            sent["query"] = {"token": "of nothing"}
        if endpoint.name == "GET /admin/packing/pick-list":
            sent["query"] = {"order_ids": self.order_id}
        if endpoint.name == OF_A_CARD:
            sent["query"] = {"where[giftCardSerial]": self.card["serial"]}
        if endpoint.name.startswith("GET /admin/gift-cards/lookup"):
            sent["query"] = {"code": self.card["serial"]}
        if "giftcards/balance" in endpoint.name or "giftcards/redeem/" in endpoint.name:
            sent["query"] = {"serial": self.card["serial"], "pin": self.card["pin"]}
        sent["headers"] |= changes.pop("headers", {})
        sent["query"] = {**(sent.get("query") or {}), **changes.pop("query", {})} or None
        answered: Answered = endpoint.ask(self.shop.call, **sent | changes)
        return answered

    def caller(self, endpoint: Endpoint) -> Credential:
        owners = "tenants" in endpoint.route.path
        merchant = replace(self.shop.merchant, role=Role.OWNER) if owners else self.shop.merchant
        return self.jane if endpoint.surface.name in CUSTOMERS else merchant

    def id_in(self, path: str) -> str:
        """What ``id`` stands for in a path: the last of these words that are in it says so."""
        named = {
            "": self.product_id,
            "api-keys": self.key_id,
            "customers": str(self.jane.customer_id),
            "orders": self.order_id,
            "payments": self.payment_id,
            "/refund": self.refunded_id,
            "disputes": self.dispute_id,
            "tenants": self.shop.tenant.tenant_id,
            "jobs": self.export_id,
            "preorders": self.backorder_id,
            "coupons": str(self.coupon["id"]),
            "discounts": self.discount_id,
            "purchase-orders": self.purchase_order_id,
        }
        return [each for part, each in named.items() if part in path][-1]

    def path_of(self, endpoint: Endpoint) -> dict[str, str]:
        known = {"order_id": self.order_id, "product_id": self.product_id, "item_id": self.product_id}
        known["id"] = self.id_in(endpoint.route.path)
        if "returns" in endpoint.route.path:
            move = endpoint.route.path.rpartition("/")[2]
            known |= {
                "order_id": self.returned["id"],
                "return_id": self.return_ids.get(move, self.return_ids["cancel"]),
            }
        if "close-rest" in endpoint.route.path:
            known["order_id"] = self.begun_id
        if "backorders" in endpoint.route.path:
            known["item_id"] = self.backorder_id
        known |= {"address_id": self.address_id, "alert_id": self.alert_id}
        known |= {"date": (LONG_AGO + timedelta(days=1)).isoformat()}
        known |= {"customer_id": str(self.jane.customer_id), "credit_id": self.credit_id, "checkout_id": self.cart_id}
        in_code = self.coupon["code"] if "coupon" in endpoint.route.path else self.card["serial"]
        known |= {"consignment_id": consignment_of(self.cart_id), "code": in_code}
        known |= {"serial": self.card["serial"], "redemption_id": self.redemption_id, "batch_id": self.batch_id}
        known |= {"export_id": self.export_id, "attachment_id": self.attachment_id, "name": "slip.pdf"}
        return {name: value for name, value in known.items() if "{" + name + "}" in endpoint.route.path} | (
            {"file": "page.js"} if "{file}" in endpoint.route.path else {}
        )

    def rows(self) -> list[str]:
        """The whole table, out of moto's memory: a scan through it takes a hundred times as long.

        A stranger's call is counted, refused or not.
        """
        items = [item.to_json() for item in items_of(self.table.name)]
        return sorted(json.dumps(item, sort_keys=True) for item in items if item["Attributes"]["kind"]["S"] != "limit")


@pytest.fixture(scope="module")
def _world(_aws: Any) -> Iterator[World]:
    table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    call = Call()
    with undone(table.name):
        shops = [Shop(call).open(), Shop(call, OTHER_TENANT).open()]
        built = [fill(shop, table) for shop in shops]
        built[0].other = shops[1]
        check(rows_of(table))
        yield built[0]
    bucket.objects.all().delete()
    bucket.delete()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """Built once; what a test writes into it is undone."""
    nowhere: dict[str, Any] = {
        "capture_intent": captured_nowhere,
        "get_dispute": dispute_nowhere,
        "answer_dispute": answer_nowhere,
    }
    with undone(_world.table.name), mock.patch.multiple(stripe_gateway, **nowhere):
        yield _world


def let_wait(shop: Shop, jane: Credential) -> str:
    """Two backorders and two preorders that wait though stock is there; give one of them."""
    found = []
    for kind in ("backorder", "preorder"):
        lamp = shop.product(kind.upper(), 5, when_out_of_stock=kind, expected_on="2099-04-01")
        orders = [shop.order(jane, (lamp["id"], 2)) for _ in range(2)]
        shop.receive(lamp["id"], 2)
        found += [shop.do("admin/orders/get_order", order_id=each)["items"][0]["backorder_id"] for each in orders]
    return str(found[-1])


def rows_of(table: Any, tenant: Tenant | None = None) -> list[dict[str, Any]]:
    """All rows, or a tenant's: the worlds of this module are more than one page of a scan."""
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name)
    prefix = "" if tenant is None else f"T#{tenant.tenant_id}#"
    return [row for page in pages for row in page["Items"] if row["pk"].startswith(prefix)]


def fill(shop: Shop, table: Any) -> World:
    """Two rows in every list, so that every list has a next page after one row."""
    jane, _ = shop.customer(), shop.customer("joe@example.com")
    product, _ = shop.product("CUP", 5, stock=9), shop.product("MUG", 7, stock=9)
    order_id, _ = shop.order(jane, (product["id"], 1)), shop.order(jane, (product["id"], 1))
    shop.add_to_cart(jane, product["id"], 1)
    scoped = {"name": "App", "scopes": ["products:read"]}
    manager = Credential(tenant=shop.tenant, scopes=frozenset({"api_keys:write", "products:read"}))
    key = shop.do("v2/access/create_api_key", by=manager, body=scoped)
    shop.merchant.scopes = frozenset(
        {each.route.scope for each in endpoints().values() if each.surface.name in ("admin", "v2", "gift cards")}
    )
    for content in ("A note", "Another note"):
        shop.add_note(order_id, content)
    paid = [shop.order(jane, (product["id"], 1)) for _ in range(2)]
    with mock.patch.object(stripe_gateway, "create_intent", intent_nowhere):
        payment_id, _ = (shop.start_payment(each, 500) for each in paid)
    address = shop.do("v2/customers/get_customer", id=str(jane.customer_id))["addresses"][0]
    alert, _ = (
        shop.do("v2/inventory/set_alert", product_id=product["id"], body={"threshold": 5} | scope)
        for scope in ({}, {"location": "wh_001"})
    )
    days = 10 if shop.tenant == OTHER_TENANT else 0  # a date names a day of every shop, so theirs are others
    for _ in range(2):
        close_day(shop.tenant, LONG_AGO + timedelta(days=(days := days + 1)))
    card, redemption_id = pay_with_card(shop, jane, shop.order(jane, (product["id"], 1)))
    dispute_id, _ = (dispute_an_order(shop, shop.order(jane, (product["id"], 1))) for _ in range(2))
    tin = shop.product("TIN", 5, stock=6)
    begun_id = begin_an_order(shop, shop.order(jane, (tin["id"], 2)))
    returned = ship_an_order(shop, shop.order(jane, (tin["id"], 4)))
    return_ids = {move: ask_for_return(shop, returned, move) for move in ("cancel", "receive", "refund")}
    refunded_id = shop.do("v2/orders/get_order", id=returned["id"])["payment_intent_id"]
    for _ in range(2):
        shop.do("v2/payments/refund_payment", id=refunded_id, body={"amount": 100})
    ids_of = (product["id"], order_id, key["id"], address["id"], alert["id"], payment_id, refunded_id)
    batch = shop.do("admin/gift_cards/issue_gift_card_batch", body={"quantity": 101, "amount": 50})
    credit = {"customer_id": jane.customer_id, "amount": 50, "reason": "refund"}
    lot, _ = (shop.do("admin/store_credit/issue_store_credit", body=credit) for _ in range(2))
    cart_id = shop.do("storefront/carts/get_cart", by=jane)["id"]
    stored_value = (card, redemption_id, batch["batch_id"], lot["credit_id"])
    draft_id, _ = (drafted(shop, sku) for sku in ("JUG", "POT"))
    file = {"filename": "proof.png", "content_type": "image/png", "size": 48213}
    attachment_id, _ = (
        shop.do("admin/attachments/add_attachment", order_id=order_id, body=file)["id"] for _ in range(2)
    )
    bundle = {"buy_quantity": 100, "get_quantity": 1}
    discount_id, _ = (
        shop.do("v2/discounts/create_discount", body={"name": name, "type": "buy_x_get_y", "conditions": bundle})["id"]
        for name in ("Hundred and one", "Another")
    )
    shops_own = shop.tenant.tenant_id.replace("_", "-")  # an id follows from its code, so that shops have others
    coupon, _ = (
        shop.do("admin/coupons/create_coupon", body={"code": f"{name}-{shops_own}", "discount_type": "free_shipping"})
        for name in ("SHIP", "OTHER")
    )
    shop.do("storefront/carts/apply_cart_coupon", by=jane, body={"code": coupon["code"]})
    exported = shop.do("admin/bulk/export_products", method="POST")["export_id"]
    others = (draft_id, exported, attachment_id, discount_id, coupon, let_wait(shop, jane), begun_id)
    return World(shop, shop, jane, *ids_of, dispute_id, returned, return_ids, *stored_value, cart_id, table, *others)


def pay_with_card(shop: Shop, customer: Credential, order_id: str) -> tuple[Any, str]:
    """A card that paid for an order, and the redemption of it that is held for the customer's cart."""
    card, _ = (shop.do("storefront/gift_cards/issue_card", body={"amount": 75}) for _ in range(2))
    body = {"code": card["serial"], "order_id": order_id, "amount_to_redeem": 5}
    shop.do("admin/gift_cards/redeem_gift_card", body=body)
    cart_id = shop.do("storefront/carts/get_cart", by=customer)["id"]
    body = {"serial": card["serial"], "pin": card["pin"], "cartId": cart_id}
    held = shop.do("storefront/gift_cards/redeem_card", body=body, headers={"orgid": shop.tenant.tenant_id})
    return card, held["redemptionId"]


def intent_nowhere(tenant: Tenant, command: StartPayment, amount: Money, *, attempt: int) -> Intent:
    """An intent as Stripe would have made it: the world is older than any test's Stripe."""
    return Intent(
        intent_id=ids.new("pi"),
        status=IntentStatus.REQUIRES_PAYMENT_METHOD,
        amount=amount,
        received=Money.zero(amount.currency),
        failed=False,
        client_secret="secret",
        order_id=command.order_id,
        tenant_id=tenant.tenant_id,
        mode=str(tenant.mode),
        created_at=clock.now(),
    )


def captured_nowhere(mode: Mode, intent_id: str, amount: Money) -> Intent:
    """What Stripe would have made of such an intent, had somebody authorised it."""
    payment = payments.find_by_id(TENANT, intent_id)
    assert payment is not None
    return Intent(
        intent_id=intent_id,
        status=IntentStatus.SUCCEEDED,
        amount=payment.amount,
        received=amount,
        failed=False,
        client_secret="secret",
        order_id=payment.order_id,
        tenant_id=TENANT.tenant_id,
        mode=str(mode),
        created_at=payment.created_at,
    )


def pay_for(shop: Shop, order_id: str) -> None:
    """Have an order paid at a Stripe that there is not."""
    made = list[Intent]()

    def create(*args: Any, **named: Any) -> Intent:
        made.append(intent_nowhere(*args, **named))
        return made[0]

    due = orders.get(shop.tenant, order_id).outstanding
    with mock.patch.object(stripe_gateway, "create_intent", create):
        shop.start_payment(order_id, due.minor)
    paid = replace(made[0], status=IntentStatus.SUCCEEDED, received=made[0].amount)
    caller = system(shop.tenant, "stripe")
    run(lambda tx: reconcile(tx, caller, orders.get(shop.tenant, order_id), paid))


def dispute_an_order(shop: Shop, order_id: str) -> str:
    """An order that is paid, and whose payment is disputed; give the dispute."""
    pay_for(shop, order_id)
    tenant, caller, dispute_id = shop.tenant, system(shop.tenant, "stripe"), ids.new("dp")
    with mock.patch.object(stripe_gateway, "get_dispute", dispute_nowhere):
        run(lambda tx: disputes.apply(tx, caller, orders.get(tenant, order_id), dispute_id))
    return dispute_id


PARCEL = {"tracking_number": "1Z999AA10123456784", "carrier": "UPS"}


def ship_an_order(shop: Shop, order_id: str) -> Any:
    """An order that is paid and shipped."""
    pay_for(shop, order_id)
    shop.move(order_id, "shipped", **PARCEL)
    return shop.do("admin/orders/get_order", order_id=order_id)


def begin_an_order(shop: Shop, order_id: str) -> str:
    """An order that is paid, and of which one unit is shipped."""
    pay_for(shop, order_id)
    [line] = shop.do("admin/orders/get_order", order_id=order_id)["items"]
    items = [{"order_item_id": line["id"], "quantity": 1}]
    shop.do("admin/fulfillment/ship_order", body=PARCEL | {"order_id": order_id, "items": items})
    return order_id


def ask_for_return(shop: Shop, order: Any, move: str) -> str:
    """A return of one unit, which is where ``move`` can be made of it."""
    item = {"order_item_id": order["items"][0]["id"], "quantity": 1, "reason": "wrong_size"}
    made = shop.do("admin/returns/create_return", body={"order_id": order["id"], "items": [item]})
    if move != "cancel":
        shop.do("admin/returns/approve_return", method="POST", return_id=made["id"])
    if move == "refund":
        found = {"order_item_id": item["order_item_id"], "quantity": 1, "disposition": "restock"}
        shop.do("admin/returns/receive_return", return_id=made["id"], body={"items": [found]})
    return str(made["id"])


def dispute_nowhere(mode: Mode, dispute_id: str, **changes: Any) -> ProviderDispute:
    """A dispute as Stripe would tell of it."""
    told = ProviderDispute(
        dispute_id=dispute_id,
        payment_id="pi_nowhere",
        status=DisputeStatus.NEEDS_RESPONSE,
        reason="fraudulent",
        amount=Money(500, "USD"),
        due_by=clock.now() + timedelta(days=9),
        past_due=False,
        submissions=0,
        created_at=clock.now(),
        movements=(Movement(f"txn_{dispute_id}", Money(-500, "USD")),),
    )
    return replace(told, **changes)


def answer_nowhere(
    mode: Mode, dispute_id: str, evidence: dict[str, str], *, submit: bool, response_id: str, attempt: int
) -> ProviderDispute:
    """What Stripe would say to a response."""
    status = DisputeStatus.UNDER_REVIEW if submit else DisputeStatus.NEEDS_RESPONSE
    return dispute_nowhere(mode, dispute_id, status=status, evidence=evidence, submissions=int(submit))


# A request that each endpoint with a body takes.


def _order(world: World) -> Any:
    return {
        "customer_id": world.jane.customer_id,
        "items": [{"product_id": world.product_id, "variant_id": None, "quantity": 1}],
        "shipping_address": dict(HOME),
        "billing_address": {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "zip": "62701"},
    }


def _cancel(world: World) -> Any:
    return {"reason": "customer_request", "refund": True, "note": "Customer changed mind"}


def _move(world: World) -> Any:
    return {
        "status": "processing",
        "tracking_number": "TRK123456789",
        "carrier": "UPS",
        "estimated_delivery": "2026-03-25",
        "notify_customer": True,
        "note": "Payment confirmed",
    }


def _parcel(world: World) -> Any:
    """One that has left already."""
    return PARCEL | {
        "order_id": world.returned["id"],
        "notify_customer": True,
        "items": [{"order_item_id": line["id"], "quantity": line["quantity"]} for line in world.returned["items"]],
        "estimated_delivery": "2026-03-25",
    }


def _return(world: World) -> Any:
    item = {"order_item_id": world.returned["items"][0]["id"], "quantity": 1, "reason": "wrong_size"}
    return {"items": [item], "refund_method": "store_credit"}


def _cart(world: World) -> Any:
    return world.shop.do("storefront/carts/get_cart", by=world.jane)


def _both(method: str, path: str, good: Callable[[World], Any]) -> dict[str, Callable[[World], Any]]:
    """A path of the storefront's gift cards, under both of its names."""
    return {f"{method} {prefix}/storefront/giftcards{path}": good for prefix in ("", "/api")}


_NEW_CARD = {
    "amount": Decimal("75.00"),
    "currency": "USD",
    "ownerEmail": "ann@example.com",
    "recipientEmail": "joe@example.com",
    "expiresAt": "2099-03-20",
    "deliverEmail": True,
    "design": "holiday-2026",
    "message": "Happy Birthday!",
    "senderName": "Joe",
    "funding": "promotional",
    "active": True,
}


_SHIPPED_TO = {
    "firstName": "Jane",
    "lastName": "Doe",
    "email": "jane@example.com",
    "company": "Harbor & Pine",
    "address1": "123 Main St",
    "address2": "Floor 2",
    "city": "Springfield",
    "stateOrProvince": "Illinois",
    "stateOrProvinceCode": "IL",
    "countryCode": "US",
    "postalCode": "62701",
    "phone": "+1-555-0123",
}


def _description(world: World) -> Any:
    return {"filename": "front.png", "kind": "receipt", "description": "Front side, final version"}


_TERMS = {
    "per_customer_limit": 1,
    "starts_at": "2026-01-01",
    "expires_at": "2099-06-01T00:00:00Z",
    "first_time_transaction": True,
    "duration": "repeating",
    "duration_in_months": 3,
}


def _named_coupon(world: World) -> dict[str, Any]:
    return {"code": world.coupon["code"]}


GOOD: dict[str, Callable[[World], Any]] = {
    "POST /admin/coupons": lambda world: {
        "code": "SPRING25",
        "discount_type": "percentage",
        "discount_value": Decimal("25.00"),
        "max_uses": 50,
        "min_order_amount": Decimal("100.00"),
        "product_ids": [world.product_id],
        "active": True,
        **_TERMS,
    },
    **{
        f"{method} /admin/coupons/{{id}}": lambda world: {
            "discount_value": None,
            "max_uses": 50,
            "min_order_amount": Decimal("100.00"),
            "product_ids": [world.product_id],
            "active": True,
            **_TERMS,
        }
        for method in ("PUT", "PATCH")
    },
    "POST /v2/coupons": lambda world: {
        "code": "SUMMER2026",
        "type": "percentage",
        "amount": Decimal("20.00"),
        "duration": "repeating",
        "duration_in_months": 3,
        "max_redemptions": 1000,
        "restrictions": {
            "minimum_amount": 5000,
            "first_time_transaction": True,
            "product_ids": [world.product_id],
            "per_customer_limit": 1,
        },
        "starts_at": "2026-01-01",
        "expires_at": "2099-06-01",
    },
    "POST /v2/discounts/automatic": lambda world: {
        "name": "Buy 2 Get 1 Free",
        "type": "buy_x_get_y",
        "conditions": {
            "buy_quantity": 2,
            "get_quantity": 1,
            "customer_tags": ["vip"],
            "product_categories": ["electronics"],
        },
        "start_date": "2026-02-01",
        "end_date": "2026-03-31",
    },
    "PUT /v2/discounts/automatic/{id}": lambda world: {
        "name": "Buy 3 Get 1 Free",
        "type": "buy_x_get_y",
        "conditions": {"buy_quantity": 3, "get_quantity": 1, "customer_tags": [], "product_categories": ["books"]},
        "start_date": None,
        "end_date": "2026-03-31",
        "active": True,
    },
    "POST /cart/coupon": _named_coupon,
    "POST /api/storefront/checkouts/{checkout_id}/coupons": lambda world: {"couponCode": world.coupon["code"]},
    "POST /admin/bulk/products/update": lambda world: {
        "product_ids": [world.product_id],
        "updates": {"price": Decimal("12.50"), "status": "active", "category": "cat_02"},
    },
    "POST /admin/bulk/products/import": lambda world: {
        "rows": [
            {
                "name": "Cup",
                "sku": "CUP-1",
                "price": Decimal("12.50"),
                "status": "active",
                "category": "cups",
                "stock": 4,
            }
        ]
    },
    "POST /admin/inventory-history/bulk-adjust": lambda world: {
        "adjustments": [
            {
                "product_id": world.product_id,
                "quantity_change": 50,
                "reason": "restock",
                "variant_id": None,
                "location": "wh_001",
                "note": "Delivery 7",
            }
        ]
    },
    "POST /admin/gift-cards": lambda world: {
        "amount": Decimal("100.00"),
        "currency": "USD",
        "recipient_email": "ann@example.com",
        "message": "Happy Birthday!",
        "expiration_date": "2099-03-20",
        "funding": "promotional",
        "sender_name": "Joe",
        "design": "holiday-2026",
        "deliver_email": True,
    },
    "POST /admin/gift-cards/batch": lambda world: {
        "quantity": 101,
        "amount": Decimal("50.00"),
        "currency": "USD",
        "expiration_date": "2099-03-20",
        "funding": "promotional",
    },
    "POST /admin/gift-cards/redeem": lambda world: {
        "code": world.card["serial"],
        "order_id": world.order_id,
        "amount_to_redeem": Decimal("5.00"),
    },
    **_both("POST", "", lambda world: dict(_NEW_CARD)),
    **_both("POST", "/batch", lambda world: {"cards": [dict(_NEW_CARD)]}),
    **_both(
        "POST",
        "/redeem",
        lambda world: {
            "serial": world.card["serial"],
            "pin": world.card["pin"],
            "cartId": _cart(world)["id"],
            "amount": Decimal("5.00"),
        },
    ),
    **_both(
        "PUT",
        "/{serial}/cancel",
        lambda world: {"disposition": "transfer", "toEmail": "ann@example.com", "reason": "Lost"},
    ),
    **_both(
        "POST",
        "/{serial}/refund",
        lambda world: {"amount": Decimal("1.00"), "orderId": None, "redemptionId": None, "reason": "Came back"},
    ),
    **_both(
        "POST",
        "/transfer",
        lambda world: {"serial": world.card["serial"], "toEmail": "ann@example.com", "fromEmail": None},
    ),
    "POST /admin/store-credit/issue": lambda world: {
        "customer_id": world.jane.customer_id,
        "amount": Decimal("50.00"),
        "currency": "USD",
        "reason": "refund",
        "reference": "order_789",
        "expiration_date": "2099-12-31",
    },
    "POST /admin/store-credit/redeem": lambda world: {
        "customer_id": world.jane.customer_id,
        "order_id": world.order_id,
        "amount_to_redeem": Decimal("1.00"),
    },
    "POST /admin/store-credit/{credit_id}/void": lambda world: {"reason": "Issued twice"},
    "POST /cart/gift-cards": lambda world: {
        "serial": world.card["serial"],
        "pin": world.card["pin"],
        "amount": Decimal("2.00"),
    },
    "POST /api/storefront/carts": lambda world: {
        "lineItems": [{"productId": world.product_id, "quantity": 1, "variantId": None}],
        "giftCertificates": [
            {
                "amount": Decimal("25.00"),
                "recipient": {"name": "Bob", "email": "bob@example.com"},
                "sender": {"name": "Jane", "email": "jane@example.com"},
                "message": "Happy birthday",
                "theme": "birthday",
            }
        ],
    },
    "POST /api/storefront/checkouts/{checkout_id}/gift-certificates": lambda world: {
        "giftCertificateCode": world.card["serial"],
        "pin": world.card["pin"],
    },
    "PUT /api/storefront/checkouts/{checkout_id}/billing-address": lambda world: dict(_SHIPPED_TO),
    "POST /api/storefront/checkouts/{checkout_id}/consignments": lambda world: {
        "address": dict(_SHIPPED_TO),
        "shippingOptionId": "standard",
    },
    "PUT /api/storefront/checkouts/{checkout_id}/consignments/{consignment_id}": lambda world: {
        "address": dict(_SHIPPED_TO),
        "shippingOptionId": "standard",
    },
    "PATCH /v2/tenants/{id}": lambda world: {
        "name": "Harbor & Pine",
        "allowed_networks": [],
        "gift_cards_per_order": 5,
        "unclaimed_value": "escheat",
        "shipping_options": [
            {"id": "express", "name": "Express", "cost": Decimal("9.50"), "transit_time": "1 day"},
        ],
        "returns": {
            "window_days": 60,
            "approves_up_to": Decimal("50.00"),
            "decision_days": 7,
            "receipt_days": 21,
            "restocking_percent": Decimal("12.5"),
            "return_shipping": Decimal("4.90"),
            "refunds_shipping": False,
            "refunds_on_receipt": True,
            "allocation": "external_first",
            "grace_days": 45,
            "address": ["1 Dock Street"],
        },
    },
    "POST /admin/orders": _order,
    "POST /orders": _order,
    "POST /v2/orders": lambda world: {
        "customer_id": world.jane.customer_id,
        "items": [{"product_id": world.product_id, "variant_id": None, "quantity": 1, "price": 5}],
        "shipping_address": dict(HOME),
        "billing_address": {"name": "Jane Doe", "street": "123 Main St", "city": "Springfield", "zip": "62701"},
        "payment_method": "card",
        "shipping_method": "standard",
        "metadata": {"source": "fair"},
    },
    "PUT /admin/orders/{order_id}/status": _move,
    "PATCH /admin/orders/{order_id}/status": _move,
    "PUT /v2/orders/{id}/status": _move,
    "PATCH /v2/orders/{id}/status": _move,
    "POST /admin/preorders/allocate": lambda world: {"backorder_id": world.backorder_id, "quantity": 1},
    "PATCH /admin/preorders/{id}": lambda world: {"expected_date": "2099-05-01", "priority": 3},
    "POST /admin/fulfillment/ship": _parcel,
    "POST /admin/fulfillment/bulk-dispatch": lambda world: {"orders": [_parcel(world)]},
    "POST /admin/orders/{order_id}/notes": lambda world: {"content": "Called about the ETA"},
    "POST /admin/orders/{order_id}/attachments": lambda world: {
        "filename": "proof.png",
        "content_type": "image/png",
        "size": 48213,
        "kind": "design_proof",
        "description": "Front side, second version",
    },
    "PUT /admin/orders/{order_id}/attachments/{attachment_id}": _description,
    "PATCH /admin/orders/{order_id}/attachments/{attachment_id}": _description,
    "POST /orders/{order_id}/cancel": lambda world: {"reason": "Changed my mind"},
    "POST /admin/orders/{order_id}/cancel": _cancel,
    "POST /admin/orders/{order_id}/close-rest": lambda world: {"reason": "Not made any more"},
    "POST /v2/orders/{id}/cancel": _cancel,
    "POST /v2/payments/{id}/refund": lambda world: {
        "amount": 50,
        "reason": "customer_request",
        "refund_application_fee": False,
    },
    "POST /admin/returns": lambda world: _return(world) | {"order_id": world.returned["id"]},
    "POST /admin/returns/{return_id}/receive": lambda world: {
        "items": [
            {
                "order_item_id": world.returned["items"][0]["id"],
                "quantity": 1,
                "disposition": "restock",
                "condition": "unopened",
                "location": "wh_001",
            }
        ]
    },
    "POST /admin/returns/{return_id}/refund": lambda world: {
        "amount": 1,
        "reason": "Worn",
        "refund_method": "store_credit",
    },
    "POST /admin/returns/{return_id}/reject": lambda world: {"reason": "Worn", "note": "Third one this month"},
    "POST /admin/returns/{return_id}/cancel": lambda world: {"reason": "Kept", "note": "Called about it"},
    "POST /orders/{order_id}/returns": lambda world: _return(world),
    "POST /v2/payments/intents": lambda world: {
        "order_id": world.order_id,
        "amount": 500,
        "currency": "usd",
        "payment_method": "card",
        "customer_id": world.jane.customer_id,
        "capture_method": "automatic",
        "metadata": {"source": "fair"},
    },
    "POST /v2/payments/{id}/capture": lambda world: {"amount": 500},
    "POST /v2/payments/disputes/{id}/respond": lambda world: {
        "evidence": {"product_description": "A cup", "receipt": "file_receipt", "customer_name": None},
        "submit": False,
        "include_notes": True,
    },
    "POST /admin/payments/intent": lambda world: {"order_id": world.order_id, "amount": 500, "currency": "usd"},
    "POST /cart/items": lambda world: {"product_id": world.product_id, "quantity": 1, "variant_id": None},
    "PATCH /cart/items/{item_id}": lambda world: {"quantity": 1},
    "PUT /cart/items/{item_id}": lambda world: {"quantity": 1},
    "POST /cart/checkout": lambda world: {"shipping_address": dict(HOME), "billing_address": dict(HOME)},
    "POST /v2/api-keys": lambda world: {
        "name": "Other app",
        "scopes": ["products:read"],
        "environment": "test",
        "expires_at": clock.rfc3339(clock.now() + timedelta(days=30)),
    },
    "POST /v2/api-keys/{id}/rotate": lambda world: {"overlap_seconds": 60},
    "POST /v2/products": lambda world: {
        "name": "Bowl",
        "price": 5,
        "sku": "BOWL",
        "description": "A bowl",
        "status": "active",
        "categories": ["kitchen"],
        "variants": [
            {
                "sku": "BOWL-S",
                "price": 5,
                "inventory": 1,
                "attributes": {"size": "S"},
                "image": "https://x.example/s.png",
            }
        ],
        "images": ["https://x.example/bowl.png"],
        "metadata": {"shelf": "7"},
    },
    "PUT /v2/products/{id}": lambda world: {
        "name": "Cup",
        "price": 6,
        "sku": "CUP",
        "description": "A cup",
        "status": "draft",
        "categories": ["kitchen"],
        "variants": [{"sku": "CUP", "price": 5, "attributes": {"size": "S"}, "image": "https://x.example/s.png"}],
        "images": ["https://x.example/cup.png"],
        "metadata": {"shelf": "7"},
        "version": 1,
    },
    "POST /v2/customers": lambda world: {
        "email": "ann@example.com",
        "first_name": "Ann",
        "last_name": "Lee",
        "phone": "+1-555-0123",
        "addresses": [{**HOME, "is_default_shipping": True}],
        "tags": ["vip"],
        "metadata": {"source": "fair"},
    },
    "PUT /v2/customers/{id}": lambda world: {
        "email": "ann@example.com",
        "first_name": "Ann",
        "last_name": "Lee",
        "phone": "+1-555-0123",
        "tags": ["vip"],
        "metadata": {"source": "fair"},
        "version": 1,
    },
    "POST /v2/customers/{id}/addresses": lambda world: {**HOME, "is_default_shipping": True},
    "PUT /v2/customers/{id}/addresses/{address_id}": lambda world: {**HOME, "is_default_shipping": True},
    "POST /v2/inventory/{product_id}/alerts": lambda world: {
        "threshold": 5,
        "variant_id": None,
        "location": "wh_001",
        "reorder": {"enabled": True, "quantity": 100, "supplier": "Harbor Textiles"},
    },
    "POST /v2/purchase-orders/{id}/close": lambda world: {"status": "ordered"},
    "POST /v2/inventory/{product_id}/adjust": lambda world: {
        "quantity": 1,
        "reason": "restock",
        "location": "wh_001",
        "variant_id": None,
        "note": "Delivery",
    },
}


@dataclass
class Refusals:
    """What refusals must be, and how many there were of each status."""

    seen: dict[int, int] = field(default_factory=dict)

    def __call__(self, endpoint: Endpoint, answered: Answered, status: int, code: str | None = None) -> Any:
        assert answered.status == status, f"{endpoint.name}: {answered.status} {answered.text}"
        error = endpoint.error_in(answered.body)
        assert set(error) == {"code", "message", "details", "request_id"}
        assert error["code"] == ("not_found" if status == 404 else "conflict" if status == 409 else "validation_error")
        assert error["message"]
        assert error["request_id"] == answered.headers["X-Request-Id"]
        assert answered.headers["Content-Type"] == "application/json"
        assert all(set(detail) == {"field", "message", "code"} for detail in error["details"])
        assert code is None or code in {detail["code"] for detail in error["details"]}, error["details"]
        repeated = [secret for secret in SECRETS if secret in answered.text or secret in str(answered.headers)]
        assert repeated == []
        self.seen[status] = self.seen.get(status, 0) + 1
        return error


@pytest.fixture
def refused(
    world: World,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Refusals]:
    """Checks refusals, and at the end that nothing was written or logged of what was refused."""
    monkeypatch.setattr(logger._logger, "propagate", True)
    monkeypatch.setattr(logger._logger, "level", logging.DEBUG)
    before = world.rows()
    refusals = Refusals()
    request.node.user_properties.append(("bad requests refused", refusals.seen))
    with caplog.at_level(logging.DEBUG, logger="till"):
        yield refusals
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    written = " ".join(str(vars(record)) for record in records) + "".join(capfd.readouterr())
    assert [secret for secret in SECRETS if secret in written] == []
    assert any(record.getMessage() == "refused" for record in records)  # or nothing was looked at
    assert not [record for record in records if record.levelno >= logging.ERROR]
    assert world.rows() == before


def test_every_endpoint_with_a_body_has_a_good_request_here() -> None:
    assert {each.name for each in TAKING_BODIES} == set(GOOD)


@named(TAKING_BODIES)
def test_the_good_request_is_taken(endpoint: Endpoint, world: World, stripe: Stripe) -> None:
    """What is refused below is refused for what is wrong with it and for nothing else."""
    answered = world.request(endpoint)

    assert answered.status == endpoint.route.status, answered.text


# What cannot be read, or is no request of ours


MALFORMED = {
    "cut off": f'{{"name": "{CANARY}"',
    "not JSON": f"{CANARY}",
    "single quotes": f"{{'name': '{CANARY}'}}",
    "NaN": f'{{"quantity": NaN, "name": "{CANARY}"}}',
    "Infinity": f'{{"quantity": Infinity, "name": "{CANARY}"}}',
    "trailing text": f'{{"name": "{CANARY}"}} trailing',
    "100,000 deep": "[" * 100_000,
    "NUL": "\x00",
    "half a character": f'{{"name": "{CANARY} \\ud83d"}}',
    "5,000 digits": f'{{"name": "{CANARY}", "quantity": {"9" * 5000}}}',
    "exponent of 20 digits": f'{{"name": "{CANARY}", "quantity": 1e99999999999999999999}}',
}


@named(TAKING_BODIES)
def test_malformed_json_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(case: str) -> None:
        refused(endpoint, world.request(endpoint, body=MALFORMED[case]), 400, "malformed_json")

    try_each(MALFORMED, attempt)


@named(TAKING_BODIES)
def test_json_that_is_no_object_is_422(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(body: str) -> None:
        refused(endpoint, world.request(endpoint, body=body), 422)

    try_each(["[]", "[{}]", f'"{CANARY}"', "7", "true"], attempt)


@named([each for each in TAKING_BODIES if each.route.body_required])
def test_a_missing_body_is_refused(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(body: str | None) -> None:
        answered = world.request(endpoint, body=body)
        refused(endpoint, answered, 400 if answered.status == 400 else 422)

    try_each([None, "", "null", "{}"], attempt)


@named(TAKING_BODIES)
def test_an_unknown_field_is_422_anywhere_in_the_body(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(changed: Any) -> None:
        error = refused(endpoint, world.request(endpoint, body=changed), 422, "unknown_field")
        assert any(detail["field"].endswith("surprise") for detail in error["details"])

    try_each(with_unknown_field(GOOD[endpoint.name](world)), attempt)


@pytest.mark.parametrize("path", ["POST /admin/orders", "POST /orders", "POST /cart/items", "POST /cart/checkout"])
def test_what_only_the_shop_decides_is_not_taken_from_a_client(world: World, refused: Refusals, path: str) -> None:
    endpoint = endpoints()[path]

    def attempt(name: str) -> None:
        refused(endpoint, world.request(endpoint, body=GOOD[path](world) | {name: 1}), 422, "unknown_field")

    try_each(["price", "unit_price", "total", "status", "tenant", "discount", "balance"], attempt)


@named(TAKING_BODIES)
def test_a_value_of_the_wrong_type_is_422_in_every_field(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    cases = list(with_wrong_types(GOOD[endpoint.name](world)))
    assert len(cases) >= 3

    def attempt(case: tuple[str, Any]) -> None:
        place, changed = case
        error = refused(endpoint, world.request(endpoint, body=changed), 422)
        assert error["details"], place

    try_each(cases, attempt)


@named(TAKING_BODIES)
def test_a_card_number_is_422_in_every_field_and_is_not_repeated(
    world: World, refused: Refusals, endpoint: Endpoint
) -> None:
    good = GOOD[endpoint.name](world)
    numbers = (CARD, CARD.replace(" ", ""), CARD.replace(" ", "-"), f"pay with {CARD}, please")
    bare = ("4242424242424242", "4242424242424242.0", "4.242424242424242e15")

    def attempt(case: tuple[str | None, Any]) -> None:
        place, changed = case
        error = refused(endpoint, world.request(endpoint, body=changed), 422, "card_number")
        assert place is None or error["details"][0]["field"] == place

    try_each([case for number in numbers for case in with_value_everywhere(good, number)], attempt)
    try_each([(None, {**good, number: 1}) for number in numbers], attempt)
    try_each([(None, {**good, "note": wire_json.loads(number)}) for number in bare], attempt)


@named(TAKING_BODIES)
def test_a_body_of_seven_megabytes_is_413(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    body = json.dumps({"name": CANARY * 640_000})
    assert len(body) > 7_000_000

    refused(endpoint, world.request(endpoint, body=body), 413, "body_too_large")


@named(TAKING_BODIES)
def test_a_body_that_is_not_declared_as_json_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(content_type: str) -> None:
        answered = world.request(endpoint, headers={"content-type": content_type})
        is_form = endpoint.route.takes_upload and content_type.startswith("multipart/")
        refused(endpoint, answered, 400, "malformed_form_data" if is_form else "unsupported_content_type")

    types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"]
    try_each(types, attempt)


@named(WRITING)
def test_an_idempotency_key_that_is_none_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(key: str) -> None:
        refused(endpoint, world.request(endpoint, headers={"Idempotency-Key": key}), 400, "bad_idempotency_key")

    try_each(["", " ", "a b", "k" * 256, "schlüssel", f"{CANARY}\n"], attempt)


@named([*WRITING, *SHAPED])
def test_an_unknown_query_parameter_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    refused(endpoint, world.request(endpoint, query={"surprise": CANARY}), 400, "unknown_parameter")


@named([each for each in endpoints().values() if "{" in each.route.path and not each.route.hidden])
def test_a_path_that_names_nothing_is_404(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(text: str) -> None:
        path: dict[str, Any] = dict.fromkeys(world.path_of(endpoint), text)
        refused(endpoint, world.request(endpoint, **path), 404)

    try_each(["missing", "a#b", "%23", "x" * 65, "../etc", "a b", "é", f"{CANARY}"], attempt)


@named([each for each in endpoints().values() if "{" in each.route.path and not each.route.hidden])
def test_another_tenants_ids_name_nothing_and_answer_like_missing_ones(
    world: World, refused: Refusals, endpoint: Endpoint
) -> None:
    stranger = (
        Credential(tenant=OTHER_TENANT, role=world.jane.role, principal_id="cust_stranger", customer_id="cust_stranger")
        if endpoint.surface.name in CUSTOMERS
        else world.other.merchant
    )

    elsewhere = {"orgid": OTHER_TENANT.tenant_id}
    theirs = world.request(endpoint, by=stranger, headers=dict(elsewhere))
    path: dict[str, Any] = dict.fromkeys(world.path_of(endpoint), "missing")
    missing = world.request(endpoint, by=stranger, headers=dict(elsewhere), **path)

    refused(endpoint, theirs, 404)
    known, unknown = (endpoint.error_in(each.body) | {"request_id": ""} for each in (theirs, missing))
    assert known == unknown


@named([*WRITING, *SHAPED])
def test_the_request_id_of_a_refusal_is_the_callers_if_it_is_plain(
    world: World, refused: Refusals, endpoint: Endpoint
) -> None:
    def attempt(given: str) -> None:
        answered = world.request(endpoint, headers={"X-Request-Id": given}, query={"surprise": "1"})
        error = refused(endpoint, answered, 400, "unknown_parameter")
        assert (error["request_id"] == given) == (given == "abc-123")

    try_each(["abc-123", CANARY + " <script>", "x" * 65, CARD], attempt)


# Lists


BAD_PAGES: list[tuple[dict[str, str], int, str | None]] = [
    ({"limit": "201"}, 422, "less_than_equal"),
    ({"limit": "0"}, 422, "greater_than_equal"),
    ({"limit": "-1"}, 422, "greater_than_equal"),
    ({"limit": "abc"}, 400, "int_parsing"),
    ({"limit": "1.5"}, 400, "int_parsing"),
    ({"limit": ""}, 400, "int_parsing"),
    ({"limit": CANARY}, 400, "int_parsing"),
    ({"limit": "9" * 5000}, 422, None),
    ({"cursor": ""}, 400, "bad_cursor"),
    ({"cursor": CANARY}, 400, "bad_cursor"),
    ({"cursor": "eyJpZCI6MTIzfQ=="}, 400, "bad_cursor"),
    ({"cursor": "é☃"}, 400, "bad_cursor"),
    ({"cursor": "x" * 1025}, 422, "string_too_long"),
]


@named(LISTS)
def test_a_page_that_cannot_be_is_refused(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    def attempt(case: tuple[dict[str, str], int, str | None]) -> None:
        query, status, code = case
        refused(endpoint, world.request(endpoint, query=query), status, code)

    try_each(BAD_PAGES, attempt)


@named(NUMBERED)
def test_a_page_number_or_an_offset_does_not_go_with_a_cursor_or_beyond_ten_thousand_rows(
    world: World, refused: Refusals, endpoint: Endpoint
) -> None:
    by_page = "page" in endpoint.route.query.model_fields  # type: ignore[union-attr]
    name, first, far = ("page", "1", "201") if by_page else ("offset", "1", "10000")
    cursor = next_cursor(world, endpoint)

    both = world.request(endpoint, query={name: first, "cursor": cursor})
    refused(endpoint, both, 400, "page_and_cursor")
    refused(endpoint, world.request(endpoint, query={name: far, "limit": "50"}), 422, "use_cursor")
    refused(endpoint, world.request(endpoint, query={name: "abc"}), 400, "int_parsing")
    refused(endpoint, world.request(endpoint, query={name: "-1"}), 422, "greater_than_equal")


@named([each for each in LISTS if each.name not in OF_ONE])
def test_a_cursor_of_another_tenant_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    theirs = next_cursor(world, endpoint)
    stranger = world.other.merchant
    if endpoint.surface.name == "portal":
        stranger = Credential(
            tenant=OTHER_TENANT, role=world.jane.role, principal_id=world.jane.principal_id, customer_id="cust_other"
        )

    refused(endpoint, world.request(endpoint, by=stranger, query={"cursor": theirs}), 400, "bad_cursor")


@named(LISTS)
def test_a_cursor_with_anything_changed_is_400(world: World, refused: Refusals, endpoint: Endpoint) -> None:
    good = next_cursor(world, endpoint)
    middle = len(good) // 2
    changes = [
        good[:-2],
        good[1:],
        ("B" if good[0] == "A" else "A") + good[1:],
        good[:middle] + ("B" if good[middle] == "A" else "A") + good[middle + 1 :],
        good + good,
        good.upper(),
    ]

    def attempt(changed: str) -> None:
        refused(endpoint, world.request(endpoint, query={"cursor": changed}), 400, "bad_cursor")

    try_each(changes, attempt)


@named(LISTS)
def test_a_cursor_from_before_the_key_was_replaced_is_400(
    world: World, refused: Refusals, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setenv("CURSOR_KEY", "the key of last year")
        stale = next_cursor(world, endpoint)

    refused(endpoint, world.request(endpoint, query={"cursor": stale}), 400, "bad_cursor")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("GET /admin/orders", {"status": "shipped"}),
        ("GET /admin/orders", {"customer_id": "cust_other"}),
        ("GET /orders", {"status": "shipped"}),
        ("GET /v2/orders", {"payment_status": "pending"}),
        ("GET /v2/orders", {"date_from": "2026-01-01"}),
        ("GET /v2/payments", {"status": "succeeded"}),
        ("GET /v2/payments/disputes", {"status": "lost"}),
        ("GET /v2/products", {"status": "draft"}),
        ("GET /v2/products", {"category": "kitchen"}),
        ("GET /v2/products", {"sort": "price"}),
        ("GET /v2/products", {"order": "asc"}),
        ("GET /v2/customers", {"tags": "vip"}),
    ],
)
def test_a_cursor_of_another_query_is_400(world: World, refused: Refusals, path: str, query: dict[str, str]) -> None:
    endpoint = endpoints()[path]

    answered = world.request(endpoint, query={"cursor": next_cursor(world, endpoint), **query})

    refused(endpoint, answered, 400, "bad_cursor")


def test_a_cursor_of_one_orders_timeline_does_not_open_anothers(world: World, refused: Refusals) -> None:
    endpoint = endpoints()["GET /admin/orders/{order_id}/timeline"]
    cursor = next_cursor(world, endpoint)
    listed = world.shop.do("admin/orders/list_orders")
    another = next(order["id"] for order in listed if order["id"] != world.order_id)

    refused(endpoint, world.request(endpoint, order_id=another, query={"cursor": cursor}), 400, "bad_cursor")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("GET /admin/orders", {"status": CANARY}),
        ("GET /orders", {"status": CANARY}),
        ("GET /v2/products", {"status": CANARY}),
        ("GET /v2/products", {"sort": CANARY}),
        ("GET /v2/products", {"order": CANARY}),
        ("GET /v2/products", {"category": f"{CANARY} #"}),
        ("GET /v2/products", {"search": "x"}),
        ("GET /v2/customers", {"tags": f"{CANARY} #"}),
        ("GET /admin/orders", {"customer_id": f"{CANARY}#"}),
    ],
)
def test_a_filter_that_cannot_be_is_422(world: World, refused: Refusals, path: str, query: dict[str, str]) -> None:
    endpoint = endpoints()[path]

    refused(endpoint, world.request(endpoint, query=query), 422)


# What reads well and asks for something that cannot be


BAD_LINES: list[tuple[list[Any], int, str]] = [
    ([], 422, "too_short"),
    ([{"quantity": 1}] * 1000, 422, "too_long"),
    ([{"quantity": -1}], 422, "greater_than_equal"),
    ([{"quantity": 0}], 422, "greater_than_equal"),
    ([{"quantity": 10_001}], 422, "less_than_equal"),
    ([{"quantity": 10**30}], 422, "less_than_equal"),
    ([{"quantity": 1, "product_id": "prod_missing"}], 422, "unknown_product"),
    ([{"quantity": 1, "product_id": CANARY}], 422, "unknown_product"),
    ([{"quantity": 1, "product_id": f"{CANARY}#"}], 422, "value_error"),
    ([{"quantity": 1, "variant_id": CANARY}], 422, "unknown_variant"),
    ([{"quantity": 9999}], 409, "insufficient_stock"),
    ([{"quantity": 9999}] * 3, 409, "insufficient_stock"),
]


@pytest.mark.parametrize("path", ["POST /admin/orders", "POST /orders"])
def test_order_lines_that_cannot_be_are_refused(world: World, refused: Refusals, path: str) -> None:
    endpoint = endpoints()[path]

    def attempt(case: tuple[list[Any], int, str]) -> None:
        items, status, code = case
        lines = [{"product_id": world.product_id} | item for item in items]
        refused(endpoint, world.request(endpoint, body=_order(world) | {"items": lines}), status, code)

    try_each(BAD_LINES, attempt)


@pytest.mark.parametrize(
    ("path", "change", "status", "code"),
    [
        ("POST /cart/items", {"quantity": -1}, 422, "greater_than_equal"),
        ("POST /cart/items", {"quantity": 0}, 422, "greater_than_equal"),
        ("POST /cart/items", {"quantity": 9999}, 409, "insufficient_stock"),
        ("POST /cart/items", {"product_id": CANARY}, 422, "unknown_product"),
        ("POST /cart/items", {"variant_id": CANARY}, 422, "unknown_variant"),
        ("PATCH /cart/items/{item_id}", {"quantity": -1}, 422, "greater_than_equal"),
        ("PUT /cart/items/{item_id}", {"quantity": -1}, 422, "greater_than_equal"),
        ("PUT /cart/items/{item_id}", {"quantity": 9999}, 409, "insufficient_stock"),
        ("POST /v2/inventory/{product_id}/adjust", {"quantity": 0}, 422, "bad_quantity"),
        ("POST /v2/inventory/{product_id}/adjust", {"quantity": -9999}, 409, "insufficient_stock"),
        ("POST /v2/inventory/{product_id}/adjust", {"quantity": 10**30}, 422, None),
        ("POST /v2/inventory/{product_id}/adjust", {"reason": CANARY}, 422, "literal_error"),
        ("POST /v2/inventory/{product_id}/adjust", {"location": CANARY}, 422, "unknown_warehouse"),
        ("POST /v2/inventory/{product_id}/adjust", {"variant_id": CANARY}, 422, "unknown_variant"),
        ("POST /admin/orders", {"customer_id": CANARY}, 422, "unknown_customer"),
        ("POST /admin/orders", {"shipping_address": {"city": CANARY}}, 422, "value_error"),
        ("POST /cart/checkout", {"shipping_address": {"name": CANARY}}, 422, "missing"),
        ("POST /admin/payments/intent", {"amount": 501}, 422, "amount_mismatch"),
        ("POST /admin/payments/intent", {"amount": -500}, 422, "greater_than_equal"),
        ("POST /admin/payments/intent", {"amount": 0}, 422, "greater_than_equal"),
        ("POST /admin/payments/intent", {"currency": "eur"}, 422, "amount_mismatch"),
        ("POST /admin/payments/intent", {"currency": "zq9"}, 422, "unknown_currency"),
        ("POST /v2/payments/disputes/{id}/respond", {"evidence": {"receipt": CANARY}}, 422, "string_pattern_mismatch"),
        ("POST /v2/payments/disputes/{id}/respond", {"submit": "yes"}, 422, None),
        ("POST /v2/products", {"price": -1}, 422, "negative_amount"),
        ("POST /v2/products", {"price": 10**30}, 422, "amount_out_of_range"),
        ("POST /v2/products", {"price": {"amount": 500, "currency": "EUR"}}, 422, "foreign_currency"),
        ("POST /v2/products", {"price": {"amount": 500, "currency": CANARY}}, 422, "unknown_currency"),
        ("POST /v2/products", {"price": {"amount": -1, "currency": "USD"}}, 422, None),
        ("POST /v2/products", {"price": "5.00"}, 422, None),
        ("POST /v2/products", {"sku": "CUP"}, 409, "duplicate_sku"),
        ("POST /v2/products", {"variants": [{"sku": "S"}] * 2}, 422, "duplicate_sku"),
        ("POST /v2/products", {"variants": [{"sku": f"S{number}"} for number in range(1000)]}, 422, "too_long"),
        ("POST /v2/products", {"metadata": {CANARY * 10: "x"}}, 422, None),
        ("POST /v2/products", {"images": [f"javascript:{CANARY}"]}, 422, "string_pattern_mismatch"),
        ("PUT /v2/products/{id}", {"sku": "MUG"}, 409, "duplicate_sku"),
        ("PUT /v2/products/{id}", {"version": 2}, 409, "version_mismatch"),
        ("PUT /v2/products/{id}", {"variants": [{"sku": "OTHER"}]}, 409, "variant_in_stock"),
        ("PUT /v2/products/{id}", {"variants": [{"id": f"var_{CANARY}"}]}, 422, "unknown_variant"),
        ("PUT /v2/products/{id}", {"name": {"xx": CANARY}}, 422, "string_pattern_mismatch"),
        ("POST /v2/customers", {"email": f"{CANARY}@"}, 422, None),
        ("POST /v2/customers", {"email": "JANE@example.com"}, 409, "duplicate_email"),
        ("PUT /v2/customers/{id}", {"email": "JOE@example.com"}, 409, "duplicate_email"),
        ("PUT /v2/customers/{id}", {"version": 2}, 409, "version_mismatch"),
        ("POST /v2/customers/{id}/addresses", {"country": CANARY}, 422, None),
        ("POST /v2/inventory/{product_id}/alerts", {"threshold": 0}, 422, "greater_than_equal"),
        ("POST /v2/inventory/{product_id}/alerts", {"location": CANARY}, 422, "unknown_warehouse"),
        ("POST /v2/inventory/{product_id}/alerts", {"variant_id": CANARY}, 422, "unknown_variant"),
        ("POST /v2/purchase-orders/{id}/close", {"status": "draft"}, 422, "literal_error"),
        ("POST /v2/purchase-orders/{id}/close", {"status": CANARY}, 422, "literal_error"),
        ("POST /v2/api-keys", {"scopes": [CANARY]}, 422, "unknown_scope"),
        ("POST /v2/api-keys", {"expires_at": CANARY}, 422, None),
    ],
)
def test_what_cannot_be_is_refused(
    world: World, refused: Refusals, path: str, change: dict[str, Any], status: int, code: str | None
) -> None:
    endpoint = endpoints()[path]

    refused(endpoint, world.request(endpoint, body=GOOD[path](world) | change), status, code)


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("5.001", "too_many_decimal_places"),
        ("5.00000000000000000000000000000000000000000001", "too_many_decimal_places"),
        ("1e-999999999", "too_many_decimal_places"),
        ("-0.01", "negative_amount"),
        ("-1e999999999", "negative_amount"),
        ("1e400", "amount_out_of_range"),
        ("1e999999999", "amount_out_of_range"),
        ("10000000000000.01", "amount_out_of_range"),
        ('{"amount":1000000000000001,"currency":"USD"}', "less_than_equal"),
        ('{"amount":5.5,"currency":"USD"}', "int_type"),
        ('{"amount":5}', "missing"),
    ],
)
def test_an_amount_that_no_order_can_have_is_refused_exactly(
    world: World, refused: Refusals, price: str, code: str
) -> None:
    endpoint = endpoints()["POST /v2/products"]

    answered = world.request(endpoint, body=f'{{"name":"Bowl","sku":"BOWL","price":{price}}}')

    error = refused(endpoint, answered, 422, code)
    assert error["details"][0]["field"].startswith("price")


def test_more_than_a_row_can_hold_is_422(world: World, refused: Refusals) -> None:
    endpoint = endpoints()["POST /v2/products"]
    attributes = {f"a{number}": "é" * 255 for number in range(20)}
    variants = [{"sku": f"BOWL-{number}", "attributes": attributes} for number in range(40)]

    answered = world.request(endpoint, body=GOOD[endpoint.name](world) | {"variants": variants})

    refused(endpoint, answered, 422, "too_large")


# Whatever else is sent

ANY_TEXT = st.text(max_size=40) | st.sampled_from(["", " ", "\x00", "🛒", "a#b", "../x", "' OR 1=1", "{{7*7}}", "=1+1"])
ANY_NUMBER = (
    st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from([0, -1, 2**63, 10**18])
)
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | ANY_NUMBER | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


@named(TAKING_BODIES)
def test_no_body_is_a_fault_of_ours(endpoint: Endpoint, world: World, stripe: Stripe) -> None:
    """Any value in the place of any other: taken, or refused in the surface's envelope, and the books still add up."""
    good = GOOD[endpoint.name](world)
    places = [place for place, _ in leaves(good)] + list(good)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(places), ANY_VALUE)
    def send(place: str, value: Any) -> None:
        answered = world.request(endpoint, body=replaced(good, place.split("."), value))
        assert answered.status in (200, 201, 204, 400, 404, 409, 422), answered.text
        if answered.status >= 400:
            assert endpoint.error_in(answered.body)["request_id"] == answered.headers["X-Request-Id"]

    send()
    check(rows_of(world.table, world.shop.tenant))


def test_an_order_for_somebody_else_is_not_placed(world: World) -> None:
    endpoint = endpoints()["POST /orders"]

    answered = world.request(endpoint, body=_order(world) | {"customer_id": "cust_other"})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (403, "wrong_customer")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"order_id": "order_1"},
        {"email": f"{CANARY}@example.com"},
        {"order_id": f"{CANARY}#", "email": "jane@example.com"},
        {"order_id": "order_1", "email": "j" * 300},
        {"order_id": "order_1", "email": "jane@example.com", "token": CANARY},
        {"token": "x" * 513},
        {"token": ""},
    ],
)
def test_tracking_without_both_parts_is_422(world: World, refused: Refusals, query: dict[str, str]) -> None:
    endpoint = endpoints()["GET /api/track-order"]
    answered = world.shop.call(endpoint.file, query=query, headers={"orgid": "ten_1"})

    refused(endpoint, answered, 422)


def test_tracking_without_a_shop_is_400(world: World, refused: Refusals) -> None:
    endpoint = endpoints()["GET /api/track-order"]

    def attempt(orgid: str) -> None:
        refused(endpoint, world.request(endpoint, headers={"orgid": orgid}), 400, "tenant_required")

    try_each(["", " ", "ten#1", "x" * 65, f"{CANARY}#"], attempt)


# The webhook


@pytest.mark.parametrize(
    "header",
    ["", "t=1,v1=00", CANARY, f"t={CANARY},v1={CANARY}", "v1=00", "t=99999999999999999999,v1=00", "other secret"],
)
def test_a_delivery_that_stripe_did_not_sign_is_400(
    world: World, stripe: Stripe, refused: Refusals, header: str
) -> None:
    endpoint = endpoints()["POST /stripe/webhook"]

    def attempt(payload: str) -> None:
        signed = signature(payload.encode(), "whsec_other") if header == "other secret" else header
        answered = world.shop.call(endpoint.file, body=payload, headers={"Stripe-Signature": signed})
        refused(endpoint, answered, 400, "bad_signature")

    try_each([f'{{"id":"evt_1","note":"{CANARY}"}}', "", "[]", "\x00", "{" * 10_000], attempt)


def test_a_delivery_of_seven_megabytes_is_413(world: World, stripe: Stripe, refused: Refusals) -> None:
    endpoint = endpoints()["POST /stripe/webhook"]
    payload = json.dumps({"id": "evt_1", "note": CANARY * 640_000})

    answered = world.shop.call(endpoint.file, body=payload, headers={"Stripe-Signature": signature(payload.encode())})

    refused(endpoint, answered, 413, "body_too_large")


# Making bad requests out of good ones


def next_cursor(world: World, endpoint: Endpoint) -> str:
    answered = world.request(endpoint, query={"limit": "1"})
    assert answered.status == 200, answered.text
    pagination = answered.body["pagination"]
    cursor = pagination.get("next_cursor") or pagination["nextCursor"]
    assert isinstance(cursor, str)
    return cursor


def with_unknown_field(body: Any) -> Iterator[Any]:
    """Copies with one field too many, in the body and in each closed object inside it."""
    yield {**body, "surprise": CANARY}
    for name, value in body.items():
        if isinstance(value, dict) and name not in OPEN:
            yield {**body, name: {**value, "surprise": CANARY}}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield {**body, name: [{**value[0], "surprise": CANARY}]}


OPEN = {"metadata", "attributes"}  # objects with names of the client's choice


def with_value_everywhere(body: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Copies with ``value`` in the place of each value that holds no others; and where that is."""
    steps = body.items() if isinstance(body, dict) else enumerate(body)
    for step, inner in steps:
        below = f"{path}.{step}".lstrip(".")
        if isinstance(inner, dict | list):
            changes = with_value_everywhere(inner, value, below)
        else:
            changes = iter([(below, value)])
        for place, changed in changes:
            yield place, {**body, step: changed} if isinstance(body, dict) else [changed]


def with_wrong_types(body: Any) -> Iterator[tuple[str, Any]]:
    """Copies with one value each of a type that its field does not have."""
    for place, leaf in [(place, leaf) for place, leaf in leaves(body) if leaf is not None]:
        wrong: list[Any] = [{"x": CANARY}, [CANARY], [[]]]
        if isinstance(leaf, str):
            wrong += [7, True, wire_json.loads("1.5")]
        else:
            wrong += [CANARY, "7", wire_json.loads("7.5")] if not is_price(place, leaf) else [CANARY, "7", True]
        if isinstance(leaf, int) and not isinstance(leaf, bool) and not is_price(place, leaf):
            wrong += [True]
        for value in wrong:
            yield place, replaced(body, place.split("."), value)
    for name, value in body.items():
        if isinstance(value, dict | list):
            for other in (CANARY, 7, True, [CANARY] if isinstance(value, dict) else {"x": CANARY}):
                yield name, {**body, name: other}


def is_price(place: str, leaf: Any) -> bool:
    """Prices may be written as numbers of either kind, and as an object; so may amounts that are decimals here."""
    return place.endswith("price") or isinstance(leaf, Decimal)


def leaves(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    steps = body.items() if isinstance(body, dict) else enumerate(body)
    for step, inner in steps:
        below = f"{path}.{step}".lstrip(".")
        if isinstance(inner, dict | list):
            yield from leaves(inner, below)
        else:
            yield below, inner


def replaced(body: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if isinstance(body, list):
        return [replaced(body[int(first)], rest, value)]
    return {**body, first: replaced(body[first], rest, value)}
