"""What stored value costs in DynamoDB: item writes and write units of each operation, and reads of a balance check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient

from benchmarks.calls import Calls, watched
from commerce.carts import checkout, tenders
from commerce.gift_cards import redeeming
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel.caller import Caller, Role
from commerce.kernel.money import Money
from commerce.table.transaction import Transaction, run
from tests.contract.shops import Shop
from tests.shop import MERCHANT, TENANT, Call
from tests.template import table_definition

TABLE = table_definition()


@dataclass
class Written:
    """Items of transactions, and what DynamoDB asked for the whole."""

    items: int = 0
    units: float = 0


@contextmanager
def counting() -> Iterator[tuple[Written, Calls]]:
    written, send = Written(), BaseClient._make_api_call

    def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        written.items += len(arguments.get("TransactItems", ()))
        return send(client, operation, arguments)

    with mock.patch.object(BaseClient, "_make_api_call", call), watched(TABLE) as calls:
        yield written, calls
    written.units = calls.write_units


def writes(plan: Callable[[Transaction], Any]) -> tuple[Any, Written]:
    with counting() as (written, _):
        done = run(plan)
    return done, written


@pytest.fixture
def jane(call: Call) -> Caller:
    """A customer with a cart of two shirts at 29.99."""
    shop = Shop(call).open()
    customer = shop.customer()
    shop.add_to_cart(customer, shop.product("TEE", 29, stock=10)["id"], 2)
    return Caller(TENANT, str(customer.customer_id), Role.CUSTOMER, customer_id=customer.customer_id)


@pytest.fixture
def note(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Show what an operation took, and insist that it is no more than it may."""

    def show(operation: str, written: Written, most: int) -> None:
        with capsys.disabled():
            print(f"\n  {operation}: {written.items} item writes of at most {most}, {written.units:.0f} write units")
        assert 0 < written.items <= most

    return show


def placing(jane: Caller) -> Callable[[Transaction], Any]:
    return lambda tx: checkout.checkout(tx, jane, checkout.Checkout())


def test_holding_a_card_for_a_cart_is_three_item_writes(jane: Caller, note: Callable[..., None]) -> None:
    card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(7_500, "USD"))))
    command = tenders.ApplyGiftCard(card.card.serial, card.pin)
    _, written = writes(lambda tx: tenders.apply_own(tx, jane, command))
    note("hold", written, 3)


def test_committing_a_card_is_at_most_four_item_writes_more_than_an_order_without(
    call: Call, jane: Caller, note: Callable[..., None]
) -> None:
    shop = Shop(call)
    other = shop.customer(email="other@example.com")
    shop.add_to_cart(other, shop.product("CAP", 29, stock=10)["id"], 2)
    without = Caller(TENANT, str(other.customer_id), Role.CUSTOMER, customer_id=other.customer_id)
    _, plain = writes(placing(without))
    card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(1_000, "USD"))))
    run(lambda tx: tenders.apply_own(tx, jane, tenders.ApplyGiftCard(card.card.serial, card.pin)))
    _, paid = writes(placing(jane))
    note("commit", Written(paid.items - plain.items, paid.units - plain.units), 4)


@pytest.mark.parametrize("mailed", [False, True], ids=["handed over", "mailed"])
def test_issuing_a_card_is_at_most_four_item_writes(mailed: bool, table: Any, note: Callable[..., None]) -> None:
    wanted = IssueCard(Money(7_500, "USD"), recipient_email="ann@example.com", deliver=mailed)
    _, written = writes(lambda tx: issue(tx, MERCHANT, wanted))
    note(f"issue, {'mailed' if mailed else 'handed over'}", written, 4)


@pytest.mark.parametrize("known", [True, False], ids=["a card", "no card"])
def test_looking_at_a_balance_is_one_read(known: bool, table: Any, capsys: pytest.CaptureFixture[str]) -> None:
    card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(7_500, "USD"))))
    serial, pin = (card.card.serial, card.pin) if known else ("GC0000000000000000", "000000")
    with counting() as (written, calls):
        if known:
            redeeming.possessed(TENANT.tenant_id, serial, pin)
        else:
            with pytest.raises(Exception, match="gift card with this PIN"):
                redeeming.possessed(TENANT.tenant_id, serial, pin)
    with capsys.disabled():
        print(f"\n  balance check: {calls.reads} read, {calls.read_units:.1f} read units")
    assert (calls.reads, written.items) == (1, 0)
