"""Invoice numbers on the emulator: however many ask at once, and whenever they die, there is no gap and none twice."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from commerce.documents import use_cases
from commerce.documents.model import Invoice
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import StaleWrite, Unavailable
from tests.faults.conftest import rows_of
from tests.faults.kill import Door, Killed, strikes, survived, watching
from tests.faults.test_kills import Shop, open_shop, settle
from tests.invariants import check
from tests.payments import Stripe

ORDERS, ASKING = 50, 16


@pytest.fixture
def shop(stripe: Stripe) -> Shop:
    shop = open_shop(stripe)
    body = {"quantity": 2 * ORDERS, "reason": "restock"}
    assert shop.call("v2/inventory/adjust_inventory", product_id=shop.product["id"], body=body).status == 201
    return shop


def paid(shop: Shop) -> str:
    order_id = shop.place()
    settle(shop, order_id)
    return order_id


def ask(shop: Shop, order_id: str, *further: str) -> tuple[Invoice, ...]:
    """What a merchant gets who, told that it is busy, asks again."""
    caller = Caller(tenant=shop.call.credential.tenant, principal_id="key_1", role=Role.API_KEY)
    while True:
        with suppress(Unavailable, StaleWrite):
            return use_cases.invoices(caller, order_id, further)


def numbers(shop: Shop, table: Any) -> dict[str, str]:
    """What is written: the number of each order's invoice."""
    rows = rows_of(table, shop.call)
    made = {row["order_id"]: row["number"] for row in rows if row["kind"] == "invoice"}
    assert [int(row["last"]) for row in rows if row["kind"] == "invoice_numbers"] == [len(made)]
    check(rows)
    return made


@pytest.mark.timeout(300)
def test_sixteen_who_ask_for_fifty_invoices_at_once_see_one_to_fifty_without_a_gap(shop: Shop, table: Any) -> None:
    order_ids = [paid(shop) for _ in range(ORDERS)]
    barrier = threading.Barrier(ASKING)

    def all_of_them(seed: int) -> dict[str, str]:
        wanted = random.Random(seed).sample(order_ids, ORDERS)
        barrier.wait()
        return {order_id: ask(shop, order_id)[0].number for order_id in wanted}

    with ThreadPoolExecutor(ASKING) as pool:
        seen = list(pool.map(all_of_them, range(ASKING)))

    assert sorted(seen[0].values()) == [f"INV-{number:06d}" for number in range(1, ORDERS + 1)]
    assert all(each == seen[0] for each in seen)
    assert numbers(shop, table) == seen[0]


@pytest.mark.timeout(300)
def test_who_dies_while_invoices_are_made_leaves_no_gap(
    shop: Shop, table: Any, record_property: Callable[[str, Any], None]
) -> None:
    first, second = paid(shop), paid(shop)
    with watching(Door()) as watched:
        ask(shop, first, second)
    doors, made = strikes(watched.calls), 2

    for door in doors:
        order_ids = paid(shop), paid(shop)
        with watching(door), suppress(Killed):
            ask(shop, *order_ids)
        again = ask(shop, *order_ids)
        assert [each.number for each in again] == [f"INV-{made + 1:06d}", f"INV-{made + 2:06d}"]
        made += 2

    assert sorted(numbers(shop, table).values()) == [f"INV-{number:06d}" for number in range(1, made + 1)]
    survived(record_property, doors, watched.calls)
