"""Stored value, killed before and after each AWS and Stripe call and its answers lost, then retried: one effect.

Here is what is not a route of the API, and what several routes do between them; ``test_every_change`` has the routes.
Every scenario first runs undisturbed to learn its calls. Whoever was killed tries again, three times at most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from commerce.carts import checkout, tenders
from commerce.carts import store as carts
from commerce.carts import use_cases as cart
from commerce.gift_cards import lifecycle
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, Issued, issue
from commerce.gift_cards.model import GiftCard
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of
from commerce.orders import queries as order_queries
from commerce.orders import tendering
from commerce.orders.model import Order
from commerce.payments import cancelling, stripe_gateway
from commerce.payments import use_cases as payments
from commerce.payments.model import StartPayment
from commerce.refunds import use_cases as refunds
from commerce.store_credit import store as lots
from commerce.store_credit import use_cases as store_credit
from commerce.store_credit.model import balance_of
from commerce.table.transaction import Transaction, run
from tests.faults.conftest import rows_of
from tests.faults.kill import Door, Killed, strikes, survived, watching
from tests.faults.test_kills import Shop, open_shop
from tests.invariants import check
from tests.payments import Stripe, consume, deliver, end_unasked, settle
from tests.shop import handler

RETRIES = 3
TOTAL = 5998  # two shirts

type Note = Callable[[str, Any], None]
type Plan = Callable[[Transaction], Any]
type Attempt = Callable[[], bool]  # whether it is done; tried again until it is
type Scenario = Callable[["Till"], tuple[Attempt, Callable[[], None]]]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@dataclass
class Till:
    """A shop, and what stored value there is in it."""

    shop: Shop

    @property
    def tenant(self) -> Tenant:
        return self.shop.call.credential.tenant

    @property
    def merchant(self) -> Caller:
        return Caller(self.tenant, "key_1", Role.API_KEY)

    @property
    def jane(self) -> Caller:
        name = self.shop.jane.customer_id
        return Caller(self.tenant, str(name), Role.CUSTOMER, customer_id=name)

    def issue(self, minor: int, **more: Any) -> Issued:
        return run(lambda tx: issue(tx, self.merchant, IssueCard(usd(minor), **more)))

    def apply(self, card: Issued) -> Any:
        command = tenders.ApplyGiftCard(card.card.serial, card.pin)
        return run(lambda tx: tenders.apply_own(tx, self.jane, command))

    def give_credit(self, minor: int, **more: Any) -> None:
        command = store_credit.IssueCredit(self.jane.own_customer_id, usd(minor), "refund", **more)
        run(lambda tx: store_credit.issue(tx, self.merchant, command))

    def use_credit(self) -> None:
        run(lambda tx: tenders.apply_store_credit(tx, self.tenant, carts.of_caller(self.jane)))

    def buy_a_card(self, minor: int) -> None:
        wanted = cart.AddGiftCard(usd(minor), "friend@example.com")
        run(lambda tx: cart.add(tx, self.jane, wanted))

    def place(self) -> str:
        return run(lambda tx: checkout.checkout(tx, self.jane, checkout.Checkout())).order_id

    def mixed_cart(self, *amounts: int, credit: int = 1000) -> list[Issued]:
        """A cart of two shirts that cards and store credit pay for."""
        self.shop.fill_cart()
        applied = [self.issue(amount) for amount in amounts]
        for card in applied:
            self.apply(card)
        self.give_credit(credit)
        self.use_credit()
        return applied

    def order(self, order_id: str) -> Order:
        return order_queries.get(self.tenant, order_id)

    def only_order(self) -> Order:
        [found] = self.shop.orders()
        return self.order(found["id"])

    def balance(self, card: Issued) -> tuple[int, int]:
        """What is on a card, and what is held of it."""
        found = self.card(card.card.serial)
        return found.balance.minor, found.held.minor

    def card(self, serial: str) -> GiftCard:
        found = cards.find(self.tenant, serial)
        assert found is not None
        return found

    def credit(self) -> int:
        return balance_of(lots.lots_of(self.tenant, self.jane.own_customer_id), "USD").remaining.minor

    def start_payment(self, order_id: str) -> str:
        order = self.order(order_id)
        command = StartPayment(order_id, order.outstanding.minor, "USD")
        return run(lambda tx: payments.start(tx, self.merchant, command)).intent_id

    def pay(self, order_id: str) -> Any:
        """The event that tells of the order's payment, delivered."""
        assert self.shop.stripe.pay(self.start_payment(order_id)) == "succeeded"
        return self.hear("payment_intent.succeeded")

    def hear(self, kind: str) -> Any:
        event = [each for each in self.shop.stripe.events() if each["type"] == kind][-1]
        assert deliver(self.shop.call, event).status == 200
        return event

    def intents(self) -> list[str]:
        return [str(intent["status"]) for intent in self.shop.stripe.intents().values()]


def trying(plan: Plan, done_by_now: Callable[[], bool] = lambda: False) -> Attempt:
    """Do it; refused is done only where it was done before."""

    def attempt() -> bool:
        try:
            run(plan)
        except CommerceError:
            return done_by_now()
        return True

    return attempt


def consuming(event: Any) -> Attempt:
    return lambda: consume(event["id"]) == {"batchItemFailures": []}


def later(**by: float) -> Callable[[], datetime]:
    instant = clock._system() + timedelta(**by)
    return lambda: instant


# What is tried


def checkout_with_two_cards_credit_and_money(till: Till) -> tuple[Attempt, Callable[[], None]]:
    first, second = till.mixed_cart(2000, 1500)

    def finished() -> None:
        order = till.only_order()
        assert (order.payment_status, order.outstanding.minor) == ("pending", TOTAL - 4500)
        assert (till.balance(first), till.balance(second), till.credit()) == ((0, 0), (0, 0), 0)

    plan: Plan = lambda tx: checkout.checkout(tx, till.jane, checkout.Checkout())  # noqa: E731
    return trying(plan, lambda: carts.of_caller(till.jane).is_empty), finished


def checkout_that_stored_value_covers(till: Till) -> tuple[Attempt, Callable[[], None]]:
    [card] = till.mixed_cart(5500)

    def finished() -> None:
        order = till.only_order()
        assert (order.status, order.payment_status) == ("pending", "paid")
        assert (till.balance(card), till.credit(), till.intents()) == ((0, 0), 1000 - (TOTAL - 5500), [])

    plan: Plan = lambda tx: checkout.checkout(tx, till.jane, checkout.Checkout())  # noqa: E731
    return trying(plan, lambda: carts.of_caller(till.jane).is_empty), finished


def hold_that_takes_over(till: Till) -> tuple[Attempt, Callable[[], None]]:
    till.shop.fill_cart()
    card = till.issue(3000)
    run(lambda tx: redeeming_hold(tx, till, card))
    command = tenders.ApplyGiftCard(card.card.serial, card.pin)
    mine = carts.of_caller(till.jane).cart_id

    def finished() -> None:
        held = [each for each in cards.redemptions_of(till.tenant, card.card.serial) if each.status == "held"]
        assert [(each.amount.minor, each.cart_id) for each in held] == [(3000, mine)]
        assert till.balance(card) == (3000, 3000)

    return trying(lambda tx: tenders.apply_public(tx, till.tenant.tenant_id, mine, command)), finished


def redeeming_hold(tx: Transaction, till: Till, card: Issued) -> Any:
    from commerce.gift_cards import redeeming

    return redeeming.hold(tx, till.tenant, till.card(card.card.serial), "cart_elsewhere", usd(2500))


def release_of_a_cart(till: Till) -> tuple[Attempt, Callable[[], None]]:
    first, second = till.mixed_cart(2000, 1500)

    def finished() -> None:
        assert (till.balance(first), till.balance(second)) == ((2000, 0), (1500, 0))

    return trying(lambda tx: cart.clear(tx, till.jane)), finished


def redeem_of_a_card_while_a_payment_is_open(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, card = till.shop.place(), till.issue(7000)
    till.start_payment(order_id)
    command = tendering.Redeem(order_id, usd(TOTAL), card.card.serial)

    def finished() -> None:
        order = till.order(order_id)
        assert (order.status, order.payment_status) == ("pending", "paid")
        assert (till.balance(card), till.intents()) == ((7000 - TOTAL, 0), ["canceled"])

    plan: Plan = lambda tx: tendering.redeem_gift_card(tx, till.merchant, command)  # noqa: E731
    return trying(plan, lambda: till.order(order_id).payment_status == "paid"), finished


def redeem_of_credit_while_a_payment_is_open(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id = till.shop.place()
    till.give_credit(TOTAL + 2)
    till.start_payment(order_id)
    command = tendering.Redeem(order_id, usd(TOTAL))

    def finished() -> None:
        assert (till.order(order_id).payment_status, till.credit(), till.intents()) == ("paid", 2, ["canceled"])

    plan: Plan = lambda tx: tendering.redeem_store_credit(tx, till.merchant, command, till.jane.own_customer_id)  # noqa: E731
    return trying(plan, lambda: till.order(order_id).payment_status == "paid"), finished


def mixed_order(till: Till) -> tuple[str, list[Issued]]:
    """An order that two cards and credit pay a part of, and for the rest of which a payment is open."""
    applied = till.mixed_cart(2000, 1500)
    order_id = till.place()
    till.start_payment(order_id)
    return order_id, applied


def all_is_back(till: Till, order_id: str, applied: list[Issued]) -> None:
    order = till.order(order_id)
    assert (order.status, order.payment_status, order.tendered.minor) == ("cancelled", "voided", 0)
    assert [till.balance(card) for card in applied] == [(2000, 0), (1500, 0)]
    assert (till.credit(), till.intents(), till.shop.stock()) == (1000, ["canceled"], (5, 0))


def cancelling_a_mixed_order(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, applied = mixed_order(till)
    plan: Plan = lambda tx: cancelling.cancel_order(tx, till.merchant, till.order(order_id))  # noqa: E731
    done: Callable[[], bool] = lambda: till.order(order_id).status == "cancelled"  # noqa: E731
    return trying(plan, done), lambda: all_is_back(till, order_id, applied)


def expiry_of_a_mixed_order(till: Till) -> tuple[Attempt, Callable[[], None]]:
    order_id, applied = mixed_order(till)

    def attempt() -> bool:
        with clock.use(later(minutes=61)):
            return trying(lambda tx: payments.expire(tx, till.tenant, order_id))()

    return attempt, lambda: all_is_back(till, order_id, applied)


def payment_of_the_rest_of_a_mixed_order(till: Till) -> tuple[Attempt, Callable[[], None]]:
    till.mixed_cart(2000, 1500)
    order_id = till.place()
    event = till.pay(order_id)

    def finished() -> None:
        order = till.order(order_id)
        assert (order.status, order.payment_status, order.tendered.minor) == ("pending", "paid", 4500)

    return consuming(event), finished


def payment_that_comes_after_a_mixed_orders_end(till: Till) -> tuple[Attempt, Callable[[], None]]:
    first, second = till.mixed_cart(2000, 1500)
    order_id = till.place()
    event = till.pay(order_id)
    end_unasked(till.tenant, order_id)

    def finished() -> None:
        settle(till.shop.call, till.shop.stripe)
        order = till.order(order_id)
        assert (order.status, order.payment_status, order.refunded.minor) == ("cancelled", "refunded", TOTAL)
        assert (till.balance(first), till.balance(second), till.credit()) == ((2000, 0), (1500, 0), 1000)
        assert [intent["refunded"] for intent in till.shop.stripe.intents().values()] == [TOTAL - 4500]

    return consuming(event), finished


def payment_of_an_order_that_bought_cards(till: Till) -> tuple[Attempt, Callable[[], None]]:
    till.buy_a_card(2500)
    till.buy_a_card(4000)
    order_id = till.place()
    event = till.pay(order_id)

    def finished() -> None:
        sold = [till.card(str(each.serial)) for each in till.order(order_id).gift_cards]
        assert [(card.balance.minor, str(card.delivery)) for card in sold] == [(2500, "requested"), (4000, "requested")]
        assert len(list(cards.all_of(till.tenant, None, None))) == 2

    return consuming(event), finished


def refund_of_an_order_that_bought_cards(till: Till) -> tuple[Attempt, Callable[[], None]]:
    till.buy_a_card(2500)
    till.buy_a_card(4000)
    order_id = till.place()
    consume(till.pay(order_id)["id"])
    [intent] = till.shop.stripe.intents()
    till.shop.stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": 3000})
    event = till.hear("charge.refunded")

    def finished() -> None:
        order = till.order(order_id)
        assert order.refunded.minor == 3000
        assert [till.card(str(each.serial)).balance.minor for each in order.gift_cards] == [0, 3500]

    return consuming(event), finished


def sweep_of_what_is_over(till: Till) -> tuple[Attempt, Callable[[], None]]:
    """A hold, a card and a lot; what other tests left behind is over first."""
    with clock.use(later(days=2)):
        handler("schedules/sweep_stored_value").handler({}, None)
    today = day_of(clock.now(), till.tenant.timezone)
    [held] = till.mixed_cart(2000)
    lapsing = till.issue(700, expires_on=today)
    till.give_credit(300, expires_on=today)

    def attempt() -> bool:
        with clock.use(later(days=2)):
            counts = handler("schedules/sweep_stored_value").handler({}, None)
        return all(each["failed"] == 0 for each in counts.values())

    def finished() -> None:
        assert (till.balance(held), till.balance(lapsing), till.credit()) == ((2000, 0), (0, 0), 1000)
        assert [each.status for each in cards.redemptions_of(till.tenant, held.card.serial)] == ["expired"]

    return attempt, finished


def refund_onto_a_card_that_was_cancelled(till: Till) -> tuple[Attempt, Callable[[], None]]:
    [card] = till.mixed_cart(TOTAL)
    order_id = till.place()
    serial = card.card.serial
    run(lambda tx: lifecycle.cancel(tx, till.merchant, lifecycle.CancelCard(serial)))

    def plan(tx: Transaction) -> Any:
        [redemption] = cards.redemptions_of(till.tenant, serial)
        return refunds.refund_onto_card(tx, till.merchant, redemption, usd(TOTAL))

    def finished() -> None:
        worth = sorted(each.balance.minor for each in cards.all_of(till.tenant, None, None))
        assert (worth, till.order(order_id).payment_status) == ([0, TOTAL], "refunded")

    return trying(plan, lambda: till.order(order_id).refunded.minor == TOTAL), finished


def card_that_is_cancelled_for_another(till: Till) -> tuple[Attempt, Callable[[], None]]:
    till.shop.fill_cart()
    card = till.issue(3000)
    till.apply(card)
    command = lifecycle.CancelCard(card.card.serial, lifecycle.Disposition.TRANSFER, to_email="ann@example.com")

    def finished() -> None:
        worth = sorted(each.balance.minor for each in cards.all_of(till.tenant, None, None))
        assert (worth, till.balance(card)) == ([0, 3000], (0, 0))

    plan: Plan = lambda tx: lifecycle.cancel(tx, till.merchant, command)  # noqa: E731
    return trying(plan, lambda: till.card(card.card.serial).status == "cancelled"), finished


SCENARIOS: list[Scenario] = [
    checkout_with_two_cards_credit_and_money,
    checkout_that_stored_value_covers,
    hold_that_takes_over,
    release_of_a_cart,
    redeem_of_a_card_while_a_payment_is_open,
    redeem_of_credit_while_a_payment_is_open,
    cancelling_a_mixed_order,
    expiry_of_a_mixed_order,
    payment_of_the_rest_of_a_mixed_order,
    payment_that_comes_after_a_mixed_orders_end,
    payment_of_an_order_that_bought_cards,
    refund_of_an_order_that_bought_cards,
    sweep_of_what_is_over,
    refund_onto_a_card_that_was_cancelled,
    card_that_is_cancelled_for_another,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_stored_value_moves_once_whatever_dies(
    scenario: Scenario, stripe: Stripe, table: Any, record_property: Note
) -> None:
    survive(scenario, stripe, table, record_property)


def survive(scenario: Scenario, stripe: Stripe, table: Any, note: Note) -> None:
    """Try a scenario once undisturbed, then once for each of its calls that is killed or whose answer is lost."""
    calls = once(scenario, stripe, table, Door()).calls
    doors = strikes(calls)
    for door in doors:
        struck = once(scenario, stripe, table, door)
        assert len(struck.calls) > (door.strike_at or 0), "the call that was to be killed never came"
    survived(note, doors, calls)


def once(scenario: Scenario, stripe: Stripe, table: Any, door: Door) -> Door:
    """Prepare a shop, try with ``door`` in the way, try again without it, and look at the end."""
    stripe.reset()
    till = Till(open_shop(stripe))
    attempt, finished = scenario(till)
    stripe_gateway._secrets.clear()  # as in a process that has just started
    done = False
    with watching(door):
        try:
            done = attempt()
        except Killed:
            done = False
    for _ in range(RETRIES):
        done = done or attempt()
    assert done, f"not converged after a death at {door.calls[-1] if door.calls else None}"
    finished()
    check(rows_of(table, till.shop.call))
    return door
