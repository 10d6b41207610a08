"""RL-03 under load: sixteen threads past the authorizer at once, and every call is counted to the unit."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pynamodb.connection.base import Connection

from commerce.access import use_cases
from commerce.access.model import MERCHANT_SCOPES
from commerce.access.use_cases import CreateKey, CreateTenant
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Role, Tenant
from commerce.limits.model import Plan
from commerce.table.transaction import run
from tests.shop import authorize

THREADS = 16
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """What the authorizer said of one call."""

    admitted: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int


@dataclass
class Units:
    """Write units that counting took: of calls that were counted, and of tries that another call was ahead of."""

    counted: float = 0
    overtaken: int = 0


@pytest.fixture
def units(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Units:
    taken, lock = Units(), threading.Lock()
    original = Connection._make_api_call

    def measured(self: Any, operation: str, arguments: Any, *more: Any) -> Any:
        try:
            answer = original(self, operation, arguments, *more)
        except ClientError:
            with lock:
                taken.overtaken += operation == "UpdateItem"
            raise
        if operation == "UpdateItem":
            with lock:
                taken.counted += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer

    monkeypatch.setattr(Connection, "_make_api_call", measured)
    return taken


def open_shop(plan: Plan, hourly_limit: int | None = None, daily_limit: int | None = None) -> str:
    """A new shop; its owner's key."""
    command = CreateTenant(
        tenant_id=f"ten_{uuid.uuid4().hex[:12]}",
        name="Shop",
        currency="USD",
        timezone="America/New_York",
        country="US",
        warehouses=("wh_001",),
        mode=Mode.TEST,
        plan=plan,
        hourly_limit=hourly_limit,
        daily_limit=daily_limit,
    )
    return run(lambda tx: use_cases.create_tenant(tx, command))[1].text


def issue(owner_key: str, rate_limit: int) -> str:
    tenant_id = owner_key.removeprefix("test_").rsplit("_", 2)[0]
    owner = Caller(Tenant(tenant_id, Mode.TEST), "key_0", Role.OWNER, MERCHANT_SCOPES)
    command = CreateKey("App", frozenset({"products:read"}), hourly_limit=rate_limit)
    return run(lambda tx: use_cases.create_key(tx, owner, command)).text


def ask(key: str) -> Told:
    said = authorize(key)
    retry_after = int(said.get("retry_after", 0))
    return Told(not retry_after, int(said["limit"]), int(said["remaining"]), int(said["reset"]), retry_after)


def at_once(keys: list[str]) -> list[Told]:
    """A call with each key, in their order: sixteen at a time, and the first sixteen in the same instant."""
    together = threading.Barrier(THREADS)

    def start(index: int) -> Told:
        if index < THREADS:
            together.wait()
        return ask(keys[index])

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(len(keys))))


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    with clock.use(lambda: instant):
        yield


def remaining(told: list[Told]) -> list[int]:
    return sorted((each.remaining for each in told if each.admitted), reverse=True)


@pytest.mark.parametrize("attempt", range(3))
def test_sixteen_at_once_are_told_sixteen_different_numbers(units: Units, attempt: int) -> None:
    key = open_shop(Plan.FREE)

    with at(NOON):
        told = at_once([key] * THREADS)

    assert remaining(told) == list(range(99, 83, -1))
    assert units.counted == THREADS


def test_from_rest_exactly_twice_the_free_plan_passes(units: Units) -> None:
    key = open_shop(Plan.FREE)
    with at(NOON):
        ask(key)
        told = at_once([key] * 299)

    assert sum(each.admitted for each in told) == 199
    assert remaining(told) == [*range(98, -1, -1), *([0] * 100)]
    refused = [each for each in told if not each.admitted]
    assert Counter(refused) == {Told(False, 100, 0, int(NOON.timestamp()) + 7200, 36): 100}
    assert units.counted == 200
    assert units.overtaken <= THREADS  # those that had read the row before the last of the 200


@pytest.mark.parametrize("intervals", [1, 5, 40])
def test_each_interval_lets_one_more_call_pass(units: Units, intervals: int) -> None:
    key = open_shop(Plan.FREE)
    with at(NOON):
        at_once([key] * 200)

    with at(NOON + timedelta(seconds=36 * intervals) - timedelta(microseconds=1)):
        early = at_once([key] * 60)
    with at(NOON + timedelta(seconds=36 * intervals)):
        then = at_once([key] * 60)

    assert sum(each.admitted for each in early) == intervals - 1
    assert sum(each.admitted for each in then) == 1


def test_after_a_rest_and_at_a_new_day_all_is_counted_too(units: Units) -> None:
    key = open_shop(Plan.FREE)
    for moment in (NOON, NOON + timedelta(hours=9), NOON + timedelta(hours=30)):
        with at(moment):
            told = at_once([key] * 40)
        assert remaining(told) == list(range(99, 59, -1))

    assert units.counted == 120
    assert units.overtaken <= 3 * (THREADS - 1)  # at each turn all but the first of those that are under way


def test_the_daily_limit_is_hard_for_sixteen_at_once_too(units: Units) -> None:
    key = open_shop(Plan.ENTERPRISE, 30, 100)
    with at(NOON):
        first = at_once([key] * 75)
    with at(NOON + timedelta(hours=2)):
        second = at_once([key] * 20)
    with at(NOON + timedelta(hours=4)):
        told = at_once([key] * 40)

    assert [sum(each.admitted for each in calls) for calls in (first, second, told)] == [60, 20, 20]
    assert {each.limit for each in told} == {100}
    assert remaining(told) == list(range(19, -1, -1))
    midnight = datetime(2026, 3, 21, 4, tzinfo=UTC)
    assert {each.reset for each in told} == {int(midnight.timestamp())}


def test_keys_and_tenants_leave_each_others_calls_alone(units: Units) -> None:
    free, starter = open_shop(Plan.FREE), open_shop(Plan.STARTER)
    own = issue(free, 20)

    keys = [free, starter, own] * 60
    with at(NOON):
        told = list(zip(keys, at_once(keys), strict=True))

    admitted = Counter(key for key, each in told if each.admitted)
    assert admitted == {free: 60, starter: 60, own: 40}
    assert sorted(each.remaining for key, each in told if key == starter) == list(range(940, 1_000))
