"""Many hands on few gift cards at once, on the emulator, with answers lost and DynamoDB throttling: the books add up.

Threads call use cases, as several instances of functions would. ``TILL_STORM`` says how many operations the storm has
(10,000 for the full one), ``TILL_SEED`` which ones.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import botocore.httpsession
import pytest
from botocore.awsrequest import AWSResponse
from pynamodb.exceptions import PynamoDBException

from commerce.carts import checkout, tenders
from commerce.carts import store as carts
from commerce.carts import use_cases as cart
from commerce.customers import use_cases as customers
from commerce.customers.use_cases import CreateCustomer, NewAddress
from commerce.gift_cards import lifecycle, pins, redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.errors import CommerceError, StaleWrite, Unavailable
from commerce.kernel.money import Money
from commerce.orders import store as orders
from commerce.orders import tendering
from commerce.orders.model import Order
from commerce.payments import cancelling
from commerce.payments import use_cases as payments
from commerce.refunds import use_cases as refunds
from commerce.store_credit import use_cases as credit
from commerce.table.transaction import Transaction, is_temporary, run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import AnswerLost
from tests.invariants import check
from tests.seeds import SEED
from tests.shop import Call

OPERATIONS = int(os.environ.get("TILL_STORM", "1500"))
SECONDS = 40 if "TILL_STORM" not in os.environ else 3_600  # the storm of a usual run ends then, however far it came
THREADS = 32
CARDS = 8
SHOPPERS = 16
LOST, THROTTLED = 0.08, 0.08  # of all calls
HASTE = 120  # times as fast as in life, so that holds and orders run out of their time
RACERS = 64
HOME = NewAddress("Jane", "Doe", address1="1 Main St", city="Springfield", postal_code="62701")
START = datetime(2026, 3, 20, 12, tzinfo=UTC)

type Plan = Callable[[Transaction], Any]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@dataclass
class Shop:
    """A shop whose goods cost a cent; each customer buys goods of their own, so that only cards are fought for."""

    call: Call
    people: list[Caller] = field(default_factory=list)
    goods: list[str] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        return self.call.credential.tenant

    @property
    def merchant(self) -> Caller:
        return Caller(self.tenant, "key_1", Role.API_KEY)

    def welcome(self, count: int, price: Decimal = Decimal("0.01")) -> None:
        for number in range(len(self.people), len(self.people) + count):
            command = CreateCustomer(f"c{number}@example.com", "Jane", "Doe", addresses=(HOME,))
            made = run(lambda tx: customers.create(tx, self.merchant, command))  # noqa: B023
            name = made.customer.customer_id
            self.people.append(Caller(self.tenant, name, Role.CUSTOMER, customer_id=name))
            body = {"name": "Pin", "sku": f"PIN-{number}", "price": price}
            product = self.call("v2/catalog/create_product", body=body).body["id"]
            stock = {"quantity": 100_000, "reason": "restock"}
            assert self.call("v2/inventory/adjust_inventory", product_id=product, body=stock).status == 201
            self.goods.append(product)

    def fill(self, person: int, units: int = 1) -> str:
        command = cart.AddItem(self.goods[person], units)
        return run(lambda tx: cart.add(tx, self.people[person], command)).cart.cart_id

    def place(self, person: int, units: int = 1) -> Order:
        self.fill(person, units)
        return run(lambda tx: self.checking_out(tx, person))

    def checking_out(self, tx: Transaction, person: int) -> Order:
        return checkout.checkout(tx, self.people[person], checkout.Checkout())

    def issue(self, minor: int) -> str:
        return run(lambda tx: issue(tx, self.merchant, IssueCard(usd(minor)))).card.serial

    def pin(self, serial: str) -> str:
        """The card's present PIN, as its holder would know it."""
        card = cards.find(self.tenant, serial)
        assert card is not None
        return pins.derive(self.tenant, serial, card.pin_generation)


def insist(plan: Plan) -> Any:
    """As a client does who is told that somebody else was faster: once more."""
    for _ in range(100):
        try:
            return run(plan)
        except (StaleWrite, Unavailable):
            continue
        except CommerceError as refusal:
            return refusal
    raise AssertionError("never got through")


# One cent


@pytest.mark.timeout(300)
def test_sixty_four_who_want_a_cards_last_cent_through_all_doors_spend_it_once(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(new_shop())
    shop.welcome(RACERS)
    serial = shop.issue(100)
    spender = shop.place(0, 99)
    run(lambda tx: tendering.redeem_gift_card(tx, shop.merchant, tendering.Redeem(spender.order_id, usd(99), serial)))
    pin = shop.pin(serial)
    doors = ("own cart", "public cart", "admin", "admin, one order")
    shared = shop.place(0)
    waiting = [shop.place(person) if doors[person % 4] == "admin" else shared for person in range(RACERS)]
    open_carts = {person: shop.fill(person) for person in range(RACERS) if "cart" in doors[person % 4]}
    barrier = threading.Barrier(RACERS)
    command = tenders.ApplyGiftCard(serial, pin)

    def race(person: int) -> str | None:
        """The door through which the cent was spent, or None."""
        door, own = doors[person % 4], shop.people[person]
        barrier.wait()
        if door == "own cart":
            insist(lambda tx: tenders.apply_own(tx, own, command))
        elif door == "public cart":
            insist(lambda tx: tenders.apply_public(tx, shop.tenant.tenant_id, open_carts[person], command))
        else:
            redeem = tendering.Redeem(waiting[person].order_id, usd(1), serial)
            done = insist(lambda tx: tendering.redeem_gift_card(tx, shop.merchant, redeem))
            return None if isinstance(done, CommerceError) else door
        placed = insist(lambda tx: shop.checking_out(tx, person))
        return door if isinstance(placed, Order) and placed.tenders else None

    with ThreadPoolExecutor(RACERS) as pool:
        winners = [each for each in pool.map(race, range(RACERS)) if each is not None]

    rows = rows_of(table, shop.call)
    check(rows)
    committed = [int(row["amount"]) for row in rows if row["kind"] == "redemption" and row["status"] == "committed"]
    assert sorted(committed) == [1, 99]
    assert len(winners) == 1
    with capsys.disabled():
        print(f"\n  {RACERS} racers for one cent, won through: {winners[0]}")


# The storm


class Weather:
    """What may befall a call to AWS: its answer is lost, or it is not let in."""

    def __init__(self, seed: int) -> None:
        self._seed, self._local, self.befell = seed, threading.local(), Counter[str]()

    @property
    def rng(self) -> random.Random:
        """Every thread has its own, so that a seed means the same storm."""
        if not hasattr(self._local, "rng"):
            name = threading.current_thread().name.rpartition("_")[2]
            self._local.rng = random.Random(f"{self._seed}-{name}")
        rng: random.Random = self._local.rng
        return rng

    def send(self, send: Callable[[], Any], url: str) -> Any:
        chance = self.rng.random()
        self.befell["calls"] += 1
        if chance < THROTTLED:
            self.befell["throttled"] += 1
            answer = AWSResponse(url, 400, {}, None)
            answer._content = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow"}'
            return answer
        answer = send()
        if chance < THROTTLED + LOST:
            self.befell["answers lost"] += 1
            raise AnswerLost(url)
        return answer


@contextmanager
def storm(weather: Weather) -> Iterator[None]:
    """Every call to AWS of the block is out in the weather."""
    aws_send = botocore.httpsession.URLLib3Session.send

    def send(session: Any, request: Any) -> Any:
        return weather.send(lambda: aws_send(session, request), request.url)

    with mock.patch.object(botocore.httpsession.URLLib3Session, "send", send):
        yield


@dataclass
class Crowd:
    """Everybody does anything. What was acknowledged is noted down."""

    shop: Shop
    slots: list[str]
    placed: list[str] = field(default_factory=list)
    spent: list[tuple[str, str]] = field(default_factory=list)  # (serial, redemption)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    broken: list[BaseException] = field(default_factory=list)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)  # (redemption, order)

    def act(self, rng: random.Random) -> None:
        name = rng.choice(OFTEN)
        try:
            getattr(self, name)(rng)
            self.outcomes[name] += 1
        except CommerceError as refusal:
            self.refusals[refusal.details[0].code if refusal.details else refusal.reason] += 1
        except Exception as error:  # noqa: BLE001
            self.broken.append(error)

    def _serial(self, rng: random.Random) -> str:
        return rng.choice(self.slots)

    def _order(self, rng: random.Random) -> Order:
        """One that waits for its payment, mostly: others may have paid for it meanwhile."""
        for name in rng.sample(self.placed[-60:], 5):
            found = orders.find(self.shop.tenant, name)
            if found is not None and found.is_payable:
                return found
        placed = self.shop.place(rng.randrange(SHOPPERS), 30)
        self.placed.append(placed.order_id)
        return placed

    def hold(self, rng: random.Random) -> None:
        person, serial = rng.randrange(SHOPPERS), self._serial(rng)
        if rng.random() < 0.5:
            self.shop.fill(person, rng.randint(1, 40))
        amount = usd(rng.randint(1, 60)) if rng.random() < 0.5 else None
        command = tenders.ApplyGiftCard(serial, self.shop.pin(serial), amount)
        if rng.random() < 0.5:
            run(lambda tx: tenders.apply_own(tx, self.shop.people[person], command))
        else:
            kept = carts.of_caller(self.shop.people[person])
            run(lambda tx: tenders.apply_public(tx, self.shop.tenant.tenant_id, kept.cart_id, command))

    def commit(self, rng: random.Random) -> None:
        person = rng.randrange(SHOPPERS)
        if carts.of_caller(self.shop.people[person]).is_empty:
            self.shop.fill(person, rng.randint(1, 40))
        order = run(lambda tx: self.shop.checking_out(tx, person))
        self.placed.append(order.order_id)
        self._note(order)

    def _note(self, order: Order) -> None:
        for tender in order.tenders:
            if tender.kind == "gift_card":
                self.spent.append((tender.source, tender.tender_id))
                self.acknowledged.append((tender.tender_id, order.order_id))

    def release(self, rng: random.Random) -> None:
        person = self.shop.people[rng.randrange(SHOPPERS)]
        for applied in carts.of_caller(person).gift_cards[:1]:
            run(lambda tx: tenders.remove_own(tx, person, applied.redemption_id))  # noqa: B023

    def redeem(self, rng: random.Random) -> None:
        serial, order = self._serial(rng), self._order(rng)
        command = tendering.Redeem(order.order_id, usd(rng.randint(1, max(1, order.coverable.minor))), serial)
        _, done = run(lambda tx: tendering.redeem_gift_card(tx, self.shop.merchant, command))
        self.spent.append((serial, done.redemption_id))
        self.acknowledged.append((done.redemption_id, order.order_id))

    def redeem_credit(self, rng: random.Random) -> None:
        order = self._order(rng)
        command = tendering.Redeem(order.order_id, usd(rng.randint(1, max(1, order.coverable.minor))))
        run(lambda tx: tendering.redeem_store_credit(tx, self.shop.merchant, command, order.buyer.customer_id))

    def give_credit(self, rng: random.Random) -> None:
        person = self.shop.people[rng.randrange(SHOPPERS)]
        command = credit.IssueCredit(person.own_customer_id, usd(rng.randint(1, 30)), "goodwill")
        run(lambda tx: credit.issue(tx, self.shop.merchant, command))
        run(lambda tx: tenders.apply_store_credit(tx, self.shop.tenant, carts.of_caller(person)))

    def refund(self, rng: random.Random) -> None:
        if not self.spent:
            return
        serial, name = rng.choice(self.spent[-40:])

        def plan(tx: Transaction) -> Any:
            _, redemption = cards.find_with_redemption(self.shop.tenant, serial, name)
            assert redemption is not None
            amount = usd(rng.randint(1, redemption.amount.minor))
            return refunds.refund_onto_card(tx, self.shop.merchant, redemption, amount)

        run(plan)

    def cancel_order(self, rng: random.Random) -> None:
        name = rng.choice(self.placed[-60:])

        def plan(tx: Transaction) -> Any:
            order = orders.find(self.shop.tenant, name)
            assert order is not None
            return cancelling.cancel_order(tx, self.shop.merchant, order)

        run(plan)

    def suspend(self, rng: random.Random) -> None:
        serial = self._serial(rng)
        run(lambda tx: lifecycle.suspend(tx, self.shop.merchant, serial))

    def reactivate(self, rng: random.Random) -> None:
        serial = self._serial(rng)
        run(lambda tx: lifecycle.reactivate(tx, self.shop.merchant, serial))

    def cancel(self, rng: random.Random) -> None:
        """A card that ended leaves its place to a new one."""
        slot = rng.randrange(CARDS)
        disposition = rng.choice((Disposition.WRITE_OFF, Disposition.TRANSFER))
        command = CancelCard(self.slots[slot], disposition, to_email="other@example.com")
        run(lambda tx: lifecycle.cancel(tx, self.shop.merchant, command))
        self.slots[slot] = self.shop.issue(rng.randint(20, 200))

    def transfer(self, rng: random.Random) -> None:
        serial = self._serial(rng)
        run(lambda tx: lifecycle.transfer(tx, self.shop.merchant, serial, "other@example.com"))

    def sweep(self, rng: random.Random) -> None:
        """What schedules do; one that DynamoDB does not let in leaves its work to the next."""
        try:
            self._sweep()
        except PynamoDBException as error:
            if not is_temporary(error):
                raise
            raise Unavailable from error

    def _sweep(self) -> None:
        now, prefix = clock.now(), self.shop.tenant.tenant_id
        for tenant, serial, name in cards.due_redemptions(now, 3):
            if tenant.tenant_id == prefix:
                run(lambda tx: redeeming.sweep(tx, tenant, serial, name))  # noqa: B023
        for tenant_id, _, order_id in orders.due(now, 3):
            if tenant_id == prefix:
                run(lambda tx: payments.expire(tx, self.shop.tenant, order_id))  # noqa: B023


OFTEN = (
    *("hold",) * 10,
    *("commit",) * 6,
    *("release",) * 3,
    *("redeem",) * 5,
    *("refund",) * 4,
    *("cancel_order",) * 2,
    *("give_credit",) * 2,
    *("redeem_credit",) * 2,
    "suspend",
    *("reactivate",) * 4,
    "cancel",
    "transfer",
    "sweep",
)


@pytest.mark.timeout(60 + SECONDS * 2)
def test_a_storm_of_everything_over_eight_cards_leaves_the_books_in_order(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(new_shop())
    shop.welcome(SHOPPERS)
    crowd = Crowd(shop, [shop.issue(150) for _ in range(CARDS)])
    crowd.placed += [shop.place(person, 30).order_id for person in range(SHOPPERS)]
    weather, began = Weather(SEED), time.monotonic()
    left = iter(range(OPERATIONS))

    def work(number: int) -> None:
        for _ in left:
            if time.monotonic() - began > SECONDS or crowd.broken:
                return
            crowd.act(weather.rng)

    with (
        clock.use(lambda: START + timedelta(seconds=(time.monotonic() - began) * HASTE)),
        storm(weather),
        ThreadPoolExecutor(THREADS, thread_name_prefix="storm") as pool,
    ):
        list(pool.map(work, range(THREADS)))

    done, seconds = crowd.outcomes.total() + crowd.refusals.total(), time.monotonic() - began
    with capsys.disabled():
        print(f"\n  seed {SEED}: {done} operations by {THREADS} threads over {CARDS} cards in {seconds:.0f} s")
        for title, counted in (("done", crowd.outcomes), ("refused", crowd.refusals), ("weather", weather.befell)):
            print(f"    {title}: " + ", ".join(f"{what} {times}" for what, times in counted.most_common()))
    if crowd.broken:
        raise crowd.broken[0]
    rows = rows_of(table, shop.call)
    check(rows)
    spent = {row["redemption_id"]: row for row in rows if row["kind"] == "redemption"}
    for redemption_id, order_id in crowd.acknowledged:
        assert spent[redemption_id]["status"] in ("committed", "reversed"), "what was acknowledged is gone"
        assert spent[redemption_id]["order_id"] == order_id
    assert min(crowd.outcomes.values()) > 0
    assert set(OFTEN) == set(crowd.outcomes), "something was never done"
