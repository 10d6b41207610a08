"""One change of stored value right in the middle of another, before each of its calls to DynamoDB: the books add up.

What threads come upon by chance is done here for every pair of changes at every point, on moto and in one thread.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient

from commerce.carts import checkout, tenders
from commerce.carts import use_cases as cart
from commerce.gift_cards import lifecycle
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import CommerceError
from commerce.kernel.money import Money
from commerce.orders import queries as orders
from commerce.orders import tendering
from commerce.payments import cancelling
from commerce.refunds import use_cases as refunds
from commerce.store_credit import use_cases as credit
from commerce.table.transaction import Transaction, run
from tests.cheap_moto import undone
from tests.conftest import all_rows
from tests.contract.shops import Shop
from tests.invariants import check
from tests.shop import MERCHANT, TENANT, Call

type Plan = Callable[[Transaction], Any]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class World:
    """Three customers and one card: Mary's cart holds some of it, and it paid for an order of Jane's."""

    def __init__(self, call: Call) -> None:
        shop = Shop(call).open()
        product = shop.product("TEE", Decimal("30.00"), stock=50)["id"]
        self.people: dict[str, Caller] = {}
        for name in ("jane", "john", "mary"):
            made = shop.customer(email=f"{name}@example.com")
            self.people[name] = Caller(TENANT, str(made.customer_id), Role.CUSTOMER, customer_id=made.customer_id)
            for _ in range(2 if name == "jane" else 1):
                shop.add_to_cart(made, product, 1)
        issued = run(lambda tx: issue(tx, MERCHANT, IssueCard(usd(10_000), owner_email="jane@example.com")))
        self.serial, self.pin = issued.card.serial, issued.pin
        self.lot = run(lambda tx: credit.issue(tx, MERCHANT, self._credit("jane"))).credit_id
        run(self.hold("jane"))
        self.paid = run(self.checkout("jane")).order_id
        run(self.hold("mary"))
        self.waiting = run(self.checkout("john")).order_id
        run(lambda tx: cart.add(tx, self.people["john"], cart.AddItem(product, 1)))
        run(lambda tx: cart.add(tx, self.people["jane"], cart.AddItem(product, 1)))
        self.open = run(self.checkout("jane")).order_id
        run(self.redeem_credit(500))
        [self.redemption] = [tender.tender_id for tender in orders.get(TENANT, self.paid).tenders]

    def _credit(self, who: str) -> credit.IssueCredit:
        return credit.IssueCredit(self.people[who].own_customer_id, usd(2_000), "goodwill")

    def hold(self, who: str) -> Plan:
        command = tenders.ApplyGiftCard(self.serial, self.pin)
        return lambda tx: tenders.apply_own(tx, self.people[who], command)

    def checkout(self, who: str) -> Plan:
        return lambda tx: checkout.checkout(tx, self.people[who], checkout.Checkout())

    def clear(self, tx: Transaction) -> Any:
        return cart.clear(tx, self.people["mary"])

    def redeem(self, tx: Transaction) -> Any:
        return tendering.redeem_gift_card(tx, MERCHANT, tendering.Redeem(self.waiting, usd(500), self.serial))

    def redeem_credit(self, amount: int) -> Plan:
        owner, command = self.people["jane"].own_customer_id, tendering.Redeem(self.open, usd(amount))
        return lambda tx: tendering.redeem_store_credit(tx, MERCHANT, command, owner)

    def refund(self, tx: Transaction) -> Any:
        _, redemption = cards.find_with_redemption(TENANT, self.serial, self.redemption)
        assert redemption is not None
        return refunds.refund_onto_card(tx, MERCHANT, redemption, redemption.amount)

    def cancel(self, order_id: str) -> Plan:
        return lambda tx: cancelling.cancel_order(tx, MERCHANT, orders.get(TENANT, order_id))

    def suspend(self, tx: Transaction) -> Any:
        return lifecycle.suspend(tx, MERCHANT, self.serial)

    def cancel_card(self, tx: Transaction) -> Any:
        command = lifecycle.CancelCard(self.serial, lifecycle.Disposition.TRANSFER, to_email="ann@example.com")
        return lifecycle.cancel(tx, MERCHANT, command)

    def transfer(self, tx: Transaction) -> Any:
        return lifecycle.transfer(tx, MERCHANT, self.serial, "ann@example.com")

    def void_credit(self, tx: Transaction) -> Any:
        return credit.void(tx, MERCHANT, self.lot, "a mistake")

    def plans(self) -> dict[str, Plan]:
        return {
            "hold": self.hold("john"),
            "hold again": self.hold("mary"),
            "check out": self.checkout("mary"),
            "clear": self.clear,
            "redeem": self.redeem,
            "redeem credit": self.redeem_credit(1_500),
            "refund": self.refund,
            "cancel paid order": self.cancel(self.paid),
            "cancel open order": self.cancel(self.open),
            "suspend": self.suspend,
            "cancel card": self.cancel_card,
            "transfer": self.transfer,
            "void credit": self.void_credit,
        }


@contextmanager
def interrupted(at: int, other: Callable[[], None]) -> Iterator[list[str]]:
    """``other`` happens right before the call with this number; gives the calls that were made without it."""
    send, calls = BaseClient._make_api_call, list[str]()

    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls.append(operation)
        if len(calls) == at + 1:
            made = list(calls)
            other()
            calls[:] = made
        return send(client, operation, arguments)

    with mock.patch.object(BaseClient, "_make_api_call", call):
        yield calls


def attempt(plan: Plan) -> None:
    with suppress(CommerceError):
        run(plan)


@pytest.fixture
def world(call: Call) -> World:
    return World(call)


NAMES = (
    "hold",
    "hold again",
    "check out",
    "clear",
    "redeem",
    "redeem credit",
    "refund",
    "cancel paid order",
    "cancel open order",
    "suspend",
    "cancel card",
    "transfer",
    "void credit",
)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_happens_amid_a_change_of_stored_value_the_books_add_up(name: str, world: World, table: Any) -> None:
    plans = world.plans()
    assert tuple(plans) == NAMES
    with undone(table.name), interrupted(-1, lambda: None) as calls:
        run(plans[name])
    for other in NAMES:
        for number in range(len(calls)):
            happened = list[str]()

            def amid(other: str = other, happened: list[str] = happened) -> None:
                happened.append(other)
                attempt(plans[other])

            with undone(table.name):
                with interrupted(number, amid):
                    attempt(plans[name])
                assert happened, "the call before which it was to happen never came"
                check(all_rows(table))
