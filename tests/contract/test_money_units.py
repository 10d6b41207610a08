"""Which unit each amount on the wire is in, for currencies with no, two and three decimal places.

One story is told in each currency: a product, a cart, orders, a payment, a refund. Every decimal field of every answer
is met on the way, and must be the amount in major units; the payment intent takes integer minor units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode, Tenant
from tests.contract.endpoints import endpoints
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import Call, Credential

PLACES = {"JPY": 0, "USD": 2, "KWD": 3}
UNIT_PRICE = 500  # minor units: 500 yen, 5.00 dollars, 5.000 dinars
NOT_MONEY = {"HealthOut.uptime"}


@dataclass
class Story:
    """A shop in one currency, and the amounts (model and field) that its answers have shown."""

    shop: Shop
    places: int
    seen: set[str]

    def expect(self, endpoint: str, minor: dict[str, int], *, by: Credential | None = None, **request: Any) -> Any:
        """Send a request; every amount in its answer is what ``minor`` says, by its field's name, in major units."""
        found = endpoints()[endpoint]
        answered = found.ask(self.shop.call, credential=by or self.shop.merchant, **request)
        assert answered.status in (200, 201), answered.text
        payload = answered.body.get("data", answered.body)
        model = found.route.answer_model
        for row in payload if isinstance(payload, list) else [payload]:
            for field, value in amounts(model, row):
                self.seen.add(field)
                assert not isinstance(value, str)
                assert value == self.major(minor[field]), f"{endpoint} {field}: {value}"
                assert -Decimal(value).normalize().as_tuple().exponent <= self.places  # type: ignore[operator]
        return payload

    def major(self, minor: int) -> Decimal:
        return Decimal(minor).scaleb(-self.places)


def amounts(model: Any, document: Any) -> Iterator[tuple[str, Any]]:
    """The decimal fields of an answer with their values, null ones left out."""
    for name, field in model.model_fields.items():
        for inner, is_many in _models_in(field.annotation):
            value = document.get(name)
            if value is not None:
                for row in value if is_many else [value]:
                    yield from amounts(inner, row)
        if _is_decimal(field.annotation) and document[name] is not None:
            yield f"{model.__name__}.{name}", document[name]


def decimal_fields(model: Any) -> set[str]:
    """All decimal fields of a model and of the models inside it."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return set()  # no body, or a document
    found = {f"{model.__name__}.{name}" for name, field in model.model_fields.items() if _is_decimal(field.annotation)}
    for field in model.model_fields.values():
        for inner, _ in _models_in(field.annotation):
            found |= decimal_fields(inner)
    return found


def _is_decimal(annotation: Any) -> bool:
    return annotation is Decimal or any(_is_decimal(each) for each in get_args(annotation) if each is not annotation)


def _models_in(annotation: Any) -> list[tuple[Any, bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, False)]
    many = getattr(annotation, "__origin__", None) is list
    return [(model, many or inner) for each in get_args(annotation) for model, inner in _models_in(each)]


@pytest.fixture
def story(call: Call, table: Any, currency: str) -> Iterator[Story]:
    tenant = Tenant("ten_1", Mode.TEST, currency, warehouses=("wh_001",))
    yield Story(Shop(call, tenant).open(), PLACES[currency], set())
    check(table.scan()["Items"])


def v2_lines(total: int, model: str, refunded: int = 0, catalogue: int | None = None) -> dict[str, int]:
    """What v2 shows of the same order; its unit price may differ from the catalogue's."""
    shown = {name.replace("OrderOut", model): amount for name, amount in lines(total, refunded=refunded).items()}
    own = {"V2ItemOut.price": total // 2, "V2ItemOut.total": total}
    return shown | own | ({} if catalogue is None else {"V2ItemOut.catalogue_price": catalogue})


def lines(total: int, discount: int = 0, refunded: int = 0, model: str = "OrderOut") -> dict[str, int]:
    """What an order of ``total`` shows, in minor units: its one line is two units."""
    own = {"subtotal": total, "discount": discount, "shipping": 0, "tax": 0, "total": total, "refunded": refunded}
    return {f"{model}.{name}": amount for name, amount in own.items()} | {
        "LineOut.unit_price": total // 2,
        "LineOut.total": total,
    }


@pytest.mark.parametrize("currency", list(PLACES))
def test_every_amount_is_in_the_unit_that_its_field_promises(story: Story, stripe: Stripe, currency: str) -> None:
    shop, one, two = story.shop, UNIT_PRICE, 2 * UNIT_PRICE
    price = {"ProductOut.price": one, "VariantOut.price": two}
    product = story.expect(
        "POST /v2/products",
        price,
        body={
            "name": "Cup",
            "sku": "CUP",
            "price": story.major(one),
            "variants": [
                {"sku": "CUP-S", "inventory": 20},
                {"sku": "CUP-L", "price": {"amount": two, "currency": currency.lower()}},
            ],
        },
    )
    story.expect("GET /v2/products", price)
    story.expect("GET /v2/products/{id}", price, id=product["id"])
    story.expect("PUT /v2/products/{id}", price, id=product["id"], body={"description": "For tea"})

    jane = shop.customer()
    item = {"product_id": product["id"], "variant_id": product["variants"][0]["id"], "quantity": 2}
    cart = {"CartItemOut.unit_price": one, "CartItemOut.subtotal": two} | {
        f"CartOut.{name}": amount for name, amount in (("subtotal", two), ("discount", 0), ("total", two))
    }
    story.expect("POST /cart/items", cart, by=jane, body=item)
    story.expect("GET /cart", cart, by=jane)
    for method in ("PATCH", "PUT"):
        story.expect(f"{method} /cart/items/{{item_id}}", cart, by=jane, item_id=product["id"], body={"quantity": 2})
    ordered = story.expect("POST /cart/checkout", {"CheckedOut.total": two}, by=jane)["order_id"]

    own = {"customer_id": jane.customer_id, "items": [item]}
    story.expect("POST /orders", {"OrderPlaced.total": two}, by=jane, body=own)
    story.expect("POST /admin/orders", {"OrderPlaced.total": two}, body=own)
    given = {"customer_id": jane.customer_id, "items": [item | {"price": story.major(one)}]}
    story.expect("POST /v2/orders", v2_lines(two, "V2OrderOut"), body=given)
    owner = Credential(tenant=shop.tenant, scopes=frozenset({"orders:write", "orders:price_override"}))
    dearer = given | {"items": [item | {"price": {"amount": two, "currency": currency}, "quantity": 2}]}
    priced = story.expect("POST /v2/orders", v2_lines(2 * two, "V2OrderOut", catalogue=one), by=owner, body=dearer)[
        "id"
    ]
    for method in ("PATCH", "PUT"):
        status = "processing" if method == "PATCH" else "cancelled"
        shown = v2_lines(2 * two, "V2OrderOut", catalogue=one)
        story.expect(f"{method} /v2/orders/{{id}}/status", shown, id=priced, body={"status": status})
    listed = {"V2OrderRowOut.total": two, "V2OrderRowOut.refunded": 0}
    story.expect("GET /v2/orders", listed, query={"status": "pending_payment"})
    story.expect("GET /orders", {"OrderRowOut.total": two}, by=jane, query={"status": "pending_payment"})
    story.expect("GET /admin/orders", {"OrderRowOut.total": two}, query={"status": "pending_payment"})
    story.expect("GET /orders/{order_id}", lines(two, model="MyOrderOut"), by=jane, order_id=ordered)
    story.expect("GET /admin/orders/{order_id}", lines(two), order_id=ordered)

    intent = shop.start_payment(ordered, two)
    assert shop.start_payment(ordered, two) == intent  # minor units, or it would be refused
    assert stripe.sdk.v1.payment_intents.retrieve(intent).amount == two
    stripe.pay(intent)
    stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": one})
    shop.settle(stripe)
    story.expect("GET /admin/orders/{order_id}", lines(two, refunded=one), order_id=ordered)
    story.expect("GET /v2/orders/{id}", v2_lines(two, "V2DetailedOrderOut", refunded=one), id=ordered)
    summary = {"OrdersSummaryOut.total_spent": two - one}
    story.expect("GET /v2/customers/{id}", summary, id=str(jane.customer_id))
    story.expect("GET /v2/customers", summary)

    answers = [endpoint.route.answer_model for endpoint in endpoints().values()]
    assert story.seen == {field for model in answers for field in decimal_fields(model)} - NOT_MONEY


@pytest.mark.parametrize("currency", list(PLACES))
def test_the_payment_intent_takes_minor_units_and_nothing_else(story: Story, stripe: Stripe, currency: str) -> None:
    shop = story.shop
    product = shop.product("CUP", story.major(UNIT_PRICE), stock=2)
    order_id = shop.order(shop.customer(), (product["id"], 1))

    def start(amount: Any) -> int:
        body = {"order_id": order_id, "amount": amount, "currency": currency}
        answered = shop.call("admin/payments/create_payment_intent", credential=shop.merchant, body=body)
        return int(answered.status)

    fractional = Decimal(UNIT_PRICE).scaleb(-story.places)
    refused = [UNIT_PRICE * 10, UNIT_PRICE - 1, Decimal(f"{UNIT_PRICE}.0"), Decimal("500.5"), str(UNIT_PRICE)]
    if story.places:
        refused += [fractional, UNIT_PRICE // 10**story.places]
    assert [start(amount) for amount in refused] == [422] * len(refused)
    assert stripe.intents() == {}
    assert start(UNIT_PRICE) == 201


@pytest.mark.parametrize(
    ("currency", "price"),
    [("JPY", "500.50"), ("JPY", "0.1"), ("USD", "5.001"), ("USD", "29.999"), ("KWD", "5.0001"), ("KWD", "1e-4")],
)
def test_an_amount_with_more_places_than_its_currency_is_refused_and_never_rounded(
    story: Story, table: Any, currency: str, price: str
) -> None:
    before = table.scan()["Items"]

    for body in (
        f'{{"name":"Cup","sku":"CUP","price":{price}}}',
        f'{{"name":"Cup","sku":"CUP","price":1,"variants":[{{"sku":"S","price":{price}}}]}}',
    ):
        answered = story.shop.call("v2/catalog/create_product", credential=story.shop.merchant, body=body)
        assert answered.status == 422, answered.text
        assert answered.body["error"]["details"][0]["code"] == "too_many_decimal_places"
        assert answered.body["error"]["details"][0]["field"].endswith("price")
    assert table.scan()["Items"] == before


@pytest.mark.parametrize(
    ("currency", "price", "written"),
    [
        ("JPY", "500", "500"),
        ("JPY", "5e2", "500"),
        ("USD", "5", "5.00"),
        ("USD", "5.10", "5.10"),
        ("KWD", "5", "5.000"),
    ],
)
def test_an_amount_is_a_json_number_with_its_currencys_places(
    story: Story, currency: str, price: str, written: str
) -> None:
    body = f'{{"name":"Cup","sku":"CUP","price":{price}}}'

    answered = story.shop.call("v2/catalog/create_product", credential=story.shop.merchant, body=body)

    assert f'"price":{written},"currency":"{currency}"' in answered.text


def test_two_shops_with_different_currencies_share_nothing(call: Call, table: Any) -> None:
    yen = Shop(call, Tenant("ten_1", Mode.TEST, "JPY", warehouses=("wh_001",))).open()
    dinar = Shop(call, replace(yen.tenant, tenant_id="ten_2", currency="KWD")).open()

    shown = [each.product("CUP", 500)["currency"] for each in (yen, dinar)]

    assert shown == ["JPY", "KWD"]
    assert wire_json.dumps(yen.do("v2/catalog/get_product", id="CUP")["price"]) == "500"
    assert wire_json.dumps(dinar.do("v2/catalog/get_product", id="CUP")["price"]) == "500.000"
