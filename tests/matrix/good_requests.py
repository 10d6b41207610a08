"""One good request of every route: what must be there first, what is sent, and what comes back.

Scopes, statuses, caches and what If-Match takes are written down here once more, as the contract has them: what tests
expect of a route must not come from the route itself.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from commerce.checkouts.contracts import consignment_of
from commerce.gift_cards import batch_store
from commerce.http import forms
from commerce.http.api import PUBLIC_SCOPE
from commerce.kernel import clock
from commerce.kernel.caller import Role
from commerce.oauth.model import ClientKind
from tests.contract.endpoints import Endpoint, endpoints
from tests.contract.shops import HOME
from tests.liability import close_next
from tests.matrix.world import CALLBACK, CLIENT_SECRET, TOTAL, World
from tests.payments import signature
from tests.shop import Answered, Credential, handler
from tests.streams import Stream, audited, deliver
from tests.workflow import follow

CUSTOMERS_SCOPES = ("cart", "my_orders")
NO_STORE, CATALOGUE, CUSTOMER = "no-store", "private, max-age=300", "private, max-age=60"
STATIC = "static"  # a document: no request changes what it says

type Sent = dict[str, Any]
"""What ``tests.shop.Call`` takes: path parameters by their names, ``body``, ``query``, ``headers``."""


@dataclass(frozen=True)
class Good:
    """A good request.

    Args:
        given: brings the world there and gives what is sent. Asked twice, it gives two requests that differ where the
            route has a body.
        also: the other scopes that this very request needs.
        owner: whether only an owner may.
        cache: of a read.
        changed_by: of a read: the route whose good request changes its answer, or what else does.
        takes_version: whether a change takes If-Match; ``version_from`` is then the read that shows the version.
    """

    name: str
    scope: str
    status: int = 200
    given: Callable[[World], Sent] = lambda _: {}
    cache: str = NO_STORE
    changed_by: "str | Callable[[World], Any]" = ""
    version_from: str = ""
    also: tuple[str, ...] = ()
    owner: bool = False
    tenant_header: bool = True  # of a public route: whether it must name the shop
    guesses: bool = False  # whether misses are counted of those who have a credential

    @property
    def endpoint(self) -> Endpoint:
        return endpoints()[self.name]

    @property
    def is_public(self) -> bool:
        return self.scope == PUBLIC_SCOPE

    @property
    def is_customers(self) -> bool:
        return self.scope in CUSTOMERS_SCOPES

    @property
    def is_shared(self) -> bool:
        """Whether customers have a part of a merchant's route: their own gift cards."""
        return not self.is_public and ("/storefront/giftcards" in self.name or "/api/data/" in self.name)

    @property
    def is_bare(self) -> bool:
        """Whether its answers stand without an envelope."""
        surface = self.endpoint.surface.name
        return surface.startswith(("v2", "gift cards"))

    @property
    def is_read(self) -> bool:
        return self.name.startswith("GET ")

    @property
    def is_keyed(self) -> bool:
        """Whether it changes something of ours, in one transaction; such a route takes an Idempotency-Key."""
        return not self.is_read and self.name not in WITHOUT_KEY

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset({self.scope, *self.also})

    @property
    def takes_version(self) -> bool:
        return bool(self.version_from)

    def by(self, world: World) -> Credential:
        if self.is_customers:
            return world.customer
        return replace(world.shop.merchant, role=Role.OWNER if self.owner else Role.API_KEY)

    def send(self, world: World, sent: Sent, *, context: Any = None, **headers: str) -> Answered:
        """Send it, past the gateway; headers are given with ``_`` for ``-``."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"orgid": world.shop.tenant.tenant_id} if self.is_public and self.tenant_header else {}
        given = {**sent, "headers": {**own, **sent.get("headers", {}), **more}}
        answered: Answered = self.endpoint.ask(world.shop.call, credential=self.by(world), context=context, **given)
        return answered

    def do(self, world: World) -> Answered:
        """All of it; it must succeed."""
        answered = self.send(world, self.given(world))
        assert answered.status == self.status, f"{self.name}: {answered.status} {answered.text}"
        return answered


def _product(world: World) -> Sent:
    return {"id": world.product["id"]}


def _product_alert(world: World) -> Sent:
    made = world.shop.do("v2/inventory/set_alert", product_id=world.product["id"], body={"threshold": 5})
    return {"product_id": world.product["id"], "alert_id": made["id"]}


def _new_product(world: World) -> Sent:
    number = world.number()
    variants = [{"sku": f"MUG-{number}-L", "inventory": 5}]
    return {"body": {"name": "Mug", "sku": f"MUG-{number}", "price": 12, "variants": variants}}


def _changed_product(world: World) -> Sent:
    return _product(world) | {"body": {"name": f"Tee {world.number()}"}}


def _customer(world: World) -> Sent:
    return {"id": world.customer_id}


def _new_customer(world: World) -> Sent:
    body = {"email": f"mary.{world.number()}@example.com", "first_name": "Mary", "last_name": "Major"}
    return {"body": body | {"addresses": [HOME]}}


def _changed_customer(world: World) -> Sent:
    return _customer(world) | {"body": {"first_name": f"Janet {world.number()}"}}


def _new_address(world: World) -> Sent:
    return _customer(world) | {"body": HOME | {"address1": f"{world.number()} High St"}}


def _address(world: World) -> Sent:
    return {"id": world.customer_id, "address_id": world.address_ids[1]}


def _changed_address(world: World) -> Sent:
    return _address(world) | {"body": {"city": f"Town {world.number()}"}}


def _stock(world: World) -> Sent:
    return {"product_id": world.product["id"]}


def _received(world: World) -> Sent:
    body = {"quantity": world.number(), "reason": "restock", "variant_id": world.variant_id}
    return _stock(world) | {"body": body}


def _new_alert(world: World) -> Sent:
    return _stock(world) | {"body": {"threshold": world.number()}}


def _order(world: World) -> Sent:
    return {"order_id": world.order_id}


def _merchants_order(world: World) -> Sent:
    return {"body": {"customer_id": world.customer_id, "items": [world.line(world.number())]}}


def _changed_order(parameter: str) -> Callable[[World], Sent]:
    def given(world: World) -> Sent:
        made = world.shop.do("v2/orders/create_order", body=_merchants_order(world)["body"])
        return {parameter: made["id"], "body": {"status": "processing", "note": f"Packed {world.number()}"}}

    return given


def _v2_order(world: World) -> Sent:
    return {"id": world.order_id}


def _note(world: World) -> Sent:
    return _order(world) | {"body": {"content": f"Call before delivery {world.number()}"}}


def _cancelled(world: World) -> Sent:
    return _order(world) | {"body": {"reason": f"Changed my mind {world.number()}"}}


def _cancel(world: World) -> None:
    """The customer cancels the order that reads show."""
    GOOD["POST /orders/{order_id}/cancel"].do(world)


def _open_payment(world: World) -> Sent:
    return {"id": world.shop.start_payment(world.place_order(), 5998)}


def _paid_payment(world: World) -> Sent:
    intent_id = world.shop.start_payment(world.place_order(), 5998)
    assert world.stripe.pay(intent_id) == "succeeded"
    world.shop.settle(world.stripe)
    return {"id": intent_id}


def _refunded_payment(world: World) -> Sent:
    return _paid_payment(world) | {"body": {"amount": 1000 + world.number(), "reason": "customer_request"}}


def _refund_another(world: World) -> None:
    """Something of every payment goes back."""
    for intent_id in world.stripe.intents():
        world.shop.do("v2/payments/refund_payment", id=intent_id, body={"amount": 100})


def _paid_order(world: World) -> Sent:
    order_id = world.place_order()
    world.stripe.pay(world.shop.start_payment(order_id, 5998))
    world.shop.settle(world.stripe)
    return {"order_id": order_id, "body": {"reason": f"Changed my mind {world.number()}", "refund": True}}


def _v2_paid_order(world: World) -> Sent:
    sent = _paid_order(world)
    return {"id": sent["order_id"], "body": sent["body"]}


def _authorized_payment(world: World) -> Sent:
    body = _payment(world)["body"] | {"capture_method": "manual"}
    intent_id = world.shop.do("v2/payments/create_payment_intent", body=body)["id"]
    assert world.stripe.pay(intent_id) == "requires_capture"
    return {"id": intent_id, "body": {"amount": 5000}}


def _dispute(world: World) -> Sent:
    intent_id = world.shop.start_payment(world.place_order(), 5998)
    assert world.stripe.pay(intent_id, "pm_card_createDispute") == "succeeded"
    world.shop.settle(world.stripe)
    return {"id": world.stripe.sdk.v1.disputes.list({"payment_intent": intent_id}).data[0].id}


def _response(world: World) -> Sent:
    return _dispute(world) | {"body": {"evidence": {"product_description": f"Tee {world.number()}"}}}


def _decide_disputes(world: World) -> None:
    for dispute in world.stripe.sdk.v1.disputes.list().data:
        world.stripe.sdk.v1.disputes.close(dispute.id)
    world.shop.settle(world.stripe)


def _shipped_order(world: World) -> Any:
    order_id = world.place_order()
    world.pay(order_id)
    world.shop.move(order_id, "shipped")
    return world.shop.do("admin/orders/get_order", order_id=order_id)


def _request_of(world: World, order: Any) -> Any:
    item = {"order_item_id": order["items"][0]["id"], "quantity": 1, "reason": f"reason-{world.number()}"}
    return {"items": [item]}


def _new_return(world: World) -> Sent:
    order = _shipped_order(world)
    return {"body": {"order_id": order["id"]} | _request_of(world, order)}


def _my_new_return(world: World) -> Sent:
    order = _shipped_order(world)
    return {"order_id": order["id"], "body": _request_of(world, order)}


def _pending_return(world: World) -> Sent:
    made = world.shop.do("admin/returns/create_return", body=_new_return(world)["body"])
    return {"return_id": made["id"]}


def _my_return(world: World) -> Sent:
    sent = _pending_return(world)
    return sent | {"order_id": world.shop.do("admin/returns/get_return", **sent)["order_id"]}


def _my_returns(world: World) -> Sent:
    return {"order_id": _my_return(world)["order_id"]}


def _ended_return(world: World) -> Sent:
    return _pending_return(world) | {"body": {"note": f"Number {world.number()}"}}


def _arrived_return(world: World) -> Sent:
    sent = _pending_return(world)
    world.shop.do("admin/returns/approve_return", method="POST", **sent)
    item = world.shop.do("admin/returns/get_return", **sent)["items"][0]
    received = {"order_item_id": item["order_item_id"], "quantity": 1, "disposition": "restock"}
    return sent | {"body": {"items": [received | {"condition": f"as sold {world.number()}"}]}}


def _received_return(world: World) -> Sent:
    sent = _arrived_return(world)
    world.shop.do("admin/returns/receive_return", **sent)
    return sent | {"body": {"amount": world.number(), "reason": "Worn"}}


def _followed_return(world: World) -> Sent:
    """A return whose workflow was started."""
    sent = _pending_return(world)
    follow(world.shop.tenant, sent["return_id"])
    return sent


def _cancel_returns(world: World) -> None:
    for each in world.shop.do("admin/returns/list_returns", query={"status": "pending"}):
        world.shop.do("admin/returns/cancel_return", return_id=each["id"])


def _own_order(world: World) -> Sent:
    return {"body": {"items": [world.line(world.number())], "shipping_address": HOME}}


def _payment(world: World) -> Sent:
    return {"body": {"order_id": world.place_order(), "amount": 5998, "currency": "usd"}}


def _tracked(world: World) -> Sent:
    return {"query": {"order_id": world.order_id, "email": world.email}}


def _item(world: World) -> Sent:
    return {"item_id": world.item_id}


def _more_in_cart(world: World) -> Sent:
    return {"body": world.line(world.number())}


def _other_quantity(world: World) -> Sent:
    return _item(world) | {"body": {"quantity": 2 + world.number()}}


def _stripe_event(world: World) -> Sent:
    intent_id = world.shop.start_payment(world.order_id, 5998)
    assert world.stripe.pay(intent_id) == "succeeded"
    event = next(each for each in world.stripe.events() if each["type"] == "payment_intent.succeeded")
    payload = json.dumps(event)
    return {"body": payload, "headers": {"Stripe-Signature": signature(payload.encode())}}


def _complete_payment(world: World) -> None:
    for intent_id in world.stripe.intents():
        assert world.stripe.pay(intent_id) == "succeeded"
    world.shop.settle(world.stripe)


def _streamed(function: str, change: str) -> Callable[[World], None]:
    """What a stream's consumer makes of the good request of ``change``."""

    def happen(world: World) -> None:
        stream = Stream(SimpleNamespace(name=os.environ["TABLE_NAME"]))
        GOOD[change].do(world)
        records = stream.read()
        assert deliver(function, audited(records) if function == "record_audit" else records) == []

    return happen


def _probed(_: World) -> None:
    handler("schedules/probe_health").handler({}, None)


def _closed_day(world: World) -> Sent:
    return {"date": close_next(world.shop.tenant).day.isoformat()}


_FORM = {"content-type": forms.CONTENT_TYPE}


def _to_sign_in(world: World) -> Sent:
    asked = {"response_type": "code", "client_id": world.client(ClientKind.STOREFRONT), "redirect_uri": CALLBACK}
    return {"query": asked | {"code_challenge": "c" * 43, "code_challenge_method": "S256"}}


def _machine_signs_in(world: World) -> Sent:
    form = {"client_id": world.client(ClientKind.INTEGRATION), "client_secret": CLIENT_SECRET}
    body = urlencode(form | {"grant_type": "client_credentials", "scope": "orders:read"})
    return {"body": body, "headers": _FORM}


def _signed_out(world: World) -> Sent:
    token = world.sign_in()["refresh_token"]
    body = urlencode({"client_id": world.client(ClientKind.STOREFRONT), "token": token})
    return {"body": body, "headers": _FORM}


def _new_key(world: World) -> Sent:
    return {"body": {"name": f"Till {world.number()}", "scopes": ["inventory:read"]}}


def _key(world: World) -> Sent:
    return {"id": world.key_id}


def _rotated(world: World) -> Sent:
    return _key(world) | {"body": {"overlap_seconds": world.number()}}


def _renamed_shop(world: World) -> Sent:
    return {"id": world.shop.tenant.tenant_id, "body": {"name": f"Shop {world.number()}"}}


def _new_batch(world: World) -> Sent:
    return {"body": {"quantity": 101, "amount": world.number()}}


def _batch(quantity: int) -> Callable[[World], Sent]:
    def given(world: World) -> Sent:
        body = {"quantity": quantity, "amount": 50}
        return {"batch_id": world.shop.do("admin/gift_cards/issue_gift_card_batch", body=body)["batch_id"]}

    return given


def _some_of_a_batch(_: World) -> None:
    """The workflow issues the first cards of what was asked for."""
    for tenant, batch_id in batch_store.unfinished(clock.now() + timedelta(seconds=1), 10):
        state = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "batch_id": batch_id, "chunk": 0}
        handler("workflows/gift_card_batch/issue_gift_card_chunk").handler(state, None)


def _card(world: World, **more: Any) -> Any:
    """A gift card, which the world's other requests then are about."""
    world.card = world.shop.do("storefront/gift_cards/issue_card", body={"amount": 100 + world.number()} | more)
    return world.card


def _one_card(world: World) -> Sent:
    return {"serial": _card(world, ownerEmail="jane@example.com")["serial"]}


def _inactive_card(world: World) -> Sent:
    return {"serial": _card(world, active=False)["serial"]}


def _suspended_card(world: World) -> Sent:
    sent = _one_card(world)
    world.shop.do("storefront/gift_cards/suspend_card", **sent)
    return sent


def _ended_card(world: World) -> Sent:
    return _one_card(world) | {"body": {"disposition": "write_off", "reason": f"Lost {world.number()}"}}


def _possessed(world: World) -> Sent:
    card = _card(world)
    return {"query": {"serial": card["serial"], "pin": card["pin"]}}


def _applied_card(world: World) -> Sent:
    card, cart = _card(world), world.shop.do("storefront/carts/get_cart", by=world.customer)
    return {"body": {"serial": card["serial"], "pin": card["pin"], "cartId": cart["id"], "amount": 5}}


def _held_card(world: World) -> Sent:
    sent = _applied_card(world) | {"headers": {"orgid": world.shop.tenant.tenant_id}}
    held = world.shop.do("storefront/gift_cards/redeem_card", **sent)
    return {
        "redemption_id": held["redemptionId"],
        "query": {"serial": world.card["serial"], "pin": world.card["pin"]},
    }


def _looked_up(world: World) -> Sent:
    return {"query": {"code": _card(world)["serial"]}}


def _redeemed(world: World) -> Sent:
    body = {"code": _card(world)["serial"], "order_id": world.order_id, "amount_to_redeem": 5}
    return {"body": body}


def _refunded(world: World) -> Sent:
    body = {"code": _card(world)["serial"], "order_id": world.place_order(), "amount_to_redeem": TOTAL}
    world.shop.do("admin/gift_cards/redeem_gift_card", body=body)
    return {"serial": world.card["serial"], "body": {"amount": 5, "reason": f"Came back {world.number()}"}}


def _moved_card(world: World) -> Sent:
    return {"body": _one_card(world) | {"toEmail": "new@example.com"}}


def _spend_card(world: World) -> None:
    """The card that was asked about pays for an order."""
    body = {"code": world.card["serial"], "order_id": world.order_id, "amount_to_redeem": 5}
    world.shop.do("admin/gift_cards/redeem_gift_card", body=body)


def _storefront_cards(prefix: str) -> list[Good]:
    """Of gift cards, which stand under two names."""
    at, read, write = f"{prefix}/storefront/giftcards", "gift_cards:read", "gift_cards:write"
    return [
        Good(f"GET {at}/balance", PUBLIC_SCOPE, given=_possessed, changed_by=_spend_card),
        Good(f"POST {at}/redeem", PUBLIC_SCOPE, given=_applied_card),
        Good(f"DELETE {at}/redeem/{{redemption_id}}", PUBLIC_SCOPE, 204, _held_card),
        Good(f"GET {at}", read, changed_by=f"POST {at}"),
        Good(f"POST {at}", write, 201, lambda world: {"body": {"amount": world.number()}}),
        Good(f"POST {at}/batch", write, 201, lambda world: {"body": [{"amount": world.number()}, {"amount": 5}]}),
        Good(f"GET {at}/stats", "gift_cards:report", changed_by=_streamed("count_rows", f"POST {at}")),
        Good(f"GET {at}/{{serial}}", read, given=_one_card, changed_by=_spend_card),
        Good(f"PUT {at}/{{serial}}/activate", write, given=_inactive_card),
        Good(f"PUT {at}/{{serial}}/suspend", write, given=_one_card),
        Good(f"PUT {at}/{{serial}}/reactivate", write, given=_suspended_card),
        Good(f"PUT {at}/{{serial}}/cancel", write, given=_ended_card),
        Good(f"POST {at}/{{serial}}/refund", write, 201, _refunded),
        Good(f"POST {at}/{{serial}}/resend", write, given=_one_card),
        Good(f"POST {at}/transfer", write, given=_moved_card),
    ]


def _customers(world: World) -> Sent:
    return {"customer_id": world.customer_id}


def _new_credit(world: World) -> Sent:
    return {"body": {"customer_id": world.customer_id, "amount": world.number(), "reason": "refund"}}


def _credit(world: World) -> Any:
    return world.shop.do("admin/store_credit/issue_store_credit", body=_new_credit(world)["body"] | {"amount": 50})


def _redeemed_credit(world: World) -> Sent:
    _credit(world)
    order = {"customer_id": world.customer_id, "order_id": world.order_id}
    return {"body": order | {"amount_to_redeem": world.number()}}


def _voided_credit(world: World) -> Sent:
    return {"credit_id": _credit(world)["credit_id"], "body": {"reason": f"Issued twice {world.number()}"}}


def _paying_card(world: World) -> Sent:
    card = _card(world)
    return {"body": {"serial": card["serial"], "pin": card["pin"], "amount": 5}}


def _card_in_cart(world: World) -> Sent:
    cart = world.shop.do("storefront/carts/add_cart_gift_card", by=world.customer, **_paying_card(world))
    return {"redemption_id": cart["gift_cards"][-1]["redemption_id"]}


def _checkout(world: World) -> Sent:
    return {"checkout_id": world.shop.do("storefront/carts/get_cart", by=world.customer)["id"]}


def _filled_checkout(world: World) -> Sent:
    item = {"productId": world.product["id"], "variantId": world.variant_id, "quantity": world.number()}
    return {"body": {"lineItems": [item]}}


def _checkout_with_credit(world: World) -> Sent:
    _credit(world)
    return _checkout(world)


def _certificate(world: World) -> Sent:
    card = _card(world)
    return _checkout(world) | {"body": {"giftCertificateCode": card["serial"], "pin": card["pin"]}}


def _checkout_with_card(world: World) -> Sent:
    _card_in_cart(world)
    return _checkout(world) | {"code": world.card["serial"]}


def _shipped_to(world: World) -> Any:
    return {"firstName": "Jane", "address1": f"{world.number()} High St", "city": "Springfield"}


def _billed(world: World) -> Sent:
    return _checkout(world) | {"body": _shipped_to(world)}


def _consigned(world: World) -> Sent:
    return _checkout(world) | {"body": {"address": _shipped_to(world), "shippingOptionId": "standard"}}


def _consigned_elsewhere(world: World) -> Sent:
    sent = _consigned(world)
    return sent | {"consignment_id": consignment_of(sent["checkout_id"])}


_RETURN = "/admin/returns/{return_id}"
_CHECKOUT = "/api/storefront/checkouts/{checkout_id}"
_CREDIT_ISSUED = "POST /admin/store-credit/issue"
_PUT_PRODUCT, _PUT_CUSTOMER = "PUT /v2/products/{id}", "PUT /v2/customers/{id}"
_ONE_PRODUCT, _ONE_CUSTOMER = "GET /v2/products/{id}", "GET /v2/customers/{id}"
_ADDRESS = "/v2/customers/{id}/addresses/{address_id}"
_ALERTS = "/v2/inventory/{product_id}/alerts"

GOOD: dict[str, Good] = {
    good.name: good
    for good in (
        Good("GET /admin/orders", "orders:read", changed_by="POST /orders"),
        Good("POST /admin/orders", "orders:write", 201, _merchants_order),
        Good("GET /admin/orders/counts", "orders:read", changed_by=_streamed("count_rows", "POST /orders")),
        Good("GET /admin/orders/{order_id}", "orders:read", given=_order, changed_by=_cancel),
        Good("GET /admin/orders/{order_id}/timeline", "orders:read", given=_order, changed_by=_cancel),
        Good(
            "GET /admin/orders/{order_id}/notes",
            "orders:read",
            given=_order,
            changed_by="POST /admin/orders/{order_id}/notes",
        ),
        Good("POST /admin/orders/{order_id}/notes", "orders:write", 201, _note),
        Good(
            "POST /admin/orders/{order_id}/cancel",
            "orders:write",
            given=_paid_order,
            version_from="GET /v2/orders/{id}",
        ),
        *(
            Good(
                f"{method} /admin/orders/{{order_id}}/status",
                "orders:write",
                given=_changed_order("order_id"),
                version_from="GET /v2/orders/{id}",
            )
            for method in ("PUT", "PATCH")
        ),
        Good("GET /admin/returns", "returns:read", changed_by="POST /admin/returns"),
        Good("POST /admin/returns", "returns:write", 201, _new_return),
        Good(f"GET {_RETURN}", "returns:read", given=_pending_return, changed_by=_cancel_returns),
        Good(f"GET {_RETURN}/quote", "returns:read", given=_pending_return, changed_by=_cancel_returns),
        *(
            Good(f"{method} {_RETURN}/{verb}", "returns:write", given=given, version_from=f"GET {_RETURN}")
            for method, verb, given in (
                ("POST", "approve", _pending_return),
                ("PUT", "approve", _pending_return),
                ("POST", "reject", _ended_return),
                ("POST", "cancel", _ended_return),
                ("POST", "receive", _arrived_return),
                ("POST", "refund", _received_return),
            )
        ),
        Good(f"POST {_RETURN}/redrive", "returns:write", 202, _followed_return),
        Good("GET /orders/{order_id}/returns", "my_orders", given=_my_returns, changed_by=_cancel_returns),
        Good("POST /orders/{order_id}/returns", "my_orders", 201, _my_new_return),
        Good("GET /orders/{order_id}/returns/{return_id}", "my_orders", given=_my_return, changed_by=_cancel_returns),
        Good("GET /admin/gift-cards", "gift_cards:read", changed_by="POST /admin/gift-cards"),
        Good("POST /admin/gift-cards", "gift_cards:write", 201, lambda world: {"body": {"amount": world.number()}}),
        Good("GET /admin/gift-cards/lookup", "gift_cards:read", given=_looked_up, changed_by=_spend_card),
        Good(
            "POST /admin/gift-cards/lookup", "gift_cards:read", given=lambda world: {"body": _looked_up(world)["query"]}
        ),
        Good("POST /admin/gift-cards/redeem", "gift_cards:write", given=_redeemed),
        *_storefront_cards(""),
        *_storefront_cards("/api"),
        Good(
            "GET /api/data/giftcard-transaction",
            "gift_cards:read",
            given=lambda world: {"query": {"where[giftCardSerial]": _card(world)["serial"]}},
            changed_by=_spend_card,
        ),
        Good(
            "GET /admin/gift-cards/liability-exports",
            "gift_cards:report",
            changed_by=lambda world: close_next(world.shop.tenant),
        ),
        # A closed day never changes.
        Good("GET /admin/gift-cards/liability-exports/{date}", "gift_cards:report", given=_closed_day, cache=STATIC),
        Good("POST /admin/gift-cards/liability-exports/{date}", "gift_cards:report", 202, _closed_day),
        Good("POST /admin/payments/intent", "payments:write", 201, _payment),
        Good("POST /admin/gift-cards/batch", "gift_cards:write", 201, _new_batch),
        Good(
            "GET /admin/gift-cards/batches/{batch_id}",
            "gift_cards:read",
            given=_batch(101),
            changed_by=_some_of_a_batch,
        ),
        Good("POST /admin/gift-cards/batches/{batch_id}/download", "gift_cards:write", 201, _batch(1)),
        Good("GET /api/track-order", PUBLIC_SCOPE, given=_tracked, changed_by=_cancel),
        Good(_CREDIT_ISSUED, "store_credit:write", 201, _new_credit),
        Good(
            "GET /admin/store-credit/balance/{customer_id}",
            "store_credit:read",
            given=_customers,
            changed_by=_CREDIT_ISSUED,
        ),
        Good(
            "GET /admin/store-credit/transactions/{customer_id}",
            "store_credit:read",
            given=_customers,
            changed_by=_CREDIT_ISSUED,
        ),
        Good("POST /admin/store-credit/redeem", "store_credit:write", 201, _redeemed_credit),
        Good("POST /admin/store-credit/{credit_id}/void", "store_credit:write", given=_voided_credit),
        Good("POST /api/storefront/carts", "cart", 201, _filled_checkout),
        Good(f"GET {_CHECKOUT}", "cart", given=_checkout, changed_by="POST /cart/items"),
        Good(f"POST {_CHECKOUT}/store-credit", "cart", given=_checkout_with_credit),
        Good(f"DELETE {_CHECKOUT}/store-credit", "cart", given=_checkout_with_credit),
        Good(f"POST {_CHECKOUT}/gift-certificates", "cart", given=_certificate, guesses=True),
        Good(f"DELETE {_CHECKOUT}/gift-certificates/{{code}}", "cart", given=_checkout_with_card),
        Good(f"PUT {_CHECKOUT}/billing-address", "cart", given=_billed),
        Good(f"POST {_CHECKOUT}/consignments", "cart", given=_consigned),
        Good(f"PUT {_CHECKOUT}/consignments/{{consignment_id}}", "cart", given=_consigned_elsewhere),
        Good(f"POST {_CHECKOUT}/orders", "cart", 201, _checkout),
        Good("GET /cart", "cart", changed_by="POST /cart/items"),
        Good("POST /cart/gift-cards", "cart", 201, _paying_card, guesses=True),
        Good("DELETE /cart/gift-cards/{redemption_id}", "cart", given=_card_in_cart),
        Good("DELETE /cart", "cart"),
        Good("POST /cart/checkout", "cart", 201),
        Good("POST /cart/items", "cart", 201, _more_in_cart),
        Good("PUT /cart/items/{item_id}", "cart", given=_other_quantity),
        Good("PATCH /cart/items/{item_id}", "cart", given=_other_quantity),
        Good("DELETE /cart/items/{item_id}", "cart", given=_item),
        Good("GET /docs", PUBLIC_SCOPE, cache=STATIC, tenant_header=False),
        Good("GET /docs/{file}", PUBLIC_SCOPE, given=lambda _: {"file": "page.js"}, cache=STATIC, tenant_header=False),
        Good("GET /openapi.json", PUBLIC_SCOPE, cache=STATIC, tenant_header=False),
        Good("GET /oauth/authorize", PUBLIC_SCOPE, 302, _to_sign_in, cache=STATIC, tenant_header=False),
        Good("POST /oauth/token", PUBLIC_SCOPE, given=_machine_signs_in, tenant_header=False),
        Good("POST /oauth/revoke", PUBLIC_SCOPE, given=_signed_out, tenant_header=False),
        Good("GET /orders", "my_orders", changed_by="POST /orders"),
        Good("POST /orders", "my_orders", 201, _own_order),
        Good("GET /orders/{order_id}", "my_orders", given=_order, changed_by=_cancel),
        Good("POST /orders/{order_id}/cancel", "my_orders", given=_cancelled),
        Good("POST /stripe/webhook", PUBLIC_SCOPE, given=_stripe_event, tenant_header=False),
        Good("GET /v2/api-keys", "api_keys:read", changed_by="POST /v2/api-keys"),
        Good("POST /v2/api-keys", "api_keys:write", 201, _new_key, also=("inventory:read",)),
        Good("DELETE /v2/api-keys/{id}", "api_keys:write", 204, _key),
        Good("POST /v2/api-keys/{id}/rotate", "api_keys:write", 201, _rotated, also=("inventory:read",)),
        Good("GET /v2/audit-logs", "audit:read", changed_by=_streamed("record_audit", _PUT_PRODUCT)),
        Good("GET /v2/customers", "customers:read", cache=CUSTOMER, changed_by="POST /v2/customers"),
        Good("POST /v2/customers", "customers:write", 201, _new_customer),
        Good(_ONE_CUSTOMER, "customers:read", given=_customer, cache=CUSTOMER, changed_by=_PUT_CUSTOMER),
        Good(_PUT_CUSTOMER, "customers:write", given=_changed_customer, version_from=_ONE_CUSTOMER),
        Good("POST /v2/customers/{id}/addresses", "customers:write", 201, _new_address, version_from=_ONE_CUSTOMER),
        Good(f"PUT {_ADDRESS}", "customers:write", given=_changed_address, version_from=_ONE_CUSTOMER),
        Good(f"DELETE {_ADDRESS}", "customers:write", 204, _address, version_from=_ONE_CUSTOMER),
        Good(f"POST {_ADDRESS}/set-default", "customers:write", 201, _address, version_from=_ONE_CUSTOMER),
        Good("GET /v2/health", PUBLIC_SCOPE, changed_by=_probed, tenant_header=False),
        Good(
            "GET /v2/inventory/{product_id}",
            "inventory:read",
            given=_stock,
            changed_by="POST /v2/inventory/{product_id}/adjust",
        ),
        Good("POST /v2/inventory/{product_id}/adjust", "inventory:write", 201, _received),
        Good(f"GET {_ALERTS}", "inventory:read", given=_stock, changed_by=f"POST {_ALERTS}"),
        Good(f"POST {_ALERTS}", "inventory:write", 201, _new_alert),
        Good(f"DELETE {_ALERTS}/{{alert_id}}", "inventory:write", 204, _product_alert),
        Good("GET /v2/orders", "orders:read", changed_by="POST /v2/orders"),
        Good("POST /v2/orders", "orders:write", 201, _merchants_order),
        Good("GET /v2/orders/{id}", "orders:read", given=_v2_order, changed_by=_cancel),
        Good(
            "POST /v2/orders/{id}/cancel",
            "orders:write",
            201,
            _v2_paid_order,
            version_from="GET /v2/orders/{id}",
        ),
        *(
            Good(
                f"{method} /v2/orders/{{id}}/status",
                "orders:write",
                given=_changed_order("id"),
                version_from="GET /v2/orders/{id}",
            )
            for method in ("PUT", "PATCH")
        ),
        Good("GET /v2/payments", "payments:read", changed_by="POST /v2/payments/intents"),
        Good("GET /v2/payments/disputes", "payments:read", changed_by=_dispute),
        Good("GET /v2/payments/disputes/{id}", "payments:read", given=_dispute, changed_by=_decide_disputes),
        Good("POST /v2/payments/disputes/{id}/respond", "payments:write", 201, _response),
        Good("POST /v2/payments/intents", "payments:write", 201, _payment),
        Good("GET /v2/payments/{id}", "payments:read", given=_open_payment, changed_by=_complete_payment),
        Good("GET /v2/payments/intents/{id}", "payments:read", given=_open_payment, changed_by=_complete_payment),
        Good("POST /v2/payments/{id}/cancel", "payments:write", 201, _open_payment),
        Good("POST /v2/payments/{id}/refund", "payments:write", 201, _refunded_payment),
        Good("GET /v2/payments/{id}/refunds", "payments:read", given=_paid_payment, changed_by=_refund_another),
        Good("POST /v2/payments/{id}/capture", "payments:write", 201, _authorized_payment),
        Good("GET /v2/products", "products:read", cache=CATALOGUE, changed_by="POST /v2/products"),
        Good("POST /v2/products", "products:write", 201, _new_product),
        Good(_ONE_PRODUCT, "products:read", given=_product, cache=CATALOGUE, changed_by=_PUT_PRODUCT),
        Good(_PUT_PRODUCT, "products:write", given=_changed_product, version_from=_ONE_PRODUCT),
        Good("DELETE /v2/products/{id}", "products:write", 204, _product, version_from=_ONE_PRODUCT),
        Good("GET /v2/tenants", "settings:read", changed_by="PATCH /v2/tenants/{id}"),
        Good(
            "PATCH /v2/tenants/{id}", "settings:write", given=_renamed_shop, owner=True, version_from="GET /v2/tenants"
        ),
    )
}

OAUTH = frozenset({"GET /oauth/authorize", "POST /oauth/token", "POST /oauth/revoke"})
# Safe to repeat by what is sent: Stripe's event id, a token that ends; or they write nothing of their own.
WITHOUT_KEY = OAUTH | {"POST /stripe/webhook", "POST /admin/gift-cards/lookup"}

READS = [good for good in GOOD.values() if good.is_read]
# Gift cards answer under a second path too, by the same functions: what a change does is tried under one of them.
CHANGES = [good for good in GOOD.values() if not good.is_read and " /api/storefront/giftcards" not in good.name]
KEYED = [good for good in CHANGES if good.is_keyed]


def name_of(good: Good) -> str:
    """How pytest shows it."""
    return good.name
