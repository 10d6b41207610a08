"""Several requests change one customer, want one e-mail address, or set one alert, at the same moment.

The threads call use cases: a handler belongs to one request at a time, as in Lambda.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from commerce.customers import use_cases as customers
from commerce.customers.model import Address
from commerce.customers.use_cases import CreateCustomer, NewAddress, UpdateCustomer
from commerce.inventory import alerts
from commerce.inventory.alerts import SetAlert
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import CommerceError, Invalid, NotFound, StaleWrite, Unavailable, VersionMismatch
from commerce.kernel.paging import PageRequest
from commerce.table.transaction import Transaction, run
from tests.faults.conftest import new_shop, rows_of
from tests.shop import Call

HOME = NewAddress("Jane", "Doe", address1="123 Main St", city="Springfield", postal_code="62701")
ROUNDS = 20

type Outcome = Any  # what was done, or the refusal


def merchant(call: Call) -> Caller:
    return Caller(tenant=call.credential.tenant, principal_id="key_1", role=Role.API_KEY)


def insist(plan: Callable[[Transaction], Any]) -> Outcome:
    """As a client does who is told that somebody else was faster: once more."""
    for _ in range(50):
        try:
            return run(plan)
        except (StaleWrite, Unavailable):
            continue
        except CommerceError as refusal:
            return refusal
    raise AssertionError("never got through")


def at_once(plans: list[Callable[[Transaction], Any]]) -> list[Outcome]:
    barrier = threading.Barrier(len(plans))

    def go(plan: Callable[[Transaction], Any]) -> Outcome:
        barrier.wait()
        return insist(plan)

    with ThreadPoolExecutor(len(plans)) as pool:
        return list(pool.map(go, plans))


def new_customer(
    call: Call, email: str = "jane@example.com", *addresses: NewAddress, tags: tuple[str, ...] = ()
) -> str:
    command = CreateCustomer(email, "Jane", "Doe", addresses=addresses, tags=tags)
    return run(lambda tx: customers.create(tx, merchant(call), command)).customer.customer_id


def adding(call: Call, customer_id: str, city: str = "Boston") -> Callable[[Transaction], Any]:
    new = NewAddress("Jane", "Doe", address1="1 Side St", city=city, postal_code="02101")
    return lambda tx: customers.add_address(tx, merchant(call), customer_id, new)


def updating(call: Call, customer_id: str, *expected_versions: int, **changes: Any) -> Callable[[Transaction], Any]:
    command = UpdateCustomer(customer_id, changes, expected_versions)
    return lambda tx: customers.update(tx, merchant(call), command)


def moving(call: Call, customer_id: str, address_id: str, city: str) -> Callable[[Transaction], Any]:
    return lambda tx: customers.change_address(tx, merchant(call), customer_id, address_id, {"city": city})


def removing(call: Call, customer_id: str, address_id: str) -> Callable[[Transaction], Any]:
    return lambda tx: customers.remove_address(tx, merchant(call), customer_id, address_id)


def addresses_of(call: Call, customer_id: str) -> tuple[Address, ...]:
    return customers.get(call.credential.tenant, customer_id).customer.addresses


def everything_agrees(table: Any, call: Call, customer_id: str, version: int) -> None:
    """Events without a gap up to the version, every copy at it, one guard, and lists as the customer's tags say."""
    rows = [row for row in rows_of(table, call) if customer_id in str(row)]
    outbox = sorted(int(row["sequence"]) for row in rows if row["kind"] == "outbox")
    assert outbox == list(range(1, version + 1))
    copies = [row for row in rows if row["kind"] in ("customer", "listed_customer")]
    assert {int(row["version"]) for row in copies} == {version}
    assert len({row["email"] for row in copies}) == 1
    [guard] = [row for row in rows if row["kind"] == "customer_email"]
    assert guard["pk"].endswith(f"#EMAIL#{copies[0]['email'].casefold()}")
    tags = customers.get(call.credential.tenant, customer_id).customer.tags
    lists = {row["pk"].split("#", 3)[3] for row in copies if "#LIST#" in row["pk"]}
    assert lists == {"LIST#customers#all", *(f"LIST#customers#tag:{tag}" for tag in tags)}


@pytest.mark.timeout(120)
def test_sixteen_addresses_added_at_once_are_all_there(table: Any) -> None:
    call = new_shop()
    customer_id = new_customer(call, tags=("vip",))

    added = at_once([adding(call, customer_id, f"City {number}") for number in range(16)])

    addresses = addresses_of(call, customer_id)
    assert sorted(each.address_id for each in addresses) == sorted(each.address.address_id for each in added)
    assert {each.city for each in addresses} == {f"City {number}" for number in range(16)}
    assert [each.is_default_shipping for each in addresses].count(True) == 1
    assert sorted(each.customer.version for each in added) == list(range(2, 18))
    everything_agrees(table, call, customer_id, version=17)


@pytest.mark.timeout(120)
def test_no_more_than_twenty_addresses_however_many_come_at_once(table: Any) -> None:
    call = new_shop()
    customer_id = new_customer(call, "jane@example.com", *[HOME] * 16)

    outcomes = at_once([adding(call, customer_id)] * 8)

    refused = [each for each in outcomes if isinstance(each, Invalid)]
    assert [each.reason for each in refused] == ["too_many_addresses"] * 4
    assert len(addresses_of(call, customer_id)) == 20
    everything_agrees(table, call, customer_id, version=5)


@pytest.mark.timeout(120)
def test_one_of_two_customers_gets_the_email_address_that_both_want(table: Any) -> None:
    call = new_shop()
    for number in range(ROUNDS):
        both = [new_customer(call, f"{name}{number}@example.com") for name in ("ann", "bob")]
        wanted = f"Wanted{number}@example.com"

        outcomes = at_once([updating(call, each, email=wanted) for each in both])

        [refusal] = [each for each in outcomes if isinstance(each, CommerceError)]
        assert refusal.reason == "duplicate_email"
        loser = both[outcomes.index(refusal)]
        [winner] = set(both) - {loser}
        found = call("v2/customers/list_customers", query={"email": wanted}).body["data"]
        assert [each["id"] for each in found] == [winner]
        everything_agrees(table, call, winner, version=2)
        everything_agrees(table, call, loser, version=1)


@pytest.mark.timeout(120)
def test_the_same_change_sent_twice_at_once_happens_once_and_both_are_told_so(table: Any) -> None:
    call = new_shop()
    for number in range(ROUNDS):
        customer_id = new_customer(call, f"ann{number}@example.com", tags=("old",))

        first, second = at_once([updating(call, customer_id, email=f"new{number}@example.com", tags=("new",))] * 2)

        assert first == second
        everything_agrees(table, call, customer_id, version=2)


@pytest.mark.timeout(120)
def test_an_address_that_is_changed_and_removed_at_once_is_removed(table: Any) -> None:
    call = new_shop()
    for number in range(ROUNDS):
        customer_id = new_customer(call, f"ann{number}@example.com", HOME, HOME)
        kept, gone = addresses_of(call, customer_id)

        changed, removed = at_once(
            [moving(call, customer_id, gone.address_id, "Boston"), removing(call, customer_id, gone.address_id)]
        )

        too_late = isinstance(changed, NotFound)
        assert removed is None
        assert too_late or changed.address.city == "Boston"
        assert addresses_of(call, customer_id) == (kept,)
        everything_agrees(table, call, customer_id, version=2 if too_late else 3)


@pytest.mark.timeout(120)
def test_of_many_who_read_one_version_one_changes_it(table: Any) -> None:
    call = new_shop()
    customer_id = new_customer(call)
    names = ("Ann", "Bea", "Cat", "Dot", "Eve", "Fay", "Gil", "Hal")

    outcomes = at_once([updating(call, customer_id, 1, first_name=name) for name in names])

    refused = [each for each in outcomes if isinstance(each, VersionMismatch)]
    [winner] = [name for name, each in zip(names, outcomes, strict=True) if each not in refused]
    assert len(refused) == len(names) - 1
    assert customers.get(call.credential.tenant, customer_id).customer.first_name == winner
    everything_agrees(table, call, customer_id, version=2)


@pytest.mark.timeout(120)
def test_alerts_set_at_once_for_the_same_stock_are_one_alert(table: Any) -> None:
    call = new_shop()
    product_id = call("v2/catalog/create_product", body={"name": "Cup", "sku": "CUP", "price": 5}).body["id"]

    def setting(tx: Transaction, threshold: int) -> Any:
        return alerts.set_alert(tx, merchant(call), SetAlert(product_id, threshold))

    outcomes = at_once([partial(setting, threshold=threshold) for threshold in range(1, 9)])

    last = max((each.alert for each in outcomes), key=lambda alert: alert.version)
    assert sorted(each.alert.version for each in outcomes) == list(range(1, 9))
    assert {each.alert.alert_id for each in outcomes} == {last.alert_id}
    found = alerts.list_alerts(call.credential.tenant, product_id, PageRequest(limit=20)).items
    assert [each.alert for each in found] == [last]
