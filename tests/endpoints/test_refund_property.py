"""Orders with discounts, tax and several tenders, returned in every way through the use cases that endpoints call: each
quote is what is given, and what was paid goes back by line, by tender and in total, no more and no less."""

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel.caller import Caller, Mode, Role, Tenant, system
from commerce.kernel.money import Money, exponent, spread, total
from commerce.kernel.return_policy import Allocation, ReturnPolicy
from commerce.orders import moving, placing, tendering
from commerce.orders import queries as orders
from commerce.orders.model import FulfillmentStatus, Order, OrderLine, PaymentStatus, Status
from commerce.orders.moving import SetStatus
from commerce.orders.placing import PlaceOrder, WantedItem
from commerce.orders.tendering import Redeem
from commerce.payments import stripe_gateway
from commerce.payments import use_cases as payments
from commerce.payments.model import StartPayment
from commerce.refunds import execution
from commerce.refunds import store as refunds
from commerce.refunds.records import Refund, RefundStatus
from commerce.returns import queries, use_cases
from commerce.returns.model import Disposition, Receipt, ReturnItem
from commerce.returns.use_cases import ReceiveItems, RefundReturn, RequestReturn
from commerce.store_credit import use_cases as credit
from commerce.store_credit.use_cases import IssueCredit
from commerce.table.transaction import run
from tests.cheap_moto import undone
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.seeds import SEED
from tests.shop import Call

ORDERS = int(os.environ.get("TILL_ORDERS", "40"))
SMALLEST_CHARGE = 50  # minor units; Stripe takes no less
CURRENCIES = ("JPY", "USD", "KWD")  # 0, 2 and 3 decimal places
STEP = {"KWD": 10}  # minor units; Stripe takes no third decimal of a dinar

type Units = dict[int, int]
"""How many units of each line, by its place in the order."""


@dataclass
class Market:
    """A shop with a customer and goods on sale."""

    stripe: Stripe
    tenant: Tenant
    customer_id: str
    products: tuple[str, ...]

    @classmethod
    def open(cls, call: Call, stripe: Stripe, currency: str, prices: Iterable[int]) -> "Market":
        shop = Shop(call, Tenant(f"ten_{currency.lower()}", Mode.TEST, currency, warehouses=("wh_001",))).open()
        amounts = [Money(price, currency).major for price in prices]
        products = [shop.product(f"SKU-{n}", price, stock=100)["id"] for n, price in enumerate(amounts)]
        return cls(stripe, shop.tenant, str(shop.customer().customer_id), tuple(products))

    @property
    def staff(self) -> Caller:
        return Caller(tenant=self.tenant, principal_id="key_1", role=Role.API_KEY)

    def money(self, minor: int) -> Money:
        return Money(minor, self.tenant.currency)

    def order(self, order_id: str) -> Order:
        return orders.get(self.tenant, order_id)

    def place(
        self, units: Iterable[int], *, discounts: Iterable[float], taxes: Iterable[float], shipping: int
    ) -> Order:
        """An order of so many units of each product, whose lines keep their parts of its discount and its tax."""
        wanted = tuple(
            WantedItem(product, None, many) for product, many in zip(self.products, units, strict=False) if many
        )
        asked = PlaceOrder(self.customer_id, wanted, awaits_payment=False, shipping=self.money(shipping))
        drafted = placing.draft(self.staff, asked)
        lines = tuple(_with(*each) for each in zip(drafted.order.lines, discounts, taxes, strict=False))
        order = replace(
            drafted.order,
            lines=lines,
            discount=total([line.discount for line in lines], drafted.order.currency),
            tax=total([line.tax for line in lines], drafted.order.currency),
        )
        return run(lambda tx: placing.add(tx, self.staff, replace(drafted, order=order)))

    def pay(self, order: Order, cards: Iterable[Money], lots: Iterable[Money]) -> Order:
        """Pay with new gift cards and lots of store credit, and what is left at Stripe."""
        for amount in cards:
            self._pay_with_card(order, amount)
        for amount in lots:
            self._pay_with_credit(order, amount)
        left = self.order(order.order_id).outstanding
        beyond = self.money(left.minor % STEP.get(left.currency, 1) if left.minor >= SMALLEST_CHARGE else left.minor)
        if beyond.minor:
            self._pay_with_card(order, beyond)
        if beyond < left:
            self._pay_at_stripe(order, left - beyond)
        return self.order(order.order_id)

    def _pay_with_card(self, order: Order, amount: Money) -> None:
        serial = run(lambda tx: issue(tx, self.staff, IssueCard(amount))).card.serial
        run(lambda tx: tendering.redeem_gift_card(tx, self.staff, Redeem(order.order_id, amount, serial)))

    def _pay_with_credit(self, order: Order, amount: Money) -> None:
        run(lambda tx: credit.issue(tx, self.staff, IssueCredit(self.customer_id, amount, "goodwill")))
        redeem = Redeem(order.order_id, amount)
        run(lambda tx: tendering.redeem_store_credit(tx, self.staff, redeem, self.customer_id))

    def _pay_at_stripe(self, order: Order, amount: Money) -> None:
        command = StartPayment(order.order_id, amount.minor, amount.currency)
        intent_id = run(lambda tx: payments.start(tx, self.staff, command)).intent_id
        assert self.stripe.pay(intent_id) == "succeeded"
        paid = stripe_gateway.get_intent(self.tenant.mode, intent_id)
        news = system(self.tenant, "stripe")
        run(lambda tx: payments.reconcile(tx, news, self.order(order.order_id), paid))

    def ship(self, order: Order) -> None:
        run(lambda tx: moving.set_status(tx, self.staff, SetStatus(order.order_id, Status.SHIPPED)))

    def ask(self, order: Order, units: Units) -> str:
        """An approved return."""
        items = tuple(ReturnItem(order.lines[place].line_id, many, "wrong_size") for place, many in units.items())
        asked = run(lambda tx: use_cases.create(tx, self.staff, RequestReturn(order.order_id, items)))
        run(lambda tx: use_cases.approve(tx, self.staff, asked.return_id))
        return asked.return_id

    def receive(self, return_id: str, disposition: Disposition) -> None:
        items = queries.get(self.tenant, return_id).items
        receipts = tuple(Receipt(item.line_id, item.quantity, disposition) for item in items)
        run(lambda tx: use_cases.receive(tx, self.staff, ReceiveItems(return_id, receipts)))

    def refund(self, return_id: str) -> Refund | None:
        """Refund a return, as it was quoted; None where it is worth nothing."""
        quoted = queries.quote(self.tenant, return_id).plan
        assert quoted == queries.quote(self.tenant, return_id).plan
        ret = run(lambda tx: use_cases.refund(tx, self.staff, RefundReturn(return_id)))
        assert ret.refund == quoted.amount
        if ret.refund_id is None:
            assert not quoted.amount.minor
            return None
        given = refunds.find(self.tenant, ret.order_id, ret.refund_id)
        assert given is not None
        assert (given.amount, given.parts, given.steps, given.lines) == (
            quoted.amount,
            quoted.parts,
            quoted.steps,
            quoted.lines,
        )
        return given

    def carry_out(self, order: Order) -> None:
        """Let Stripe give back what it was asked for."""
        for refund in refunds.of_order(self.tenant, order.order_id):
            if refund.status is RefundStatus.PENDING:
                done = execution.execute(self.tenant.tenant_id, self.tenant.mode, order.order_id, refund.refund_id)
                assert done is RefundStatus.SUCCEEDED


def _with(line: OrderLine, discount: float, tax: float) -> OrderLine:
    worth = line.total.minor
    parts = [Money(int(worth * part), line.total.currency) for part in (discount, tax)]
    return replace(line, discount=parts[0], tax=parts[1])


def sources_of(order: Order) -> Counter[str | None]:
    """What paid for an order, by source."""
    paid = Counter[str | None]({each.tender_id: each.amount.minor for each in order.tenders})
    if order.captured.minor:
        paid[order.payment_intent_id] = order.captured.minor
    return paid


def give_back(market: Market, order: Order, returns: list[Units], chance: random.Random) -> int:
    """Return an order in these parts, and see that each is right and all of them together; gives how many sources one
    refund went back to at most."""
    paid, by_source, by_line, most = sources_of(order), Counter[str | None](), Counter[str](), 0
    at_once = chance.random() < 0.5
    asked = [market.ask(order, units) for units in returns] if at_once else []
    chance.shuffle(asked)
    for units in returns:
        return_id = asked.pop() if at_once else market.ask(order, units)
        market.receive(return_id, chance.choice([Disposition.RESTOCK, Disposition.QUARANTINE, Disposition.DISCARD]))
        given = market.refund(return_id)
        for part in given.parts if given is not None else ():
            by_source[part.source_id] += part.amount.minor
        for line in given.lines if given is not None else ():
            by_line[line.line_id] += line.amount.minor
        new = by_source.pop(None, 0)
        assert by_source <= paid
        by_source[None] = new
        most = max(most, len(given.parts) if given is not None else 0)
        if chance.random() < 0.5:
            market.carry_out(order)

    # What is too fine for Stripe is new store credit.
    by_source[order.payment_intent_id] += by_source.pop(None)
    assert +by_source == +paid
    assert +by_line == +Counter({line.line_id: paid_for(line) for line in order.lines})
    market.carry_out(order)
    after = market.order(order.order_id)
    assert (after.refunded, after.refunding.minor, after.shipping_refunded) == (order.total, 0, order.shipping)
    assert (after.payment_status, after.fulfillment_status) == (PaymentStatus.REFUNDED, FulfillmentStatus.RETURNED)
    if order.captured.minor:
        refunded = market.stripe.intents()[str(order.payment_intent_id)]["refunded"]
        assert refunded == order.captured.minor - after.compensated.minor
    return most


def paid_for(line: OrderLine) -> int:
    return (line.total - line.discount + line.tax).minor


def any_order(market: Market, chance: random.Random) -> Order:
    """A shipped order, paid in several ways."""
    lines = range(len(market.products))
    whole = 10 ** exponent(market.tenant.currency)
    order = market.place(
        [chance.randint(0 if line else 1, 4) for line in lines],
        discounts=[0.3 * chance.random(), *(chance.choice([0, chance.random(), 1]) for _ in lines)],
        taxes=[chance.choice([0, 0.25 * chance.random()]) for _ in lines],
        shipping=chance.choice([0, chance.randint(1, 5 * whole)]),
    )
    cards, lots = chance.randint(0, 3), chance.randint(0, 2)
    external = chance.choice([True, cards + lots == 0])
    *parts, rest = spread(order.total, [chance.randint(1, 100) for _ in range(cards + lots)] + [100 * external])
    stored = [part for part in parts if part.minor]
    paid = market.pay(order, stored[:cards], stored[cards:])
    assert paid.captured.minor in (0, rest.minor - rest.minor % STEP.get(rest.currency, 1))
    market.ship(paid)
    return paid


def any_partition(order: Order, chance: random.Random) -> list[Units]:
    """All units of an order, divided into returns in any way."""
    units = [place for place, line in enumerate(order.lines) for _ in range(line.quantity)]
    chance.shuffle(units)
    parts = []
    while units:
        size = chance.randint(1, len(units))
        parts.append(dict(Counter(units[:size])))
        units = units[size:]
    return parts


def every_partition(units: Counter[int]) -> Iterator[list[Units]]:
    """Every way to divide units into returns that follow one another."""
    if not units.total():
        yield []
        return
    for first in _some_of(dict(units)):
        if any(first.values()):
            some = {place: many for place, many in first.items() if many}
            yield from ([some, *rest] for rest in every_partition(units - Counter(some)))


def _some_of(units: Units) -> Iterator[Units]:
    if not units:
        yield {}
        return
    (place, most), *others = units.items()
    for rest in _some_of(dict(others)):
        yield from ({place: many, **rest} for many in range(most + 1))


@pytest.fixture
def markets(call: Call, table: Any, stripe: Stripe) -> Iterator[dict[str, Market]]:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    chance = random.Random(SEED)
    yield {
        currency: Market.open(call, stripe, currency, [chance.randint(1, 700) for _ in range(4)])
        for currency in CURRENCIES
    }
    bucket.objects.all().delete()
    bucket.delete()


@pytest.mark.timeout(600)
def test_whichever_way_an_order_is_returned_what_was_paid_goes_back_and_each_quote_is_kept(
    markets: dict[str, Market], table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, returns, most = random.Random(SEED), 0, 0
    for number in range(ORDERS):
        policy = ReturnPolicy(allocation=chance.choice(list(Allocation)))
        market = markets[CURRENCIES[number % len(CURRENCIES)]]
        market.tenant = replace(market.tenant, returns=policy)
        with undone(table.name):
            order = any_order(market, chance)
            parts = any_partition(order, chance)
            try:
                most = max(most, give_back(market, order, parts, chance))
                check(table.scan()["Items"])
            except AssertionError as failure:
                failure.add_note(f"Order {number} of seed {SEED}: {order}")
                raise
        returns += len(parts)
    with capsys.disabled():
        print(f"\n  seed {SEED}: {ORDERS} orders in {returns} returns, over up to {most} sources at once")


def test_every_way_to_divide_three_units_into_returns_gives_back_what_was_paid(
    markets: dict[str, Market], table: Any
) -> None:
    chance, market = random.Random(SEED), markets["USD"]
    ways = list(every_partition(Counter({0: 2, 1: 1})))
    assert len(ways) == 8
    for parts in ways:
        with undone(table.name):
            placed = market.place([2, 1], discounts=[0.1, 0.33], taxes=[0.07, 0.19], shipping=499)
            order = market.pay(placed, [market.money(101)], [market.money(200)])
            assert (len(order.tenders), order.captured.minor > 0) == (2, True), f"seed {SEED}"
            market.ship(order)
            give_back(market, order, parts, chance)
            check(table.scan()["Items"])
