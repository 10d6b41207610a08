"""The world that every good request starts from, and how it is put back after each.

A world is made once through the API, at a fixed instant and with ids that are counted, so that the same requests always
leave the same rows. What Stripe holds is not part of it: a request that needs a payment makes it first.
"""

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
import pytest
from boto3.dynamodb.types import TypeDeserializer

from commerce.access import tokens
from commerce.access.model import CUSTOMER_SCOPES, MERCHANT_SCOPES
from commerce.http import forms
from commerce.kernel import clock, ids
from commerce.kernel.caller import Tenant
from commerce.oauth import use_cases as oauth
from commerce.oauth.model import ClientKind
from commerce.oauth.use_cases import RegisterClient
from commerce.table.transaction import run
from tests import user_pool
from tests.contract.shops import HOME, Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, TENANT, Call, Credential, customer_credential
from tests.user_pool import Person, UserPool

AT = datetime(2024, 3, 20, 12, tzinfo=UTC)  # no year in which these tests run
CALLBACK = "https://shop.example/callback"
CLIENT_SECRET = "integration-secret"
CLIENTS = (
    (ClientKind.STOREFRONT, CUSTOMER_SCOPES, (CALLBACK,)),
    (ClientKind.BACK_OFFICE, MERCHANT_SCOPES, (CALLBACK,)),
    (ClientKind.INTEGRATION, MERCHANT_SCOPES, ()),
)
TOTAL = Decimal("59.98")  # of the world's order
_MADE = 0xF << 124  # the first id of those made in a world that is ready: they begin with a digit above 0

type Row = dict[str, Any]
type Rows = dict[tuple[str, str], Row]


@dataclass
class World:
    """A shop with one of everything, seen by its merchant and by one of its customers."""

    shop: Shop
    stripe: Stripe
    pool: UserPool
    email: str
    customer: Credential = field(init=False)
    address_ids: list[str] = field(init=False)
    product: Any = field(init=False)  # two variants, 20 units of each
    item_id: str = field(init=False)  # in the customer's cart
    order_id: str = field(init=False)  # of the customer, unpaid
    key_id: str = field(init=False)
    card: Any = field(init=False)  # the gift card that was issued last
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        """Another one each time, for what must differ between two good requests."""
        return next(self._numbers)

    def settle_in(self, product: Any) -> "World":
        """Let the customer come, fill a cart and place an order."""
        shop, self.product = self.shop, product
        body = {"email": self.email, "first_name": "Jane", "last_name": "Doe", "addresses": [HOME, HOME]}
        made = shop.do("v2/customers/create_customer", body=body)
        self.customer = customer_credential(made["id"], shop.tenant)
        self.address_ids = [each["id"] for each in made["addresses"]]
        self.order_id = self.place_order()
        cart = shop.add_to_cart(self.customer, product["id"], 2, self.variant_id)
        self.item_id = cart["items"][0]["id"]
        key = {"name": "Warehouse app", "scopes": ["inventory:read"]}
        self.key_id = shop.do("v2/access/create_api_key", body=key)["id"]
        return self

    @property
    def variant_id(self) -> str:
        return str(self.product["variants"][0]["id"])

    @property
    def customer_id(self) -> str:
        assert self.customer.customer_id is not None
        return self.customer.customer_id

    def line(self, units: int = 2) -> Any:
        return {"product_id": self.product["id"], "variant_id": self.variant_id, "quantity": units}

    def place_order(self) -> str:
        body = {"customer_id": self.customer_id, "items": [self.line()]}
        return str(self.shop.do("admin/orders/create_order", body=body)["id"])

    def client(self, kind: ClientKind) -> str:
        """The id of one of the shop's OAuth clients."""
        return f"{kind}_{self.shop.tenant.tenant_id}"

    def sign_in(self) -> Any:
        """The customer signs in to the storefront; give the tokens."""
        client_id, verifier = self.client(ClientKind.STOREFRONT), "v" * 43
        person = Person(f"person-of-{self.customer_id}", self.email)
        code = self.pool.code(client_id, CALLBACK, verifier, scope="openid till/cart till/my_orders", person=person)
        form = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": CALLBACK}
        body = urlencode(form | {"code": code, "code_verifier": verifier})
        return self.shop.do("oauth/access/issue_token", body=body, headers={"content-type": forms.CONTENT_TYPE})

    def pay(self, order_id: str) -> str:
        """Have the order paid at Stripe, and its events applied; give its payment intent."""
        intent_id = self.shop.start_payment(order_id, int(TOTAL * 100))
        assert self.stripe.pay(intent_id) == "succeeded"
        self.shop.settle(self.stripe)
        return intent_id


@dataclass(frozen=True)
class Worlds:
    """``here`` is where requests are sent to; the others are strangers to it."""

    here: World
    neighbour: World  # another customer of the same shop
    elsewhere: World  # another shop

    @property
    def all(self) -> tuple[World, ...]:
        return self.here, self.neighbour, self.elsewhere


def make_worlds(call: Call, stripe: Stripe, pool: UserPool) -> Worlds:
    """Everything new, in an empty table."""
    with steady(0):
        here, elsewhere = _open(call, TENANT, stripe, pool), _open(call, OTHER_TENANT, stripe, pool)
        neighbour = World(here.shop, stripe, pool, "john@example.com").settle_in(here.product)
    return Worlds(here, neighbour, elsewhere)


def _open(call: Call, tenant: Tenant, stripe: Stripe, pool: UserPool) -> World:
    shop = Shop(call, tenant).open()
    for kind, scopes, addresses in CLIENTS:
        client = RegisterClient(f"{kind}_{tenant.tenant_id}", kind, tenant.tenant_id, tenant.mode, scopes, addresses)
        run(lambda tx, client=client: oauth.register_client(tx, client))  # type: ignore[misc]
    pool.secrets[f"{ClientKind.INTEGRATION}_{tenant.tenant_id}"] = CLIENT_SECRET
    shop.merchant = Credential(tenant=tenant, scopes=MERCHANT_SCOPES)
    variants = [{"sku": f"TEE-{size}", "inventory": 60} for size in ("S", "M")]
    product = shop.product("TEE", Decimal("29.99"), categories=["clothing"], variants=variants)
    return World(shop, stripe, pool, "jane@example.com").settle_in(product)


@contextmanager
def steady(first: int = _MADE) -> Iterator[None]:
    """Stand the clock still, and count ids from ``first``."""
    numbers = itertools.count(first)
    with clock.use(lambda: AT), ids.use(lambda: f"{next(numbers):032x}"):
        yield


class Table:
    """The emulator's table, in DynamoDB's own JSON: botocore takes ten times as long to read it as the emulator."""

    def __init__(self) -> None:
        self._name = os.environ["TABLE_NAME"]
        scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260320/us-east-1/dynamodb/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        self._http = httpx.Client(base_url=os.environ["AWS_ENDPOINT_URL"], headers=headers, trust_env=False)

    def rows(self) -> Rows:
        """Everything in it."""
        found: Rows = {}
        arguments = {"TableName": self._name, "ConsistentRead": True}
        while True:
            page = self._call("Scan", arguments)
            found |= {(row["pk"]["S"], row["sk"]["S"]): row for row in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return found
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put_back(self, wanted: Rows) -> None:
        """Have exactly these rows in it."""
        present = self.rows()
        writes: list[Any] = [
            {"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in present.keys() - wanted.keys()
        ]
        writes += [{"PutRequest": {"Item": row}} for key, row in wanted.items() if present.get(key) != row]
        for start in range(0, len(writes), 25):
            self._call("BatchWriteItem", {"RequestItems": {self._name: writes[start : start + 25]}})

    def _call(self, action: str, arguments: Any) -> Any:
        answer = self._http.post("/", json=arguments, headers={"X-Amz-Target": f"DynamoDB_20120810.{action}"})
        answer.raise_for_status()
        return answer.json()


class Stage:
    """The table and Stripe, which are put back to the same worlds again and again."""

    def __init__(self, stripe: Stripe, pool: UserPool) -> None:
        self.table, self.stripe, self.pool = Table(), stripe, pool
        self.table.put_back({})
        self.worlds = make_worlds(Call(), stripe, pool)
        self.base = self.table.rows()

    @contextmanager
    def anew(self) -> Iterator[World]:
        """The world as it was when it was ready; what is made inside has ids that tell."""
        self.table.put_back(self.base)
        self.stripe.reset()
        for world in self.worlds.all:
            world._numbers = itertools.count(1)
        with steady():
            yield self.worlds.here

    @classmethod
    @contextmanager
    def set_up(cls) -> Iterator["Stage"]:
        """One in an environment that names an emulator and Stripe; it brings a user pool and an issuer of tokens."""
        with user_pool.serve() as pool, pytest.MonkeyPatch.context() as environment:
            environment.setenv("USER_POOL_ISSUER", user_pool.ISSUER)
            environment.setenv("USER_POOL_JWKS_URL", f"{pool.url}/jwks.json")
            environment.setenv("SIGN_IN_URL", pool.url)
            environment.setenv("FILES_BUCKET", "till-matrix")
            boto3.client("s3").create_bucket(Bucket="till-matrix")
            definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
            role = "arn:aws:iam::000000000000:role/workflow"
            made = boto3.client("stepfunctions").create_state_machine(
                name="liability", definition=definition, roleArn=role
            )
            environment.setenv("LIABILITY_WORKFLOW", made["stateMachineArn"])
            tokens.client_of.cache_clear()
            yield cls(Stripe(os.environ["STRIPE_API_BASE"]), pool)
        tokens.client_of.cache_clear()

    def rows(self) -> Rows:
        """Everything but how often strangers called."""
        return {key: row for key, row in self.table.rows().items() if row["kind"]["S"] != "limit"}

    def require_invariants(self) -> None:
        """Money and stock add up."""
        read = TypeDeserializer().deserialize
        check({name: read(value) for name, value in row.items()} for row in self.rows().values())

    def effect(self) -> "Effect":
        """What the worlds have become, up to what is made up by chance."""
        return Effect.of(self.rows().values(), self.stripe.intents().values())


# What a request leaves, comparable with what another run of it leaves

_CHANCE = re.compile(
    r"(?<![0-9a-f])(?!0{16})[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # ids and secrets made since
    r"|\b(?:pi|ch|re|evt|cus|pm|seti|txn|dp|du)_[A-Za-z0-9]{24}(?![A-Za-z0-9])(?:_secret_[A-Za-z0-9]+)?"  # Stripe's
    rf"|(?!{AT.year})\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"  # instants of Stripe's clock
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+|\bgrant-[0-9a-f]{8}\b"  # the user pool's
    r"|(?<=DUE#ORDER#)\d|(?<=DUE#CARD#)\d|(?<=DUE#REDEMPTION#)\d"  # the shard that an id falls into
    r"|(?<=DUE#BACKORDER#)\d"
    r"|(?<=DUE#REFUND#)\d|(?<=DUE#RETURN#)\d|(?<=DUE#RETURNWORKFLOW#)\d"
    r"|(?<=LEDGER#ten_\d#(?:test|live)#\d{4}-\d\d-\d\d#)\d"
    r"|\bGC-?[0-9A-HJKMNP-TV-Z]{4}(?:-?[0-9A-HJKMNP-TV-Z]{4}){3}\b"  # serials of gift cards
    r"|(?<=GC-…-)[0-9A-HJKMNP-TV-Z]{4}\b"  # and what lists show of them
    r"|RMA-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b"  # numbers of parcels that come back
    r"|(?<=X-Amz-Date=)\d{8}T\d{6}Z"  # when a link was signed
    r'|(?<="policy":")[A-Za-z0-9+/=]+|(?<="x-amz-date":")\d{8}T\d{6}Z'  # or a form
    r'|(?<="last_four":")[0-9a-f]{4}'
    r'|(?<="pin":")[0-9]{6}'
    r'|(?<="already":)(?:true|false)'  # a row that left before its process died
)
_SECRETS = frozenset({"last_four", "ttl"})  # the end of a random text; counted from the real clock
_OF_ATTEMPTS = frozenset({"operation", "limit"})  # rows about requests, not about the shop


@lru_cache(maxsize=4096)  # most rows are those of the world that is put back again and again
def without_chance(text: str) -> str:
    """The text with what each run makes up anew left out."""
    return _CHANCE.sub("…", text)


@dataclass(frozen=True)
class Effect:
    """What rows and Stripe say, whatever ids were made up, without the rows that only remember requests."""

    rows: Counter[str]
    stripe: Counter[str]

    @classmethod
    def of(cls, rows: Iterable[Row], intents: Iterable[Row]) -> "Effect":
        lasting = [row for row in rows if row["kind"]["S"] not in _OF_ATTEMPTS]
        return cls(Counter(map(_plain, lasting)), Counter(map(_plain, intents)))

    def require(self, wanted: "Effect") -> None:
        """Raise AssertionError, which tells the difference, unless this is what was wanted."""
        if self != wanted:
            raise AssertionError(f"too much:\n{self - wanted}\nmissing:\n{wanted - self}")

    def __sub__(self, other: "Effect") -> str:
        """What is here and not there, for people."""
        return "\n".join([*(self.rows - other.rows).elements(), *(self.stripe - other.stripe).elements()])


def _plain(row: Row) -> str:
    kept = {name: value for name, value in row.items() if name not in _SECRETS}
    return without_chance(json.dumps(kept, sort_keys=True))
