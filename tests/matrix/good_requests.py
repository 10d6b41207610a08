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
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3

from commerce.checkouts.contracts import consignment_of
from commerce.gift_cards import batch_store
from commerce.http import forms
from commerce.http.api import PUBLIC_SCOPE
from commerce.jobs import store as job_store
from commerce.kernel import clock
from commerce.kernel.caller import Role
from commerce.oauth.model import ClientKind
from commerce.promotions.model import id_of
from tests.contract.endpoints import Endpoint, endpoints
from tests.contract.shops import HOME
from tests.liability import close_next
from tests.matrix.world import AT, CALLBACK, CLIENT_SECRET, TOTAL, World
from tests.payments import signature
from tests.shop import Answered, Credential, handler
from tests.stock_watch import drafted
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
    merchants_scope: str = ""  # of a customers' route that is the merchants', too
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


def _draft(world: World) -> Sent:
    return {"id": drafted(world.shop, f"LOW-{world.number()}")}


def _closed_draft(world: World) -> Sent:
    return _draft(world) | {"body": {"status": ("ordered", "cancelled")[world.number() % 4 // 2]}}


def _close_drafts(world: World) -> None:
    for draft in world.shop.do("v2/purchasing/list_purchase_orders", query={"status": "draft"})["data"]:
        world.shop.do("v2/purchasing/close_purchase_order", id=draft["id"], body={"status": "ordered"})


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


def _new_attachment(world: World) -> Sent:
    body = {"filename": f"note-{world.number()}.txt", "content_type": "text/plain", "size": 5}
    return _order(world) | {"body": body}


def _sent_attachment(world: World) -> Sent:
    """One that was announced, and sent."""
    made = world.shop.do("admin/attachments/add_attachment", **_new_attachment(world))
    place = {"Bucket": os.environ["FILES_BUCKET"], "Key": made["upload"]["fields"]["key"]}
    boto3.client("s3").put_object(**place, Body=b"hello", ContentType="text/plain")
    return _order(world) | {"attachment_id": made["id"]}


def _attachment(world: World) -> Sent:
    sent = _sent_attachment(world)
    world.shop.do("admin/attachments/complete_attachment", **sent)
    return sent


def _changed_attachment(world: World) -> Sent:
    return _attachment(world) | {"body": {"description": f"Version {world.number()}"}}


def _describe_attachments(world: World) -> None:
    for each in world.shop.do("admin/attachments/list_attachments", **_order(world)):
        named = _order(world) | {"attachment_id": each["id"]}
        world.shop.do("admin/attachments/update_attachment", body={"description": "Front side"}, **named)


def _cancelled(world: World) -> Sent:
    """An order with a coupon, which goes back to whoever wants it."""
    _kept_coupon(world)
    body = {"items": [world.line()], "coupon_codes": [_code(world)]}
    order = world.shop.do("storefront/orders/place_my_order", by=world.customer, body=body)
    return {"order_id": order["id"], "body": {"reason": f"Changed my mind {world.number()}"}}


def _cancel(world: World) -> None:
    """The customer cancels the order that reads show."""
    world.shop.do("storefront/orders/cancel_my_order", by=world.customer, **_order(world))


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


def _to_invoice(world: World) -> Sent:
    return {"order_id": _paid_order(world)["order_id"]}


def _to_pick(world: World) -> Sent:
    return {"query": {"order_ids": f"{_paid_order(world)['order_id']},{world.order_id}"}}


def _linked_file(world: World) -> Sent:
    link = urlsplit(world.shop.do("admin/packing/get_slip", **_order(world))["download_url"])
    return {"name": link.path.rpartition("/")[2], "query": dict(parse_qsl(link.query))}


def _begun_order(world: World) -> Sent:
    """An order of which one unit has left, and one has not."""
    order_id = str(_paid_order(world)["order_id"])
    [line] = world.shop.do("admin/orders/get_order", order_id=order_id)["items"]
    parcel = {"order_id": order_id, "tracking_number": "1Z1", "carrier": "UPS"}
    items = [{"order_item_id": line["id"], "quantity": 1}]
    world.shop.do("admin/fulfillment/ship_order", body=parcel | {"items": items})
    return {"order_id": order_id, "body": {"reason": f"Not made any more {world.number()}"}}


def _to_ship(world: World) -> Sent:
    order_id = _paid_order(world)["order_id"]
    return {"body": {"order_id": order_id, "tracking_number": f"1Z{world.number()}", "carrier": "UPS"}}


def _to_dispatch(world: World) -> Sent:
    return {"body": {"orders": [_to_ship(world)["body"]]}}


def _ship(world: World) -> None:
    """Ship the world's order."""
    world.pay(world.order_id)
    world.shop.move(world.order_id, "shipped")


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


def _another_day(_: World) -> None:
    """It is the next day until the world is put back."""
    clock._source = lambda: AT + timedelta(days=1)


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


def _bulk_update(world: World) -> Sent:
    return {"body": {"product_ids": [world.product["id"]] * 2, "updates": {"price": world.number()}}}


def _bulk_import(world: World) -> Sent:
    number = world.number()
    return {"body": {"rows": [{"name": f"Cup {number}", "sku": f"CUP-{number}", "price": number}]}}


def _bulk_adjust(world: World) -> Sent:
    place = {"product_id": world.product["id"], "variant_id": world.variant_id, "reason": "restock"}
    return {"body": {"adjustments": [place | {"quantity_change": world.number()}]}}


def _export(world: World) -> Sent:
    return {"export_id": world.shop.do("admin/bulk/export_orders", method="POST")["export_id"]}


def _job(world: World) -> Sent:
    body = {"product_ids": [world.product["id"]] * 101, "updates": {"price": world.number()}}
    return {"id": world.shop.do("admin/bulk/update_products", body=body)["job_id"]}


def _some_of_a_job(_: World) -> None:
    """The workflow does the first slice of what was asked for."""
    for tenant, job_id in job_store.unfinished(clock.now() + timedelta(seconds=1), 10):
        state = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "job_id": job_id}
        handler("workflows/bulk_job/run_job_slice").handler(state, None)


def _exports(kind: str, scope: str) -> tuple[Good, Good]:
    """GET keeps what it made for some minutes, whatever changes meanwhile."""
    path = f"/admin/bulk/{kind}/export"
    return Good(f"POST {path}", scope), Good(f"GET {path}", scope, cache=STATIC)


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


def _code(world: World, name: str = "KEPT") -> str:
    """A coupon's id follows from its code: each shop has codes of its own."""
    return f"{name}-{world.shop.tenant.tenant_id}".replace("_", "-").upper()


def _new_coupon(world: World) -> Sent:
    code = _code(world, f"SALE-{world.number()}")
    return {"body": {"code": code, "discount_type": "percentage", "discount_value": 20}}


def _v2_coupon(world: World) -> Sent:
    return {"body": {"code": _code(world, f"SALE-{world.number()}"), "type": "percentage", "amount": 20}}


def _coupon(world: World) -> Sent:
    return {"id": world.shop.do("admin/coupons/create_coupon", **_new_coupon(world))["id"]}


def _kept_coupon(world: World) -> Sent:
    """The one coupon of this code."""
    kept = id_of(_code(world))
    if world.shop.call("admin/coupons/get_coupon", credential=world.shop.merchant, id=kept).status == 404:
        body = {"code": _code(world), "discount_type": "percentage", "discount_value": 20}
        world.shop.do("admin/coupons/create_coupon", body=body)
    return {"id": kept}


def _changed_coupon(world: World) -> Sent:
    return _kept_coupon(world) | {"body": {"max_uses": 100 + world.number()}}


def _change_coupon(world: World) -> None:
    world.shop.do("admin/coupons/change_coupon", method="PUT", **_changed_coupon(world))


def _judged_coupon(world: World) -> Sent:
    return {"body": {"code": _code(world), "order_total": world.number()}}


def _new_discount(world: World) -> Sent:
    conditions = {"buy_quantity": 200, "get_quantity": 1}
    return {"body": {"name": f"Discount {world.number()}", "type": "buy_x_get_y", "conditions": conditions}}


def _discount(world: World) -> Sent:
    listed = world.shop.do("v2/discounts/list_discounts")["data"]
    made = listed[0] if listed else world.shop.do("v2/discounts/create_discount", **_new_discount(world))
    return {"id": made["id"]}


def _changed_discount(world: World) -> Sent:
    return _discount(world) | {"body": {"name": f"Discount {world.number()}"}}


def _applied_coupon(world: World) -> Sent:
    """A cart has one coupon on the price, and these are all."""
    _kept_coupon(world)
    return {"body": {"code": _code(world).lower() if world.number() % 2 else _code(world)}}


def _coupon_in_cart(world: World) -> Sent:
    world.shop.do("storefront/carts/apply_cart_coupon", by=world.customer, **_applied_coupon(world))
    return {"code": _code(world)}


def _checkout_coupon(world: World) -> Sent:
    return _checkout(world) | {"body": {"couponCode": _applied_coupon(world)["body"]["code"]}}


def _discounted_checkout(world: World) -> Sent:
    _coupon_in_cart(world)
    return _checkout(world)


def _checkout_with_coupon(world: World) -> Sent:
    return _checkout(world) | _coupon_in_cart(world)


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


_ATTACHMENTS = "/admin/orders/{order_id}/attachments"
_ATTACHMENT = f"{_ATTACHMENTS}/{{attachment_id}}"
_RETURN = "/admin/returns/{return_id}"
_CHECKOUT = "/api/storefront/checkouts/{checkout_id}"
_COUPON, _ONE_COUPON = "/admin/coupons/{id}", "GET /admin/coupons/{id}"
_DISCOUNTS, _DISCOUNT = "/v2/discounts/automatic", "/v2/discounts/automatic/{id}"
_CREDIT_ISSUED = "POST /admin/store-credit/issue"
_PUT_PRODUCT, _PUT_CUSTOMER = "PUT /v2/products/{id}", "PUT /v2/customers/{id}"


def _wait(world: World, kind: str = "backorder") -> Any:
    """A customer orders two units of a product of which there is none; give the product, and the order's item."""
    number = world.number()
    product = world.shop.product(f"LAMP-{number}", 10, when_out_of_stock=kind, expected_on="2030-04-01")
    order_id = world.shop.order(world.customer, (product["id"], 2))
    return product, world.shop.do("admin/orders/get_order", order_id=order_id)["items"][0]


def _preorder(world: World) -> None:
    _wait(world, "preorder")


def _arrived(world: World) -> str:
    """A backorder that waits though stock has arrived."""
    product, item = _wait(world)
    world.shop.receive(product["id"], 1)
    return str(item["backorder_id"])


def _arrived_backorder(world: World) -> Sent:
    return {"item_id": _arrived(world)}


def _arrivals(world: World) -> Sent:
    _arrived(world)
    return {}


def _arrived_preorder(world: World) -> Sent:
    return {"body": {"backorder_id": _arrived(world), "quantity": 1}}


def _rescheduled(world: World) -> Sent:
    _, item = _wait(world, "preorder")
    return {"id": item["backorder_id"], "body": {"expected_date": "2030-05-01", "priority": 1 + world.number() % 9}}


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
        Good("GET /admin/orders/{order_id}/shipments", "orders:read", given=_order, changed_by=_ship),
        Good("GET /admin/packing/slip/{order_id}", "orders:read", given=_order, changed_by="PATCH /v2/tenants/{id}"),
        Good("GET /admin/packing/invoice/{order_id}", "orders:read", given=_to_invoice, changed_by=_another_day),
        Good("GET /admin/packing/pick-list", "orders:read", given=_to_pick, changed_by="PATCH /v2/tenants/{id}"),
        Good("GET /files/{name}", PUBLIC_SCOPE, 302, _linked_file, cache=STATIC, tenant_header=False),
        Good("POST /admin/fulfillment/ship", "orders:write", given=_to_ship),
        Good("POST /admin/fulfillment/bulk-dispatch", "orders:write", given=_to_dispatch),
        Good("GET /admin/backorders", "orders:read", changed_by=_wait),
        Good("POST /admin/backorders/{item_id}/allocate", "orders:write", given=_arrived_backorder),
        Good("POST /admin/backorders/auto-allocate", "orders:write", given=_arrivals),
        Good("GET /admin/preorders", "orders:read", changed_by=_preorder),
        Good("POST /admin/preorders/allocate", "orders:write", given=_arrived_preorder),
        Good(
            "PATCH /admin/preorders/{id}",
            "orders:write",
            given=_rescheduled,
            version_from="GET /admin/preorders",
        ),
        Good(f"GET {_ATTACHMENTS}", "orders:read", given=_order, changed_by=f"POST {_ATTACHMENTS}"),
        Good(f"POST {_ATTACHMENTS}", "orders:write", 201, _new_attachment),
        Good(f"POST {_ATTACHMENT}/complete", "orders:write", given=_sent_attachment),
        Good(f"GET {_ATTACHMENT}", "orders:read", given=_attachment, changed_by=_describe_attachments),
        *(
            Good(
                f"{method} {_ATTACHMENT}",
                "orders:write",
                given=_changed_attachment,
                version_from=f"GET {_ATTACHMENT}",
            )
            for method in ("PUT", "PATCH")
        ),
        Good(f"DELETE {_ATTACHMENT}", "orders:write", given=_attachment),
        Good(
            "POST /admin/orders/{order_id}/cancel",
            "orders:write",
            given=_paid_order,
            version_from="GET /v2/orders/{id}",
        ),
        Good(
            "POST /admin/orders/{order_id}/close-rest",
            "orders:write",
            given=_begun_order,
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
        Good("POST /admin/bulk/products/update", "products:write", given=_bulk_update),
        Good("POST /admin/bulk/products/import", "products:write", given=_bulk_import),
        *_exports("products", "products:read"),
        *_exports("orders", "orders:read"),
        *_exports("inventory", "inventory:read"),
        # The file of an export never changes.
        Good("GET /admin/bulk/exports/{export_id}", "jobs:read", given=_export, also=("orders:read",), cache=STATIC),
        Good("POST /admin/inventory-history/bulk-adjust", "inventory:write", given=_bulk_adjust),
        Good(
            "GET /admin/inventory-history",
            "inventory:read",
            changed_by="POST /admin/inventory-history/bulk-adjust",
        ),
        Good("GET /v2/jobs/{id}", "jobs:read", given=_job, also=("products:read",), changed_by=_some_of_a_job),
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
        Good(f"POST {_CHECKOUT}/orders", "cart", 201, _discounted_checkout),
        Good(f"POST {_CHECKOUT}/coupons", "cart", given=_checkout_coupon),
        Good(f"DELETE {_CHECKOUT}/coupons/{{code}}", "cart", given=_checkout_with_coupon),
        Good("POST /cart/coupon", "cart", 201, _applied_coupon),
        Good("DELETE /cart/coupon/{code}", "cart", given=_coupon_in_cart),
        Good("GET /admin/coupons", "promotions:read", changed_by="POST /admin/coupons"),
        Good("POST /admin/coupons", "promotions:write", 201, _new_coupon),
        Good("POST /admin/coupons/validate", "promotions:read", given=_judged_coupon),
        Good(_ONE_COUPON, "promotions:read", given=_kept_coupon, changed_by=_change_coupon),
        *(
            Good(f"{method} {_COUPON}", "promotions:write", given=_changed_coupon, version_from=_ONE_COUPON)
            for method in ("PUT", "PATCH")
        ),
        Good(f"DELETE {_COUPON}", "promotions:write", given=_coupon, version_from=_ONE_COUPON),
        Good("GET /v2/coupons", "promotions:read", changed_by="POST /v2/coupons"),
        Good("POST /v2/coupons", "promotions:write", 201, _v2_coupon),
        Good("GET /v2/coupons/{id}", "promotions:read", given=_kept_coupon, changed_by=_change_coupon),
        Good("DELETE /v2/coupons/{id}", "promotions:write", 204, _coupon, version_from="GET /v2/coupons/{id}"),
        Good(f"GET {_DISCOUNTS}", "promotions:read", changed_by=f"POST {_DISCOUNTS}"),
        Good(f"POST {_DISCOUNTS}", "promotions:write", 201, _new_discount),
        Good(f"GET {_DISCOUNT}", "promotions:read", given=_discount, changed_by=f"PUT {_DISCOUNT}"),
        Good(f"PUT {_DISCOUNT}", "promotions:write", given=_changed_discount, version_from=f"GET {_DISCOUNT}"),
        Good(f"DELETE {_DISCOUNT}", "promotions:write", 204, _discount, version_from=f"GET {_DISCOUNT}"),
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
        Good(
            "GET /orders/{order_id}/qr",
            "my_orders",
            given=_order,
            changed_by=_another_day,
            merchants_scope="orders:read",
        ),
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
        Good("GET /v2/purchase-orders", "inventory:read", changed_by=_draft),
        Good("GET /v2/purchase-orders/{id}", "inventory:read", given=_draft, changed_by=_close_drafts),
        Good(
            "POST /v2/purchase-orders/{id}/close",
            "inventory:write",
            201,
            _closed_draft,
            version_from="GET /v2/purchase-orders/{id}",
        ),
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
WITHOUT_KEY = OAUTH | {"POST /stripe/webhook", "POST /admin/gift-cards/lookup", "POST /admin/coupons/validate"}

READS = [good for good in GOOD.values() if good.is_read]
# Gift cards answer under a second path too, by the same functions: what a change does is tried under one of them.
CHANGES = [good for good in GOOD.values() if not good.is_read and " /api/storefront/giftcards" not in good.name]
KEYED = [good for good in CHANGES if good.is_keyed]


def name_of(good: Good) -> str:
    """How pytest shows it."""
    return good.name
