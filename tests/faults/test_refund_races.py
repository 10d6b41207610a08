"""All doors through which money leaves, at once: never more goes back than was paid, and Stripe knows what we know.

Fifty orders, most of them paid with gift cards, store credit and money together, are cancelled, returned and refunded,
onto the card and through the payment, by sixteen threads; meanwhile somebody refunds in Stripe's dashboard, banks
refuse, cards' holders dispute, answers are lost and DynamoDB throttles. ``TILL_STORM`` says how many operations there
are, ``TILL_SEED`` which ones.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import boto3
import httpx
import pytest
import stripe as sdk
from pynamodb.exceptions import PynamoDBException

from commerce.carts import use_cases as carts
from commerce.gift_cards import lifecycle
from commerce.gift_cards import store as cards
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.kernel import aws, clock
from commerce.kernel.caller import Mode
from commerce.kernel.errors import CommerceError
from commerce.orders import moving, tendering
from commerce.orders import store as orders
from commerce.orders.ending import CancelOrder
from commerce.orders.model import Order, Status, TenderKind
from commerce.payments import cancelling, stripe_gateway
from commerce.payments import store as events
from commerce.payments import use_cases as payments
from commerce.payments.model import HANDLED, Intent, StartPayment, StripeEvent
from commerce.refunds import execution
from commerce.refunds import payments as payment_refunds
from commerce.refunds import store as refunds
from commerce.refunds import use_cases as giving
from commerce.refunds.model import Method
from commerce.refunds.records import RefundStatus
from commerce.returns import store as returns
from commerce.returns import use_cases as returning
from commerce.returns.model import Disposition as Found
from commerce.returns.model import Receipt, Return, ReturnItem, ReturnStatus
from commerce.returns.use_cases import EndReturn, ReceiveItems, RefundReturn, RequestReturn
from commerce.store_credit import use_cases as credit
from commerce.table.transaction import Transaction, is_temporary, run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.test_stored_value_races import START, Shop, Weather, insist, storm, usd
from tests.invariants import check
from tests.payments import Stripe
from tests.seeds import SEED
from tests.shop import handler

OPERATIONS = int(os.environ.get("TILL_STORM", "1200"))
SECONDS = 18 if "TILL_STORM" not in os.environ else 3_600  # the storm of a usual run ends then, however far it came
THREADS = 16
ORDERS = 50
SHOPPERS = 16
CARDS = 10  # that pay for all of these orders
PRICE = 701  # cents
HASTE = 120  # times as fast as in life, so that refunds run out of their time
BUCKET = "till-refunds"
PENDING = "pm_card_pendingRefund"
STRIPE_FAULTS = ("429", "500_before", "500_after", "reset", "reset_after")


@pytest.fixture(autouse=True)
def bucket(emulator: Any) -> Iterator[None]:
    """Where labels of returns stand; and nobody waits before asking Stripe again."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    aws.client.cache_clear()
    with (
        mock.patch.dict(os.environ, FILES_BUCKET=BUCKET),
        mock.patch.multiple(sdk.HTTPClient, INITIAL_DELAY=0, MAX_DELAY=0),
    ):
        yield
    aws.client.cache_clear()


@dataclass
class Bank:
    """Stripe as its dashboard, its banks and its webhooks show it."""

    stripe: Stripe

    def post(self, path: str, **body: Any) -> bool:
        """Whether the stand-in did what it was told."""
        return httpx.post(f"{self.stripe.url}/_standin{path}", json=body, trust_env=False).is_success

    def refunds(self) -> list[Any]:
        """All refunds that there are, the newest first."""
        return list(self.stripe.sdk.v1.refunds.list({"limit": 100}).auto_paging_iter())

    def decide(self, rng: random.Random, most: int) -> None:
        """Let banks decide on disputes."""
        found = [
            each for each in self.stripe.sdk.v1.disputes.list({"limit": 100}).data if each.status == "needs_response"
        ]
        for each in rng.sample(found, min(most, len(found))):
            self.post(f"/disputes/{each.id}/decide", outcome=rng.choice(("won", "lost")))

    def events(self, count: int = 100) -> list[StripeEvent]:
        """The newest events of those that we listen to, as we keep them."""
        found = self.stripe.sdk.v1.events.list({"limit": count}).data
        return [stripe_gateway._event(event.to_dict(), "test") for event in found if event.type in HANDLED]

    def all_events(self) -> list[StripeEvent]:
        return [stripe_gateway._event(each, "test") for each in self.stripe.events() if each["type"] in HANDLED]


def hear(event: StripeEvent) -> None:
    """What the webhook and the queue's consumer do."""
    if events.receive(event):
        handler("queues/apply_stripe_event").apply(event.event_id)


@dataclass
class Sales:
    """Orders of a shop that are paid, some of them shipped."""

    shop: Shop
    bank: Bank
    placed: list[str] = field(default_factory=list)
    shipped: list[str] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)

    def open(self, rng: random.Random) -> None:
        self.shop.welcome(SHOPPERS, Decimal(PRICE).scaleb(-2))
        self.serials = [self.shop.issue(40_000) for _ in range(CARDS)]
        seeds = [rng.random() for _ in range(SHOPPERS)]
        with ThreadPoolExecutor(8) as pool:
            self.placed = [name for names in pool.map(self._serve, range(SHOPPERS), seeds) for name in names]
        for event in self.bank.all_events():
            if event.type == "payment_intent.succeeded":
                hear(event)
        for name in rng.sample(self.placed, ORDERS // 2):
            self.ship(name)

    def _serve(self, person: int, seed: float) -> list[str]:
        """Place and pay a shopper's orders, one after another."""
        rng = random.Random(seed)
        return [self._sell(person, rng) for _ in range(person, ORDERS, SHOPPERS)]

    def _sell(self, person: int, rng: random.Random) -> str:
        shop = self.shop
        more = carts.AddItem(shop.goods[person - 1], rng.randint(1, 2))
        run(lambda tx: carts.add(tx, shop.people[person], more))
        order = shop.place(person, rng.randint(2, 4))
        name = order.order_id
        with_cards = rng.sample(self.serials, rng.choice((0, 1, 1, 2)))
        for serial in with_cards:
            part = tendering.Redeem(name, usd(rng.randint(100, 500)), serial)
            insist(lambda tx: tendering.redeem_gift_card(tx, shop.merchant, part))  # noqa: B023
        if rng.random() < 0.5:
            self._use_credit(person, name, rng.randint(100, 500))
        if with_cards and rng.random() < 0.1:
            rest = tendering.Redeem(name, self.order(name).outstanding, with_cards[0])
            insist(lambda tx: tendering.redeem_gift_card(tx, shop.merchant, rest))
        else:
            intent = self.start(name)
            assert self.bank.stripe.pay(intent, rng.choice(("pm_card_visa", PENDING))) == "succeeded"
        return name

    def _use_credit(self, person: int, name: str, minor: int) -> None:
        """Pay some with store credit, of which a lot is made for half of it each time."""
        customer = self.shop.people[person].own_customer_id
        for part in (minor // 2, minor - minor // 2):
            given = credit.IssueCredit(customer, usd(part), "goodwill")
            run(lambda tx: credit.issue(tx, self.shop.merchant, given))  # noqa: B023
        spent = tendering.Redeem(name, usd(minor))
        insist(lambda tx: tendering.redeem_store_credit(tx, self.shop.merchant, spent, customer))

    def start(self, name: str) -> str:
        wanted = StartPayment(name, self.order(name).outstanding.minor, "USD")
        return run(lambda tx: payments.start(tx, self.shop.merchant, wanted)).intent_id

    def refund_that_is_pending(self) -> tuple[Order, str]:
        """All that was paid for one order is on its way back, and its bank takes a while."""
        self.shop.welcome(1, Decimal(PRICE).scaleb(-2))
        order = self.shop.place(0)
        intent = self.start(order.order_id)
        assert self.bank.stripe.pay(intent, PENDING) == "succeeded"
        for event in self.bank.all_events():
            hear(event)
        asked = run(lambda tx: payment_refunds.refund(tx, self.shop.merchant, intent, None, None))
        tenant = self.shop.tenant
        execution.execute(tenant.tenant_id, tenant.mode, order.order_id, asked.refund_id)
        return self.order(order.order_id), asked.refund_id

    def ship(self, name: str) -> None:
        move = moving.SetStatus(name, Status.SHIPPED)
        run(lambda tx: moving.set_status(tx, self.shop.merchant, move))
        self.shipped.append(name)

    def order(self, name: str) -> Order:
        found = orders.find(self.shop.tenant, name)
        assert found is not None
        return found


@dataclass
class Crowd:
    """Everybody wants money back."""

    sales: Sales
    returns: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    broken: list[BaseException] = field(default_factory=list)

    @property
    def shop(self) -> Shop:
        return self.sales.shop

    def act(self, rng: random.Random) -> None:
        name = rng.choice(OFTEN)
        try:
            getattr(self, name)(rng)
            self.outcomes[name] += 1
        except CommerceError as refusal:
            self.refusals[refusal.details[0].code if refusal.details else refusal.reason] += 1
        except sdk.StripeError as refusal:
            self.refusals[f"the dashboard: {refusal.code or type(refusal).__name__}"] += 1
        except PynamoDBException as error:
            if is_temporary(error):
                self.refusals["throttled"] += 1
            else:
                self.broken.append(error)
        except Exception as error:  # noqa: BLE001
            self.broken.append(error)

    def _order(self, rng: random.Random) -> Order:
        return self.sales.order(rng.choice(self.sales.placed))

    def _intent(self, rng: random.Random) -> tuple[Order, str]:
        """An order that money paid a part of, and its payment."""
        while True:
            order = self._order(rng)
            if order.payment_intent_id is not None:
                return order, order.payment_intent_id

    # The doors

    def refund_payment(self, rng: random.Random) -> None:
        order, intent = self._intent(rng)
        minor = rng.randint(1, order.captured.minor) if rng.random() < 0.7 else None
        run(lambda tx: payment_refunds.refund(tx, self.shop.merchant, intent, minor, "customer_request"))

    def refund_onto_card(self, rng: random.Random) -> None:
        paid = [each for each in self._order(rng).tenders if each.kind is TenderKind.GIFT_CARD]
        if not paid:
            return
        tender = rng.choice(paid)
        amount = usd(rng.randint(1, tender.amount.minor)) if rng.random() < 0.5 else tender.amount

        def plan(tx: Transaction) -> Any:
            _, redemption = cards.find_with_redemption(self.shop.tenant, tender.source, tender.tender_id)
            assert redemption is not None
            return giving.refund_onto_card(tx, self.shop.merchant, redemption, amount)

        run(plan)

    def cancel(self, rng: random.Random) -> None:
        order = self._order(rng)
        if rng.random() < 0.5:
            buyer = next(each for each in self.shop.people if each.customer_id == order.buyer.customer_id)
            run(lambda tx: cancelling.cancel_own(tx, buyer, order.order_id, "changed my mind"))
        else:
            command = CancelOrder(order.order_id, "customer_request", refund=rng.random() < 0.5)
            run(lambda tx: cancelling.cancel(tx, self.shop.merchant, command))

    def ask_for_return(self, rng: random.Random) -> None:
        order = self.sales.order(rng.choice(self.sales.shipped))
        lines = rng.sample(order.lines, rng.randint(1, len(order.lines)))
        items = tuple(ReturnItem(line.line_id, rng.randint(1, 2), "wrong_size") for line in lines)
        command = RequestReturn(order.order_id, items, rng.choice((Method.ORIGINAL_PAYMENT, *Method)))
        made = run(lambda tx: returning.create(tx, self.shop.merchant, command))
        self.returns.append(made.return_id)

    def move_return(self, rng: random.Random) -> None:
        """Mostly what comes next, sometimes what does not."""
        ret = self._return(rng)
        if ret is None:
            return
        verb = NEXT.get(ret.status) if rng.random() < 0.9 else None
        getattr(self, f"_{verb or rng.choice(['approve', 'receive', 'refund', 'end', 'close'])}")(ret, rng)

    def _return(self, rng: random.Random) -> Return | None:
        for _ in range(4):
            ret = returns.find(self.shop.tenant, rng.choice(self.returns)) if self.returns else None
            if ret is not None and ret.status is not ReturnStatus.CLOSED:
                return ret
        return None

    def _approve(self, ret: Return, rng: random.Random) -> None:
        run(lambda tx: returning.approve(tx, self.shop.merchant, ret.return_id))

    def _receive(self, ret: Return, rng: random.Random) -> None:
        found = tuple(
            Receipt(line_id, rng.randint(1, units), rng.choice((Found.RESTOCK, *Found)))
            for line_id, units in ret.open_units.items()
        )
        run(lambda tx: returning.receive(tx, self.shop.merchant, ReceiveItems(ret.return_id, found)))

    def _refund(self, ret: Return, rng: random.Random) -> None:
        lowered = usd(rng.randint(1, PRICE)) if rng.random() < 0.3 else None
        command = RefundReturn(ret.return_id, lowered, "worn" if lowered else None)
        run(lambda tx: returning.refund(tx, self.shop.merchant, command))

    def _end(self, ret: Return, rng: random.Random) -> None:
        end = rng.choice((returning.reject, returning.cancel))
        run(lambda tx: end(tx, self.shop.merchant, EndReturn(ret.return_id, "no")))

    def _close(self, ret: Return, rng: random.Random) -> None:
        run(lambda tx: returning.close(tx, self.shop.merchant, ret.return_id))

    # What goes on meanwhile

    def ship(self, rng: random.Random) -> None:
        self.sales.ship(self._order(rng).order_id)

    def refund_in_the_dashboard(self, rng: random.Random) -> None:
        order, intent = self._intent(rng)
        amount = rng.randint(1, max(1, order.captured.minor // 4))
        self.sales.bank.stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": amount})

    def settle_at_the_bank(self, rng: random.Random) -> None:
        """Mostly it goes well; a bank may send back even what had arrived."""
        _, intent = self._intent(rng)
        found = self.sales.bank.stripe.sdk.v1.refunds.list({"payment_intent": intent}).data
        for each in found[:1]:
            outcome = rng.choice(("success", "success", "failure"))
            self.sales.bank.post(f"/refunds/{each.id}/settle", outcome=outcome)

    def dispute(self, rng: random.Random) -> None:
        """The card's holder wants all back, or a part, from their bank."""
        order, intent = self._intent(rng)
        bank = self.sales.bank
        charge = bank.stripe.sdk.v1.payment_intents.retrieve(intent).latest_charge
        bank.post(f"/charges/{charge}/dispute", amount=rng.randint(100, max(100, order.captured.minor // 2)))

    def decide_dispute(self, rng: random.Random) -> None:
        self.sales.bank.decide(rng, 1)

    def execute(self, rng: random.Random) -> None:
        """Requests for refunds arrive, also late and twice."""
        order, _ = self._intent(rng)
        asked = refunds.of_order(self.shop.tenant, order.order_id)
        for each in rng.sample(asked, min(2, len(asked))):
            tenant = self.shop.tenant
            execution.execute(tenant.tenant_id, tenant.mode, order.order_id, each.refund_id)

    def hear(self, rng: random.Random) -> None:
        """Events arrive, in any order, also twice."""
        news = self.sales.bank.events(40)
        for event in rng.sample(news, min(5, len(news))):
            hear(event)

    def resume(self, rng: random.Random) -> None:
        """The schedule asks again for what was not heard of."""
        for tenant_id, mode, order_id, refund_id in refunds.unheard_of(clock.now(), 3):
            if tenant_id == self.shop.tenant.tenant_id:
                execution.execute(tenant_id, mode, order_id, refund_id)

    def suspend(self, rng: random.Random) -> None:
        serial = rng.choice(self.sales.serials)
        run(lambda tx: lifecycle.suspend(tx, self.shop.merchant, serial))

    def end_card(self, rng: random.Random) -> None:
        """What is given back to it later is on a new one."""
        serial = rng.choice(self.sales.serials[: CARDS // 3])
        run(lambda tx: lifecycle.cancel(tx, self.shop.merchant, CancelCard(serial, Disposition.WRITE_OFF)))

    def break_stripe(self, rng: random.Random) -> None:
        self.sales.bank.stripe.fault("POST /v1/refunds", rng.choice(STRIPE_FAULTS), times=3)


NEXT = {
    ReturnStatus.PENDING: "approve",
    ReturnStatus.APPROVED: "receive",
    ReturnStatus.PARTIALLY_RECEIVED: "receive",
    ReturnStatus.RECEIVED: "refund",
    ReturnStatus.REFUNDED: "close",
}
DOORS = {"refund_payment", "refund_onto_card", "cancel", "move_return", "refund_in_the_dashboard"}
OFTEN = (
    *("refund_payment",) * 8,
    *("refund_onto_card",) * 6,
    *("cancel",) * 4,
    *("ask_for_return",) * 4,
    *("move_return",) * 14,
    *("refund_in_the_dashboard",) * 3,
    *("settle_at_the_bank",) * 4,
    *("execute",) * 8,
    *("hear",) * 6,
    *("resume",) * 2,
    "ship",
    "suspend",
    "end_card",
    "break_stripe",
    "dispute",
    "decide_dispute",
)


# The storm


@pytest.mark.timeout(120 + SECONDS * 3)
def test_whatever_doors_money_leaves_through_at_once_no_more_goes_back_than_was_paid(
    table: Any, stripe: Stripe, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, bank = random.Random(SEED), Bank(stripe)
    sales = Sales(Shop(new_shop()), bank)
    opened = time.monotonic()
    sales.open(rng)
    crowd, weather, began = Crowd(sales), Weather(SEED), time.monotonic()
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
    ended = time.monotonic()

    httpx.delete(f"{stripe.url}/_standin/faults", trust_env=False).raise_for_status()
    rows = drained(table, sales)
    halfway = compared(sales, rows)
    for each in bank.refunds():
        if each.status == "pending":
            assert bank.post(f"/refunds/{each.id}/settle", outcome=rng.choice(("success", "failure")))
    bank.decide(rng, ORDERS)
    rows = drained(table, sales)
    settled = compared(sales, rows)

    done = crowd.outcomes.total() + crowd.refusals.total()
    with capsys.disabled():
        print(f"\n  seed {SEED}: {done} operations by {THREADS} threads over {ORDERS} orders", end=" ")
        print(f"in {began - opened:.0f} + {ended - began:.0f} + {time.monotonic() - ended:.0f} s")
        for title, counted in (
            ("done", crowd.outcomes),
            ("refused", crowd.refusals),
            ("weather", weather.befell),
            ("at the end of the storm", halfway),
            ("once banks had decided", settled),
        ):
            print(f"    {title}: " + ", ".join(f"{what} {times}" for what, times in counted.most_common()))
    if crowd.broken:
        raise crowd.broken[0]
    assert settled["pending"] == 0
    assert set(crowd.outcomes) >= DOORS, "a door that nobody came through"


# Two hands on one refund


def slow(provider: Callable[..., Intent], meanwhile: Callable[[], None]) -> Callable[..., Intent]:
    """Stripe on the intents: its first answer that tells of refunds arrives after ``meanwhile``."""
    waiting = [meanwhile]

    def get_intent(mode: Mode, intent_id: str, *, with_refunds: bool = False) -> Intent:
        answer = provider(mode, intent_id, with_refunds=with_refunds)
        if with_refunds and waiting:
            waiting.pop()()
        return answer

    return get_intent


@pytest.mark.parametrize("late", ["webhook", "request"])
def test_what_stripe_said_before_a_bank_refused_undoes_nothing_when_it_arrives_late(
    late: str, table: Any, stripe: Stripe
) -> None:
    sales = Sales(Shop(new_shop()), Bank(stripe))
    order, refund_id = sales.refund_that_is_pending()
    tenant, bank = sales.shop.tenant, sales.bank
    [made] = bank.refunds()
    assert bank.post(f"/refunds/{made.id}/settle", outcome="success")
    [succeeded] = [event for event in bank.all_events() if event.type == "charge.refund.updated"]

    def bank_refuses_after_all() -> None:
        assert bank.post(f"/refunds/{made.id}/settle", outcome="failure")
        [failed] = [event for event in bank.all_events() if event.type == "refund.failed"]
        hear(failed)

    provider = stripe_gateway.get_intent
    with mock.patch.object(stripe_gateway, "get_intent", slow(provider, bank_refuses_after_all)):
        if late == "webhook":
            hear(succeeded)
        else:
            execution.execute(tenant.tenant_id, tenant.mode, order.order_id, refund_id)

    refund = refunds.find(tenant, order.order_id, refund_id)
    assert refund is not None
    assert (refund.status, sales.order(order.order_id).refunded.minor) == (RefundStatus.FAILED, 0)
    compared(sales, rows_of(table, sales.shop.call))


def drained(table: Any, sales: Sales) -> list[dict[str, Any]]:
    """Carry out every refund and apply every event, until nothing new comes of it; give the rows there are then."""
    told: set[str] = set()
    tenant = sales.shop.tenant
    while True:
        rows = rows_of(table, sales.shop.call)
        pending = [row for row in rows if row["kind"] == "refund" and row["status"] == "pending"]
        unasked = [row for row in pending if "provider_id" not in row]
        for row in unasked:
            execution.execute(tenant.tenant_id, tenant.mode, row["order_id"], row["refund_id"])
        news = [event for event in sales.bank.all_events() if event.event_id not in told]
        if not unasked and not news:
            return rows
        told |= {event.event_id for event in news}
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(hear, news))


def compared(sales: Sales, rows: list[dict[str, Any]]) -> Counter[str]:
    """Raise AssertionError unless the books add up, and Stripe's with them; give what went back, in cents."""
    check(rows)
    of_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in ("order", "payment", "refund", "return")}
    there = of_stripe(sales.bank)
    found = Counter({"refunds": len(of_kind["refund"]), "returns": len(of_kind["return"])})
    paid = {row["intent_id"]: row for row in of_kind["payment"]}
    for order in of_kind["order"]:
        intent = order.get("payment_intent_id")
        if intent is None:
            continue
        pending, back = int(order["refunding"]), int(paid[intent]["refunded"])
        assert (pending, back) == (there[intent]["pending"], there[intent]["succeeded"]), f"{intent}: {order}"
        disputed = int(order["disputed"])
        assert disputed == there[intent]["disputed"], f"{intent}: {order}"
        assert pending + back + disputed <= int(paid[intent]["received"]), f"{intent}: more went than was captured"
        found.update(pending=pending, succeeded=back, disputed=disputed)
    made = Counter(refund for each in there.values() for refund in each["ours"])
    assert not [refund for refund, times in made.items() if times > 1], "Stripe gave a refund of ours back twice"
    by_return = Counter(
        row["return_id"] for row in of_kind["refund"] if "return_id" in row and row["status"] != "failed"
    )
    assert not [name for name, times in by_return.items() if times > 1], "a return was refunded twice"
    by_cancel = Counter(row["order_id"] for row in of_kind["refund"] if row["door"] == "cancel")
    assert not [name for name, times in by_cancel.items() if times > 1], "an order was called off twice"
    at_once = [minor for row in of_kind["refund"] for kind, _, minor in json.loads(row["parts"]) if kind != "external"]
    found["stored value"] = sum(at_once)
    return found


def of_stripe(bank: Bank) -> dict[str, dict[str, Any]]:
    """By intent: what is pending and what succeeded, in cents, and which refunds of ours stand there."""
    found: dict[str, dict[str, Any]] = {
        intent: {"pending": 0, "succeeded": 0, "failed": 0, "ours": []} for intent in bank.stripe.intents()
    }
    for each in bank.refunds():
        of_intent = found[each.payment_intent]
        of_intent[each.status] += each.amount
        of_intent["ours"] += [each.metadata["till_refund"]] if "till_refund" in each.metadata else []
    for intent, state in bank.stripe.intents().items():
        assert found[intent]["pending"] + found[intent]["succeeded"] == state["refunded"] <= state["captured"]
        found[intent]["disputed"] = state["disputed"]
    return found
