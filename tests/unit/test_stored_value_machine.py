"""Anything that may happen to stored value, in any order: the table ends as a plain model says, and adds up.

The random life of one shop with two customers, through the use cases. ``TILL_EXAMPLES`` says how many lives (of thirty
events each), ``TILL_SEED`` which ones.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from commerce.access.queries import find_tenant
from commerce.carts import checkout, tenders
from commerce.carts import store as carts
from commerce.carts import use_cases as cart
from commerce.gift_cards import lifecycle, pins, redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.gift_cards.model import Funding
from commerce.kernel import clock, ids
from commerce.kernel.caller import Caller, Mode, Role, Tenant
from commerce.kernel.errors import CommerceError, NotFound
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of
from commerce.orders import moving, tendering
from commerce.orders import store as orders
from commerce.orders.model import Status
from commerce.payments import cancelling, stripe_gateway
from commerce.payments import use_cases as payments
from commerce.payments.model import Intent, IntentStatus, ProviderRefund, StartPayment, StripeEvent
from commerce.refunds import use_cases as refunds
from commerce.refunds.records import RefundStatus
from commerce.store_credit import store as lots
from commerce.store_credit import use_cases as credit
from commerce.table.transaction import Transaction, run
from tests.cheap_moto import items_of, undone
from tests.contract.shops import Shop
from tests.events import told
from tests.invariants import check
from tests.seeds import SEED
from tests.shop import Call
from tests.stored_value_model import COLLECTED, Card, Cart, Lot, Model

EXAMPLES = int(os.environ.get("TILL_EXAMPLES", "60"))
STEPS = 30
START = datetime(2026, 3, 20, 12, tzinfo=UTC)
PRICE = 7  # minor units of a shirt
CURRENCIES = {"JPY": 0, "USD": 2, "KWD": 3}
ANOTHER = {"JPY": "USD", "USD": "KWD", "KWD": "JPY"}

type Row = dict[str, Any]

amounts = st.integers(1, 40)
indices = st.integers(0, 1_000)
people = st.sampled_from(("jane", "john"))


@dataclass
class Bank:
    """Stripe, as far as payments ask it."""

    intents: dict[str, Intent] = field(default_factory=dict)

    def create_intent(self, tenant: Tenant, command: StartPayment, amount: Money, *, attempt: int) -> Intent:
        intent = Intent(
            intent_id=ids.new("pi"),
            status=IntentStatus.REQUIRES_PAYMENT_METHOD,
            amount=amount,
            received=Money.zero(amount.currency),
            failed=False,
            client_secret="secret",
            order_id=command.order_id,
            tenant_id=tenant.tenant_id,
            mode=str(tenant.mode),
            created_at=clock.now(),
        )
        self.intents[intent.intent_id] = intent
        return intent

    def get_intent(self, mode: Mode, intent_id: str, *, with_refunds: bool = False) -> Intent:
        return self.intents[intent_id]

    def cancel_intent(self, mode: Mode, intent_id: str) -> Intent:
        if self.intents[intent_id].is_open:
            self.change(intent_id, status=IntentStatus.CANCELED)
        return self.intents[intent_id]

    def change(self, intent_id: str, **changes: Any) -> None:
        self.intents[intent_id] = replace(self.intents[intent_id], **changes)

    def collect(self, intent_id: str) -> None:
        self.change(intent_id, status=IntentStatus.SUCCEEDED, received=self.intents[intent_id].amount)

    def refund(self, intent_id: str, amount: Money) -> None:
        refund = ProviderRefund(ids.new("re"), amount, RefundStatus.SUCCEEDED, clock.now())
        self.change(intent_id, refunds=(*self.intents[intent_id].refunds, refund))

    def refunded(self, intent_id: str) -> int:
        return sum(refund.amount.minor for refund in self.intents[intent_id].refunds)


@dataclass
class Place:
    """A shop that is open, in one currency."""

    tenant: Tenant
    customers: dict[str, str]
    product_id: str


def open_place(currency: str) -> Place:
    """A shop with one shirt, of which there are plenty, and two customers."""
    tenant = Tenant(
        tenant_id=f"ten_{currency.lower()}",
        mode=Mode.TEST,
        currency=currency,
        timezone="America/New_York",
        warehouses=("wh_001",),
    )
    shop = Shop(Call(), tenant).open()
    product = shop.product("TEE", Decimal(PRICE).scaleb(-CURRENCIES[currency]), stock=5_000)
    address = {"first_name": "J", "last_name": "D", "address1": "1 Main St", "city": "A", "postal_code": "1"}
    made = {
        name: shop.do(
            "v2/customers/create_customer",
            body={"email": f"{name}@example.com", "first_name": name, "last_name": "Doe", "addresses": [address]},
        )["id"]
        for name in ("jane", "john")
    }
    found = find_tenant(tenant.tenant_id, Mode.TEST)
    assert found is not None
    return Place(found, made, product["id"])


def rows_of(table_name: str, *kinds: str) -> list[Row]:
    """Rows as boto3 gives them, straight from moto; of all kinds where none is named."""
    return [
        {name: value.cast_value for name, value in item.attrs.items()}
        for item in items_of(table_name)
        if not kinds or ("kind" in item.attrs and item.attrs["kind"].value in kinds)
    ]


EVENTS: list[st.SearchStrategy[tuple[str, dict[str, Any]]]] = []


def event[F: Callable[..., None]](
    *, needs: tuple[str, ...] = (), weight: int = 1, **drawn: st.SearchStrategy[Any]
) -> Callable[[F], F]:
    """Something that may happen once the model has what it ``needs``, ``weight`` times as often as others.

    Not a rule of its own: of those Hypothesis leaves out many in each life, and a life should have all.
    """

    def known(happens: F) -> F:
        EVENTS.extend([st.tuples(st.just(happens.__name__), st.fixed_dictionaries(drawn))] * weight)
        NEEDS[happens.__name__] = needs
        return happens

    return known


NEEDS: dict[str, tuple[str, ...]] = {}


class StoredValue(RuleBasedStateMachine):
    """Each event does one thing to the shop and to the model, and demands that both say alike whether it is done."""

    table_name: str
    places: dict[str, Place]
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.bank, self.now, self.last = Bank(), START, ""
        self._undo = ExitStack()
        self._undo.enter_context(undone(self.table_name))
        self._undo.enter_context(clock.use(lambda: self.now))
        for name in ("create_intent", "get_intent", "cancel_intent"):
            self._undo.enter_context(mock.patch.object(stripe_gateway, name, getattr(self.bank, name)))

    def open(self, currency: str) -> None:
        place = self.places[currency]
        self.tenant, self.product_id, self.currency = place.tenant, place.product_id, currency
        self.merchant = Caller(place.tenant, "key_1", Role.API_KEY)
        self.customers = {
            name: Caller(place.tenant, customer_id, Role.CUSTOMER, customer_id=customer_id)
            for name, customer_id in place.customers.items()
        }
        self.model = Model(currency, PRICE, carts={name: Cart("") for name in place.customers})

    def teardown(self) -> None:
        try:
            rows = rows_of(self.table_name)
            check(rows)
            told(rows)
            self.spent_is_told(rows)
            self.days_are_the_shops_own(rows)
        finally:
            self._undo.close()

    # How a step is made

    def attempt[T](self, what: str, plan: Callable[[Transaction], T]) -> T | None:
        """Do it; None where it was refused."""
        self.now += timedelta(seconds=1)
        try:
            done = run(plan)
        except CommerceError as refusal:
            self.seen[f"{what} refused"] += 1
            self.last = f"{what}: {refusal} {refusal.details}"
            return None
        self.seen[what] += 1
        self.last = f"{what}: {done}"
        return done

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    def some_card(self, index: int) -> str:
        return list(self.model.cards)[index % len(self.model.cards)]

    def some_order(self, index: int) -> str:
        return list(self.model.orders)[index % len(self.model.orders)]

    def pin_of(self, serial: str) -> str:
        return pins.derive(self.tenant, serial, self.model.cards[serial].generation)

    def cart_of(self, name: str) -> Cart:
        """The model's cart, which gets its id from the shop's."""
        kept = self.model.carts[name]
        found = carts.find(self.tenant, self.customers[name].own_customer_id)
        kept.cart_id = found.cart_id if found is not None else kept.cart_id
        return kept

    # Cards come into being

    @initialize(currency=st.sampled_from(sorted(CURRENCIES)), face=st.integers(20, 60), units=st.integers(2, 6))
    def the_shop_opens(self, currency: str, face: int, units: int) -> None:
        """So much has happened before."""
        self.open(currency)
        for funding in (Funding.PAID, Funding.PROMOTIONAL):
            self.issue(face, funding, None, "")
        for who in ("jane", "john"):
            self.give_credit(who, 15, "refund", None)
            self.buy(who, units, [1, 6], use=units > 4, bought=face)
            self.fill_cart(who, units)
        self.start_payment(0, pays=True)

    @event(
        amount=amounts,
        funding=st.sampled_from((Funding.PROMOTIONAL, Funding.PAID)),
        days=st.sampled_from((None, None, 0, 2, 20)),
        flags=st.sampled_from(("", "", "", "inactive", "foreign")),
    )
    def issue(self, amount: int, funding: Funding, days: int | None, flags: str) -> None:
        currency = ANOTHER[self.currency] if flags == "foreign" else self.currency
        last_day = None if days is None else day_of(self.now, self.tenant.timezone) + timedelta(days)
        funding = Funding.PROMOTIONAL if days is not None else funding
        wanted = IssueCard(Money(amount, currency), funding, expires_on=last_day, inactive=flags == "inactive")
        issued = self.attempt("issue", lambda tx: issue(tx, self.merchant, wanted))
        assert issued is not None, self.last
        status = "inactive" if flags == "inactive" else "active"
        card = Card(currency, amount, str(funding), issued.card.expires_at, status)
        self.model.cards[issued.card.serial] = card
        assert issued.pin == self.pin_of(issued.card.serial)

    # Carts

    @event(who=people, units=st.integers(1, 4))
    def fill_cart(self, who: str, units: int) -> None:
        command = cart.AddItem(self.product_id, units)
        assert self.attempt("fill", lambda tx: cart.add(tx, self.customers[who], command)), self.last
        kept = self.cart_of(who)
        kept.units += units
        self.model.told(kept, self.now)

    @event(who=people, amount=amounts)
    def want_a_gift_card(self, who: str, amount: int) -> None:
        command = cart.AddGiftCard(self.money(amount), "friend@example.com")
        done = self.attempt("want a gift card", lambda tx: cart.add(tx, self.customers[who], command))
        kept = self.cart_of(who)
        assert (done is not None) == (len(kept.bought) < 10), self.last
        if done is not None:
            kept.bought.append(amount)
            self.model.told(kept, self.now)

    @event(needs=("cards",), who=people, index=indices, wanted=st.none() | amounts)
    def apply(self, who: str, index: int, wanted: int | None) -> None:
        serial = self.some_card(index)
        self.cart_of(who)
        command = tenders.ApplyGiftCard(serial, self.pin_of(serial), None if wanted is None else self.money(wanted))
        applied = self.attempt("apply", lambda tx: tenders.apply_own(tx, self.customers[who], command))
        redemption = applied.redemption.redemption_id if applied is not None else "none"
        self.agree(applied, self.model.apply(who, serial, wanted, redemption, self.now))

    @event(needs=("cards",), index=indices, generation=st.integers(1, 3))
    def try_an_old_pin(self, index: int, generation: int) -> None:
        serial = self.some_card(index)
        card = self.model.cards[serial]
        pin = pins.derive(self.tenant, serial, generation)
        opens = generation == card.generation and card.usable(self.now)
        try:
            redeeming.possessed(self.tenant.tenant_id, serial, pin)
        except NotFound:
            assert not opens
        else:
            assert opens

    @event(needs=("cards",), who=people, index=indices, public=st.booleans())
    def remove(self, who: str, index: int, public: bool) -> None:
        serial = self.some_card(index)
        redemption_id, _ = self.cart_of(who).applied.get(serial, ("none", 0))
        shows = not public or self.model.cards[serial].usable(self.now + timedelta(seconds=1))

        def plan(tx: Transaction) -> Any:
            if public:
                tenders.remove_public(tx, self.tenant.tenant_id, redemption_id, serial, self.pin_of(serial))
                return True
            return tenders.remove_own(tx, self.customers[who], redemption_id)

        self.agree(self.attempt("remove", plan), shows and self.model.remove(who, serial, self.now))

    @event(who=people, use=st.booleans())
    def use_store_credit(self, who: str, use: bool) -> None:
        def plan(tx: Transaction) -> Any:
            mine = carts.of_caller(self.customers[who])
            change = tenders.apply_store_credit if use else tenders.remove_store_credit
            return change(tx, self.tenant, mine)

        assert self.attempt("store credit", plan), self.last
        kept = self.cart_of(who)
        kept.credit = 0 if use else None
        self.model.told(kept, self.now)

    @event(who=people)
    def clear(self, who: str) -> None:
        assert self.attempt("clear", lambda tx: cart.clear(tx, self.customers[who])), self.last
        self.cart_of(who)
        self.model.clear(who)

    @event(who=people)
    def check_out(self, who: str) -> None:
        self.cart_of(who)
        placed = self.attempt("check out", lambda tx: checkout.checkout(tx, self.customers[who], checkout.Checkout()))
        order_id = placed.order_id if placed is not None else "none"
        self.agree(placed, self.model.checkout(who, order_id, "", self.now))

    @event(
        weight=4,
        needs=("cards",),
        who=people,
        units=st.integers(1, 6),
        which=st.lists(indices, min_size=1, max_size=3),
        use=st.booleans(),
        bought=st.none() | amounts,
    )
    def buy(self, who: str, units: int, which: list[int], use: bool, bought: int | None) -> None:
        """All of it in a row, so that there are orders that were paid with this and that."""
        self.fill_cart(who, units)
        if bought is not None:
            self.want_a_gift_card(who, bought)
        for index in which:
            self.apply(who, index, None if index % 3 else 1 + index % 20)
        self.use_store_credit(who, use)
        self.check_out(who)

    # Store credit

    @event(
        who=people, amount=amounts, reason=st.sampled_from(("refund", "goodwill")), days=st.sampled_from((None, 0, 3))
    )
    def give_credit(self, who: str, amount: int, reason: str, days: int | None) -> None:
        last_day = None if days is None else day_of(self.now, self.tenant.timezone) + timedelta(days)
        customer_id = self.customers[who].own_customer_id
        command = credit.IssueCredit(customer_id, self.money(amount), reason, expires_on=last_day)
        lot = self.attempt("give credit", lambda tx: credit.issue(tx, self.merchant, command))
        assert lot is not None, self.last
        self.model.lots[lot.credit_id] = Lot(who, self.currency, amount, lot.issued_at, lot.expires_at)

    @event(needs=("lots",), index=indices)
    def void_credit(self, index: int) -> None:
        credit_id = list(self.model.lots)[index % len(self.model.lots)]
        voided = self.attempt("void credit", lambda tx: credit.void(tx, self.merchant, credit_id, "a mistake"))
        self.agree(voided, self.model.void_credit(credit_id))

    # Orders

    @event(
        weight=2,
        needs=(
            "orders",
            "cards",
        ),
        order=indices,
        card=indices,
        amount=amounts,
    )
    def redeem(self, order: int, card: int, amount: int) -> None:
        order_id, serial = self.some_order(order), self.some_card(card)
        late = self.collected_unheard(order_id)
        foreign = Money(amount, self.model.cards[serial].currency)
        command = tendering.Redeem(order_id, foreign, serial)
        done = self.attempt("redeem", lambda tx: tendering.redeem_gift_card(tx, self.merchant, command))
        if late:
            assert done is None
            return self.heard_perhaps(order_id)
        redemption = done[1].redemption_id if done is not None else "none"
        return self.agree(done, self.model.redeem_card(order_id, serial, amount, redemption, self.now))

    @event(weight=2, needs=("orders",), order=indices, amount=amounts)
    def redeem_credit(self, order: int, amount: int) -> None:
        order_id = self.some_order(order)
        late = self.collected_unheard(order_id)
        customer_id = self.customers[self.model.orders[order_id].owner].own_customer_id
        command = tendering.Redeem(order_id, self.money(amount))
        done = self.attempt(
            "redeem credit", lambda tx: tendering.redeem_store_credit(tx, self.merchant, command, customer_id)
        )
        if late:
            assert done is None
            return self.heard_perhaps(order_id)
        return self.agree(done, self.model.redeem_credit(order_id, amount, self.now))

    @event(weight=3, needs=("orders",), index=indices, pays=st.booleans())
    def start_payment(self, index: int, pays: bool) -> None:
        order_id = self.some_order(index)
        order, late = self.model.orders[order_id], self.collected_unheard(order_id)
        command = StartPayment(order_id, order.outstanding, self.currency)
        intent = self.attempt("start payment", lambda tx: payments.start(tx, self.merchant, command))
        self.agree(intent, order.payable and not late)
        if intent is not None:
            order.intent, order.payment = intent.intent_id, "pending"
            if pays:
                self.collect(index, heard=True)

    @event(needs=("orders",), index=indices, heard=st.booleans())
    def collect(self, index: int, heard: bool) -> None:
        """The buyer pays; the shop hears of it now or later."""
        order_id = self.some_order(index)
        order = self.model.orders[order_id]
        if order.intent is not None and self.bank.intents[order.intent].is_open:
            self.bank.collect(order.intent)
            if heard:
                self.hear(index)

    @event(needs=("orders",), index=indices)
    def hear(self, index: int) -> None:
        """An event of the order's payment arrives: the first one, or once more."""
        order_id = self.some_order(index)
        order = self.model.orders[order_id]
        if order.intent is None:
            return
        event = StripeEvent(ids.new("evt"), "charge.refunded", order.intent, str(Mode.TEST))
        self.attempt("hear", lambda tx: payments.apply(tx, event))
        intent = self.bank.intents[order.intent]
        if intent.status is IntentStatus.SUCCEEDED and order.payment in ("pending", "failed"):
            self.model.pay(order_id)
        if order.payment in COLLECTED:
            refunded_before = order.refunded - sum(tender.back for tender in order.tenders.values())
            self.model.refund(order_id, self.bank.refunded(order.intent) - refunded_before)

    @event(weight=2, needs=("orders",), index=indices, amount=amounts)
    def refund_money(self, index: int, amount: int) -> None:
        """At Stripe, in its dashboard."""
        order = self.model.orders[self.some_order(index)]
        if order.intent is None or order.payment not in ("paid", "partially_refunded"):
            return
        intent = self.bank.intents[order.intent]
        most = intent.received.minor - self.bank.refunded(order.intent)
        if 0 < amount <= most:
            self.bank.refund(order.intent, self.money(amount))
            self.hear(index)

    @event(weight=2, needs=("orders",), index=indices, tender=indices, amount=amounts)
    def refund_onto_card(self, index: int, tender: int, amount: int) -> None:
        order_id = self.some_order(index)
        used = [name for name, each in self.model.orders[order_id].tenders.items() if each.kind == "gift_card"]
        if not used:
            return
        name = used[tender % len(used)]
        serial = self.model.orders[order_id].tenders[name].source

        def plan(tx: Transaction) -> Any:
            _, redemption = cards.find_with_redemption(self.tenant, serial, name)
            assert redemption is not None
            return refunds.refund_onto_card(tx, self.merchant, redemption, Money(amount, redemption.amount.currency))

        self.agree(self.attempt("refund", plan), self.model.refund_card(order_id, name, amount, self.now))

    @event(weight=1, needs=("orders",), index=indices)
    def cancel_order(self, index: int) -> None:
        order_id = self.some_order(index)
        late = self.collected_unheard(order_id) and self.model.orders[order_id].status != "shipped"

        def plan(tx: Transaction) -> Any:
            order = orders.find(self.tenant, order_id)
            assert order is not None
            return cancelling.cancel_order(tx, self.merchant, order)

        done = self.attempt("cancel order", plan)
        if late:
            assert done is None
            return self.heard_perhaps(order_id)
        return self.agree(done, self.model.cancel_order(order_id, self.now))

    @event(needs=("orders",), index=indices)
    def ship(self, index: int) -> None:
        order_id = self.some_order(index)
        command = moving.SetStatus(order_id, Status.SHIPPED)
        self.agree(
            self.attempt("ship", lambda tx: moving.set_status(tx, self.merchant, command)),
            self.model.ship(order_id),
        )

    # What the merchant does with cards

    @event(needs=("cards",), index=indices, move=st.sampled_from(("activate", "suspend", "reactivate")))
    def move_card(self, index: int, move: str) -> None:
        serial = self.some_card(index)
        sources, target = {
            "activate": (("inactive",), "active"),
            "suspend": (("active",), "suspended"),
            "reactivate": (("suspended",), "active"),
        }[move]
        done = self.attempt(move, lambda tx: getattr(lifecycle, move)(tx, self.merchant, serial))
        self.agree(done, self.model.move(serial, sources, target))

    @event(needs=("cards",), index=indices, disposition=st.none() | st.sampled_from(list(Disposition)))
    def cancel_card(self, index: int, disposition: Disposition | None) -> None:
        serial = self.some_card(index)
        command = CancelCard(serial, disposition, to_email="other@example.com")
        done = self.attempt("cancel card", lambda tx: lifecycle.cancel(tx, self.merchant, command))
        self.agree(done, self.model.cancel_card(serial, disposition and str(disposition)))

    @event(needs=("cards",), index=indices)
    def transfer(self, index: int) -> None:
        serial = self.some_card(index)
        done = self.attempt("transfer", lambda tx: lifecycle.transfer(tx, self.merchant, serial, "other@example.com"))
        self.agree(done, self.model.transfer(serial))

    # Time, and what it brings

    @event(minutes=st.sampled_from((5, 31, 61, 13 * 60, 24 * 60, 4 * 24 * 60, 40 * 24 * 60)))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @event(weight=2, which=st.permutations(("orders", "holds", "cards", "lots")), how_many=st.integers(1, 4))
    def schedules_run(self, which: list[str], how_many: int) -> None:
        for each in which[:how_many]:
            getattr(self, f"_sweep_{each}")()

    def _sweep_holds(self) -> None:
        due = cards.due_redemptions(self.now, 100)
        assert {name for _, _, name in due} == self.model.overdue_holds(self.now)
        for tenant, serial, name in due * 2:
            self.attempt("hold expires", lambda tx: redeeming.sweep(tx, tenant, serial, name))  # noqa: B023
        self.model.sweep_holds(self.now)

    def _sweep_cards(self) -> None:
        due = [serial for _, serial in cards.due(self.now, 100)]
        assert set(due) == self.model.overdue_cards(self.now)
        for serial in due * 2:
            self.attempt("card expires", lambda tx: lifecycle.expire(tx, self.tenant, serial))  # noqa: B023
        self.model.expire_cards(self.now)

    def _sweep_lots(self) -> None:
        due = [name for _, name in lots.due(self.now, 100)]
        assert set(due) == self.model.overdue_lots(self.now)
        for name in due * 2:
            self.attempt("credit expires", lambda tx: credit.expire(tx, self.tenant, name))  # noqa: B023
        self.model.expire_lots(self.now)

    def _sweep_orders(self) -> None:
        due = [order_id for _, _, order_id in orders.due(self.now, 100)]
        assert set(due) == set(self.model.overdue_orders(self.now))
        for order_id in due:
            late = self.collected_unheard(order_id)

            def plan(tx: Transaction, order_id: str = order_id) -> str:
                payments.expire(tx, self.tenant, order_id)
                return order_id

            for _ in range(2):
                assert self.attempt("order expires", plan) == order_id, self.last
            if late:
                self.model.pay(order_id)
            else:
                assert self.model.cancel_order(order_id, self.now)

    # Both agree

    def agree(self, done: Any, may: bool) -> None:
        assert (done is not None) == may, self.last

    def collected_unheard(self, order_id: str) -> bool:
        """Whether Stripe has money for an order that waits for it still."""
        order = self.model.orders[order_id]
        waits = order.intent is not None and order.payment in ("pending", "failed") and order.status != "cancelled"
        return waits and self.bank.intents[order.intent or ""].status is IntentStatus.SUCCEEDED

    def heard_perhaps(self, order_id: str) -> None:
        """Who asks Stripe to call a payment off hears that it went through, and so does the order."""
        found = orders.find(self.tenant, order_id)
        assert found is not None
        if found.payment_status == "paid":
            self.model.pay(order_id)

    @invariant()
    def the_table_is_as_the_model_says(self) -> None:
        rows = rows_of(self.table_name, "gift_card", "redemption", "credit_lot", "order")
        own = [row for row in rows if f"#{self.tenant.tenant_id}#" in row["pk"]]
        self.bind(own)
        found = {
            row["serial"]: (row["status"], int(row["balance"]), int(row["held"]), int(row["holds"]))
            for row in own
            if row["kind"] == "gift_card"
        }
        meant = {
            serial: (card.status, card.balance, card.held, len(card.holds)) for serial, card in self.model.cards.items()
        }
        assert found == meant, self.last
        held = {
            row["redemption_id"]: int(row["amount"])
            for row in own
            if row["kind"] == "redemption" and row["status"] == "held"
        }
        assert held == {name: hold.amount for card in self.model.cards.values() for name, hold in card.holds.items()}
        lots = {
            row["credit_id"]: sum(
                int(row[part]) * sign for part, sign in (("issued", 1), ("used", -1), ("expired", -1), ("voided", -1))
            )
            for row in own
            if row["kind"] == "credit_lot"
        }
        assert lots == {name: lot.remaining for name, lot in self.model.lots.items()}, self.last
        states = {
            row["order_id"]: (row["status"], row["payment_status"], int(row["refunded"]), int(row["total"]))
            for row in own
            if row["kind"] == "order"
        }
        expected = {
            name: (order.status, order.payment, order.refunded, order.total)
            for name, order in self.model.orders.items()
        }
        assert states == expected, self.last

    def bind(self, rows: list[Row]) -> None:
        """Cards that were made along the way get their serials: those of the new rows."""
        places = {
            sold["serial"]: (row["order_id"], number)
            for row in rows
            if row["kind"] == "order"
            for number, sold in enumerate(json.loads(row.get("gift_cards") or "[]"))
        }
        for row in rows:
            if row["kind"] != "gift_card" or row["serial"] in self.model.cards:
                continue
            ends = clock.parse(row["expires_at"]) if "expires_at" in row else None
            meant = next(
                card
                for card in self.model.new_cards
                if (card.balance, card.funding) == (int(row["original"]), row["funding"])
                and (card.ends is None) == (ends is None)
                and card.place == places.get(row["serial"])
            )
            assert meant.ends is None or (ends is not None and meant.ends <= ends), "good for less than it should be"
            meant.ends = ends
            self.model.new_cards.remove(meant)
            self.model.cards[row["serial"]] = meant
        assert not self.model.new_cards, self.last

    def spent_is_told(self, rows: list[Row]) -> None:
        """What a customer has paid for orders is what they were paid with, less what went back."""
        sums = {
            row["pk"].split("#")[-1]: int(row.get("total_spent", 0))
            for row in rows
            if row.get("kind") == "customer_summary"
        }
        for name, caller in self.customers.items():
            own = [each for each in self.model.orders.values() if each.owner == name]
            spent = sum(
                each.total - each.refunded for each in own if each.payment in ("paid", "partially_refunded", "refunded")
            )
            assert sums.get(caller.own_customer_id, 0) == spent

    def days_are_the_shops_own(self, rows: list[Row]) -> None:
        for row in rows:
            if row.get("kind") == "posting":
                assert row["day"] == day_of(clock.parse(row["at"]), self.tenant.timezone).isoformat()

    @rule(happens=st.deferred(lambda: st.one_of(EVENTS)))
    def live(self, happens: tuple[str, dict[str, Any]]) -> None:
        name, drawn = happens
        if all(getattr(self.model, each) for each in NEEDS[name]):
            getattr(self, name)(**drawn)


@pytest.fixture
def places(table: Any) -> Iterator[dict[str, Place]]:
    with clock.use(lambda: START):
        yield {currency: open_place(currency) for currency in CURRENCIES}


@pytest.mark.timeout(400 + 5 * EXAMPLES)  # a life that fails is made shorter for up to five minutes
def test_whatever_happens_stored_value_is_as_the_model_says_and_adds_up(
    table: Any, places: dict[str, Place], capsys: pytest.CaptureFixture[str]
) -> None:
    began, seen = time.monotonic(), Counter[str]()
    machine = type("StoredValueHere", (StoredValue,), {"table_name": table.name, "places": places, "seen": seen})
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(SEED)(machine), settings=how)
    except BaseException as failure:
        failure.add_note(f"Again: TILL_SEED={SEED} TILL_EXAMPLES={EXAMPLES}")
        raise
    finally:
        with capsys.disabled():
            counted = ", ".join(f"{what} {times}" for what, times in sorted(seen.items()))
            print(f"\n  seed {SEED}: {EXAMPLES} lives of {STEPS} events in {time.monotonic() - began:.0f} s: {counted}")
