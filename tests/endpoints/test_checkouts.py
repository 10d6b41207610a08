"""CK-01…05, SC-03, SC-04: the storefront's checkout, from an empty cart to an order, with stored value paying."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.checkouts.contracts import number_of
from commerce.gift_cards import lifecycle
from commerce.gift_cards.issuing import IssueCard, Issued, issue
from commerce.kernel.caller import CheckoutPolicy, ShippingOption, Tenant
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.cheap_moto import undone
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import MERCHANT, OTHER_TENANT, TENANT, Answered, Call, Credential, customer_credential

ADDRESS = {
    "firstName": "Jane",
    "lastName": "Doe",
    "address1": "123 Main St",
    "city": "Springfield",
    "stateOrProvinceCode": "IL",
    "countryCode": "US",
    "postalCode": "62701",
}
OPTIONS = (ShippingOption("standard", "Standard", 0, "5 days"), ShippingOption("express", "Express", 950, "1 day"))
SHIPPING = Tenant(
    TENANT.tenant_id,
    TENANT.mode,
    TENANT.currency,
    TENANT.timezone,
    TENANT.country,
    TENANT.warehouses,
    checkout=CheckoutPolicy(shipping_options=OPTIONS),
)


class Shopper:
    """Jane, and the checkout that she is in."""

    def __init__(self, call: Call) -> None:
        self.shop = Shop(call).open()
        self.jane = customer_credential(str(self.shop.customer().customer_id), SHIPPING)
        self.product = self.shop.product("TEE", Decimal("29.99"), stock=50)["id"]
        self.id = ""

    def ask(self, name: str, body: Any = None, *, by: Credential | None = None, **request: Any) -> Answered:
        named = {} if name == "fill_checkout" else {"checkout_id": self.id}
        answered: Answered = self.shop.call(
            f"storefront/checkouts/{name}", **{"credential": by or self.jane, "body": body} | named | request
        )
        return answered

    def do(self, name: str, body: Any = None, **request: Any) -> Any:
        answered = self.ask(name, body, **request)
        assert answered.status in (200, 201), answered.text
        assert set(answered.body) == {"data"}
        return answered.body["data"]

    def fill(self, units: int = 2, **more: Any) -> Any:
        cart = self.do("fill_checkout", {"lineItems": [{"productId": self.product, "quantity": units}], **more})
        self.id = cart["checkoutId"]
        return cart

    def look(self) -> Any:
        return self.do("get_checkout")

    def give_credit(self, amount: Any, currency: str = "USD") -> None:
        body = {"customer_id": self.jane.customer_id, "amount": amount, "reason": "goodwill", "currency": currency}
        self.shop.do("admin/store_credit/issue_store_credit", body=body)

    def pay_with(self, card: Issued, pin: str | None = None) -> Answered:
        body = {"giftCertificateCode": card.card.serial, "pin": pin or card.pin}
        return self.ask("add_checkout_gift_card", body)

    def credit(self) -> Any:
        found = self.shop.do("admin/store_credit/get_store_credit_balance", customer_id=str(self.jane.customer_id))
        return found["balance_remaining"]

    def order(self, order_id: str) -> Any:
        return self.shop.do("admin/orders/get_order", order_id=order_id)


@pytest.fixture
def shopper(call: Call, table: Any) -> Iterator[Shopper]:
    yield Shopper(call)
    check(table.scan()["Items"])


def a_card(minor: int) -> Issued:
    return run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(minor, "USD"))))


def figures(checkout: Any) -> tuple[Any, ...]:
    return checkout["grandTotal"], checkout["outstandingBalance"], checkout["isStoreCreditApplied"]


def code_of(refused: Answered) -> str:
    return str(refused.body["details"][0]["code"])


# The checkout


def test_a_cart_is_a_checkout_of_the_same_id(shopper: Shopper) -> None:
    cart = shopper.fill()

    checkout = shopper.look()

    assert checkout["id"] == checkout["cart"]["id"] == cart["id"] == cart["checkoutId"]
    assert figures(checkout) == (Decimal("59.98"), Decimal("59.98"), False)
    assert checkout["orderId"] == ""
    [item] = checkout["cart"]["lineItems"][0]["physicalItems"]
    assert (item["sku"], item["quantity"], item["listPrice"]) == ("TEE", 2, Decimal("29.99"))
    assert item["extendedSalePrice"] == checkout["cart"]["cartAmount"] == Decimal("59.98")
    assert checkout["cart"]["email"] == "jane@example.com"
    assert checkout["cart"]["currency"] == {"name": "US Dollar", "code": "USD", "symbol": "$", "decimalPlaces": 2}


def test_numbers_stand_for_ids_always_the_same_and_each_for_its_own(shopper: Shopper) -> None:
    shopper.fill()
    first, second = shopper.look(), shopper.look()

    [item] = first["cart"]["lineItems"][0]["physicalItems"]
    numbers = {first["cart"]["customer_id"], item["productId"], item["variantId"]}
    assert first == second
    assert len(numbers) == 3
    assert all(0 < each < 2**53 for each in numbers)
    assert item["productId"] == number_of(shopper.product)
    assert number_of("") == 0


def test_filling_again_adds_to_the_one_cart_that_a_customer_has(shopper: Shopper) -> None:
    first = shopper.fill(1)
    again = shopper.fill(2)

    assert first["id"] == again["id"]
    assert [each["quantity"] for each in shopper.look()["cart"]["lineItems"][0]["physicalItems"]] == [3]
    assert shopper.shop.do("storefront/carts/get_cart", by=shopper.jane)["id"] == first["id"]


@pytest.mark.parametrize(
    ("body", "status", "field", "code"),
    [
        ({}, 422, "", "empty"),
        ({"lineItems": []}, 422, "", "empty"),
        ({"lineItems": [{"productId": "prod_nobody", "quantity": 1}]}, 422, "productId", "unknown_product"),
        ({"lineItems": [{"productId": "x", "quantity": 0}]}, 422, "lineItems.0.quantity", "greater_than_equal"),
        (
            {"lineItems": [{"productId": "x", "quantity": 1, "salePrice": 1}]},
            422,
            "lineItems.0.salePrice",
            "unknown_field",
        ),
        (
            {"giftCertificates": [{"amount": 0, "recipient": {"email": "bob@example.com"}}]},
            422,
            "amount",
            "amount_out_of_range",
        ),
        (
            {"giftCertificates": [{"amount": 5, "recipient": {"email": "bob"}}]},
            422,
            "giftCertificates.0.recipient.email",
            "email",
        ),
    ],
)
def test_what_cannot_be_bought_is_refused_in_the_checkouts_own_form(
    shopper: Shopper, body: Any, status: int, field: str, code: str
) -> None:
    refused = shopper.ask("fill_checkout", body)

    assert (refused.status, refused.body["status"]) == (status, status), refused.text
    assert refused.body["type"] == "urn:till:error:validation_error"
    assert set(refused.body) == {"status", "title", "type", "errors", "details", "request_id"}
    assert [(each["field"], each["code"]) for each in refused.body["details"]] == [(field, code)]
    assert list(refused.body["errors"]) == ([field] if field else [])
    assert refused.body["request_id"] == refused.headers["X-Request-Id"]


def test_anothers_checkout_another_shops_and_none_at_all_are_the_same_404(shopper: Shopper, call: Call) -> None:
    shopper.fill()
    joe = customer_credential(str(shopper.shop.customer("joe@example.com").customer_id))
    stranger = customer_credential(str(shopper.jane.customer_id), OTHER_TENANT)

    answers = [shopper.ask("get_checkout", by=each) for each in (joe, stranger)]
    answers += [shopper.ask("get_checkout", checkout_id="cart_nobody")]
    changes = [
        shopper.ask(name, by=joe) for name in ("apply_store_credit", "remove_store_credit", "place_checkout_order")
    ]

    assert {each.status for each in answers + changes} == {404}
    told = [{name: value for name, value in each.body.items() if name != "request_id"} for each in answers + changes]
    assert all(one == other for one, other in pairwise(told))
    assert figures(shopper.look()) == (Decimal("59.98"), Decimal("59.98"), False)


# Store credit


def test_all_store_credit_pays_up_to_what_there_is_to_pay(shopper: Shopper) -> None:
    shopper.give_credit(20)
    shopper.fill()

    assert figures(shopper.do("apply_store_credit")) == (Decimal("59.98"), Decimal("39.98"), True)
    shopper.give_credit(100)
    assert figures(shopper.look()) == (Decimal("59.98"), 0, True)


def test_applying_twice_is_applying_once(shopper: Shopper) -> None:
    shopper.give_credit(20)
    shopper.fill()

    first, second = shopper.do("apply_store_credit"), shopper.do("apply_store_credit")

    assert figures(first) == figures(second)
    assert shopper.credit() == 20


def test_store_credit_follows_the_checkout_until_it_is_removed(shopper: Shopper) -> None:
    shopper.give_credit(100)
    shopper.fill(1)
    shopper.do("apply_store_credit")
    shopper.fill(3)

    assert figures(shopper.look()) == (Decimal("119.96"), Decimal("19.96"), True)
    assert shopper.ask("remove_store_credit").text == "{}"
    assert figures(shopper.look()) == (Decimal("119.96"), Decimal("119.96"), False)


def test_credit_in_another_currency_pays_nothing_and_says_so(shopper: Shopper) -> None:
    shopper.give_credit(5000, "JPY")
    shopper.fill()

    assert figures(shopper.do("apply_store_credit")) == (Decimal("59.98"), Decimal("59.98"), False)


@pytest.mark.parametrize(
    "asked",
    [
        {"query": {"include": "consignments"}},
        {"headers": {"Accept": "application/vnd.bc.v1+json"}},
        {"headers": {"accept": "application/vnd.bc.v1+json, */*"}},
    ],
)
def test_who_asks_for_the_checkout_is_shown_it_when_credit_is_removed(shopper: Shopper, asked: dict[str, Any]) -> None:
    shopper.give_credit(20)
    shopper.fill()
    shopper.do("apply_store_credit")

    assert figures(shopper.do("remove_store_credit", **asked)) == (Decimal("59.98"), Decimal("59.98"), False)
    assert shopper.ask("remove_store_credit").body == {}


# Gift cards


def test_a_gift_card_pays_and_is_taken_off_again(shopper: Shopper) -> None:
    shopper.fill()
    card = a_card(5000)

    checkout = shopper.pay_with(card).body["data"]

    [shown] = checkout["giftCertificates"]
    assert (shown["balance"], shown["used"], shown["remaining"]) == (50, 50, 0)
    assert shown["code"].replace("-", "") == card.card.serial
    assert figures(checkout) == (Decimal("59.98"), Decimal("9.98"), False)
    removed = shopper.do("remove_checkout_gift_card", code=shown["code"].lower())
    assert removed["giftCertificates"] == []
    assert figures(removed) == (Decimal("59.98"), Decimal("59.98"), False)
    assert shopper.ask("remove_checkout_gift_card", code=shown["code"]).status == 404


def test_five_wrong_pins_lock_a_card_at_every_door_of_the_customers(shopper: Shopper) -> None:
    shopper.fill()
    card = a_card(5000)
    wrong = "0000" if card.pin != "0000" else "1111"

    assert [shopper.pay_with(card, wrong).status for _ in range(5)] == [404] * 5
    body = {"serial": card.card.serial, "pin": card.pin}
    locked = shopper.shop.call("storefront/carts/add_cart_gift_card", credential=shopper.jane, body=body)
    assert (locked.status, "Retry-After" in locked.headers) == (429, True)
    assert shopper.look()["giftCertificates"] == []


def test_what_a_card_lost_after_it_was_applied_shows_and_nothing_is_ordered(shopper: Shopper) -> None:
    shopper.fill()
    card = a_card(5000)
    shopper.pay_with(card)
    run(lambda tx: lifecycle.suspend(tx, MERCHANT, card.card.serial))

    refused = shopper.ask("place_checkout_order")

    assert (refused.status, code_of(refused)) == (409, "gift_card_changed")
    assert figures(shopper.look()) == (Decimal("59.98"), Decimal("59.98"), False)
    assert shopper.look()["orderId"] == ""


def test_a_gift_card_to_buy_is_a_line_and_stored_value_does_not_pay_for_it(shopper: Shopper) -> None:
    bought = {
        "amount": 25,
        "recipient": {"name": "Bob", "email": "bob@example.com"},
        "sender": {"name": "Jane"},
        "message": "Happy birthday",
        "theme": "birthday",
    }
    shopper.fill(1, giftCertificates=[bought])
    shopper.give_credit(100)

    checkout = shopper.do("apply_store_credit")

    [line] = checkout["cart"]["lineItems"][0]["giftCertificate"]
    assert (line["amount"], line["theme"], line["recipient"]["email"]) == (25, "birthday", "bob@example.com")
    assert line["sender"] == {"name": "Jane", "email": "jane@example.com"}
    assert figures(checkout) == (Decimal("54.99"), 25, True)
    order_id = shopper.do("place_checkout_order")["orderId"]
    order = shopper.order(order_id)
    assert (order["status"], order["amount_due"]) == ("pending_payment", 25)
    assert [(each["amount"], each["issued"]) for each in order["gift_cards"]] == [(25, False)]


def test_a_cart_of_gift_cards_alone_needs_no_consignment(shopper: Shopper) -> None:
    cart = shopper.do(
        "fill_checkout", {"giftCertificates": [{"amount": 25, "recipient": {"email": "bob@example.com"}}]}
    )
    shopper.id = cart["checkoutId"]

    assert shopper.look()["consignments"] == []
    assert shopper.do("place_checkout_order")["orderId"]


# Addresses and shipping


def test_addresses_and_the_way_of_shipping_are_kept_and_priced(shopper: Shopper) -> None:
    shopper.fill()
    shopper.do("set_billing_address", ADDRESS | {"firstName": "John"})
    [consignment] = shopper.do("set_consignment", {"address": ADDRESS})["consignments"]
    assert [(each["id"], each["cost"], each["isRecommended"]) for each in consignment["availableShippingOptions"]] == [
        ("standard", 0, True),
        ("express", Decimal("9.50"), False),
    ]

    chosen = shopper.do("change_consignment", {"shippingOptionId": "express"}, consignment_id=consignment["id"])

    assert (chosen["shippingCostTotal"], chosen["grandTotal"]) == (Decimal("9.50"), Decimal("69.48"))
    [consignment] = chosen["consignments"]
    assert consignment["selectedShippingOption"] == {
        "id": "express",
        "type": "Express",
        "imageUrl": "",
        "cost": Decimal("9.50"),
        "transitTime": "1 day",
    }
    assert consignment["address"]["firstName"] == "Jane"
    assert chosen["billingAddress"]["firstName"] == "John"
    order = shopper.order(shopper.do("place_checkout_order")["orderId"])
    assert (order["shipping"], order["total"]) == (Decimal("9.50"), Decimal("69.48"))
    assert (order["shipping_address"]["name"], order["billing_address"]["name"]) == ("Jane Doe", "John Doe")


def test_a_way_of_shipping_that_the_shop_does_not_have_is_refused(shopper: Shopper) -> None:
    shopper.fill()
    [consignment] = shopper.look()["consignments"]

    unknown = shopper.ask("change_consignment", {"shippingOptionId": "drone"}, consignment_id=consignment["id"])
    elsewhere = shopper.ask("change_consignment", {"shippingOptionId": "express"}, consignment_id="consignment_x")

    assert (unknown.status, code_of(unknown)) == (422, "unknown_shipping_option")
    assert elsewhere.status == 404


# The order


def test_a_checkout_becomes_an_order_once_and_shows_it(shopper: Shopper) -> None:
    shopper.give_credit(10)
    shopper.fill()
    card = a_card(5500)
    shopper.pay_with(card)
    shopper.do("apply_store_credit")
    shopper.do("set_consignment", {"address": ADDRESS, "shippingOptionId": "express"})
    before = shopper.look()

    placed = shopper.do("place_checkout_order")

    again = shopper.ask("place_checkout_order")
    assert (again.status, code_of(again)) == (409, "checkout_completed")
    shown = shopper.look()
    assert placed["orderId"] == shown["orderId"] != ""
    for name in ("grandTotal", "outstandingBalance", "isStoreCreditApplied", "giftCertificates", "shippingCostTotal"):
        assert before[name] == placed[name] == shown[name], name
    order = shopper.order(placed["orderId"])
    assert (order["amount_due"], order["total"]) == (Decimal("4.48"), Decimal("69.48"))
    assert [(each["type"], each["amount"]) for each in order["tenders"]] == [("gift_card", 55), ("store_credit", 10)]
    assert card.card.serial not in str(order)
    fresh = shopper.fill(1)
    assert fresh["id"] != placed["id"]


def test_an_order_that_stored_value_covers_is_paid_at_once(shopper: Shopper, stripe: Stripe) -> None:
    shopper.give_credit(100)
    shopper.fill()
    shopper.do("apply_store_credit")

    placed = shopper.do("place_checkout_order")

    order = shopper.order(placed["orderId"])
    assert (order["status"], order["payment_status"], placed["outstandingBalance"]) == ("pending", "paid", 0)
    assert stripe.intents() == {}
    assert shopper.credit() == Decimal("40.02")


def test_a_cancelled_order_uses_nothing_any_more(shopper: Shopper) -> None:
    shopper.fill()
    card = a_card(5000)
    shopper.pay_with(card)
    order_id = shopper.do("place_checkout_order")["orderId"]
    shopper.shop.do("storefront/orders/cancel_my_order", by=shopper.jane, order_id=order_id, body={"reason": "No"})

    [shown] = shopper.look()["giftCertificates"]

    assert (shown["balance"], shown["used"], shown["remaining"]) == (50, 0, 50)


def test_an_empty_checkout_is_no_order(shopper: Shopper) -> None:
    shopper.fill()
    shopper.shop.do("storefront/carts/clear_cart", by=shopper.jane)

    refused = shopper.ask("place_checkout_order")

    assert (refused.status, code_of(refused)) == (422, "cart_empty")


def test_the_same_cart_is_one_at_both_doors(shopper: Shopper) -> None:
    shopper.give_credit(10)
    shopper.fill()
    shopper.do("apply_store_credit")
    shopper.pay_with(a_card(2000))

    cart = shopper.shop.do("storefront/carts/get_cart", by=shopper.jane)

    assert (cart["total"], cart["amount_due"], cart["store_credit"]) == (Decimal("59.98"), Decimal("29.98"), 10)
    assert [each["amount"] for each in cart["gift_cards"]] == [20]
    assert cart["gift_cards"][0]["serial"].startswith("GC-…-")
    ordered = shopper.shop.do("storefront/carts/checkout_cart", by=shopper.jane)
    assert (ordered["status"], ordered["amount_due"]) == ("pending_payment", Decimal("29.98"))
    assert shopper.look()["orderId"] == ordered["order_id"]


# The sums


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    units=st.integers(1, 4),
    bought=st.integers(0, 2),
    credit=st.integers(0, 20_000),
    cards=st.lists(st.integers(1, 9_000), max_size=3),
    option=st.sampled_from([None, "standard", "express"]),
    placed=st.booleans(),
)
def test_the_sums_hold_in_every_state(
    shopper: Shopper,
    table: Any,
    units: int,
    bought: int,
    credit: int,
    cards: list[int],
    option: str | None,
    placed: bool,
) -> None:
    """Grand total is what things cost with tax and shipping, less discounts; outstanding is that less what stored value
    pays; nothing is negative."""
    with undone(table.name):
        certificates = [{"amount": 25, "recipient": {"email": "bob@example.com"}}] * bought
        shopper.fill(units, giftCertificates=certificates)
        if credit:
            shopper.give_credit(Decimal(credit) / 100)
        shopper.do("apply_store_credit")
        for minor in cards:
            shopper.pay_with(a_card(minor))
        if option:
            shopper.do("set_consignment", {"address": ADDRESS, "shippingOptionId": option})
        seen = shopper.do("place_checkout_order") if placed else shopper.look()
        again = shopper.look()

        for each in (seen, again):
            costs = ("taxTotal", "shippingCostTotal", "handlingCostTotal", "giftWrappingCostTotal")
            extras = sum(each[name] for name in costs)
            assert each["grandTotal"] == each["subtotal"] + extras - each["cart"]["discountAmount"]
            used = sum(card["used"] for card in each["giftCertificates"])
            spent = each["grandTotal"] - used - each["outstandingBalance"]
            assert each["isStoreCreditApplied"] == (spent > 0)
            assert 0 <= spent <= Decimal(credit) / 100
            assert each["outstandingBalance"] >= 25 * bought
            assert all(card["used"] + card["remaining"] == card["balance"] for card in each["giftCertificates"])
        assert figures(seen) == figures(again)
        if placed:
            order = shopper.order(seen["orderId"])
            assert (order["total"], order["amount_due"]) == (seen["grandTotal"], seen["outstandingBalance"])
        check(table.scan()["Items"])


def test_a_checkout_whose_cart_row_is_gone_is_not_found(shopper: Shopper, table: Any) -> None:
    """Carts that nobody touches for a long time are forgotten."""
    shopper.fill()
    row = next(each for each in table.scan()["Items"] if each["kind"] == "cart")
    table.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})

    assert shopper.ask("get_checkout").status == 404
