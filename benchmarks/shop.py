"""A believable shop on moto, in this process and one thread, and events as the triggers of its functions send them."""

import copy
import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from moto import mock_aws
from moto.dynamodb.models.table import Table

from commerce.access import tokens
from commerce.access import use_cases as access
from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES
from commerce.disputes import store as disputes
from commerce.disputes.model import DisputeStatus, ProviderDispute, first_seen
from commerce.inventory.model import Alert, Reorder, Scope
from commerce.kernel import clock, ids, wire_json
from commerce.kernel.caller import Mode, Role
from commerce.kernel.paging import PageRequest
from commerce.oauth import use_cases as oauth
from commerce.oauth.model import ClientKind
from commerce.oauth.use_cases import RegisterClient
from commerce.observability import logger
from commerce.orders import queries as order_queries
from commerce.purchasing import use_cases as purchasing
from commerce.table import keys
from commerce.table.transaction import run
from local.generate_openapi import load_handlers
from local.stripe_standin.server import serve
from tests import user_pool
from tests.liability import close_next
from tests.payments import API_KEY, WEBHOOK_SECRET, Stripe
from tests.shop import TENANT, Credential, customer_credential
from tests.streams import Stream, audited
from tests.template import table_definition
from tests.user_pool import UserPool

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_NAMESPACE": "Till",
    "TABLE_NAME": "till-benchmark",
    "CURSOR_KEY": "cursor-key-of-the-benchmark",
    "GIFT_CARD_KEY": "gift-card-key-of-the-benchmark",
    "SERVICE_NAME": "till",
    "LOG_LEVEL": "INFO",
    "STRIPE_API_KEY_SECRET": "stripe/key",
    "STRIPE_WEBHOOK_SECRET": "stripe/webhook",
    "EVENT_BUS_NAME": "till-benchmark",
    "FILES_BUCKET": "till-benchmark",
    "MAIL_FROM": "no-reply@example.com",
    "JWT_ISSUER": "https://login.example.com/",
    "JWT_AUDIENCE": "till",
    "JWKS_URL": "https://login.example.com/jwks.json",
    "USER_POOL_ISSUER": user_pool.ISSUER,
}
ADDRESS = {
    "first_name": "Jane",
    "last_name": "Doe",
    "address1": "123 Main St",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
}
LINES = 3  # of an order
STOREFRONT, INTEGRATION, CLIENT_SECRET = "storefront", "integration", "integration-secret"
CALLBACK = "https://shop.example.com/callback"
CLIENTS = (
    RegisterClient(STOREFRONT, ClientKind.STOREFRONT, "ten_1", Mode.TEST, CUSTOMER_SCOPES, (CALLBACK,)),
    RegisterClient(INTEGRATION, ClientKind.INTEGRATION, "ten_1", Mode.TEST, MERCHANT_SCOPES, ()),
)
NOTHING_FAILED: dict[str, list[Any]] = {"batchItemFailures": []}
SIZES = ("Small", "Medium", "Large")

# moto copies the whole table for each write of a transaction, to undo one that fails. None fails here.
_SHALLOW = SimpleNamespace(
    copy=copy.copy, deepcopy=lambda value: value if isinstance(value, Table) else copy.deepcopy(value)
)

type Event = dict[str, Any]


@dataclass
class Shop:
    """The running shop; ``rows`` of each kind are in it, and one more."""

    rows: int
    table: Mapping[str, Any]
    stripe: Any
    handlers: dict[Path, Any]
    pool: UserPool
    token: str = ""
    api_key: str = ""
    customer_id: str = ""
    products: list[Any] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self._stream = Stream(SimpleNamespace(name=ENVIRONMENT["TABLE_NAME"]))

    def number(self) -> int:
        """A number that nothing in the shop has yet."""
        self.made += 1
        return self.made

    def module(self, file: str) -> Any:
        return self.handlers[Path("functions") / f"{file}.py"]

    def route(self, name: str) -> tuple[Any, Any]:
        """The API and route of ``GET /v2/products``."""
        for module in self.handlers.values():
            for route in getattr(getattr(module, "app", None), "routes", ()):
                if f"{route.method} {route.path}" == name:
                    return module.app, route
        raise LookupError(name)

    def event(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> Event:
        """What API Gateway sends for a route, from a credential that may use it."""
        api, route = self.route(name)
        public = Role.PUBLIC in api.surface.roles
        portal = api.surface.roles == {Role.CUSTOMER}
        merchant = Credential(scopes=MERCHANT_SCOPES, role=Role.OWNER)
        credential = customer_credential(self.customer_id) if portal else merchant
        filled = route.path
        for parameter, value in path.items():
            filled = filled.replace("{" + parameter + "}", value)
        return {
            "httpMethod": route.method,
            "path": filled,
            "resource": route.path,
            "pathParameters": path or None,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {each: [value] for each, value in (query or {}).items()} or None,
            "headers": {
                "content-type": "application/json",
                **({"orgid": "ten_1"} if public else {}),
                **(headers or {}),
            },
            "multiValueHeaders": {},
            "body": body if body is None or isinstance(body, str) else wire_json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": {
                "requestId": "00000000-0000-0000-0000-000000000000",
                "authorizer": {} if public else credential.context(route.scope),
            },
        }

    def send(self, name: str, **given: Any) -> Any:
        """Call a route for what it does; give the body's payload."""
        api, _ = self.route(name)
        answer = api.handler(self.event(name, **given), None)
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{name}: {answer['statusCode']} {answer['body']}")
        body = wire_json.loads(answer["body"])
        return body.get("data", body)

    def rows_of(self, order_id: str) -> list[Any]:
        """A new order's rows and its event, in DynamoDB's JSON."""
        client = boto3.client("dynamodb")
        return [
            row
            for pk in (keys.order(TENANT, order_id).pk, keys.outbox(TENANT, order_id, 1).pk)
            for row in client.query(
                TableName=ENVIRONMENT["TABLE_NAME"],
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
            )["Items"]
        ]

    # What requests are made of

    def product(self) -> Event:
        number = self.number()
        return {
            "name": f"Merino Jersey {number}",
            "sku": f"JERSEY-{number}",
            "price": Decimal("49.90"),
            "description": "A warm jersey of fine wool. " * 10,
            "categories": ["clothing"],
            "variants": [
                {"sku": f"JERSEY-{number}-{size}", "attributes": {"size": size}, "inventory": 100_000} for size in SIZES
            ],
        }

    def customer(self) -> Event:
        number = self.number()
        return {
            "email": f"jane.doe.{number}@example.com",
            "first_name": "Jane",
            "last_name": f"Doe{number}",
            "addresses": [ADDRESS, ADDRESS],
            "tags": ["newsletter"],
        }

    def items(self) -> list[Event]:
        return [
            {"product_id": product["id"], "variant_id": product["variants"][0]["id"], "quantity": 2}
            for product in self.products[:LINES]
        ]

    def address(self) -> Event:
        """A customer with two addresses, and the second one."""
        made = self.send("POST /v2/customers", body=self.customer())
        return {"id": made["id"], "address_id": made["addresses"][1]["id"]}

    def payment(self) -> Event:
        """A payment of an unpaid order."""
        order = self.unpaid_order()
        return {"body": {"order_id": order["id"], "amount": int(order["total"] * 100), "currency": "usd"}}

    def records(self) -> list[Any]:
        """What was written since this was last asked, as the table's stream delivers it."""
        return self._stream.read()

    def fill_cart(self) -> Any:
        """The cart with three items; give their first."""
        self.send("DELETE /cart")
        return [self.send("POST /cart/items", body=item) for item in self.items()][-1]["items"][0]

    def unpaid_order(self) -> Any:
        return self.send("POST /orders", body={"items": self.items()})


@contextmanager
def open_shop(rows: int) -> Iterator[Shop]:
    """A shop with ``rows`` and one more products, customers, orders and API keys.

    Logs and metrics are written as in production, to nowhere.
    """
    os.environ.pop("AWS_ENDPOINT_URL", None)
    os.environ.update(ENVIRONMENT)
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        mock_aws(),
        patch("moto.dynamodb.models.copy", _SHALLOW),
    ):
        logger.registered_handler.setStream(nowhere)  # type: ignore[attr-defined]
        table = table_definition()
        boto3.client("dynamodb").create_table(TableName=ENVIRONMENT["TABLE_NAME"], **table)
        secrets = boto3.client("secretsmanager")
        for name, value in (("stripe/key", API_KEY), ("stripe/webhook", WEBHOOK_SECRET)):
            secrets.create_secret(Name=name, SecretString=json.dumps({"test": value}))
        queue = boto3.client("sqs").create_queue(QueueName="stripe-events")["QueueUrl"]
        boto3.client("events").create_event_bus(Name=ENVIRONMENT["EVENT_BUS_NAME"])
        boto3.client("s3").create_bucket(Bucket=ENVIRONMENT["FILES_BUCKET"])
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        role = "arn:aws:iam::123456789012:role/workflow"
        made = boto3.client("stepfunctions").create_state_machine(name="liability", definition=definition, roleArn=role)
        os.environ["LIABILITY_WORKFLOW"] = made["stateMachineArn"]
        made = boto3.client("stepfunctions").create_state_machine(name="returns", definition=definition, roleArn=role)
        os.environ["RETURN_WORKFLOW"] = made["stateMachineArn"]
        boto3.client("sesv2").create_email_identity(EmailIdentity=ENVIRONMENT["MAIL_FROM"])
        with serve() as standin, user_pool.serve() as pool:
            os.environ.update(STRIPE_API_BASE=standin.url, STRIPE_EVENTS_QUEUE_URL=queue)
            os.environ.update(SIGN_IN_URL=pool.url, USER_POOL_JWKS_URL=f"{pool.url}/jwks.json")
            shop = Shop(rows=rows, table=table, stripe=Stripe(standin.url), handlers=load_handlers(), pool=pool)
            _fill(shop)
            shop.token = _token(shop.customer_id)
            gc.collect()
            gc.freeze()  # what the emulator holds is no work for the handlers' garbage collection
            yield shop


def _token(customer_id: str) -> str:
    """A customer's token; its issuer's key is in the authorizer's memory."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "key", "alg": "RS256", "use": "sig"}
    known = tokens.client_of(ENVIRONMENT["JWKS_URL"]).jwk_set_cache
    assert known is not None
    known.put({"keys": [public]})
    claims = {
        "iss": ENVIRONMENT["JWT_ISSUER"],
        "aud": ENVIRONMENT["JWT_AUDIENCE"],
        "iat": 1_700_000_000,
        "exp": 4_000_000_000,
        "mode": "test",
        "sub": "user_1",
        "tenant": "ten_1",
        "role": "customer",
        "customer_id": customer_id,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "key"})


def drafted_purchase_order() -> str:
    """A purchase order as if some product's stock had fallen low; give its id."""
    now = clock.now()
    alert = Alert(
        ids.new("alert"), Scope(ids.new("prod")), 10, Reorder(enabled=True, quantity=100), frozenset(), now, now
    )
    run(lambda tx: purchasing.draft(tx, TENANT, alert))
    return purchasing.list_purchase_orders(TENANT, PageRequest.of_page(None, 1, None)).items[0].purchase_order_id


def _dispute(order_id: str, payment_id: str) -> None:
    """A dispute for lists to show, as if Stripe had told of it."""
    order, now = order_queries.get(TENANT, order_id), clock.now()
    told = ProviderDispute(
        dispute_id=ids.new("dp"),
        payment_id=payment_id,
        status=DisputeStatus.NEEDS_RESPONSE,
        reason="product_not_received",
        amount=order.total,
        due_by=now + timedelta(days=9),
        past_due=False,
        submissions=0,
        created_at=now,
    )
    run(lambda tx: disputes.add(tx, TENANT, replace(first_seen(order, told, now), version=1)))


def _fill(shop: Shop) -> None:
    opened = access.CreateTenant(
        tenant_id="ten_1",
        name="Shop",
        currency="USD",
        timezone="America/New_York",
        country="US",
        warehouses=("wh_001", "wh_002"),
        mode=Mode.TEST,
    )
    shop.api_key = run(lambda tx: access.create_tenant(tx, opened))[1].text
    for _ in range(shop.rows + 1):
        shop.products.append(shop.send("POST /v2/products", body=shop.product()))
        shop.customer_id = shop.send("POST /v2/customers", body=shop.customer())["id"]
        shop.send("POST /v2/api-keys", body={"name": "Warehouse app", "scopes": ["inventory:read"]})
        print(".", end="", file=sys.stderr, flush=True)
    for product in shop.products[:LINES]:
        for variant in product["variants"]:
            body = {"quantity": 1000, "reason": "restock", "location": "wh_002", "variant_id": variant["id"]}
            shop.send("POST /v2/inventory/{product_id}/adjust", product_id=product["id"], body=body)
    for _ in range(shop.rows + 1):
        body = {"customer_id": shop.customer_id, "items": shop.items()}
        order = shop.send("POST /admin/orders", body=body)
        shop.orders.append(order["id"])
        amount = {"order_id": order["id"], "amount": int(order["total"] * 100), "currency": "usd"}
        shop.payments.append(shop.send("POST /v2/payments/intents", body=amount)["id"])
        _dispute(shop.orders[-1], shop.payments[-1])
        drafted_purchase_order()
        shop.send("POST /admin/orders/{order_id}/notes", order_id=shop.orders[0], body={"content": "Call first"})
        shop.send("POST /admin/gift-cards", body={"amount": 75})
        close_next(TENANT)
        print(".", end="", file=sys.stderr, flush=True)
    for client in CLIENTS:
        run(lambda tx, client=client: oauth.register_client(tx, client))  # type: ignore[misc]
    shop.pool.secrets[INTEGRATION] = CLIENT_SECRET
    assert shop.module("streams/record_audit").handler({"Records": audited(shop.records())}, None) == NOTHING_FAILED
    shop.fill_cart()
    shop.module("schedules/probe_health").handler({}, None)
    print(file=sys.stderr)
