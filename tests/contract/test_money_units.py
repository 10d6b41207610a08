"""Which unit each amount on the wire is in, for currencies with no, two and three decimal places.

One story is told in each currency: a product, a cart, orders, a payment, a refund. Every decimal field of every answer
is met on the way, and must be the amount in major units; the payment intent takes integer minor units.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_args

import boto3
import pytest
from pydantic import BaseModel

from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import wire_json
from commerce.kernel.caller import Caller, CheckoutPolicy, Mode, Role, ShippingOption, Tenant
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.contract.endpoints import endpoints
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.invariants import check
from tests.liability import LONG_AGO, close_day, sold_cards
from tests.payments import Stripe
from tests.shop import Call, Credential

PLACES = {"JPY": 0, "USD": 2, "KWD": 3}
UNIT_PRICE = 500  # minor units: 500 yen, 5.00 dollars, 5.000 dinars
NOT_MONEY = {"HealthOut.uptime", "V2CouponOut.amount"}  # the latter is per cent, or integer minor units
NOT_YET = {  # amounts of what no checkout has yet: taxes, downloads
    "TaxOut.amount",
    *(f"DigitalItemOut.{name}_price" for name in ("list", "sale", "extended_list", "extended_sale")),
    *(f"DigitalItemOut.{name}_amount" for name in ("discount", "coupon")),
}


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
    if not isinstance(document, dict):
        return  # in the other of two documented forms
    for name, field in model.model_fields.items():
        value = document.get(field.serialization_alias or name)
        if value is None:
            continue
        for inner, is_many in _models_in(field.annotation):
            for row in value if is_many else [value]:
                yield from amounts(inner, row)
        if _is_amount(name, field.annotation):
            yield f"{model.__name__}.{name}", value


def decimal_fields(model: Any) -> set[str]:
    """All decimal fields of a model and of the models inside it."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return set()  # no body, or a document
    fields = model.model_fields.items()
    found = {f"{model.__name__}.{name}" for name, field in fields if _is_amount(name, field.annotation)}
    for field in model.model_fields.values():
        for inner, _ in _models_in(field.annotation):
            found |= decimal_fields(inner)
    return found


def _is_amount(name: str, annotation: Any) -> bool:
    return _is_decimal(annotation) and not name.endswith("_percent")


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
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    yield Story(Shop(call, tenant).open(), PLACES[currency], set())
    check(table.scan()["Items"])
    bucket.objects.all().delete()
    bucket.delete()


def v2_lines(
    total: int, model: str, refunded: int = 0, catalogue: int | None = None, due: int | None = None
) -> dict[str, int]:
    """What v2 shows of the same order; its unit price may differ from the catalogue's."""
    own = lines(total, refunded=refunded, due=due)
    shown = {name.replace("OrderOut", model): amount for name, amount in own.items()}
    own = {"V2ItemOut.price": total // 2, "V2ItemOut.total": total, "V2ItemOut.discount": 0}
    return shown | own | ({} if catalogue is None else {"V2ItemOut.catalogue_price": catalogue})


def lines(
    total: int, discount: int = 0, refunded: int = 0, model: str = "OrderOut", due: int | None = None
) -> dict[str, int]:
    """What an order of ``total`` shows, in minor units: its one line is two units; all of it is due, or ``due``."""
    own = {"subtotal": total, "discount": discount, "shipping": 0, "tax": 0, "total": total, "refunded": refunded}
    own["amount_due"] = total if due is None else due
    return {f"{model}.{name}": amount for name, amount in own.items()} | {
        "LineOut.unit_price": total // 2,
        "LineOut.total": total,
        "LineOut.discount": 0,
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
    cart = {"CartItemOut.unit_price": one, "CartItemOut.subtotal": two, "CartItemOut.discount": 0} | {
        f"CartOut.{name}": amount for name, amount in cart_of(two).items()
    }
    story.expect("POST /cart/items", cart, by=jane, body=item)
    story.expect("GET /cart", cart, by=jane)
    for method in ("PATCH", "PUT"):
        story.expect(f"{method} /cart/items/{{item_id}}", cart, by=jane, item_id=product["id"], body={"quantity": 2})
    ordered = story.expect("POST /cart/checkout", {"CheckedOut.total": two, "CheckedOut.amount_due": two}, by=jane)[
        "order_id"
    ]

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
        due = 2 * two if status == "processing" else 0
        shown = v2_lines(2 * two, "V2OrderOut", catalogue=one, due=due)
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
    story.expect("GET /admin/orders/{order_id}", lines(two, refunded=one, due=0), order_id=ordered)
    story.expect("GET /v2/orders/{id}", v2_lines(two, "V2DetailedOrderOut", refunded=one, due=0), id=ordered)
    summary = {"OrdersSummaryOut.total_spent": two - one}
    story.expect("GET /v2/customers/{id}", summary, id=str(jane.customer_id))
    story.expect("GET /v2/customers", summary)

    told_of_gift_cards(story, jane, item)
    told_of_store_credit(story, jane, item)
    told_of_checkouts(story, jane, item)
    told_of_promotions(story, item)
    told_of_returns(story, stripe, item)
    told_of_liabilities(story)
    answers = [endpoint.route.answer_model for endpoint in endpoints().values()]
    assert story.seen == {field for model in answers for field in decimal_fields(model)} - NOT_MONEY - NOT_YET


def cart_of(total: int, due: int | None = None) -> dict[str, int]:
    """What a cart of ``total`` comes to."""
    return {
        "subtotal": total,
        "discount": 0,
        "shipping": 0,
        "total": total,
        "amount_due": total if due is None else due,
    }


def told_of_gift_cards(story: Story, jane: Credential, item: dict[str, Any]) -> None:
    """Cards of four prices, three and one; two are spent, and one of these comes back."""
    shop, one, at = story.shop, UNIT_PRICE, "/storefront/giftcards"

    def card(model: str, worth: int) -> dict[str, int]:
        return dict.fromkeys((f"{model}.{name}" for name in ("amount", "balance", "available")), worth)

    body = {"amount": story.major(4 * one)}
    code = story.expect("POST /admin/gift-cards", card("CardIssued", 4 * one), body=body)["code"]
    story.expect("GET /admin/gift-cards", card("CardRowOut", 4 * one) | {"CardRowOut.held": 0})
    found = card("CardFound", 4 * one) | {"CardFound.original_amount": 4 * one}
    story.expect("GET /admin/gift-cards/lookup", found, query={"code": code})
    story.expect("POST /admin/gift-cards/lookup", found, body={"code": code})

    made = story.expect(f"POST {at}", card("NewCardOut", 3 * one), body={"amount": story.major(3 * one)})
    story.expect(f"GET {at}", card("CardOut", 3 * one), query={"limit": "1"})
    story.expect(f"GET {at}/{{serial}}", card("CardOut", 3 * one), serial=made["serial"])
    opened, shown = {"orgid": shop.tenant.tenant_id}, {name: made[name] for name in ("serial", "pin")}
    story.expect(f"GET {at}/balance", {"BalanceOut.balance": 3 * one}, query=shown, headers=opened)
    cart_id = shop.do("storefront/carts/add_cart_item", by=jane, body=item)["id"]
    applied = {"amount_applied": one, "card_balance": 2 * one, "cart_total": 2 * one, "amount_due": one}
    story.expect(
        f"POST {at}/redeem",
        {f"CardApplied.{name}": amount for name, amount in applied.items()},
        body=shown | {"cartId": cart_id, "amount": story.major(one)},
        headers=opened,
    )
    shop.do("storefront/carts/clear_cart", by=jane)
    batch = {"cards": [{"amount": story.major(one)}]}
    story.expect(f"POST {at}/batch", card("BatchRowOut", one), body=batch)

    order_id = shop.do("storefront/orders/place_my_order", by=jane, body={"items": [item]})["id"]
    story.expect(
        "POST /admin/gift-cards/redeem",
        {"RedeemedOut.amount_redeemed": 2 * one, "RedeemedOut.balance_remaining": 2 * one},
        body={"code": code, "order_id": order_id, "amount_to_redeem": story.major(2 * one)},
    )
    refund = {"RefundedOut.amount_refunded": one, "RefundedOut.card_balance": 3 * one}
    story.expect(f"POST {at}/{{serial}}/refund", refund, serial=code, body={"amount": story.major(one)})
    booked = {"TransactionOut.amount": 4 * one, "TransactionOut.balance_after": 4 * one}
    query = {"where[giftCardSerial]": code, "limit": "1"}
    story.expect("GET /api/data/giftcard-transaction", booked, query=query)

    count(rows_as_inserted(SimpleNamespace(name=os.environ["TABLE_NAME"])))
    figures = dict.fromkeys(("reversed_amount", "expired_amount", "cancelled_amount"), 0)
    figures |= {"total_face_value": 8 * one, "redeemed_amount": 2 * one, "refunded_amount": one}
    figures["outstanding_liability"] = 7 * one
    models = ("StatisticsOut", "CurrencyFiguresOut", "FundingFiguresOut")
    told = {f"{model}.{name}": amount for model in models for name, amount in figures.items()}
    story.expect(f"GET {at}/stats", told)


def told_of_store_credit(story: Story, jane: Credential, item: dict[str, Any]) -> None:
    """Three prices of credit are given, one is spent, two are taken back."""
    one, customer_id = UNIT_PRICE, jane.customer_id
    parts = {"total_used": 0, "total_expired": 0, "total_voided": 0}

    def credit(model: str, **own: int) -> dict[str, int]:
        return {f"{model}.{name}": amount for name, amount in (parts | own).items()}

    issued = story.expect(
        "POST /admin/store-credit/issue",
        credit("CreditOut", amount=3 * one, balance_remaining=3 * one),
        body={"customer_id": customer_id, "amount": story.major(3 * one), "reason": "refund"},
    )
    order_id = story.shop.do("storefront/orders/place_my_order", by=jane, body={"items": [item]})["id"]
    story.expect(
        "POST /admin/store-credit/redeem",
        {
            "CreditRedeemedOut.amount_redeemed": one,
            "CreditRedeemedOut.balance_remaining": 2 * one,
            "SpentLotOut.amount": one,
        },
        body={"customer_id": customer_id, "order_id": order_id, "amount_to_redeem": story.major(one)},
    )
    totals = {"total_issued": 3 * one, "total_used": one, "balance_remaining": 2 * one}
    story.expect(
        "GET /admin/store-credit/balance/{customer_id}",
        credit("CreditBalanceOut", **totals) | credit("CreditTotalsOut", **totals),
        customer_id=str(customer_id),
    )
    story.expect(
        "GET /admin/store-credit/transactions/{customer_id}",
        {"CreditTransactionOut.amount": one, "CreditTransactionOut.balance_after": 2 * one},
        customer_id=str(customer_id),
        query={"limit": "1"},
    )
    tender = {"TenderOut.amount": one, "TenderOut.refunded": 0}
    mine = lines(2 * one, model="MyOrderOut", due=one) | tender
    story.expect("GET /orders/{order_id}", mine, by=jane, order_id=order_id)
    story.expect("GET /admin/orders/{order_id}", lines(2 * one, due=one) | tender, order_id=order_id)
    story.expect(
        "POST /admin/store-credit/{credit_id}/void",
        credit("CreditOut", amount=3 * one, balance_remaining=0, total_used=one, total_voided=2 * one),
        credit_id=issued["credit_id"],
        body={"reason": "Enough"},
    )


def told_of_promotions(story: Story, item: dict[str, Any]) -> None:
    """Of four cups at a price each one is free, a coupon takes a price off, and another one shipping, a price too."""
    shop, one = story.shop, UNIT_PRICE
    shown = {"CouponOut.discount_value": one, "CouponOut.min_order_amount": 2 * one}
    body = {"code": "OFF", "discount_type": "fixed_amount", "discount_value": story.major(one)}
    made = story.expect("POST /admin/coupons", shown, body=body | {"min_order_amount": story.major(2 * one)})
    story.expect("GET /admin/coupons", shown)
    story.expect("GET /admin/coupons/{id}", shown, id=made["id"])
    for method in ("PUT", "PATCH"):
        story.expect(f"{method} /admin/coupons/{{id}}", shown, id=made["id"], body={"max_uses": len(method)})
    judged = {"ValidatedOut.discount_amount": one, "ValidatedOut.new_total": 2 * one}
    story.expect("POST /admin/coupons/validate", judged, body={"code": "OFF", "order_total": story.major(3 * one)})
    minor = {"code": "MINOR", "type": "fixed_amount", "amount": one, "restrictions": {"minimum_amount": 2 * one}}
    v2 = shop.do("v2/coupons/create_coupon", body=minor)
    assert (v2["amount"], v2["restrictions"]["minimum_amount"]) == (one, 2 * one)
    story.expect("DELETE /admin/coupons/{id}", shown, id=v2["id"])
    shop.do("admin/coupons/create_coupon", body={"code": "SHIP", "discount_type": "free_shipping"})
    bundle = {"name": "3 + 1", "type": "buy_x_get_y", "conditions": {"buy_quantity": 3, "get_quantity": 1}}
    discount_id = shop.do("v2/discounts/create_discount", body=bundle)["id"]

    policy = CheckoutPolicy(shipping_options=(ShippingOption("standard", "Standard", one),))
    buyer = replace(shop.customer("ann@example.com"), tenant=replace(shop.tenant, checkout=policy))
    cart = {"CartItemOut.unit_price": one, "CartItemOut.subtotal": 4 * one, "CartItemOut.discount": one}
    cart |= {f"CartOut.{name}": amount for name, amount in cart_of(4 * one).items()}
    off = {"AppliedDiscountOut.amount": one, "AppliedDiscountOut.shipping": 0, "CartOut.discount": one}
    off |= {"CartOut.total": 3 * one, "CartOut.amount_due": 3 * one}
    checkout_id = story.expect("POST /cart/items", cart | off, by=buyer, body=item | {"quantity": 4})["id"]
    of = {"by": buyer, "checkout_id": checkout_id}
    address = {"firstName": "Ann", "address1": "1 High St", "city": "Springfield"}
    way = {"address": address, "shippingOptionId": "standard"}
    shop.do("storefront/checkouts/set_consignment", **of, body=way)
    off |= {"CartItemOut.discount": 2 * one, "CartOut.discount": 2 * one, "CartOut.shipping": one}
    applied = cart | off | {"CartOut.total": 3 * one, "CartOut.amount_due": 3 * one}
    story.expect("POST /cart/coupon", applied, by=buyer, body={"code": "OFF"})
    off |= {
        "CartItemOut.discount": one,
        "CartOut.discount": one,
        "CartOut.total": 4 * one,
        "CartOut.amount_due": 4 * one,
    }
    story.expect("DELETE /cart/coupon/{code}", cart | off, by=buyer, code="OFF")
    shop.do("storefront/carts/apply_cart_coupon", by=buyer, body={"code": "OFF"})

    sums = {"CheckoutCartOut.base_amount": 4 * one, "CheckoutCartOut.discount_amount": 2 * one}
    goods = {
        f"PhysicalItemOut.{name}": one for name in ("list_price", "sale_price", "discount_amount", "coupon_amount")
    }
    goods |= {f"PhysicalItemOut.extended_{name}_price": 4 * one for name in ("list", "sale")}
    whole = {f"CheckoutOut.{name}_total": 0 for name in ("gift_wrapping_cost", "handling_cost", "tax", "shipping_cost")}
    whole |= {
        "CheckoutOut.subtotal": 4 * one,
        "CheckoutOut.grand_total": 2 * one,
        "CheckoutOut.outstanding_balance": 2 * one,
    }
    given = {f"{name}.discounted_amount": one for name in ("DiscountOut", "CartCouponOut", "CheckoutCouponOut")}
    ways = {"AvailableShippingOut.cost": one, "ChosenShippingOut.cost": one, "CouponDiscountOut.amount": one}
    none = dict.fromkeys(("ConsignmentOut.shipping_cost", "ConsignmentOut.handling_cost", "GiftWrappingOut.amount"), 0)
    told = sums | goods | whole | given | ways | none | {"CheckoutCartOut.cart_amount": 2 * one}
    at = "/api/storefront/checkouts/{checkout_id}/coupons"
    story.expect(f"POST {at}", told, **of, body={"couponCode": "SHIP"})
    kept = told | {"CheckoutOut.shipping_cost_total": one, "ConsignmentOut.shipping_cost": one}
    due = {"CheckoutOut.grand_total": 3 * one, "CheckoutOut.outstanding_balance": 3 * one}
    story.expect(f"DELETE {at}/{{code}}", kept | due, **of, code="SHIP")
    shop.do("v2/discounts/end_discount", id=discount_id)


def told_of_returns(story: Story, stripe: Stripe, item: dict[str, Any]) -> None:
    """One of two units comes back, as store credit."""
    shop, one = story.shop, UNIT_PRICE
    joe = shop.customer("joe@example.com")
    order_id = shop.do("storefront/orders/place_my_order", by=joe, body={"items": [item]})["id"]
    stripe.pay(shop.start_payment(order_id, 2 * one))
    shop.settle(stripe)
    shop.move(order_id, "shipped")
    line_id = shop.do("admin/orders/get_order", order_id=order_id)["items"][0]["id"]
    wanted = {"items": [{"order_item_id": line_id, "quantity": 1, "reason": "wrong_size"}]}
    row, moved = {"ReturnRowOut.total_refund": one}, {"ReturnMovedOut.total_refund": one}

    mine = story.expect("POST /orders/{order_id}/returns", row, by=joe, order_id=order_id, body=wanted)["id"]
    asked = wanted | {"order_id": order_id, "refund_method": "store_credit"}
    ret = {"return_id": story.expect("POST /admin/returns", row, body=asked)["id"]}
    story.expect("GET /admin/returns", row)
    story.expect("GET /orders/{order_id}/returns", row, by=joe, order_id=order_id)
    story.expect("POST /admin/returns/{return_id}/reject", {"ReturnMovedOut.total_refund": 0}, return_id=mine)
    story.expect("POST /admin/returns/{return_id}/approve", {"ApprovedOut.total_refund": one}, **ret)
    found = {"items": [{"order_item_id": line_id, "quantity": 1, "disposition": "restock"}]}
    story.expect("POST /admin/returns/{return_id}/receive", moved, **ret, body=found)
    quoted = {"QuotedLineOut.price": one, "QuotedLineOut.discount": 0, "QuotedLineOut.tax": 0}
    amounts = dict.fromkeys(("QuotedLineOut.amount", "RefundStepOut.amount", "QuotedPartOut.amount"), one)
    told = quoted | amounts | {"QuoteOut.total_refund": one}
    story.expect("GET /admin/returns/{return_id}/quote", told, **ret)
    story.expect("POST /admin/returns/{return_id}/refund", moved, **ret, body={"amount": story.major(one)})
    given = dict.fromkeys(("RefundOut.amount", "RefundStepOut.amount", "RefundPartOut.amount"), one)
    story.expect("GET /admin/returns/{return_id}", given | {"ReturnOut.total_refund": one}, **ret)
    own = {"MyReturnOut.total_refund": one}
    story.expect("GET /orders/{order_id}/returns/{return_id}", given | own, by=joe, order_id=order_id, **ret)


def told_of_liabilities(story: Story) -> None:
    """A day that begins with one price owed on gift cards and ends with two: a card of a price was issued."""
    one, tenant, at = UNIT_PRICE, story.shop.tenant, "/admin/gift-cards/liability-exports"
    closed = close_day(tenant, LONG_AGO, sold_cards(one, one, tenant.currency))
    told = {"LiabilityMovementOut.amount": one}
    for model in ("LiabilityOut", "LiabilityFundingOut"):
        told |= {f"{model}.opening": one, f"{model}.closing": 2 * one}
    story.expect(f"GET {at}", told)
    story.expect(f"GET {at}/{{date}}", told, date=closed.day.isoformat())


def told_of_checkouts(story: Story, jane: Credential, item: dict[str, Any]) -> None:
    """Two cups, a gift card to buy and shipping, each at a price or two; a gift card and store credit pay one each."""
    shop, one = story.shop, UNIT_PRICE
    option = {"id": "standard", "name": "Standard", "cost": story.major(one)}
    owner = Credential(tenant=shop.tenant, role=Role.OWNER)
    amounts = {name: story.major(one) for name in ("approves_up_to", "return_shipping")}
    shown = {"ShippingOptionOut.cost": one} | {f"ReturnPolicyOut.{name}": one for name in amounts}
    tenant_id, changes = shop.tenant.tenant_id, {"shipping_options": [option], "returns": amounts}
    story.expect("PATCH /v2/tenants/{id}", shown, by=owner, id=tenant_id, body=changes)
    story.expect("GET /v2/tenants", shown, by=owner)
    policy = CheckoutPolicy(shipping_options=(ShippingOption("standard", "Standard", one),))
    buyer = replace(jane, tenant=replace(shop.tenant, checkout=policy))
    body = {"customer_id": jane.customer_id, "amount": story.major(one), "reason": "goodwill"}
    shop.do("admin/store_credit/issue_store_credit", body=body)

    gift = {"amount": story.major(one), "recipient_email": "bob@example.com"}
    cart = {f"CartOut.{name}": amount for name, amount in cart_of(one).items()} | {"GiftCardItemOut.amount": one}
    story.expect("POST /cart/items", cart, by=buyer, body={"gift_card": gift})
    line = {"productId": item["product_id"], "variantId": item["variant_id"], "quantity": 2}
    goods = {
        **{f"PhysicalItemOut.{name}_price": one for name in ("list", "sale")},
        **{f"PhysicalItemOut.extended_{name}_price": 2 * one for name in ("list", "sale")},
        **{f"PhysicalItemOut.{name}_amount": 0 for name in ("discount", "coupon")},
        "GiftWrappingOut.amount": 0,
        "GiftCertificateItemOut.amount": one,
    }

    def sums(model: str) -> dict[str, int]:
        return {f"{model}.base_amount": 3 * one, f"{model}.discount_amount": 0, f"{model}.cart_amount": 3 * one}

    filled = sums("StorefrontCartOut") | goods
    made = story.expect("POST /api/storefront/carts", filled, by=buyer, body={"lineItems": [line]})

    def checkout(due: int, *, shipping: int = one, card: int = one) -> dict[str, int]:
        own = {
            **{f"{name}_total": 0 for name in ("gift_wrapping_cost", "handling_cost", "tax")},
            "subtotal": 3 * one,
            "shipping_cost_total": shipping,
            "grand_total": 3 * one + shipping,
            "outstanding_balance": due,
        }
        return (
            {f"CheckoutOut.{name}": amount for name, amount in own.items()}
            | sums("CheckoutCartOut")
            | goods
            | {
                "AvailableShippingOut.cost": one,
                "ChosenShippingOut.cost": shipping,
                "ConsignmentOut.shipping_cost": shipping,
                "ConsignmentOut.handling_cost": 0,
                "GiftCertificateOut.balance": card,
                "GiftCertificateOut.used": card,
                "GiftCertificateOut.remaining": 0,
            }
        )

    at, of = "/api/storefront/checkouts/{checkout_id}", {"by": buyer, "checkout_id": made["checkoutId"]}
    address = {"firstName": "Jane", "address1": "1 High St", "city": "Springfield"}
    story.expect(f"PUT {at}/billing-address", checkout(3 * one, shipping=0), body=address, **of)
    story.expect(f"POST {at}/consignments", checkout(3 * one, shipping=0), body={"address": address}, **of)
    [consignment] = shop.do("storefront/checkouts/get_checkout", **of)["data"]["consignments"]
    way = {"body": {"shippingOptionId": "standard"}, "consignment_id": consignment["id"]}
    story.expect(f"PUT {at}/consignments/{{consignment_id}}", checkout(4 * one), **way, **of)

    money = Money(one, shop.tenant.currency)
    card = run(lambda tx: issue(tx, Caller(shop.tenant, "key_1", Role.API_KEY), IssueCard(money)))
    pays = {"serial": card.card.serial, "pin": card.pin}
    whole = {"CartItemOut.unit_price": one, "CartItemOut.subtotal": 2 * one, "GiftCardItemOut.amount": one}
    whole |= {"CartItemOut.discount": 0}
    whole |= {f"CartOut.{name}": each for name, each in cart_of(3 * one).items()}
    whole |= {"CartOut.shipping": one, "CartOut.total": 4 * one, "PayingCardOut.amount": one}
    held = story.expect("POST /cart/gift-cards", whole | {"CartOut.amount_due": 3 * one}, by=buyer, body=pays)
    off = {"by": buyer, "redemption_id": held["gift_cards"][0]["redemption_id"]}
    story.expect("DELETE /cart/gift-cards/{redemption_id}", whole | {"CartOut.amount_due": 4 * one}, **off)
    certificate = {"giftCertificateCode": pays["serial"], "pin": pays["pin"]}
    story.expect(f"POST {at}/gift-certificates", checkout(3 * one), body=certificate, **of)
    story.expect(f"POST {at}/store-credit", checkout(2 * one), **of)
    with_credit = whole | {"CartOut.amount_due": 2 * one, "CartOut.store_credit": one}
    story.expect("GET /cart", with_credit, by=buyer)
    story.expect(f"GET {at}", checkout(2 * one), **of)
    order_id = story.expect(f"POST {at}/orders", checkout(2 * one), **of)["orderId"]
    ordered = lines(4 * one, due=2 * one) | {"OrderOut.subtotal": 3 * one, "OrderOut.shipping": one}
    ordered |= {"LineOut.unit_price": one, "LineOut.total": 2 * one, "SoldGiftCardOut.amount": one}
    ordered |= {"TenderOut.amount": one, "TenderOut.refunded": 0}
    story.expect("GET /admin/orders/{order_id}", ordered, order_id=order_id)


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
