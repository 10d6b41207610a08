"""``events/``: one payload per trigger, as AWS sends it, and what the real handler makes of it.

The payloads speak of the demo shop of ``make up`` (tenant ``ten_demo``). Here that shop is built with the very ids that
the files name.
"""

import json
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from commerce.access import store as access_rows
from commerce.access.model import ApiKey, KeyText, hash_of
from commerce.bulk import use_cases as bulk
from commerce.gift_cards import batch_jobs, redeeming
from commerce.gift_cards.batch_model import IssueBatch
from commerce.gift_cards.issuing import IssueCard, issue, make
from commerce.http.api import Api
from commerce.jobs.model import JobType
from commerce.kernel import aws, clock, ids, wire_json
from commerce.kernel.caller import Mode, Role, Tenant, system
from commerce.kernel.money import Money
from commerce.liability import workflow
from commerce.mails import ses
from commerce.oauth import use_cases as oauth
from commerce.oauth.model import SCOPES as SCOPES_OF_CLIENTS
from commerce.oauth.model import ClientKind
from commerce.oauth.use_cases import RegisterClient
from commerce.returns import workflow_client
from commerce.table.rows import Row
from commerce.table.transaction import run
from local.generate_openapi import PREFLIGHT, REFUSAL
from tests.contract.endpoints import endpoints
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe, deliver, settle, signature
from tests.shop import ROOT, Call, Credential, customer_credential, handler
from tests.template import template
from tests.user_pool import ISSUER as POOL_ISSUER
from tests.user_pool import UserPool
from tests.user_pool import serve as serve_pool
from tests.workflow import Machine, StepFunctions

EVENTS = ROOT / "events"
FILES = sorted(EVENTS.glob("*.json"))
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
ID = "0198f3a27c4d7e10a5b6c7d8e9f00112"  # of every row that the files name, behind its prefix
STOREFRONT, PROGRAM = "5f3k2m8q1v7r9t4w6y0z2b4d6h", "1c5n9x3p7l2j6g8s4a0e9u1i5o"  # OAuth clients
CUSTOMER, ORDER, RETURN = f"cust_{ID}", f"order_{ID}", f"ret_{ID}"
STRIPE_EVENT = "evt_1TiLLq2eZvKYlo2C0demo001"
DEMO = Tenant("ten_demo", Mode.TEST, "USD", "America/New_York", "US", ("wh_001", "wh_002"))
SCOPES = {
    "storefront": "cart my_orders",
    "admin": "customers:read inventory:read orders:read orders:write payments:write products:read",
    "v2": "customers:read inventory:read orders:read orders:write payments:write products:read",
}


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def function_of(name: str) -> str:
    """The template's name of the function that a file is for: ``v2-get_product`` is for ``V2GetProduct``."""
    return "".join(word.capitalize() for word in name.replace("-", "_").split("_"))


def invoke(name: str) -> Any:
    """Hand a file to its handler, as Lambda does."""
    properties = template()["Resources"][function_of(name)]["Properties"]
    module, entry = properties["Handler"].split(".")
    file = properties["CodeUri"].removeprefix("functions/") + module
    return getattr(handler(file), entry)(payload(name), None)


def answered(name: str, status: int) -> Any:
    """The body of a REST answer."""
    answer = invoke(name)
    assert answer["statusCode"] == status, answer["body"]
    assert answer["multiValueHeaders"]["X-Request-Id"]
    return wire_json.loads(answer["body"])


@contextmanager
def as_in_the_files() -> Iterator[None]:
    """Rows made in here have the id and the instant that the files name."""
    with ids.use(lambda: ID), clock.use(lambda: NOON):
        yield


@pytest.fixture
def shop(call: Call, table: Any) -> Iterator[Shop]:
    """The demo shop: one tee in two warehouses, and a customer with an address."""
    yield demo_shop(call)
    check(table.scan()["Items"])


def demo_shop(call: Call) -> Shop:
    shop = Shop(call, DEMO)
    with clock.use(lambda: NOON):
        shop.open()
    with as_in_the_files():
        jane = {"first_name": "Jane", "last_name": "Doe", "address1": "123 Main St", "city": "Springfield"}
        body = {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe"}
        shop.do("v2/customers/create_customer", body=body | {"addresses": [{**jane, "postal_code": "62701"}]})
        shop.product("TEE-HARBOR", 29, name="Harbor Cotton Tee", categories=["clothing", "tees"])
    shop.receive(f"prod_{ID}", 10)
    return shop


def customer() -> Credential:
    return customer_credential(CUSTOMER, DEMO)


def place_order(shop: Shop) -> None:
    with as_in_the_files():
        body = {"items": [{"product_id": f"prod_{ID}", "quantity": 1}]}
        assert shop.do("storefront/orders/place_my_order", by=customer(), body=body)["id"] == ORDER


# API Gateway


def test_a_customer_checks_out(shop: Shop) -> None:
    shop.add_to_cart(customer(), f"prod_{ID}", 2)

    order = answered("storefront-checkout_cart", 201)["data"]

    assert (order["status"], order["total"]) == ("pending_payment", Decimal("58.00"))


def test_a_checkout_of_an_empty_cart_is_refused(shop: Shop) -> None:
    assert answered("storefront-checkout_cart", 422)["error"]["details"][0]["code"] == "cart_empty"


def test_anybody_with_id_and_email_tracks_the_order(shop: Shop) -> None:
    place_order(shop)

    assert answered("storefront-track_order", 200)["data"]["order_id"] == ORDER


@pytest.fixture
def pool(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[UserPool]:
    """The user pool, with the two clients that the files name."""
    with serve_pool() as pool:
        monkeypatch.setenv("USER_POOL_ISSUER", POOL_ISSUER)
        monkeypatch.setenv("USER_POOL_JWKS_URL", f"{pool.url}/jwks.json")
        monkeypatch.setenv("SIGN_IN_URL", pool.url)
        pool.secrets[PROGRAM] = "demo-secret"
        for client_id, kind, urls in (
            (STOREFRONT, ClientKind.STOREFRONT, ("https://shop.example.com/callback",)),
            (PROGRAM, ClientKind.INTEGRATION, ()),
        ):
            command = RegisterClient(client_id, kind, DEMO.tenant_id, DEMO.mode, SCOPES_OF_CLIENTS[kind], urls)
            run(lambda tx, command=command: oauth.register_client(tx, command))  # type: ignore[misc]
        yield pool


def test_a_browser_goes_to_the_sign_in_page(pool: UserPool) -> None:
    answer = invoke("oauth-authorize")

    assert answer["statusCode"] == 302
    assert answer["multiValueHeaders"]["Location"][0].startswith(f"{pool.url}/oauth2/authorize?")


def test_a_program_gets_its_token_and_a_storefront_ends_one(pool: UserPool) -> None:
    assert answered("oauth-issue_token", 200)["scope"] == "orders:read products:read"
    assert invoke("oauth-revoke_token")["statusCode"] == 200
    assert pool.revoked == ["demo-refresh-token"]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("oauth-authorize", 400, "invalid_request"),
        ("oauth-issue_token", 401, "invalid_client"),
        ("oauth-revoke_token", 401, "invalid_client"),
    ],
)
def test_a_client_that_nobody_registered_is_refused(name: str, status: int, error: str) -> None:
    assert answered(name, status)["error"] == error


def test_a_browser_may_let_a_page_of_the_shop_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://shop.example.com")

    answer = invoke("cors-answer_preflight")

    assert (answer["statusCode"], answer["headers"]["Access-Control-Allow-Origin"]) == (204, "https://shop.example.com")


def test_a_method_that_a_path_does_not_have_is_refused() -> None:
    answer = invoke("gateway-refuse_method")

    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "OPTIONS, POST")
    assert wire_json.loads(answer["body"])["error"]["code"] == "validation_error"


def test_a_merchant_lists_orders(shop: Shop) -> None:
    place_order(shop)

    assert [order["id"] for order in answered("admin-list_orders", 200)["data"]] == [ORDER]


def test_a_merchant_starts_a_payment(shop: Shop, stripe: Stripe) -> None:
    place_order(shop)

    intent = answered("admin-create_payment_intent", 201)["data"]["payment_intent_id"]

    assert stripe.sdk.v1.payment_intents.retrieve(intent).amount == 2900


def test_a_merchant_lists_products(shop: Shop) -> None:
    listed = answered("v2-list_products", 200)

    assert [product["sku"] for product in listed["data"]] == ["TEE-HARBOR"]
    assert listed["pagination"]["limit"] == 20


def test_a_merchant_reads_a_product_by_its_sku(shop: Shop) -> None:
    product = answered("v2-get_product", 200)

    assert (product["id"], product["price"]) == (f"prod_{ID}", Decimal("29.00"))


@pytest.mark.usefixtures("table")
def test_anybody_asks_for_the_platforms_health() -> None:
    assert answered("v2-get_health", 200)["version"] == "2.3.0"


def test_a_program_reads_the_api_description() -> None:
    assert answered("docs-show_openapi", 200)["info"]["title"] == "Till"


def test_the_webhook_takes_stripes_delivery_once_its_clock_agrees(
    shop: Shop, stripe: Stripe, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "stripe_webhook-receive_stripe_event"
    event = payload(name)
    assert event["headers"]["Stripe-Signature"] == signature(event["body"].encode(), at=NOON.timestamp())
    before = table.scan()["Items"]

    assert answered(name, 400)["error"]["details"][0]["code"] == "bad_signature"  # it was signed long ago
    assert table.scan()["Items"] == before

    monkeypatch.setattr(time, "time", lambda: NOON.timestamp() + 1)
    assert answered(name, 200)["data"] == {"received": True}
    monkeypatch.undo()

    queue = boto3.resource("sqs").Queue(queue_url(stripe))
    [message] = queue.receive_messages()
    assert message.body == payload("queues-apply_stripe_event")["Records"][0]["body"]


def queue_url(stripe: Stripe) -> str:
    """The queue of the ``stripe`` fixture, whose environment may be undone by now."""
    return str(boto3.client("sqs").get_queue_url(QueueName="stripe-events")["QueueUrl"])


# The authorizer


def test_the_authorizer_lets_the_key_in_and_says_what_the_other_files_carry(shop: Shop) -> None:
    event = payload("authorizer-authorize_request")
    text = KeyText.parse(event["headers"]["Authorization"].removeprefix("Bearer "))
    assert text is not None
    enter_key(text)

    with clock.use(lambda: NOON):
        answer = invoke("authorizer-authorize_request")

    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    for name in ("admin-list_orders", "admin-create_payment_intent", "v2-list_products", "v2-get_product"):
        said = dict(payload(name)["requestContext"]["authorizer"])
        assert said.pop("principalId") == answer["principalId"]
        assert said.pop("integrationLatency") > 0
        assert said == answer["context"], name


def enter_key(text: KeyText) -> None:
    """Store the key that the event carries, as if it had been issued with that text."""
    key = ApiKey(
        key_id=text.key_id,
        tenant_id=text.tenant_id,
        name="Warehouse app",
        mode=text.mode,
        role=Role.API_KEY,
        scopes=frozenset(SCOPES["admin"].split()),
        secret_hash=hash_of(text.secret),
        last_four=text.secret[-4:],
        created_at=NOON,
        created_by="test",
        expires_at=None,
    )
    run(lambda tx: access_rows.add(tx, key))


# Queue, streams and schedules


def test_a_queued_stripe_event_pays_its_order(shop: Shop, stripe: Stripe) -> None:
    place_order(shop)
    stripe.pay(shop.start_payment(ORDER, 2900))
    paid = next(event for event in stripe.events() if event["type"] == "payment_intent.succeeded")
    assert deliver(shop.call, paid | {"id": STRIPE_EVENT}).status == 200

    assert invoke("queues-apply_stripe_event") == {"batchItemFailures": []}
    assert invoke("queues-apply_stripe_event") == {"batchItemFailures": []}

    order = shop.do("admin/orders/get_order", order_id=ORDER)
    assert (order["status"], order["payment_status"]) == ("pending", "paid")


def test_a_queued_refund_that_there_is_not_comes_back(shop: Shop) -> None:
    [record] = payload("queues-execute_refund")["Records"]

    assert invoke("queues-execute_refund") == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}


def test_the_refund_schedule_asks_for_nothing_where_nothing_is_owed(table: Any) -> None:
    assert invoke("schedules-resume_refunds") == {"done": 0, "failed": 0}


def test_a_customer_is_mailed_about_an_order_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Mails:
        def send_email(self, **request: Any) -> None:
            sent.append(request)

    monkeypatch.setenv("MAIL_FROM", "no-reply@example.com")
    monkeypatch.setattr(ses, "client", lambda _: Mails())
    place_order(shop)
    shop.move(ORDER, "cancelled", notify_customer=True)

    assert invoke("queues-mail_customer") == {"batchItemFailures": []}
    assert invoke("queues-mail_customer") == {"batchItemFailures": []}

    assert [each["Destination"] for each in sent] == [{"ToAddresses": ["jane@example.com"]}]


@pytest.mark.usefixtures("table")
def test_a_notice_about_an_unknown_order_goes_back_to_its_queue() -> None:
    [message] = payload("queues-mail_customer")["Records"]

    assert invoke("queues-mail_customer") == {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}


def test_a_queued_gift_card_is_mailed_to_its_recipient(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Mails:
        def send_email(self, **request: Any) -> None:
            sent.append(request)

    monkeypatch.setenv("MAIL_FROM", "no-reply@example.com")
    monkeypatch.setattr(ses, "client", lambda _: Mails())
    Shop(call, DEMO).open()
    card = IssueCard(Money(7500, "USD"), recipient_email="jane@example.com", deliver=True)
    with as_in_the_files():
        run(lambda tx: make(tx, DEMO, card, "GC7Q2MX0RT5KD9WBZT", system(DEMO, "demo").actor))

    assert invoke("queues-deliver_gift_card") == {"batchItemFailures": []}
    assert invoke("queues-deliver_gift_card") == {"batchItemFailures": []}

    assert [request["Destination"] for request in sent] == [{"ToAddresses": ["jane@example.com"]}]


@pytest.mark.usefixtures("table")
def test_a_batch_of_the_stream_is_counted_once(call: Call) -> None:
    shop = Shop(call, DEMO)

    assert invoke("streams-count_rows") == {"batchItemFailures": []}
    assert invoke("streams-count_rows") == {"batchItemFailures": []}

    counts = shop.do("admin/orders/count_orders")
    assert (counts["pending_payment"], counts["pending"], counts["total"]) == (0, 1, 1)


@pytest.mark.usefixtures("table")
def test_a_batch_of_the_stream_becomes_events_on_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Bus:
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            sent.extend(Entries)
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * len(Entries)}

    monkeypatch.setenv("EVENT_BUS_NAME", "till")
    monkeypatch.setattr(aws, "client", lambda _: Bus())

    assert invoke("streams-publish_events") == {"batchItemFailures": []}

    assert [entry["DetailType"] for entry in sent] == ["product.created", "order.created", "stock.changed"]
    detail = json.loads(sent[1]["Detail"])
    assert (detail["tenant"], detail["mode"], detail["sequence"]) == ("ten_demo", "test", 1)
    assert (detail["data"]["object"]["id"], detail["data"]["object"]["total"]) == (ORDER, 29.0)
    queued = json.loads(payload("queues-watch_stock")["Records"][0]["body"])
    assert json.loads(sent[2]["Detail"]) == queued["detail"]


@pytest.mark.usefixtures("table")
def test_a_batch_of_the_stream_becomes_entries_of_the_audit_log(call: Call) -> None:
    assert invoke("streams-record_audit") == {"batchItemFailures": []}
    assert invoke("streams-record_audit") == {"batchItemFailures": []}

    with clock.use(lambda: NOON):
        logs = Shop(call, DEMO).do("v2/audit/list_audit_logs", query={"resource_id": f"prod_{ID}"})["logs"]
    assert [log["action"] for log in logs] == ["product.updated", "product.created"]
    assert logs[0]["changes"] == {"price": {"old": Decimal("29.00"), "new": Decimal("24.00")}}
    assert (logs[0]["ip_address"], logs[0]["user_agent"]) == ("203.0.113.7", "SDK/1.0")


def test_the_audited_rows_in_the_stream_file_are_those_that_the_shop_writes(shop: Shop) -> None:
    """When this fails, what a row holds has changed: bring the file up to it."""
    made, changed = (each["dynamodb"] for each in payload("streams-record_audit")["Records"])
    [written] = [row for row in rows() if {"pk": row["pk"], "sk": row["sk"]} == made["Keys"]]

    assert made["NewImage"] == changed["OldImage"] == written


def test_the_rows_in_the_stream_files_are_those_that_the_shop_writes(shop: Shop) -> None:
    """When this fails, what a row holds has changed: bring the files up to it."""
    place_order(shop)
    written = {(row["pk"]["S"], row["sk"]["S"]): row for row in rows()}
    records = [each for name in ("streams-count_rows", "streams-publish_events") for each in payload(name)["Records"]]
    assert [each["eventName"] for each in records].count("INSERT") == 5
    for stream in (each["dynamodb"] for each in records):
        image = stream.get("OldImage") or stream["NewImage"]
        assert {"pk": image["pk"], "sk": image["sk"]} == stream["Keys"]
        assert image == written[(image["pk"]["S"], image["sk"]["S"])]
        if (
            "OldImage" in stream and image["kind"]["S"] == "order"
        ):  # it was paid: it waits no more, and knows its payment
            assert set(stream["NewImage"]) ^ set(image) == {"expires_at", "payment_intent_id"}
            Row.from_raw_data(stream["NewImage"])


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=os.environ["TABLE_NAME"])["Items"]
    return found


def test_the_minutes_schedule_expires_what_was_not_paid(shop: Shop) -> None:
    place_order(shop)

    with clock.use(lambda: NOON + timedelta(minutes=61)):
        assert invoke("schedules-expire_orders") == {"done": 1, "failed": 0}
        assert invoke("schedules-expire_orders") == {"done": 0, "failed": 0}

    assert shop.do("admin/orders/get_order", order_id=ORDER)["status"] == "cancelled"


@pytest.fixture
def returned(shop: Shop, stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The return that the files name was asked for; gives the machine of its workflow."""
    place_order(shop)
    stripe.pay(shop.start_payment(ORDER, 2900))
    settle(shop.call, stripe)
    shop.move(ORDER, "shipped")
    [line] = shop.do("admin/orders/get_order", order_id=ORDER)["items"]
    items = [{"order_item_id": line["id"], "quantity": 1, "reason": "wrong_size"}]
    with as_in_the_files():
        made = shop.do("admin/returns/create_return", body={"order_id": ORDER, "items": items})
    assert made["id"] == RETURN
    machine = Machine("ReturnLifecycleWorkflow")
    monkeypatch.setenv("RETURN_WORKFLOW", machine.arn)
    monkeypatch.setattr(workflow_client, "client", lambda _: StepFunctions(machine))
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    yield machine
    bucket.objects.all().delete()
    bucket.delete()


def test_a_queued_return_gets_its_workflow(returned: Machine) -> None:
    assert invoke("queues-drive_return") == {"batchItemFailures": []}
    assert invoke("queues-drive_return") == {"batchItemFailures": []}

    assert [(each.name, each.state) for each in returned.executions.values()] == [(RETURN, "Pending")]


@pytest.mark.usefixtures("table")
def test_a_queued_return_that_there_is_not_comes_back() -> None:
    [record] = payload("queues-drive_return")["Records"]

    assert invoke("queues-drive_return") == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}


def test_the_tasks_of_a_returns_workflow_see_it_through(
    shop: Shop, returned: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ses, "send", lambda mail: None)
    assert invoke("workflows-wait_for_return") is None
    assert returned.executions == {}

    shop.do("admin/returns/approve_return", method="POST", return_id=RETURN)
    assert invoke("workflows-mail_return_label") == {"outcome": "mailed"}
    [item] = shop.do("admin/returns/get_return", return_id=RETURN)["items"]
    found = {"order_item_id": item["order_item_id"], "quantity": 1, "disposition": "restock"}
    shop.do("admin/returns/receive_return", return_id=RETURN, body={"items": [found]})
    assert invoke("workflows-refund_received_return") == {"outcome": "left_to_staff"}
    shop.do("admin/returns/refund_return", return_id=RETURN, body={"refund_method": "store_credit"})
    assert invoke("workflows-close_return") == {"status": "closed"}


@pytest.mark.usefixtures("returned")
def test_the_five_minutes_schedule_rejects_what_nobody_decided(shop: Shop) -> None:
    with clock.use(lambda: NOON + timedelta(days=14, minutes=5)):
        counts = invoke("schedules-decide_overdue_returns")

    assert counts == {"returns": {"done": 1, "failed": 0}, "workflows": {"done": 1, "failed": 0}}
    assert shop.do("admin/returns/get_return", return_id=RETURN)["status"] == "rejected"


def test_a_queued_change_of_stock_is_held_against_the_products_alerts(shop: Shop, table: Any) -> None:
    shop.do("v2/inventory/set_alert", product_id=f"prod_{ID}", body={"threshold": 10})
    place_order(shop)

    assert invoke("queues-watch_stock") == {"batchItemFailures": []}
    assert invoke("queues-watch_stock") == {"batchItemFailures": []}

    rows = table.scan()["Items"]
    assert [row["type"] for row in rows if row["kind"] == "outbox" and row["type"].startswith("inventory.l")] == [
        "inventory.low"
    ]


def test_queued_stock_goes_to_those_who_wait_for_it_and_what_was_overlooked_follows_within_the_hour(shop: Shop) -> None:
    product_id = f"prod_{ID}"
    promise = {"when_out_of_stock": "backorder", "expected_on": "2026-03-25"}
    shop.do("v2/catalog/update_product", id=product_id, body=promise)
    there = shop.do("v2/inventory/get_inventory", product_id=product_id)["total_available"]
    with clock.use(lambda: NOON):
        waiting = [shop.order(customer(), (product_id, units)) for units in (there + 2, 1)]

    def waits() -> list[int]:
        return [shop.do("admin/orders/get_order", order_id=each)["items"][0]["waiting"] for each in waiting]

    shop.receive(product_id, 2)
    assert invoke("queues-allocate_arrivals") == {"batchItemFailures": []}
    assert waits() == [0, 1]
    with clock.use(lambda: NOON + timedelta(days=14)):
        assert invoke("schedules-sweep_backorders") == {"told": 1, "units": 0}
        shop.receive(product_id, 1)
        assert invoke("schedules-sweep_backorders") == {"told": 0, "units": 1}
    assert waits() == [0, 0]


def order_a_batch() -> None:
    """101 gift cards, which a workflow is to issue."""
    command = IssueBatch((IssueCard(Money(5000, "USD")),), 101)
    with as_in_the_files():
        run(lambda tx: batch_jobs.request(tx, system(DEMO, "demo"), command), operation_id=ID)


@pytest.mark.usefixtures("shop")
def test_the_workflow_of_a_batch_plans_what_is_to_be_issued() -> None:
    order_a_batch()

    assert invoke("workflows-plan_gift_card_batch")["chunks"] == [0, 32, 64, 96]


@pytest.mark.usefixtures("shop")
def test_the_five_minutes_schedule_tells_again_of_a_batch_that_stands_still() -> None:
    order_a_batch()

    with clock.use(lambda: NOON + timedelta(minutes=16)):
        assert invoke("schedules-resume_gift_card_batches") == {"done": 1, "failed": 0}
        assert invoke("schedules-resume_gift_card_batches") == {"done": 0, "failed": 0}


@pytest.fixture
def job(shop: Shop) -> Iterator[None]:
    """101 products are to be changed, by the job that the files name."""
    rows = [{"product_id": f"prod_{ID}", "status": "draft"}] * 101
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    with as_in_the_files():
        caller = system(DEMO, "demo")
        run(lambda tx: bulk.change(tx, caller, JobType.PRODUCT_UPDATE, rows), operation_id=ID)
    yield
    bucket.objects.all().delete()
    bucket.delete()


@pytest.mark.usefixtures("job")
def test_the_slices_of_a_job_see_it_through(shop: Shop) -> None:
    assert invoke("workflows-run_job_slice") == {"status": "running", "done": 101}
    assert invoke("workflows-run_job_slice") == {"status": "succeeded", "done": 101}
    assert invoke("workflows-give_up_job") == {"status": "succeeded"}

    assert shop.do("v2/catalog/get_product", id=f"prod_{ID}")["status"] == "draft"


@pytest.mark.usefixtures("job")
def test_a_job_that_fails_too_often_is_given_up() -> None:
    assert invoke("workflows-give_up_job") == {"status": "failed"}
    assert invoke("workflows-run_job_slice") == {"status": "failed", "done": 0}


@pytest.mark.usefixtures("job")
def test_the_five_minutes_schedule_tells_again_of_a_job_that_stands_still() -> None:
    with clock.use(lambda: NOON + timedelta(minutes=16)):
        assert invoke("schedules-resume_jobs") == {"done": 1, "failed": 0}
        assert invoke("schedules-resume_jobs") == {"done": 0, "failed": 0}


@pytest.fixture
def exported(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A card was issued on the day that the files speak of; the next day has begun. Gives the days being closed."""
    started: list[str] = []

    def start(tenant: Tenant, day: date, attempt: str) -> bool:
        started.append(f"{day} {attempt}")
        return True

    monkeypatch.setattr(workflow, "start", start)
    with clock.use(lambda: NOON):
        run(lambda tx: issue(tx, system(DEMO, "demo"), IssueCard(Money(5000, "USD"))))
    with clock.use(lambda: datetime(2026, 3, 21, 4, 12, tzinfo=UTC)):
        yield started


def test_the_hourly_schedule_closes_the_day_that_is_over(exported: list[str]) -> None:
    assert invoke("schedules-close_days") == {"started": 1, "failed": 0}
    assert exported == ["2026-03-20 20260321T04"]


@pytest.mark.usefixtures("exported")
def test_the_workflow_of_a_day_reads_its_parts_and_withholds_what_does_not_add_up() -> None:
    begun = invoke("workflows-begin_liability_day")
    assert (begun["status"], [part["kind"] for part in begun["parts"]]) == (
        "ready",
        [*8 * ["entries"], "cards", "lots"],
    )
    assert payload("workflows-read_liability_part")["part"] == begun["parts"][8]
    assert invoke("workflows-read_liability_part") == payload("workflows-publish_liability_day")["read"][0]
    assert invoke("workflows-publish_liability_day")["outcome"] == "unreconciled"


@pytest.mark.usefixtures("shop")
def test_the_sweep_of_stored_value_finds_what_is_due() -> None:
    with clock.use(lambda: NOON):
        card = run(lambda tx: issue(tx, system(DEMO, "demo"), IssueCard(Money(5000, "USD")))).card
        run(lambda tx: redeeming.hold(tx, DEMO, card, "cart_1", Money(2000, "USD")))
    with clock.use(lambda: NOON + timedelta(minutes=35)):
        assert invoke("schedules-sweep_stored_value")["redemptions"] == {"done": 1, "failed": 0}


@pytest.mark.usefixtures("shop", "stripe")
def test_the_daily_check_of_payments_compares_both_sides() -> None:
    with clock.use(lambda: datetime(2026, 3, 21, 4, 25, tzinfo=UTC)):
        assert invoke("schedules-reconcile_payments") == {
            "test": {"day": "2026-03-21", "finished": True, "compared": 0, "differences": {}, "repaired": {}}
        }


@pytest.mark.usefixtures("table")
def test_the_health_schedule_probes_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    queue = sqs.create_queue(QueueName="health")["QueueUrl"]
    s3.create_bucket(Bucket="till-files")
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", queue)
    monkeypatch.setenv("FILES_BUCKET", "till-files")

    states = invoke("schedules-probe_health")

    s3.delete_bucket(Bucket="till-files")
    sqs.delete_queue(QueueUrl=queue)
    assert states == dict.fromkeys(("database", "queue", "storage"), "operational")


# The files and the template


def functions() -> dict[str, Any]:
    resources = template()["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == "AWS::Serverless::Function"}


def test_every_trigger_in_the_template_has_its_file() -> None:
    named = {function_of(file.stem) for file in FILES}
    with_sources = {name for name, properties in functions().items() if properties.get("Events")}
    authorizers = {name for name in functions() if name.startswith("Authorizer")}
    # The API itself is one trigger; every surface that stands behind it has a file.
    surfaces = {endpoint.file.split("/")[0] for endpoint in endpoints().values()}

    assert with_sources | authorizers <= named
    assert {file.stem.split("-")[0] for file in FILES} >= surfaces


def test_every_file_is_named_after_its_function_and_used_here() -> None:
    source = (ROOT / "tests" / "contract" / "test_event_files.py").read_text()
    for file in FILES:
        assert function_of(file.stem) in functions(), file.name
        assert f'"{file.stem}"' in source, file.name
        assert f"`{file.name}`" in (EVENTS / "README.md").read_text(), file.name


SOURCES = {"SQS": "aws:sqs", "DynamoDB": "aws:dynamodb", "ScheduleV2": "aws.scheduler"}


def test_every_file_comes_from_the_kind_of_source_that_the_template_gives_its_function() -> None:
    for file in FILES:
        event = payload(file.stem)
        for source in (functions()[function_of(file.stem)].get("Events") or {}).values():
            records = event.get("Records") or [event]
            assert {record.get("eventSource") or record.get("source") for record in records} == {
                SOURCES[source["Type"]]
            }


@pytest.mark.parametrize("name", [file.stem for file in FILES if "httpMethod" in json.loads(file.read_text())])
def test_a_rest_event_is_complete_and_belongs_to_a_route(name: str) -> None:
    event = payload(name)
    keys = {"resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters"} | {
        *("multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext"),
    }
    assert keys <= set(event)
    assert event["multiValueHeaders"] == {header: [value] for header, value in event["headers"].items()}
    assert event["requestContext"]["resourcePath"] == event["resource"]
    assert event["requestContext"]["path"] == "/local" + event["path"]
    if event.get("type") == "REQUEST":
        return  # the authorizer's event has neither body nor caller
    if function_of(name) in (PREFLIGHT, REFUSAL):
        assert event["resource"] in {endpoint.route.path for endpoint in endpoints().values()}
        return
    endpoint = endpoints()[f"{event['httpMethod']} {event['resource']}"]
    assert endpoint.function == function_of(name)
    assert keys | {"body", "isBase64Encoded"} == set(event)
    said = event["requestContext"].get("authorizer")
    assert (said is None) == (endpoint.route.scope == "public")
    if said is not None:
        assert all(isinstance(value, str) for key, value in said.items() if key != "integrationLatency")
        assert endpoint.route.scope in said["scopes"].split()


def test_a_body_in_base64_is_read_like_the_same_body_in_the_clear(shop: Shop) -> None:
    event = payload("storefront-checkout_cart")
    api: Api = handler("storefront/carts/checkout_cart").app
    shop.add_to_cart(customer(), f"prod_{ID}", 1)

    encoded = event | {"body": b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}

    assert api.handler(encoded, None)["statusCode"] == 201


def test_the_demo_shop_of_the_files_is_the_one_that_the_local_stack_opens() -> None:
    from local.stack import shop as demo

    assert DEMO.tenant_id == demo.TENANT
    assert set(DEMO.warehouses) <= set(demo._OPENING)
