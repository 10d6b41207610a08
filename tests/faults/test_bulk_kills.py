"""Bulk work: requests killed among their rows, jobs killed before and after each AWS call, several at one job."""

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
import pytest

from commerce.bulk import exports
from commerce.bulk import use_cases as bulk
from commerce.fulfillment import dispatching
from commerce.fulfillment.use_cases import ShipOrder
from commerce.inventory import store as stocks
from commerce.jobs import queries, running
from commerce.jobs.model import Format, Job, JobStatus, JobType
from commerce.kernel import aws
from commerce.kernel.caller import Caller, Role
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import AnswerLost, Door, Killed, kind_of, strikes, watching
from tests.faults.test_fulfillment_kills import Depot
from tests.invariants import check
from tests.shop import Call
from tests.workflow import Machine

BUCKET = "till-bulk-faults"
ADJUST = "admin/inventory_history/bulk_adjust_inventory"
ROWS = 3  # of a job that is killed everywhere
AT_ONCE = 4

type Note = Callable[[str, Any], None]


@pytest.fixture(scope="module", autouse=True)
def bucket(emulator: Any) -> Iterator[None]:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    aws.client.cache_clear()
    with mock.patch.dict(os.environ, FILES_BUCKET=BUCKET):
        yield
    aws.client.cache_clear()


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one row is a job, and each slice has two."""
    monkeypatch.setattr(bulk, "_PAGES_AT_ONCE", 1)
    monkeypatch.setattr(exports, "PAGE", 1)
    monkeypatch.setattr(running, "_BATCH", 1)
    monkeypatch.setattr(running, "SLICE_ROWS", 2)


class _ShortLived:
    """A Lambda context at its end: the lease of the attempt is over when its caller retries."""

    def get_remaining_time_in_millis(self) -> int:
        return 1


def stocked() -> tuple[Call, list[str]]:
    """A new shop, and the ids of its products: 10 units of each."""
    call = new_shop()
    shop = Shop(call, call.credential.tenant)
    return call, [str(shop.product(f"SKU-{number}", 5, stock=10)["id"]) for number in range(ROWS)]


def asked_for(call: Call, type: JobType, rows: list[dict[str, Any]]) -> str:
    """A job that waits to be done; the id of it."""
    caller = Caller(call.credential.tenant, "key_1", Role.API_KEY)
    with mock.patch.object(bulk, "MAX_AT_ONCE", 0):
        job = run(lambda tx: bulk.change(tx, caller, type, rows))
    assert isinstance(job, Job)
    return job.job_id


def export_asked_for(call: Call, type: JobType) -> str:
    caller = Caller(call.credential.tenant, "key_1", Role.API_KEY)
    return run(lambda tx: bulk.export(tx, caller, type, Format.JSON)).job_id


def work(call: Call, job_id: str) -> None:
    """One execution, from its first slice on."""
    tenant = call.credential.tenant
    state = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "job_id": job_id}
    assert Machine("BulkJobWorkflow").start("once", state)


def disturbed(door: Door, call: Call, job_id: str) -> None:
    """The job's first execution meets ``door``, its second one nothing."""
    at_once = SimpleNamespace(sleep=lambda _: None)
    with suppress(Killed), mock.patch.object(botocore.endpoint, "time", at_once), watching(door):
        work(call, job_id)
    work(call, job_id)


def file_of(call: Call, job_id: str) -> str:
    tenant = call.credential.tenant
    job = queries.get(tenant, job_id)
    assert (job.status, job.progress) == (JobStatus.SUCCEEDED, 100)
    key = f"jobs/{tenant.tenant_id}/{tenant.mode}/{job_id}/result.{job.format}"
    return str(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode("utf-8-sig"))


def require_moved_once(table: Any, call: Call, job_id: str, products: list[str]) -> None:
    """Every row moved its stock once, and has its line in the file."""
    rows = rows_of(table, call)
    check(rows)
    moved = Counter(row["product_id"] for row in rows if row["kind"] == "movement" and row.get("reference") == job_id)
    assert moved == Counter(products)
    assert {int(row["available"]) for row in rows if row["kind"] == "stock"} == {13}
    lines = list(csv.DictReader(StringIO(file_of(call, job_id), newline="")))
    assert [(int(line["row"]), line["product_id"], line["ok"]) for line in lines] == [
        (number, product_id, "true") for number, product_id in enumerate(products, start=1)
    ]


def adjustments(products: list[str]) -> list[dict[str, Any]]:
    return [{"product_id": product_id, "quantity_change": 3, "reason": "restock"} for product_id in products]


def noted(note: Note, doors: list[Door], what: str) -> None:
    lost = sum(door.error is AnswerLost for door in doors)
    note("deaths survived", {what: len(doors) - lost})
    note("lost answers survived", {what: lost})


@pytest.mark.timeout(180)
def test_a_job_that_is_killed_anywhere_moves_every_row_once(table: Any, record_property: Note) -> None:
    def disturb(door: Door) -> Door:
        call, products = stocked()
        job_id = asked_for(call, JobType.STOCK_ADJUSTMENT, adjustments(products))
        disturbed(door, call, job_id)
        require_moved_once(table, call, job_id, products)
        return door

    calls = disturb(Door()).calls
    doors = strikes(calls)
    for door in doors:
        assert len(disturb(door).calls) > (door.strike_at or 0), "the call that was to be struck never came"
    noted(record_property, doors, "of a job that moves stock")


@pytest.mark.timeout(180)
def test_an_import_that_is_killed_anywhere_makes_every_product_once(table: Any, record_property: Note) -> None:
    rows = [{"sku": f"SKU-{number}", "name": "Mug", "price": 500, "stock": 7} for number in range(ROWS)]

    def disturb(door: Door) -> Door:
        call = new_shop()
        job_id = asked_for(call, JobType.PRODUCT_IMPORT, rows)
        disturbed(door, call, job_id)
        left = rows_of(table, call)
        check(left)
        made = Counter(row["kind"] for row in left if row["kind"] in ("product", "sku", "movement", "stock"))
        assert made == dict.fromkeys(("product", "sku", "movement", "stock"), ROWS)
        assert {int(row["available"]) for row in left if row["kind"] == "stock"} == {7}
        lines = list(csv.DictReader(StringIO(file_of(call, job_id), newline="")))
        assert [(line["sku"], line["ok"]) for line in lines] == [(row["sku"], "true") for row in rows]
        return door

    doors = strikes(disturb(Door()).calls)
    for door in doors:
        disturb(door)
    noted(record_property, doors, "of an import")


@pytest.mark.timeout(180)
def test_a_dispatch_job_that_is_killed_anywhere_ships_and_mails_every_order_once(
    table: Any, record_property: Note
) -> None:
    depot = Depot.open(table)

    def disturb(door: Door) -> Door:
        rows = [ShipOrder(depot.sell(), "1Z", "UPS", notify_customer=True) for _ in range(ROWS)]
        with mock.patch.object(dispatching, "MAX_AT_ONCE", 0):
            job = run(lambda tx: dispatching.dispatch(tx, depot.merchant, rows))
        assert isinstance(job, Job)
        disturbed(door, depot.call, job.job_id)
        lines = list(csv.DictReader(StringIO(file_of(depot.call, job.job_id), newline="")))
        assert [(line["order_id"], line["ok"], line["status"]) for line in lines] == [
            (row.order_id, "true", "shipped") for row in rows
        ]
        return door

    doors = strikes(disturb(Door()).calls)
    for door in doors:
        disturb(door)

    sold = ROWS * (len(doors) + 1)
    assert len(depot.rows("shipment")) == sold
    assert [row["type"] for row in depot.rows("outbox")].count("customer.notice") == sold
    depot.check()
    noted(record_property, doors, "of a job that dispatches")


@pytest.mark.timeout(180)
def test_an_export_that_is_killed_anywhere_has_every_row_once(table: Any, record_property: Note) -> None:
    call, products = stocked()

    def disturb(door: Door) -> Door:
        job_id = export_asked_for(call, JobType.PRODUCT_EXPORT)
        disturbed(door, call, job_id)
        found = json.loads(file_of(call, job_id), parse_float=Decimal)
        assert [each["id"] for each in found] == list(reversed(products))
        return door

    doors = strikes(disturb(Door()).calls)
    for door in doors:
        disturb(door)
    noted(record_property, doors, "of an export")


def test_several_executions_of_a_job_at_once_move_every_row_once(table: Any) -> None:
    call, products = stocked()
    job_id = asked_for(call, JobType.STOCK_ADJUSTMENT, adjustments(products))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: work(call, job_id), range(AT_ONCE)))

    require_moved_once(table, call, job_id, products)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("after", [False, True])
def test_a_request_of_100_rows_that_is_killed_at_row_50_and_sent_again_moves_100_times(
    table: Any, after: bool, record_property: Note
) -> None:
    call = new_shop()
    product = Shop(call, call.credential.tenant).product("MUG", 5)["id"]
    body = {"adjustments": [{"product_id": product, "quantity_change": 1, "reason": "restock"}] * 100}
    headers = {"Idempotency-Key": "a-delivery"}
    commits: list[str] = []

    class AtRow50(Door):
        def through(self, name: str, send: Callable[[], Any]) -> Any:
            if kind_of(name) == "TransactWriteItems":
                commits.append(name)
                if len(commits) == 50 and not after:
                    raise Killed(name)
            answer = send()
            if len(commits) == 50:
                raise Killed(name)
            return answer

    with suppress(Killed), watching(AtRow50()):
        call(ADJUST, body=body, headers=headers, context=_ShortLived())
    assert len(commits) == 50, "it was not killed"
    moved = [row for row in rows_of(table, call) if row["kind"] == "movement"]
    assert len(moved) == (50 if after else 49)

    answered = call(ADJUST, body=body, headers=headers, context=_ShortLived())

    assert answered.status == 200, answered.text
    assert answered.body["data"]["summary"] == {"requested": 100, "succeeded": 100, "failed": 0}
    rows = rows_of(table, call)
    check(rows)
    moved = [row for row in rows if row["kind"] == "movement"]
    assert len(moved) == len({row["sk"] for row in moved}) == 100
    [stock] = [row for row in rows if row["kind"] == "stock"]
    assert int(stock["available"]) == 100
    assert stocks.has_moved(call.credential.tenant, product, moved[0]["sk"])
    record_property("deaths survived", {"of a bulk request at row 50": 1})
