"""What every handler does for one warm call: AWS calls, units, Stripe calls, and its own milliseconds.

A handler computes, and waits for nothing but AWS and Stripe. So its own time is the processor time of its thread while
their answers of one real call are given again at once, which other work on the machine lengthens the least.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3

from benchmarks.calls import Calls, replayed, watched
from benchmarks.shop import (
    ADDRESS,
    CALLBACK,
    CLIENT_SECRET,
    INTEGRATION,
    NOTHING_FAILED,
    STOREFRONT,
    Event,
    Shop,
    drafted_purchase_order,
)
from commerce.checkouts.contracts import consignment_of
from commerce.gift_cards import batch_jobs, batches, redeeming
from commerce.gift_cards.batch_model import IssueBatch
from commerce.gift_cards.batches import CHUNK
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import clock
from commerce.kernel.money import Money
from commerce.mails.notices import NoticeKind, told_of
from commerce.table.transaction import run
from tests.liability import LONG_AGO, next_day
from tests.payments import signature
from tests.shop import MERCHANT, TENANT
from tests.streams import audited
from tests.workflow import follow

PAGE, LONG_PAGE = 10, 50


class Target(StrEnum):
    """What a call may cost."""

    LIST = "list page"
    LIST_ON = "list page by cursor"
    GET = "get"
    CART = "cart"
    PLACE = "place an order"
    AUTHORIZE = "authorize"
    STRANGER = "a stranger's call"
    NONE = "-"


type Work = Callable[[], Any]


@dataclass(frozen=True)
class Subject:
    """A handler in one situation. ``prepare`` is not measured; it gives the call that is."""

    name: str
    target: Target
    prepare: Callable[[Shop], Work]
    note: str = ""
    timed: bool = True  # whether the target for milliseconds is its
    refuses: bool = False  # whether that is its work

    @property
    def title(self) -> str:
        return f"{self.name} ({self.note})" if self.note else self.name


@dataclass(frozen=True)
class Measured:
    subject: Subject
    calls: Calls
    milliseconds: float | None  # of the handler itself, median

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.subject.title,
            "target": str(self.subject.target),
            "calls": dict(self.calls.made),
            "reads": self.calls.reads,
            "writes": self.calls.writes,
            "read_units": self.calls.read_units,
            "write_units": self.calls.write_units,
            "milliseconds": self.milliseconds,
        }


WARM_UP = 5


def measure(shop: Shop, subject: Subject, rounds: int) -> Measured:
    """Warm up, count one call, then time ``rounds`` of it with the same answers from AWS and Stripe."""
    subject.prepare(shop)()
    work = subject.prepare(shop)
    calls = _counted(shop, subject, work)
    own = [_timed(subject, work, calls) for _ in range(WARM_UP + rounds if rounds else 0)][WARM_UP:]
    print(".", end="", file=sys.stderr, flush=True)
    return Measured(subject, calls, statistics.median(own) * 1000 if own else None)


def _counted(shop: Shop, subject: Subject, work: Work) -> Calls:
    """What the work calls."""
    with watched(shop.table) as calls:
        _require_success(subject, work())
    return calls


def _timed(subject: Subject, work: Work, calls: Calls) -> float:
    """Processor seconds of the work alone: the same AWS and Stripe answers again, at once."""
    with replayed(calls.answers):
        began = time.thread_time()
        answer = work()
        elapsed = time.thread_time() - began
    _require_success(subject, answer)
    return elapsed


def _require_success(subject: Subject, answer: Any) -> None:
    if (
        not subject.refuses
        and isinstance(answer, dict)
        and (answer.get("statusCode", 200) >= 400 or answer.get("batchItemFailures"))
    ):
        raise RuntimeError(f"{subject.title}: {answer}")


# Routes


def _route(name: str, request: Callable[[Shop], dict[str, Any]], target: Target = Target.NONE, **more: Any) -> Subject:
    def prepare(shop: Shop) -> Work:
        given = request(shop)
        event, (api, _) = shop.event(name, **given), shop.route(name)
        return lambda: api.handler(event, None)

    return Subject(name, target, prepare, **more)


def _list(name: str) -> list[Subject]:
    """A first page, the next one by its cursor, and a long one."""

    def first(limit: int) -> dict[str, Any]:
        return {"query": {"limit": str(limit)}}

    def following(shop: Shop) -> dict[str, Any]:
        api, _ = shop.route(name)
        answer = json.loads(api.handler(shop.event(name, **first(PAGE)), None)["body"])
        pagination = answer["pagination"]
        cursor = pagination.get("next_cursor") or pagination["nextCursor"]
        return {"query": {"limit": str(PAGE), "cursor": cursor}}

    return [
        _route(name, lambda _: first(PAGE), Target.LIST, note=f"{PAGE} rows"),
        _route(name, following, Target.LIST_ON, note=f"{PAGE} rows by cursor"),
        _route(name, lambda _: first(LONG_PAGE), Target.LIST, note=f"{LONG_PAGE} rows", timed=False),
    ]


def _key(shop: Shop) -> dict[str, str]:
    return {"Idempotency-Key": f"key-{shop.number()}"}


def _new_key(shop: Shop) -> str:
    return str(shop.send("POST /v2/api-keys", body=_API_KEY)["id"])


def _clear_cart(shop: Shop) -> dict[str, Any]:
    shop.fill_cart()
    return {}


def _one_item(shop: Shop) -> dict[str, str]:
    return {"item_id": shop.fill_cart()["id"]}


def _stripe_event(shop: Shop) -> dict[str, Any]:
    payload = json.dumps(_paid(shop))
    return {"body": payload, "headers": {"Stripe-Signature": signature(payload.encode())}}


def _paid(shop: Shop) -> Any:
    """The event that tells of a payment which has just succeeded."""
    started = shop.send("POST /admin/payments/intent", **shop.payment())
    assert shop.stripe.pay(started["payment_intent_id"]) == "succeeded"
    about = (event for event in shop.stripe.events() if event["data"]["object"]["id"] == started["payment_intent_id"])
    return next(event for event in about if event["type"] == "payment_intent.succeeded")


_REFUND = {"refund": True}
_RETURN = "/admin/returns/{return_id}"
_RETURN_TASKS = "workflows/return_lifecycle"
_API_KEY = {"name": "Warehouse app", "scopes": ["inventory:read"]}
_TRACK = "GET /api/track-order"
_ATTACHMENTS = "/admin/orders/{order_id}/attachments"
_ATTACHMENT = f"{_ATTACHMENTS}/{{attachment_id}}"


def _own_order(shop: Shop) -> dict[str, Any]:
    return {"order_id": shop.orders[0]}


def _text_file(shop: Shop) -> dict[str, Any]:
    return _own_order(shop) | {"body": {"filename": "note.txt", "content_type": "text/plain", "size": 5}}


def _sent_attachment(shop: Shop) -> dict[str, Any]:
    """A file that was announced, and sent; another order has its fifty sooner or later."""
    order = {"order_id": shop.unpaid_order()["id"]}
    made = shop.send(f"POST {_ATTACHMENTS}", **(_text_file(shop) | order))
    key = made["upload"]["fields"]["key"]
    boto3.client("s3").put_object(Bucket=os.environ["FILES_BUCKET"], Key=key, Body=b"hello")
    return order | {"attachment_id": made["id"]}


def _attachment(shop: Shop) -> dict[str, Any]:
    sent = _sent_attachment(shop)
    shop.send(f"POST {_ATTACHMENT}/complete", **sent)
    return sent


def _described_attachment(shop: Shop) -> dict[str, Any]:
    return _attachment(shop) | {"body": {"description": "Front side"}}


def _order(shop: Shop) -> dict[str, Any]:
    return {"body": {"items": shop.items(), "shipping_address": ADDRESS}}


def _merchants_order(shop: Shop) -> dict[str, Any]:
    return {"body": {"items": shop.items(), "customer_id": shop.customer_id}}


def _processing(shop: Shop, parameter: str) -> dict[str, Any]:
    made = shop.send("POST /admin/orders", body=_merchants_order(shop)["body"])
    return {parameter: made["id"], "body": {"status": "processing"}}


def _shipped(shop: Shop) -> dict[str, Any]:
    """An order that has been paid, and its parcel."""
    event = _paid(shop)
    order_id = event["data"]["object"]["metadata"]["till_order"]
    _apply(shop, event)
    return {"order_id": order_id, "body": {"status": "shipped", "tracking_number": "1Z999AA10123456784"}}


def _parcel(shop: Shop) -> dict[str, Any]:
    sent = _shipped(shop)
    return {"order_id": sent["order_id"], "tracking_number": "1Z999AA10123456784", "carrier": "UPS"}


def _begun_order(shop: Shop) -> str:
    """An order of which the first line has left."""
    parcel = _parcel(shop)
    first = shop.send("GET /admin/orders/{order_id}", order_id=parcel["order_id"])["items"][0]
    items = [{"order_item_id": first["id"], "quantity": first["quantity"]}]
    return str(shop.send("POST /admin/fulfillment/ship", body=parcel | {"items": items})["order_id"])


def _dispatch(shop: Shop) -> dict[str, Any]:
    return {"body": {"orders": [_parcel(shop) for _ in range(10)]}}


def _shipment_to_mail(shop: Shop) -> Event:
    shipped = shop.send("POST /admin/fulfillment/ship", body=_parcel(shop))
    notice = told_of(NoticeKind.SHIPMENT, shipped["order_id"], shipped["shipment_id"])
    told = {"tenant": TENANT.tenant_id, "mode": TENANT.mode, "data": {"object": notice}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": told})}]}


def _shipped_order(shop: Shop) -> Any:
    sent = _shipped(shop)
    shop.send("PUT /admin/orders/{order_id}/status", **sent)
    return shop.send("GET /admin/orders/{order_id}", order_id=sent["order_id"])


def _my_new_return(shop: Shop) -> dict[str, Any]:
    order = _shipped_order(shop)
    item = {"order_item_id": order["items"][0]["id"], "quantity": 1, "reason": "wrong_size"}
    return {"order_id": order["id"], "body": {"items": [item]}}


def _new_return(shop: Shop) -> dict[str, Any]:
    sent = _my_new_return(shop)
    return {"body": {"order_id": sent["order_id"]} | sent["body"]}


def _pending_return(shop: Shop) -> dict[str, Any]:
    return {"return_id": shop.send("POST /admin/returns", **_new_return(shop))["id"]}


def _my_return(shop: Shop) -> dict[str, Any]:
    sent = _my_new_return(shop)
    made = shop.send("POST /orders/{order_id}/returns", **sent)
    return {"order_id": sent["order_id"], "return_id": made["id"]}


def _arrived_return(shop: Shop) -> dict[str, Any]:
    sent = _pending_return(shop)
    shop.send(f"POST {_RETURN}/approve", **sent)
    item = shop.send(f"GET {_RETURN}", **sent)["items"][0]
    received = {"order_item_id": item["order_item_id"], "quantity": 1, "disposition": "restock"}
    return sent | {"body": {"items": [received]}}


def _followed_return(shop: Shop) -> dict[str, Any]:
    sent = _pending_return(shop)
    follow(TENANT, sent["return_id"])
    return sent


def _return_event(return_id: str, **more: Any) -> Event:
    """What Step Functions gives to each task of a return's workflow."""
    return {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "return_id": return_id, "generation": 1} | more


def _new_execution(shop: Shop) -> Event:
    """A return that was created, as the queue's consumer is told of it."""
    told = _return_event(_pending_return(shop)["return_id"])
    detail = told | {"ordering_key": told["return_id"], "data": {"object": {}}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": detail})}]}


def _waiting_return(shop: Shop) -> Event:
    waits = {"status": "pending", "token": "token", "entered_at": "2026-03-20T12:00:00.000Z", "retry": 0}
    return _return_event(_pending_return(shop)["return_id"], **waits)


def _approved_return(shop: Shop) -> Event:
    sent = _pending_return(shop)
    shop.send(f"POST {_RETURN}/approve", **sent)
    return _return_event(sent["return_id"])


def _refunded_return(shop: Shop) -> Event:
    sent = _received_return(shop)
    shop.send(f"POST {_RETURN}/refund", **sent, body={"refund_method": "store_credit"})
    return _return_event(sent["return_id"])


def _overdue_return(shop: Shop) -> Work:
    handler = shop.module("schedules/decide_overdue_returns").handler
    later = clock.now() + timedelta(days=40)

    def work() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    while any(each["done"] for each in work().values()):  # what earlier calls left open
        pass
    _pending_return(shop)
    return work


def _received_return(shop: Shop) -> dict[str, Any]:
    sent = _arrived_return(shop)
    shop.send(f"POST {_RETURN}/receive", **sent)
    return {"return_id": sent["return_id"]}


def _apply(shop: Shop, event: Any) -> None:
    payload = json.dumps(event)
    shop.send("POST /stripe/webhook", body=payload, headers={"Stripe-Signature": signature(payload.encode())})
    queued = {"Records": [{"messageId": "message", "body": json.dumps({"event_id": event["id"]})}]}
    assert shop.module("queues/apply_stripe_event").handler(queued, None) == NOTHING_FAILED


def _new_alert(shop: Shop) -> dict[str, Any]:
    return {"product_id": shop.products[0]["id"], "body": {"threshold": 1 + shop.number() % 1000}}


def _alert(shop: Shop) -> dict[str, Any]:
    product_id = shop.send("POST /v2/products", body=shop.product())["id"]
    made = shop.send("POST /v2/inventory/{product_id}/alerts", product_id=product_id, body={"threshold": 5})
    return {"product_id": product_id, "alert_id": made["id"]}


def _waiting(shop: Shop, kind: str = "backorder", arrived: int = 0) -> Any:
    """The item of an order of two units of a product of which there was none, with its product."""
    promise = {"when_out_of_stock": kind, "expected_on": "2099-04-01"}
    number = shop.number()
    body = {"name": f"Lamp {number}", "sku": f"LAMP-{number}", "price": 10} | promise
    product_id = shop.send("POST /v2/products", body=body)["id"]
    order = {"items": [{"product_id": product_id, "quantity": 2}], "customer_id": shop.customer_id}
    order_id = shop.send("POST /admin/orders", body=order)["id"]
    if arrived:
        stock = {"quantity": arrived, "reason": "restock"}
        shop.send("POST /v2/inventory/{product_id}/adjust", product_id=product_id, body=stock)
    return shop.send("GET /admin/orders/{order_id}", order_id=order_id)["items"][0]


def _waiting_list(shop: Shop, kind: str) -> dict[str, Any]:
    for _ in range(PAGE):
        _waiting(shop, kind)
    return {"query": {"limit": str(PAGE)}}


def _order_that_waits(shop: Shop) -> dict[str, Any]:
    item = _waiting(shop)
    return {"body": {"items": [{"product_id": item["product_id"], "quantity": 2}], "customer_id": shop.customer_id}}


def _arrived(shop: Shop) -> dict[str, Any]:
    return {"item_id": _waiting(shop, arrived=2)["backorder_id"]}


def _arrived_preorder(shop: Shop) -> dict[str, Any]:
    return {"body": {"backorder_id": _waiting(shop, "preorder", 2)["backorder_id"], "quantity": 2}}


def _arrivals(shop: Shop) -> dict[str, Any]:
    _waiting(shop, arrived=2)
    return {}


def _promised(shop: Shop) -> dict[str, Any]:
    return {"id": _waiting(shop, "preorder")["backorder_id"], "body": {"expected_date": "2099-05-01"}}


def _arrival(shop: Shop, *, waited_for: bool = True) -> Event:
    """A message that stock has arrived of what somebody waits for, or nobody."""
    item = _waiting(shop, arrived=2) if waited_for else {"product_id": "prod_none", "variant_id": "var_none"}
    shown = {"product_id": item["product_id"], "variant_id": item["variant_id"], "arrived": True}
    told = {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "type": "stock.changed", "data": {"object": shown}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": told})}]}


def _overdue(shop: Shop) -> Event:
    _arrivals(shop)
    return {}


def _draft(_: Shop) -> dict[str, Any]:
    return {"id": drafted_purchase_order()}


def _low_product(shop: Shop, *, alert: bool = True) -> Event:
    """A message about a product whose stock has just fallen below its alert, or that has none."""
    made = shop.send("POST /v2/products", body=shop.product())
    product_id, place = made["id"], {"variant_id": made["variants"][0]["id"], "location": "wh_002"}
    stock = {"quantity": 10, "reason": "restock"} | place
    shop.send("POST /v2/inventory/{product_id}/adjust", product_id=product_id, body=stock)
    if alert:
        body = {"threshold": 10, "reorder": {"enabled": True, "quantity": 100}} | place
        shop.send("POST /v2/inventory/{product_id}/alerts", product_id=product_id, body=body)
        fall = {"quantity": -1, "reason": "sold"} | place
        shop.send("POST /v2/inventory/{product_id}/adjust", product_id=product_id, body=fall)
    detail = {"tenant": "ten_1", "mode": "test", "data": {"object": {"product_id": product_id}}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": detail})}]}


def _new_product(shop: Shop) -> dict[str, Any]:
    return {"id": shop.send("POST /v2/products", body=shop.product())["id"]}


def _open_payment(shop: Shop) -> dict[str, Any]:
    return {"id": shop.send("POST /v2/payments/intents", **shop.payment())["id"]}


def _paid_payment(shop: Shop) -> dict[str, Any]:
    intent_id = shop.send("POST /v2/payments/intents", **shop.payment())["id"]
    assert shop.stripe.pay(intent_id) == "succeeded"
    for event in shop.stripe.events():
        if event["data"]["object"]["id"] == intent_id and event["type"] == "payment_intent.succeeded":
            _apply(shop, event)
    return {"id": intent_id}


def _paid_order(shop: Shop) -> str:
    return str(shop.send("GET /v2/payments/{id}", **_paid_payment(shop))["order_id"])


_SLIP, _FILE = "GET /admin/packing/slip/{order_id}", "GET /files/{name}"


def _to_invoice(shop: Shop) -> dict[str, Any]:
    return {"order_id": _paid_order(shop)}


def _invoiced(shop: Shop) -> dict[str, Any]:
    order = _to_invoice(shop)
    shop.send("GET /admin/packing/invoice/{order_id}", **order)
    return order


def _to_pick(shop: Shop) -> dict[str, Any]:
    return {"query": {"order_ids": ",".join(_paid_order(shop) for _ in range(10))}}


def _linked_file(shop: Shop) -> dict[str, Any]:
    """The link to a new slip."""
    link = urlsplit(shop.send(_SLIP, order_id=shop.unpaid_order()["id"])["download_url"])
    return {"name": link.path.rpartition("/")[2], "query": dict(parse_qsl(link.query))}


def _downloaded_file(shop: Shop) -> dict[str, Any]:
    given, (api, _) = _linked_file(shop), shop.route(_FILE)
    api.handler(shop.event(_FILE, **given), None)
    return given


def _authorized_payment(shop: Shop) -> dict[str, Any]:
    manual = shop.payment()["body"] | {"capture_method": "manual"}
    intent_id = shop.send("POST /v2/payments/intents", body=manual)["id"]
    assert shop.stripe.pay(intent_id) == "requires_capture"
    return {"id": intent_id, "body": {}}


def _dispute(shop: Shop) -> dict[str, Any]:
    intent_id = shop.send("POST /v2/payments/intents", **shop.payment())["id"]
    assert shop.stripe.pay(intent_id, "pm_card_createDispute") == "succeeded"
    for event in shop.stripe.events():
        about = event["data"]["object"]
        told = about["id"] if event["type"] == "payment_intent.succeeded" else about.get("payment_intent")
        if told == intent_id and event["type"] in ("payment_intent.succeeded", "charge.dispute.created"):
            _apply(shop, event)
    return {"id": shop.stripe.sdk.v1.disputes.list({"payment_intent": intent_id}).data[0].id}


def _response(shop: Shop) -> dict[str, Any]:
    return _dispute(shop) | {"body": {"evidence": {}}}


# Gift cards of the storefront, which stand under two names


def _card(shop: Shop, **more: Any) -> Any:
    return shop.send("POST /storefront/giftcards", body={"amount": 75} | more)


def _one_card(shop: Shop, **more: Any) -> dict[str, Any]:
    return {"serial": _card(shop, **more)["serial"]}


def _suspended_card(shop: Shop) -> dict[str, Any]:
    sent = _one_card(shop)
    shop.send("PUT /storefront/giftcards/{serial}/suspend", **sent)
    return sent


def _possessed(shop: Shop) -> dict[str, Any]:
    card = _card(shop)
    return {"query": {"serial": card["serial"], "pin": card["pin"]}}


def _applied_card(shop: Shop) -> dict[str, Any]:
    shop.fill_cart()
    card, cart = _card(shop), shop.send("GET /cart")
    return {"body": {"serial": card["serial"], "pin": card["pin"], "cartId": cart["id"], "amount": 50}}


def _held_card(shop: Shop) -> dict[str, Any]:
    sent = _applied_card(shop)
    held = shop.send("POST /storefront/giftcards/redeem", **sent)
    shown = {name: sent["body"][name] for name in ("serial", "pin")}
    return {"redemption_id": held["redemptionId"], "query": shown}


def _redeemed(shop: Shop) -> dict[str, Any]:
    order_id = shop.send("POST /admin/orders", body=_merchants_order(shop)["body"])["id"]
    return {"body": {"code": _card(shop)["serial"], "order_id": order_id, "amount_to_redeem": 50}}


def _refunded(shop: Shop) -> dict[str, Any]:
    order = shop.send("POST /admin/orders", body=_merchants_order(shop)["body"])
    serial = _card(shop, amount=order["total"])["serial"]
    body = {"code": serial, "order_id": order["id"], "amount_to_redeem": order["total"]}
    shop.send("POST /admin/gift-cards/redeem", body=body)
    return {"serial": serial, "body": {"amount": 5}}


def _about_card(shop: Shop) -> dict[str, Any]:
    sent = _refunded(shop)
    return {"query": {"where[giftCardSerial]": sent["serial"]}}


def _storefront_cards(prefix: str) -> list[Subject]:
    at = f"{prefix}/storefront/giftcards"
    mailed = {"amount": 75, "ownerEmail": "jane@example.com", "deliverEmail": True}
    owned = {"ownerEmail": "jane@example.com"}
    return [
        _route(f"GET {at}/balance", _possessed, Target.STRANGER),
        _route(f"POST {at}/redeem", _applied_card),
        _route(f"DELETE {at}/redeem/{{redemption_id}}", _held_card),
        *_list(f"GET {at}"),
        _route(f"POST {at}", lambda _: {"body": mailed}, note="mailed"),
        _route(f"POST {at}/batch", lambda _: {"body": [{"amount": 75}] * 10}, note="10 cards", timed=False),
        _route(f"GET {at}/stats", _nothing),
        _route(f"GET {at}/{{serial}}", _one_card, Target.GET),
        _route(f"PUT {at}/{{serial}}/activate", lambda shop: _one_card(shop, active=False)),
        _route(f"PUT {at}/{{serial}}/suspend", _one_card),
        _route(f"PUT {at}/{{serial}}/reactivate", _suspended_card),
        _route(f"PUT {at}/{{serial}}/cancel", lambda shop: _one_card(shop) | {"body": {"disposition": "write_off"}}),
        _route(f"POST {at}/{{serial}}/refund", _refunded),
        _route(f"POST {at}/{{serial}}/resend", lambda shop: _one_card(shop, **owned)),
        _route(f"POST {at}/transfer", lambda shop: {"body": _one_card(shop) | {"toEmail": "new@example.com"}}),
    ]


_FORM = {"content-type": "application/x-www-form-urlencoded"}


def _to_sign_in(_: Shop) -> dict[str, Any]:
    asked = {"response_type": "code", "client_id": STOREFRONT, "redirect_uri": CALLBACK}
    return {"query": asked | {"code_challenge": "c" * 43, "code_challenge_method": "S256"}}


def _machine_signs_in(_: Shop) -> dict[str, Any]:
    form = {"client_id": INTEGRATION, "client_secret": CLIENT_SECRET}
    return {"body": urlencode(form | {"grant_type": "client_credentials", "scope": "orders:read"}), "headers": _FORM}


def _customer_signs_in(shop: Shop) -> dict[str, Any]:
    code = shop.pool.code(STOREFRONT, CALLBACK, "v" * 43, scope="openid till/cart till/my_orders")
    form = {"grant_type": "authorization_code", "client_id": STOREFRONT, "redirect_uri": CALLBACK, "code": code}
    return {"body": urlencode(form | {"code_verifier": "v" * 43}), "headers": _FORM}


def _signed_out(shop: Shop) -> dict[str, Any]:
    issued = shop.send("POST /oauth/token", **_customer_signs_in(shop))
    return {"body": urlencode({"client_id": STOREFRONT, "token": issued["refresh_token"]}), "headers": _FORM}


def _tracked(shop: Shop) -> dict[str, Any]:
    email = shop.send("GET /v2/customers/{id}", id=shop.customer_id)["email"]
    return {"query": {"order_id": shop.orders[0], "email": email}}


def _nothing(_: Shop) -> dict[str, Any]:
    return {}


def _customers(shop: Shop) -> dict[str, Any]:
    return {"customer_id": shop.customer_id}


def _new_credit(shop: Shop) -> dict[str, Any]:
    return {"body": _customers(shop) | {"amount": 5, "reason": "refund"}}


def _credit(shop: Shop) -> dict[str, Any]:
    shop.send("POST /admin/store-credit/issue", **_new_credit(shop))
    return _customers(shop)


def _redeemed_credit(shop: Shop) -> dict[str, Any]:
    order = {"order_id": shop.unpaid_order()["id"], "amount_to_redeem": 1}
    return {"body": _credit(shop) | order}


def _voided_credit(shop: Shop) -> dict[str, Any]:
    made = shop.send("POST /admin/store-credit/issue", **_new_credit(shop))
    return {"credit_id": made["credit_id"], "body": {"reason": "Issued twice"}}


def _paying_card(shop: Shop) -> dict[str, Any]:
    shop.fill_cart()
    card = _card(shop)
    return {"body": {"serial": card["serial"], "pin": card["pin"], "amount": 5}}


def _card_in_cart(shop: Shop) -> dict[str, Any]:
    held = shop.send("POST /cart/gift-cards", **_paying_card(shop))
    return {"redemption_id": held["gift_cards"][0]["redemption_id"]}


def _checkout(shop: Shop) -> dict[str, Any]:
    shop.fill_cart()
    return {"checkout_id": shop.send("GET /cart")["id"]}


def _coupon(shop: Shop) -> dict[str, str]:
    """A coupon on shipping that is new, and takes nothing off the prices of the other subjects."""
    body = {"code": f"SHIP-{shop.number()}", "discount_type": "free_shipping"}
    made = shop.send("POST /admin/coupons", body=body)
    return {"id": made["id"], "code": made["code"]}


def _own_coupon(shop: Shop) -> dict[str, Any]:
    return {"id": _coupon(shop)["id"]}


def _new_coupon(shop: Shop) -> dict[str, Any]:
    return {"body": {"code": f"SALE-{shop.number()}", "discount_type": "percentage", "discount_value": 20}}


def _new_discount(shop: Shop) -> dict[str, Any]:
    """One that no cart of the other subjects is large enough for; there is one at a time."""
    for live in shop.send("GET /v2/discounts/automatic"):
        shop.send("PUT /v2/discounts/automatic/{id}", id=live["id"], body={"active": False})
    conditions = {"buy_quantity": 900, "get_quantity": 1}
    return {"body": {"name": "Bulk", "type": "buy_x_get_y", "conditions": conditions}}


def _discount(shop: Shop) -> dict[str, Any]:
    return {"id": shop.send("POST /v2/discounts/automatic", **_new_discount(shop))["id"]}


def _coupon_to_apply(shop: Shop) -> dict[str, Any]:
    shop.fill_cart()
    return {"body": {"code": _coupon(shop)["code"]}}


def _applied_coupon(shop: Shop) -> dict[str, Any]:
    code = _coupon_to_apply(shop)["body"]["code"]
    shop.send("POST /cart/coupon", body={"code": code})
    return {"code": code}


def _discounted_cart(shop: Shop) -> dict[str, Any]:
    """A cart whose coupon takes something off, so that checking it out counts a use."""
    shop.fill_cart()
    code = shop.send("POST /admin/coupons", **_new_coupon(shop))["code"]
    shop.send("POST /cart/coupon", body={"code": code})
    return {}


def _filled_checkout(shop: Shop) -> dict[str, Any]:
    shop.send("DELETE /cart")
    items = [{"productId": each["product_id"], "variantId": each["variant_id"], "quantity": 2} for each in shop.items()]
    return {"body": {"lineItems": items}}


def _checkout_with_credit(shop: Shop) -> dict[str, Any]:
    _credit(shop)
    return _checkout(shop)


def _certificate(shop: Shop) -> dict[str, Any]:
    card = _card(shop)
    return _checkout(shop) | {"body": {"giftCertificateCode": card["serial"], "pin": card["pin"]}}


def _checkout_with_card(shop: Shop) -> dict[str, Any]:
    certificate = _certificate(shop)
    shop.send("POST /api/storefront/checkouts/{checkout_id}/gift-certificates", **certificate)
    return {"checkout_id": certificate["checkout_id"], "code": certificate["body"]["giftCertificateCode"]}


_SHIPPED_TO = {"firstName": "Jane", "lastName": "Doe", "address1": "123 Main St", "city": "Springfield"}


def _consigned(shop: Shop) -> dict[str, Any]:
    return _checkout(shop) | {"body": {"address": _SHIPPED_TO, "shippingOptionId": "standard"}}


def _consigned_elsewhere(shop: Shop) -> dict[str, Any]:
    given = _consigned(shop)
    return given | {"consignment_id": consignment_of(given["checkout_id"])}


_CHECKOUT = "/api/storefront/checkouts/{checkout_id}"


# Functions that API Gateway does not route to


def _check_payments(shop: Shop) -> Work:
    """Each work is the check of a later day than the last one's: whatever was made here lies before its window."""
    handler = shop.module("schedules/reconcile_payments").handler
    day = clock.now() + timedelta(days=400 + shop.number())

    def work() -> Any:
        with clock.use(lambda: day):
            return handler({}, None)

    return work


def _function(
    file: str, event: Callable[[Shop], Event], target: Target = Target.NONE, note: str = "", *, refuses: bool = False
) -> Subject:
    def prepare(shop: Shop) -> Work:
        given, handler = event(shop), shop.module(file).handler
        return lambda: handler(given, None)

    return Subject(file, target, prepare, note, refuses=refuses)


def _asked(credential: str) -> Event:
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/v2/products",
        "headers": {"Authorization": f"Bearer {credential}"},
        "requestContext": {"requestId": "00000000-0000-0000-0000-000000000000"},
    }


def _queued(shop: Shop) -> Event:
    event = _paid(shop)
    payload = json.dumps(event)
    shop.send("POST /stripe/webhook", body=payload, headers={"Stripe-Signature": signature(payload.encode())})
    return {"Records": [{"messageId": "message", "body": json.dumps({"event_id": event["id"]})}]}


def _card_to_mail(shop: Shop) -> Event:
    card = IssueCard(Money(7500, "USD"), recipient_email="jane@example.com", deliver=True)
    serial = run(lambda tx: issue(tx, MERCHANT, card)).card.serial
    told = {"tenant": TENANT.tenant_id, "mode": TENANT.mode, "data": {"object": {"serial": serial, "generation": 1}}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": told})}]}


def _stream(shop: Shop) -> Event:
    """The rows that placing an order adds, as the table's stream delivers them."""
    order_id = shop.unpaid_order()["id"]
    records = [
        {
            "eventID": f"event-{shop.number()}",
            "eventName": "INSERT",
            "dynamodb": {
                "Keys": {"pk": row["pk"], "sk": row["sk"]},
                "NewImage": row,
                "SequenceNumber": str(shop.number()),
            },
        }
        for row in shop.rows_of(order_id)
    ]
    return {"Records": records}


def _audited(shop: Shop) -> Event:
    shop.records()
    shop.unpaid_order()
    return {"Records": audited(shop.records())}


def _stranger(method: str) -> Event:
    headers = {"origin": "https://shop.example.com"}
    return {"httpMethod": method, "resource": "/cart/checkout", "headers": headers, "requestContext": {}}


def _expire(shop: Shop) -> Work:
    handler = shop.module("schedules/expire_orders").handler
    later = clock.now() + timedelta(hours=2)

    def run() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    while run()["done"]:  # what earlier calls left unpaid
        pass
    shop.unpaid_order()
    return run


def _refund_to_make(shop: Shop) -> Event:
    """A refund that was asked for, as the queue's consumer is told of it."""
    made = shop.send("POST /v2/payments/{id}/refund", **_paid_payment(shop))
    asked = {"order_id": made["order_id"], "refund_id": made["id"]}
    told = {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "data": {"object": asked}}
    return {"Records": [{"messageId": "message", "body": json.dumps({"detail": told})}]}


def _unheard_refund(shop: Shop) -> Work:
    handler = shop.module("schedules/resume_refunds").handler
    later = clock.now() + timedelta(hours=2)

    def work() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    while work()["done"]:  # what earlier calls left unanswered
        pass
    shop.send("POST /v2/payments/{id}/refund", **_paid_payment(shop))
    return work


def _sweep(shop: Shop) -> Work:
    handler = shop.module("schedules/sweep_stored_value").handler
    later = clock.now() + timedelta(hours=2)
    card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(5000, "USD")))).card
    run(lambda tx: redeeming.hold(tx, TENANT, card, "cart_1", Money(2000, "USD")))

    def work() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    return work


def _day(_: Shop) -> Event:
    """The next day to close, as the workflow's tasks are told of it; on it, nothing was booked."""
    day = next_day(TENANT).isoformat()
    return {"tenant_id": TENANT.tenant_id, "mode": str(TENANT.mode), "day": day, "run": "benchmark", "waited": 0}


def _part(shop: Shop) -> Event:
    return _day(shop) | {"part": {"kind": "entries", "shard": 0}}


def _parts_read(shop: Shop) -> Event:
    return _day(shop) | {"read": []}


def _large_batch(_: Shop) -> str:
    """The id of a batch of gift cards that was asked for."""
    command = IssueBatch((IssueCard(Money(5000, "USD")),), 101)
    return run(lambda tx: batch_jobs.request(tx, MERCHANT, command)).batch_id


def _issued_batch(_: Shop) -> str:
    command = IssueBatch((IssueCard(Money(5000, "USD")),), CHUNK)
    return run(lambda tx: batches.issue(tx, MERCHANT, command))[0].batch_id


def _batch_state(shop: Shop) -> Event:
    return {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "batch_id": _large_batch(shop)}


def _chunk(shop: Shop) -> Event:
    return _batch_state(shop) | {"chunk": 0}


def _all_chunks_issued(shop: Shop) -> Event:
    state = _batch_state(shop)
    for first in range(0, 101, CHUNK):
        batch_jobs.issue_chunk(TENANT, state["batch_id"], first)
    return state


def _resume(shop: Shop) -> Work:
    handler = shop.module("schedules/resume_gift_card_batches").handler
    later = clock.now() + timedelta(hours=2)

    def work() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    while work()["done"]:  # what earlier calls left behind
        pass
    _large_batch(shop)
    return work


def _bulk_rows(shop: Shop, rows: int = 10) -> dict[str, Any]:
    ids = [shop.products[number % len(shop.products)]["id"] for number in range(rows)]
    return {"body": {"product_ids": ids, "updates": {"price": 5 + shop.number()}}}


def _bulk_import(shop: Shop) -> dict[str, Any]:
    numbers = [shop.number() for _ in range(10)]
    return {"body": {"rows": [{"name": f"Cup {each}", "sku": f"BULK-{each}", "price": 5} for each in numbers]}}


def _bulk_adjustments(shop: Shop) -> dict[str, Any]:
    products = shop.products[:10]
    places = [{"product_id": each["id"], "variant_id": each["variants"][0]["id"]} for each in products]
    return {"body": {"adjustments": [each | {"quantity_change": 1, "reason": "restock"} for each in places]}}


def _asked_by(name: str, shop: Shop, **given: Any) -> Any:
    """The answer to a request of a merchant's."""
    api, _ = shop.route(name)
    return json.loads(api.handler(shop.event(name, **given), None)["body"])["data"]


def _job(shop: Shop) -> str:
    job_id: str = _asked_by("POST /admin/bulk/products/update", shop, **_bulk_rows(shop, 101))["job_id"]
    return job_id


def _export_id(shop: Shop) -> str:
    export_id: str = _asked_by("POST /admin/bulk/orders/export", shop)["export_id"]
    return export_id


def _job_state(shop: Shop) -> Event:
    return {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "job_id": _job(shop), "error": {"Error": "Killed"}}


def _resume_job(shop: Shop) -> Work:
    handler = shop.module("schedules/resume_jobs").handler
    later = clock.now() + timedelta(hours=2)

    def work() -> Any:
        with clock.use(lambda: later):
            return handler({}, None)

    while work()["done"]:  # what earlier calls left behind
        pass
    _job(shop)
    return work


_CARD_BATCHES = "workflows/gift_card_batch"
_JOBS = "workflows/bulk_job"
_LIABILITY = "workflows/liability_export"
_EXPORTS = "/admin/gift-cards/liability-exports"

SUBJECTS: tuple[Subject, ...] = (
    *_list("GET /admin/orders"),
    _route("GET /admin/orders/counts", _nothing, Target.GET),
    _route("GET /admin/orders/{order_id}", _own_order, Target.GET),
    _route("GET /admin/orders/{order_id}/timeline", _own_order, Target.LIST),
    _route("POST /admin/orders", _merchants_order, Target.PLACE),
    _route("POST /admin/payments/intent", Shop.payment),
    _route("GET /admin/orders/{order_id}/notes", _own_order, Target.LIST),
    _route("POST /admin/orders/{order_id}/notes", lambda shop: _own_order(shop) | {"body": {"content": "Call first"}}),
    _route(f"GET {_ATTACHMENTS}", lambda shop: {"order_id": _attachment(shop)["order_id"]}, Target.LIST),
    _route(f"POST {_ATTACHMENTS}", lambda shop: _text_file(shop) | {"order_id": shop.unpaid_order()["id"]}),
    _route(f"POST {_ATTACHMENT}/complete", _sent_attachment),
    _route(f"GET {_ATTACHMENT}", _attachment, Target.GET),
    _route(f"PUT {_ATTACHMENT}", _described_attachment),
    _route(f"PATCH {_ATTACHMENT}", _described_attachment),
    _route(f"DELETE {_ATTACHMENT}", _attachment),
    _route("POST /admin/orders/{order_id}/cancel", lambda shop: {"order_id": _paid_order(shop), "body": _REFUND}),
    _route("POST /admin/orders/{order_id}/close-rest", lambda shop: {"order_id": _begun_order(shop)}),
    _route("POST /v2/orders/{id}/cancel", lambda shop: {"id": _paid_order(shop), "body": _REFUND}),
    *(
        _route(f"{method} /admin/orders/{{order_id}}/status", lambda shop: _processing(shop, "order_id"))
        for method in ("PATCH", "PUT")
    ),
    _route("GET /admin/returns", _nothing, Target.LIST),
    _route("POST /admin/returns", _new_return),
    _route(f"GET {_RETURN}", _pending_return),
    _route(f"GET {_RETURN}/quote", _pending_return),
    _route(f"POST {_RETURN}/approve", _pending_return),
    _route(f"PUT {_RETURN}/approve", _pending_return),
    _route(f"POST {_RETURN}/reject", _pending_return),
    _route(f"POST {_RETURN}/cancel", _pending_return),
    _route(f"POST {_RETURN}/receive", _arrived_return),
    _route(f"POST {_RETURN}/refund", _received_return),
    _route(f"POST {_RETURN}/redrive", _followed_return),
    _route("POST /orders/{order_id}/returns", _my_new_return),
    _route("GET /orders/{order_id}/returns", lambda shop: {"order_id": _my_return(shop)["order_id"]}),
    _route("GET /orders/{order_id}/returns/{return_id}", _my_return),
    _route("POST /admin/store-credit/issue", _new_credit),
    _route("GET /admin/store-credit/balance/{customer_id}", _credit, Target.GET),
    _route("GET /admin/store-credit/transactions/{customer_id}", _credit, Target.LIST),
    _route("POST /admin/store-credit/redeem", _redeemed_credit),
    _route("POST /admin/store-credit/{credit_id}/void", _voided_credit),
    _route("POST /cart/gift-cards", _paying_card),
    _route("DELETE /cart/gift-cards/{redemption_id}", _card_in_cart),
    _route("POST /api/storefront/carts", _filled_checkout),
    _route(f"GET {_CHECKOUT}", _checkout),
    _route(f"POST {_CHECKOUT}/store-credit", _checkout_with_credit),
    _route(f"DELETE {_CHECKOUT}/store-credit", _checkout_with_credit),
    _route("POST /cart/coupon", _coupon_to_apply),
    _route("DELETE /cart/coupon/{code}", _applied_coupon),
    _route("POST /cart/checkout", _discounted_cart, Target.PLACE, note="3 items, a coupon"),
    _route(
        f"POST {_CHECKOUT}/coupons",
        lambda shop: {"body": {"couponCode": _coupon_to_apply(shop)["body"]["code"]}} | _checkout(shop),
    ),
    _route(f"DELETE {_CHECKOUT}/coupons/{{code}}", lambda shop: _checkout(shop) | _applied_coupon(shop)),
    _route("GET /admin/coupons", _nothing, Target.LIST),
    _route("POST /admin/coupons", _new_coupon),
    _route(
        "POST /admin/coupons/validate",
        lambda shop: {"body": {"code": _coupon(shop)["code"], "order_total": 150}},
        Target.GET,
    ),
    _route("GET /admin/coupons/{id}", _own_coupon, Target.GET),
    *(
        _route(f"{method} /admin/coupons/{{id}}", lambda shop: _own_coupon(shop) | {"body": {"max_uses": 50}})
        for method in ("PATCH", "PUT")
    ),
    _route("DELETE /admin/coupons/{id}", _own_coupon),
    _route("GET /v2/coupons", _nothing, Target.LIST),
    _route(
        "POST /v2/coupons",
        lambda shop: {"body": {"code": f"SUMMER-{shop.number()}", "type": "percentage", "amount": 20}},
    ),
    _route("GET /v2/coupons/{id}", _own_coupon, Target.GET),
    _route("DELETE /v2/coupons/{id}", _own_coupon),
    _route("GET /v2/discounts/automatic", _nothing, Target.LIST),
    _route("POST /v2/discounts/automatic", _new_discount),
    _route("GET /v2/discounts/automatic/{id}", _discount, Target.GET),
    _route("PUT /v2/discounts/automatic/{id}", lambda shop: _discount(shop) | {"body": {"name": "In bulk"}}),
    _route("DELETE /v2/discounts/automatic/{id}", _discount),
    _route(f"POST {_CHECKOUT}/gift-certificates", _certificate),
    _route(f"DELETE {_CHECKOUT}/gift-certificates/{{code}}", _checkout_with_card),
    _route(f"PUT {_CHECKOUT}/billing-address", lambda shop: _checkout(shop) | {"body": _SHIPPED_TO}),
    _route(f"POST {_CHECKOUT}/consignments", _consigned),
    _route(f"PUT {_CHECKOUT}/consignments/{{consignment_id}}", _consigned_elsewhere),
    _route(f"POST {_CHECKOUT}/orders", _checkout, Target.PLACE),
    *_list("GET /admin/gift-cards"),
    _route("POST /admin/gift-cards", lambda _: {"body": {"amount": 75}}),
    _route("GET /admin/gift-cards/lookup", lambda shop: {"query": {"code": _card(shop)["serial"]}}, Target.GET),
    _route("POST /admin/gift-cards/lookup", lambda shop: {"body": {"code": _card(shop)["serial"]}}, Target.GET),
    _route("POST /admin/gift-cards/redeem", _redeemed),
    *_storefront_cards(""),
    *_storefront_cards("/api"),
    _route("GET /api/data/giftcard-transaction", _about_card, Target.LIST),
    *_list("GET /orders"),
    _route("GET /orders/{order_id}", _own_order, Target.GET),
    _route("GET /orders/{order_id}/qr", _own_order, Target.GET),
    _route("POST /orders", _order, Target.PLACE),
    _route("POST /orders", lambda shop: _order(shop) | {"headers": _key(shop)}, Target.PLACE, note="Idempotency-Key"),
    _route("GET /cart", _nothing, Target.CART, note="3 items"),
    _route("POST /cart/items", lambda shop: {"body": shop.items()[0]}),
    _route("PATCH /cart/items/{item_id}", lambda shop: _one_item(shop) | {"body": {"quantity": 3}}),
    _route("PUT /cart/items/{item_id}", lambda shop: _one_item(shop) | {"body": {"quantity": 1}}),
    _route("DELETE /cart/items/{item_id}", _one_item),
    _route("DELETE /cart", _clear_cart),
    _route("POST /cart/checkout", _clear_cart, Target.PLACE, note="3 items"),
    _route(
        "POST /cart/checkout",
        lambda shop: _clear_cart(shop) | {"headers": _key(shop)},
        Target.PLACE,
        note="Idempotency-Key",
    ),
    _route(_TRACK, _tracked, Target.STRANGER),
    *_list("GET /v2/products"),
    _route("GET /v2/products/{id}", lambda shop: {"id": shop.products[0]["id"]}, Target.GET),
    _route("GET /v2/products/{id}", lambda shop: {"id": shop.products[0]["sku"]}, note="by SKU"),
    _route("POST /v2/products", lambda shop: {"body": shop.product()}, note="3 variants"),
    _route("PUT /v2/products/{id}", lambda shop: _new_product(shop) | {"body": {"price": 12.5}}, note="its price"),
    _route("DELETE /v2/products/{id}", _new_product),
    *_list("GET /v2/customers"),
    _route("PUT /v2/customers/{id}", lambda shop: {"id": shop.address()["id"], "body": {"phone": "+1-555-0199"}}),
    _route("POST /v2/customers/{id}/addresses", lambda shop: {"id": shop.address()["id"], "body": ADDRESS}),
    _route(
        "PUT /v2/customers/{id}/addresses/{address_id}", lambda shop: shop.address() | {"body": {"city": "Shelbyville"}}
    ),
    _route("DELETE /v2/customers/{id}/addresses/{address_id}", Shop.address),
    _route("POST /v2/customers/{id}/addresses/{address_id}/set-default", Shop.address),
    _route("GET /v2/customers/{id}", lambda shop: {"id": shop.customer_id}, Target.GET),
    _route("POST /v2/customers", lambda shop: {"body": shop.customer()}),
    _route("GET /v2/inventory/{product_id}", lambda shop: {"product_id": shop.products[0]["id"]}, Target.GET),
    _route(
        "POST /v2/inventory/{product_id}/adjust",
        lambda shop: {
            "product_id": shop.products[0]["id"],
            "body": {
                "quantity": 1,
                "reason": "restock",
                "variant_id": shop.products[0]["variants"][0]["id"],
            },
        },
    ),
    _route("GET /v2/inventory/{product_id}/alerts", lambda shop: {"product_id": shop.products[0]["id"]}, Target.NONE),
    _route("POST /v2/inventory/{product_id}/alerts", _new_alert),
    _route("DELETE /v2/inventory/{product_id}/alerts/{alert_id}", _alert),
    _route("POST /admin/orders", _order_that_waits, Target.PLACE, note="1 line that waits"),
    _route("GET /admin/backorders", lambda shop: _waiting_list(shop, "backorder"), note=f"{PAGE} rows"),
    _route("POST /admin/backorders/{item_id}/allocate", _arrived),
    _route("POST /admin/backorders/auto-allocate", _arrivals, note="1 allocation"),
    _route("GET /admin/preorders", lambda shop: _waiting_list(shop, "preorder"), note=f"{PAGE} rows"),
    _route("POST /admin/preorders/allocate", _arrived_preorder),
    _route("PATCH /admin/preorders/{id}", _promised),
    _function("queues/allocate_arrivals", lambda shop: _arrival(shop, waited_for=False), note="nobody waits"),
    _function("queues/allocate_arrivals", _arrival, note="1 allocation"),
    _function("schedules/sweep_backorders", _overdue, note="1 allocation"),
    *_list("GET /v2/purchase-orders"),
    _route("GET /v2/purchase-orders/{id}", _draft, Target.GET),
    _route("POST /v2/purchase-orders/{id}/close", lambda shop: _draft(shop) | {"body": {"status": "ordered"}}),
    *_list("GET /v2/orders"),
    _route("GET /v2/orders/{id}", lambda shop: {"id": shop.orders[0]}, Target.GET),
    _route("POST /v2/orders", _merchants_order, Target.PLACE),
    *(
        _route(f"{method} /v2/orders/{{id}}/status", lambda shop: _processing(shop, "id"))
        for method in ("PATCH", "PUT")
    ),
    *_list("GET /v2/payments"),
    *_list("GET /v2/payments/disputes"),
    _route("GET /v2/payments/disputes/{id}", _dispute),
    _route("POST /v2/payments/disputes/{id}/respond", _response),
    _route("GET /v2/payments/{id}", lambda shop: {"id": shop.payments[0]}),
    _route("GET /v2/payments/intents/{id}", lambda shop: {"id": shop.payments[0]}),
    _route("POST /v2/payments/intents", Shop.payment),
    _route("POST /v2/payments/{id}/cancel", _open_payment),
    _route("POST /v2/payments/{id}/refund", _paid_payment),
    _route("GET /v2/payments/{id}/refunds", lambda shop: {"id": shop.payments[0]}),
    _route("POST /v2/payments/{id}/capture", _authorized_payment),
    _route("POST /orders/{order_id}/cancel", lambda shop: {"order_id": shop.unpaid_order()["id"], "body": {}}),
    _route("PATCH /admin/orders/{order_id}/status", _shipped, note="shipped, 3 lines"),
    _route(_SLIP, _own_order),
    _route("GET /admin/packing/invoice/{order_id}", _to_invoice, note="which is made"),
    _route("GET /admin/packing/invoice/{order_id}", _invoiced, note="which there is"),
    _route("GET /admin/packing/pick-list", _to_pick, note="10 orders of 3 lines"),
    _route(_FILE, _linked_file, note="which is printed"),
    _route(_FILE, _downloaded_file, note="which there is"),
    _route("POST /admin/fulfillment/ship", lambda shop: {"body": _parcel(shop)}, note="3 lines"),
    _route("POST /admin/fulfillment/bulk-dispatch", _dispatch, note="10 orders of 3 lines"),
    _route("GET /admin/orders/{order_id}/shipments", lambda shop: {"order_id": _shipped_order(shop)["id"]}, Target.GET),
    *_list("GET /v2/audit-logs"),
    _route("GET /v2/tenants", _nothing),
    _route("PATCH /v2/tenants/{id}", lambda shop: {"id": "ten_1", "body": {"name": f"Shop {shop.number()}"}}),
    _route("GET /oauth/authorize", _to_sign_in, Target.GET),
    _route("POST /oauth/token", _machine_signs_in, note="client credentials", timed=False),
    _route("POST /oauth/token", _customer_signs_in, note="a customer's code", timed=False),
    _route("POST /oauth/revoke", _signed_out, timed=False),
    *_list("GET /v2/api-keys"),
    _route("POST /v2/api-keys", lambda _: {"body": _API_KEY}),
    _route("POST /v2/api-keys/{id}/rotate", lambda shop: {"id": _new_key(shop), "body": {}}),
    _route("DELETE /v2/api-keys/{id}", lambda shop: {"id": _new_key(shop)}),
    _route("GET /v2/health", _nothing, Target.GET),
    _route("GET /docs", _nothing, Target.GET),
    _route("GET /docs/{file}", lambda _: {"file": "page.js"}, Target.GET),
    _route("GET /openapi.json", _nothing, Target.GET),
    _route("POST /stripe/webhook", _stripe_event),
    _function("authorizer/authorize_request", lambda shop: _asked(shop.api_key), Target.AUTHORIZE, "API key"),
    _function("authorizer/authorize_request", lambda shop: _asked(shop.token), Target.AUTHORIZE, "JWT"),
    _function("queues/apply_stripe_event", _queued, note="1 payment"),
    _function("queues/execute_refund", _refund_to_make, note="1 refund"),
    _function("queues/deliver_gift_card", _card_to_mail, note="1 card"),
    _function("queues/mail_customer", _shipment_to_mail, note="1 shipment"),
    _function("queues/drive_return", _new_execution, note="1 new return"),
    _function("queues/watch_stock", lambda shop: _low_product(shop, alert=False), note="no alert"),
    _function("queues/watch_stock", _low_product, note="1 crossing, 1 draft"),
    _function(f"{_RETURN_TASKS}/wait_for_return", _waiting_return),
    _function(f"{_RETURN_TASKS}/mail_return_label", _approved_return),
    _function(
        f"{_RETURN_TASKS}/refund_received_return",
        lambda shop: _return_event(_received_return(shop)["return_id"]),
        note="left to the staff",
    ),
    _function(f"{_RETURN_TASKS}/close_return", _refunded_return),
    _function("streams/count_rows", _stream, note="1 order"),
    _function("streams/publish_events", _stream, note="1 order"),
    _function("streams/record_audit", _audited, note="1 order"),
    _function("cors/preflight/answer_preflight", lambda _: _stranger("OPTIONS")),
    _function("gateway/methods/refuse_method", lambda _: _stranger("DELETE"), refuses=True),
    _route("POST /admin/gift-cards/batch", lambda _: {"body": {"quantity": CHUNK, "amount": 50}}, note="32 cards"),
    _route("POST /admin/gift-cards/batch", lambda _: {"body": {"quantity": 101, "amount": 50}}, note="101 cards"),
    _route("GET /admin/gift-cards/batches/{batch_id}", lambda shop: {"batch_id": _issued_batch(shop)}, Target.GET),
    _route(
        "POST /admin/gift-cards/batches/{batch_id}/download",
        lambda shop: {"batch_id": _issued_batch(shop)},
        note="32 cards",
    ),
    _function(f"{_CARD_BATCHES}/plan_gift_card_batch", _batch_state, note="101 cards"),
    _function(f"{_CARD_BATCHES}/issue_gift_card_chunk", _chunk, note="32 cards"),
    _function(f"{_CARD_BATCHES}/finish_gift_card_batch", _all_chunks_issued, note="101 cards"),
    Subject("schedules/resume_gift_card_batches", Target.NONE, _resume, "1 batch"),
    _route("POST /admin/bulk/products/update", _bulk_rows, note="10 products"),
    _route("POST /admin/bulk/products/update", lambda shop: _bulk_rows(shop, 101), note="101 products"),
    _route("POST /admin/bulk/products/import", _bulk_import, note="10 new products"),
    *(
        _route(f"{method} /admin/bulk/{kind}/export", _nothing)
        for kind in ("products", "orders", "inventory")
        for method in ("POST", "GET")
    ),
    _route("GET /admin/bulk/exports/{export_id}", lambda shop: {"export_id": _export_id(shop)}, Target.GET),
    _route("POST /admin/inventory-history/bulk-adjust", _bulk_adjustments, note="10 products"),
    *_list("GET /admin/inventory-history"),
    _route("GET /v2/jobs/{id}", lambda shop: {"id": _job(shop)}, Target.GET),
    _function(f"{_JOBS}/run_job_slice", _job_state, note="101 products"),
    _function(f"{_JOBS}/give_up_job", _job_state),
    Subject("schedules/resume_jobs", Target.NONE, _resume_job, "1 job"),
    *_list(f"GET {_EXPORTS}"),
    _route(f"GET {_EXPORTS}/{{date}}", lambda _: {"date": LONG_AGO.isoformat()}, Target.GET),
    _route(f"POST {_EXPORTS}/{{date}}", lambda _: {"date": LONG_AGO.isoformat()}),
    _function(f"{_LIABILITY}/begin_liability_day", _day),
    _function(f"{_LIABILITY}/read_liability_part", _part, note="no entries"),
    _function(f"{_LIABILITY}/publish_liability_day", _parts_read, note="no entries"),
    _function("schedules/close_days", _nothing, note="31 days of 1 shop"),
    Subject("schedules/sweep_stored_value", Target.NONE, _sweep, "1 hold"),
    Subject("schedules/resume_refunds", Target.NONE, _unheard_refund, "1 refund"),
    Subject("schedules/decide_overdue_returns", Target.NONE, _overdue_return, "1 return"),
    Subject("schedules/expire_orders", Target.NONE, _expire, "1 order"),
    _function("schedules/probe_health", _nothing),
    Subject("schedules/reconcile_payments", Target.NONE, _check_payments, "10 days without a payment", timed=False),
)
