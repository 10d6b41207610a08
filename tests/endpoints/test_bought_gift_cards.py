"""Gift cards that are bought with an order, and orders that cards and money pay for together, against Stripe's side."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commerce.access import use_cases as access
from commerce.access.use_cases import CreateTenant
from commerce.carts import checkout, tenders
from commerce.carts import use_cases as carts
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, Issued, issue
from commerce.gift_cards.model import GiftCard
from commerce.kernel.caller import Caller, Mode, Role
from commerce.kernel.errors import Invalid
from commerce.kernel.money import Money
from commerce.orders import store as orders
from commerce.orders import tendering
from commerce.orders.model import Address, Order
from commerce.payments import use_cases as payments
from commerce.payments.model import StartPayment
from commerce.table.transaction import run
from tests.invariants import check
from tests.payments import Stripe, end_unasked, settle
from tests.shop import MERCHANT, TENANT, Call, customer_credential

ADDRESS = Address(name="Jane Doe", address1="123 Main St", city="Springfield", country="US", postal_code="62701")


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any, stripe: Stripe) -> Iterator[None]:
    opening = CreateTenant("ten_1", "Shop", "USD", "UTC", "US", ("wh_001", "wh_002"), mode=Mode.TEST)
    run(lambda tx: access.create_tenant(tx, opening))
    yield
    check(table.scan()["Items"])


@pytest.fixture
def jane(call: Call) -> Caller:
    """A customer whose cart holds one shirt at 30.00."""
    product = call("v2/catalog/create_product", body={"name": "Shirt", "sku": "TEE", "price": Decimal("30.00")}).body
    body = {"quantity": 50, "reason": "restock", "location": "wh_001"}
    call("v2/inventory/adjust_inventory", product_id=product["id"], body=body)
    person = {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe"}
    customer = call("v2/customers/create_customer", body=person).body["id"]
    body = {"product_id": product["id"], "quantity": 1}
    call("storefront/carts/add_cart_item", credential=customer_credential(customer), body=body)
    return Caller(TENANT, customer, Role.CUSTOMER, customer_id=customer)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def issued(minor: int) -> Issued:
    return run(lambda tx: issue(tx, MERCHANT, IssueCard(usd(minor))))


def apply(jane: Caller, card: Issued) -> tenders.AppliedGiftCard:
    return run(lambda tx: tenders.apply_own(tx, jane, tenders.ApplyGiftCard(card.card.serial, card.pin)))


def want_gift_card(jane: Caller, minor: int) -> None:
    run(lambda tx: carts.add(tx, jane, carts.AddGiftCard(usd(minor), "bob@example.com")))


def place(jane: Caller) -> str:
    return run(lambda tx: checkout.checkout(tx, jane, checkout.Checkout(ADDRESS))).order_id


def order(order_id: str) -> Order:
    found = orders.find(TENANT, order_id)
    assert found is not None
    return found


def start(order_id: str, minor: int) -> str:
    command = StartPayment(order_id, minor, "usd")
    return run(lambda tx: payments.start(tx, MERCHANT, command)).intent_id


def bought(order_id: str) -> list[GiftCard]:
    return [card for card in cards.all_of(TENANT, None, None) if card.order_id == order_id]


def test_a_card_cannot_buy_a_card_and_money_pays_what_is_left(call: Call, stripe: Stripe, jane: Caller) -> None:
    card = issued(10000)
    want_gift_card(jane, 5000)
    assert apply(jane, card).redemption.amount == usd(3000)
    order_id = place(jane)
    with pytest.raises(Invalid):
        start(order_id, 8000)
    stripe.pay(start(order_id, 5000))
    assert not bought(order_id)
    settle(call, stripe)
    settle(call, stripe)
    [new] = bought(order_id)
    assert (new.balance, new.funding, new.owner_email) == (usd(5000), "paid", "bob@example.com")
    assert (order(order_id).payment_status, order(order_id).gift_cards[0].serial) == ("paid", new.serial)


@pytest.mark.parametrize(("refunded", "left"), [(3000, 5000), (5000, 3000), (8000, 0)])
def test_what_is_refunded_beyond_the_goods_comes_off_the_bought_card(
    call: Call, stripe: Stripe, jane: Caller, refunded: int, left: int
) -> None:
    want_gift_card(jane, 5000)
    order_id = place(jane)
    intent = start(order_id, 8000)
    stripe.pay(intent)
    settle(call, stripe)
    stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": refunded})
    settle(call, stripe)
    [card] = bought(order_id)
    assert (card.balance.minor, card.status) == (left, "active" if left else "cancelled")


def test_what_was_spent_of_a_refunded_card_is_the_shops_loss(call: Call, stripe: Stripe, jane: Caller) -> None:
    want_gift_card(jane, 5000)
    order_id = place(jane)
    intent = start(order_id, 8000)
    stripe.pay(intent)
    settle(call, stripe)
    [card] = bought(order_id)
    body = {"product_id": order(order_id).lines[0].product_id, "quantity": 1}
    call("storefront/carts/add_cart_item", credential=customer_credential(jane.own_customer_id), body=body)
    second = place(jane)
    redeem = tendering.Redeem(second, usd(3000), card.serial)
    run(lambda tx: tendering.redeem_gift_card(tx, MERCHANT, redeem))
    stripe.sdk.v1.refunds.create({"payment_intent": intent})
    settle(call, stripe)
    [card] = bought(order_id)
    assert (card.balance.minor, card.status) == (0, "cancelled")
    assert order(order_id).payment_status == "refunded"


def test_a_card_on_an_order_whose_payment_is_open_calls_that_payment_off(
    call: Call, stripe: Stripe, jane: Caller
) -> None:
    order_id = place(jane)
    intent, card = start(order_id, 3000), issued(1000)
    redeem = tendering.Redeem(order_id, usd(1000), card.card.serial)
    run(lambda tx: tendering.redeem_gift_card(tx, MERCHANT, redeem))
    assert stripe.sdk.v1.payment_intents.retrieve(intent).status == "canceled"
    settle(call, stripe)
    stripe.pay(start(order_id, 2000))
    settle(call, stripe)
    assert (order(order_id).payment_status, order(order_id).tendered) == ("paid", usd(1000))


def test_a_payment_after_the_order_was_called_off_goes_back_in_full(call: Call, stripe: Stripe, jane: Caller) -> None:
    card = issued(1000)
    apply(jane, card)
    want_gift_card(jane, 5000)
    order_id = place(jane)
    intent = start(order_id, 7000)
    stripe.pay(intent)
    end_unasked(TENANT, order_id)
    settle(call, stripe)
    assert (order(order_id).payment_status, order(order_id).refunded) == ("refunded", usd(8000))
    assert not bought(order_id)
    found = cards.find(TENANT, card.card.serial)
    assert found is not None
    assert found.balance == usd(1000)
