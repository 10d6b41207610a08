"""CA-02, CA-03, CA-09: gift cards in a customer's cart, those that pay for it and those that are bought with it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commerce.gift_cards import serials
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, Issued, issue
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.invariants import check
from tests.shop import MERCHANT, TENANT, Answered, Call

TOTAL = Decimal("59.98")


class Shopper:
    """Jane, whose cart holds two shirts."""

    def __init__(self, call: Call) -> None:
        self.shop = Shop(call).open()
        self.jane = self.shop.customer()
        self.shirt = self.shop.product("TEE", Decimal("29.99"), stock=9)["id"]
        self.shop.add_to_cart(self.jane, self.shirt, 2)

    def ask(self, name: str, **request: Any) -> Answered:
        answered: Answered = self.shop.call(f"storefront/carts/{name}", credential=self.jane, **request)
        return answered

    def do(self, name: str, **request: Any) -> Any:
        return self.shop.do(f"storefront/carts/{name}", by=self.jane, **request)

    def pay_with(self, card: Issued, **more: Any) -> Any:
        return self.do("add_cart_gift_card", body={"serial": card.card.serial, "pin": card.pin} | more)


@pytest.fixture
def shopper(call: Call, table: Any) -> Iterator[Shopper]:
    yield Shopper(call)
    check(table.scan()["Items"])


def a_card(minor: int) -> Issued:
    return run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(minor, "USD"))))


def held(card: Issued) -> int:
    found = cards.find(TENANT, card.card.serial)
    assert found is not None
    return found.held.minor


def test_the_total_stays_and_what_is_due_shrinks(shopper: Shopper) -> None:
    cart = shopper.pay_with(a_card(5000))

    assert (cart["total"], cart["amount_due"], cart["store_credit"]) == (TOTAL, Decimal("9.98"), None)


def test_of_a_card_that_pays_the_last_four_characters_are_shown(shopper: Shopper) -> None:
    card = a_card(5000)

    answered = shopper.ask("add_cart_gift_card", body={"serial": serials.printed(card.card.serial), "pin": card.pin})

    [shown] = answered.body["data"]["gift_cards"]
    assert shown["serial"] == f"GC-…-{card.card.serial[-4:]}"
    assert card.card.serial not in answered.text.replace("-", "")
    assert card.pin not in answered.text.replace(shown["redemption_id"], "").replace(answered.body["data"]["id"], "")


def test_the_same_card_again_holds_another_amount(shopper: Shopper) -> None:
    card = a_card(5000)
    first = shopper.pay_with(card, amount=20)
    second = shopper.pay_with(card, amount=30)

    assert [each["amount"] for each in first["gift_cards"]] == [20]
    assert [each["amount"] for each in second["gift_cards"]] == [30]
    assert held(card) == 3000


def test_a_card_that_is_taken_off_is_free_again(shopper: Shopper) -> None:
    card = a_card(5000)
    [paying] = shopper.pay_with(card)["gift_cards"]

    cart = shopper.do("remove_cart_gift_card", redemption_id=paying["redemption_id"])

    assert (cart["gift_cards"], cart["amount_due"], held(card)) == ([], TOTAL, 0)
    assert shopper.ask("remove_cart_gift_card", redemption_id=paying["redemption_id"]).status == 404


def test_another_customer_cannot_take_it_off(shopper: Shopper) -> None:
    card = a_card(5000)
    [paying] = shopper.pay_with(card)["gift_cards"]
    joe = shopper.shop.customer("joe@example.com")

    answered = shopper.shop.call(
        "storefront/carts/remove_cart_gift_card", credential=joe, redemption_id=paying["redemption_id"]
    )

    assert (answered.status, held(card)) == (404, 5000)


def test_an_emptied_cart_frees_what_was_held(shopper: Shopper) -> None:
    card = a_card(5000)
    shopper.pay_with(card)

    cart = shopper.do("clear_cart")

    assert (cart["gift_cards"], cart["total"], cart["amount_due"], held(card)) == ([], 0, 0, 0)


def test_a_cart_that_cards_cover_becomes_a_paid_order(shopper: Shopper) -> None:
    shopper.pay_with(a_card(10_000))

    ordered = shopper.do("checkout_cart")

    assert (ordered["status"], ordered["total"], ordered["amount_due"]) == ("pending", TOTAL, 0)
    order = shopper.shop.do("storefront/orders/get_my_order", by=shopper.jane, order_id=ordered["order_id"])
    assert order["payment_status"] == "paid"
    assert [(each["type"], each["amount"]) for each in order["tenders"]] == [("gift_card", TOTAL)]


def test_a_gift_card_to_buy_is_an_item_of_its_own(shopper: Shopper) -> None:
    wanted = {"amount": 25, "recipient_email": "bob@example.com", "message": "For you", "design": "birthday"}

    cart = shopper.do("add_cart_item", body={"gift_card": wanted})

    [item] = cart["gift_card_items"]
    assert {name: item[name] for name in wanted} == wanted
    assert (cart["total"], len(cart["items"])) == (TOTAL + 25, 1)
    assert shopper.do("remove_cart_item", item_id=item["id"])["gift_card_items"] == []


def test_a_gift_card_does_not_buy_a_gift_card(shopper: Shopper) -> None:
    shopper.do("add_cart_item", body={"gift_card": {"amount": 25, "recipient_email": "bob@example.com"}})

    cart = shopper.pay_with(a_card(10_000))

    assert (cart["total"], cart["amount_due"]) == (TOTAL + 25, 25)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"quantity": 1}, "missing"),
        ({"product_id": "prod_1"}, "missing"),
        (
            {"product_id": "prod_1", "quantity": 1, "gift_card": {"amount": 1, "recipient_email": "b@example.com"}},
            "two_items",
        ),
        ({"gift_card": {"amount": 0, "recipient_email": "b@example.com"}}, "amount_out_of_range"),
        ({"gift_card": {"amount": 1_000_000, "recipient_email": "b@example.com"}}, "amount_out_of_range"),
        ({"gift_card": {"amount": 5}}, "missing"),
        ({"gift_card": {"amount": 5, "recipient_email": "bob"}}, "email"),
    ],
)
def test_an_item_is_a_product_or_a_gift_card(shopper: Shopper, body: Any, code: str) -> None:
    refused = shopper.ask("add_cart_item", body=body)

    assert refused.status == 422, refused.text
    assert code in {each["code"] for each in refused.body["error"]["details"]}


@pytest.mark.parametrize(
    ("body", "status"),
    [({"pin": "0000000"}, 404), ({"amount": 0}, 422), ({"amount": Decimal("0.001")}, 422), ({"pin": "abcd"}, 422)],
)
def test_what_does_not_open_a_card_or_is_no_amount_is_refused(shopper: Shopper, body: Any, status: int) -> None:
    card = a_card(5000)

    refused = shopper.ask("add_cart_gift_card", body={"serial": card.card.serial, "pin": card.pin} | body)

    assert refused.status == status, refused.text
    assert held(card) == 0


def test_a_shop_says_how_many_cards_pay_for_one_order(shopper: Shopper) -> None:
    cards_held = [a_card(100) for _ in range(11)]
    for card in cards_held[:10]:
        shopper.pay_with(card)

    refused = shopper.ask("add_cart_gift_card", body={"serial": cards_held[10].card.serial, "pin": cards_held[10].pin})

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "too_many_gift_cards")
