"""Stored value behind its doors: issue, hold, pay with several tenders, call off, and the books after each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.carts import checkout, tenders
from commerce.carts import store as carts
from commerce.carts import use_cases as cart
from commerce.carts.tenders import ApplyGiftCard
from commerce.gift_cards import lifecycle, redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, Issued, issue
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import CommerceError, Conflict, Invalid, NotFound
from commerce.kernel.money import Money
from commerce.kernel.return_policy import ReturnPolicy
from commerce.orders import store as orders
from commerce.orders import tendering
from commerce.orders.model import Address, Order
from commerce.payments import cancelling
from commerce.refunds import use_cases as refunds
from commerce.store_credit import store as credit_rows
from commerce.store_credit import use_cases as credit
from commerce.store_credit.model import balance_of
from commerce.table.transaction import run
from tests.invariants import check
from tests.shop import MERCHANT, TENANT, Call, customer_credential

ADDRESS = Address(name="Jane Doe", address1="123 Main St", city="Springfield", country="US", postal_code="62701")


def usd(major: str) -> Money:
    return Money.of_major(Decimal(major), "USD")


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any) -> Iterator[None]:
    yield
    check(table.scan()["Items"])


@pytest.fixture
def jane(call: Call) -> Caller:
    """A customer whose cart holds two shirts at 29.99."""
    product = call("v2/catalog/create_product", body={"name": "Shirt", "sku": "TEE", "price": Decimal("29.99")}).body
    body = {"quantity": 50, "reason": "restock", "location": "wh_001"}
    call("v2/inventory/adjust_inventory", product_id=product["id"], body=body)
    person = {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe"}
    customer = call("v2/customers/create_customer", body=person).body["id"]
    credential = customer_credential(customer)
    call("storefront/carts/add_cart_item", credential=credential, body={"product_id": product["id"], "quantity": 2})
    return Caller(TENANT, customer, Role.CUSTOMER, customer_id=customer)


def issued(amount: str) -> Issued:
    return run(lambda tx: issue(tx, MERCHANT, IssueCard(usd(amount))))


def apply(jane: Caller, card: Issued, amount: str | None = None) -> tenders.AppliedGiftCard:
    command = ApplyGiftCard(card.card.serial, card.pin, usd(amount) if amount else None)
    return run(lambda tx: tenders.apply_own(tx, jane, command))


def place(jane: Caller) -> Order:
    return run(lambda tx: checkout.checkout(tx, jane, checkout.Checkout(shipping_address=ADDRESS)))


def cancel(order_id: str, by: Caller = MERCHANT) -> Order:
    def plan(tx: Any) -> Order:
        order = orders.find(TENANT, order_id)
        assert order is not None
        return cancelling.cancel_order(tx, by, order).order

    return run(plan)


def give_credit(jane: Caller, amount: str) -> None:
    assert jane.customer_id is not None
    command = credit.IssueCredit(jane.customer_id, usd(amount), "goodwill")
    run(lambda tx: credit.issue(tx, MERCHANT, command))


def credit_of(jane: Caller) -> Money:
    return balance_of(credit_rows.lots_of(TENANT, jane.own_customer_id), "USD").remaining


def balance(card: Issued) -> Money:
    found = cards.find(TENANT, card.card.serial)
    assert found is not None
    assert not found.held.minor
    return found.balance


def test_two_cards_and_credit_pay_for_a_cart_in_full(jane: Caller) -> None:
    first, second = issued("25.00"), issued("50.00")
    give_credit(jane, "10.00")
    assert apply(jane, first).priced.amount_due == usd("34.98")
    assert apply(jane, second, "30.00").priced.amount_due == usd("4.98")
    mine = carts.find(TENANT, jane.own_customer_id)
    assert mine is not None
    priced = run(lambda tx: tenders.apply_store_credit(tx, TENANT, mine))
    assert priced.amount_due == usd("0.00")
    order = place(jane)
    assert (order.status, order.payment_status, order.outstanding) == ("pending", "paid", usd("0.00"))
    assert [str(tender.amount.major) for tender in order.tenders] == ["25.00", "30.00", "4.98"]
    assert (balance(first), balance(second), credit_of(jane)) == (usd("0.00"), usd("20.00"), usd("5.02"))


def test_a_cancelled_order_gives_everything_back_once(jane: Caller) -> None:
    card = issued("100.00")
    apply(jane, card)
    order = place(jane)
    assert balance(card) == usd("40.02")
    cancelled = cancel(order.order_id)
    assert (cancelled.payment_status, cancelled.refunded) == ("refunded", usd("59.98"))
    assert balance(card) == usd("100.00")
    with pytest.raises(Conflict):
        cancel(order.order_id)
    assert balance(card) == usd("100.00")


def test_what_vanished_after_it_was_applied_is_told_and_nothing_is_sold(jane: Caller) -> None:
    card = issued("20.00")
    apply(jane, card)
    run(lambda tx: lifecycle.suspend(tx, MERCHANT, card.card.serial))
    with pytest.raises(Conflict) as refused:
        place(jane)
    assert [(each.field, each.code) for each in refused.value.details] == [("gift_cards.0", "gift_card_changed")]
    looked = cart.look(jane)
    assert [each.problem for each in looked.gift_cards] == ["released"]
    assert looked.amount_due == usd("59.98")


def test_a_card_goes_back_to_its_last_day_and_the_value_to_a_new_one(jane: Caller) -> None:
    card = issued("100.00")
    apply(jane, card)
    order = place(jane)
    run(
        lambda tx: lifecycle.cancel(
            tx, MERCHANT, lifecycle.CancelCard(card.card.serial, lifecycle.Disposition.WRITE_OFF)
        )
    )
    cancel(order.order_id)
    assert balance(card) == usd("0.00")
    worth = {each.balance.minor for each in cards.all_of(TENANT, None, None)}
    assert worth == {0, 5998}


def test_a_redemption_is_taken_over_by_whoever_has_the_pin(jane: Caller) -> None:
    card = issued("40.00")
    held = apply(jane, card).redemption
    found = cards.find(TENANT, card.card.serial)
    assert found is not None
    saved, _ = run(lambda tx: redeeming.hold(tx, TENANT, found, "cart_elsewhere", usd("40.00")))
    assert (saved.held, saved.holds) == (usd("40.00"), 1)
    states = {each.redemption_id: each.status for each in cards.redemptions_of(TENANT, card.card.serial)}
    assert states[held.redemption_id] == "released"
    later = datetime.now(UTC) + timedelta(hours=1)
    with clock.use(lambda: later):
        [(tenant, serial, redemption_id)] = cards.due_redemptions(later, 10)
        run(lambda tx: redeeming.sweep(tx, tenant, serial, redemption_id))
    assert balance(card) == usd("40.00")


@pytest.mark.parametrize("pin", ["000000x", ""])
def test_another_pin_opens_nothing(jane: Caller, pin: str) -> None:
    card = issued("40.00")
    with pytest.raises(NotFound):
        redeeming.possessed(TENANT.tenant_id, card.card.serial, pin)


def test_a_card_pays_for_an_order_that_waits(jane: Caller) -> None:
    order, card = place(jane), issued("59.98")
    with pytest.raises(Invalid):
        run(
            lambda tx: tendering.redeem_gift_card(
                tx, MERCHANT, tendering.Redeem(order.order_id, usd("59.99"), card.card.serial)
            )
        )
    run(
        lambda tx: tendering.redeem_gift_card(
            tx, MERCHANT, tendering.Redeem(order.order_id, usd("59.98"), card.card.serial)
        )
    )
    paid = orders.find(TENANT, order.order_id)
    assert paid is not None
    assert (paid.status, paid.payment_status, paid.outstanding.minor) == ("pending", "paid", 0)
    redemption = cards.redemptions_of(TENANT, card.card.serial)[0]
    run(lambda tx: refunds.refund_onto_card(tx, MERCHANT, redemption, usd("9.98")))
    assert balance(card) == usd("9.98")
    redemption = cards.redemptions_of(TENANT, card.card.serial)[0]
    run(lambda tx: refunds.refund_onto_card(tx, MERCHANT, redemption, usd("10.00")))
    assert (balance(card), cards.redemptions_of(TENANT, card.card.serial)[0].given_back) == (usd("19.98"), usd("19.98"))
    with pytest.raises(CommerceError):
        run(
            lambda tx: refunds.refund_onto_card(
                tx, MERCHANT, cards.redemptions_of(TENANT, card.card.serial)[0], usd("50.01")
            )
        )


def test_a_hold_whose_time_is_over_pays_for_nothing(jane: Caller) -> None:
    card = issued("20.00")
    apply(jane, card)
    later = datetime.now(UTC) + timedelta(minutes=31)
    with clock.use(lambda: later), pytest.raises(Conflict) as refused:
        place(jane)
    assert [each.code for each in refused.value.details] == ["gift_card_changed"]


def test_an_order_that_was_refunded_in_part_gives_back_the_rest_alone(jane: Caller) -> None:
    card = issued("100.00")
    redemption_id = apply(jane, card).redemption.redemption_id
    order = place(jane)
    _, redemption = cards.find_with_redemption(TENANT, card.card.serial, redemption_id)
    assert redemption is not None
    run(lambda tx: refunds.refund_onto_card(tx, MERCHANT, redemption, usd("10.00")))
    assert cancel(order.order_id).refunded == usd("59.98")
    assert balance(card) == usd("100.00")


def test_the_lot_that_expires_soonest_is_spent_first(jane: Caller) -> None:
    today = datetime.now(UTC).date()
    for days in (None, 9, 5):
        last_day = today + timedelta(days) if days else None
        command = credit.IssueCredit(jane.own_customer_id, usd("10.00"), "goodwill", expires_on=last_day)
        run(lambda tx: credit.issue(tx, MERCHANT, command))  # noqa: B023
    order = place(jane)
    redeem = tendering.Redeem(order.order_id, usd("15.00"))
    run(lambda tx: tendering.redeem_store_credit(tx, MERCHANT, redeem, jane.own_customer_id))
    left = {each.expires_on: each.remaining for each in credit_rows.lots_of(TENANT, jane.own_customer_id)}
    assert left == {None: usd("10.00"), today + timedelta(9): usd("5.00"), today + timedelta(5): usd("0.00")}


@pytest.mark.parametrize("days", [30, 5])
def test_store_credit_that_comes_back_late_has_the_shops_time_of_grace(jane: Caller, days: int) -> None:
    shop = replace(TENANT, returns=ReturnPolicy(grace_days=days))
    today, later = datetime.now(UTC).date(), datetime.now(UTC) + timedelta(days=2)
    command = credit.IssueCredit(jane.own_customer_id, usd("10.00"), "goodwill", expires_on=today)
    run(lambda tx: credit.issue(tx, MERCHANT, command))
    redeem = tendering.Redeem(place(jane).order_id, usd("8.00"))
    run(lambda tx: tendering.redeem_store_credit(tx, MERCHANT, redeem, jane.own_customer_id))
    with clock.use(lambda: later):
        cancel(redeem.order_id, replace(MERCHANT, tenant=shop))
    [lot] = credit_rows.lots_of(TENANT, jane.own_customer_id)
    assert (lot.remaining, lot.expired) == (usd("8.00"), usd("2.00"))
    assert lot.expires_at == later + timedelta(days=days)
