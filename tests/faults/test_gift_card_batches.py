"""The workflow of gift card batches: killed before and after each AWS call, its answers lost, several at once."""

import csv
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import StringIO
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
import pytest

from commerce.gift_cards import batch_files, batch_jobs, batches, pins, serials
from commerce.gift_cards.batch_model import BatchStatus, IssueBatch
from commerce.gift_cards.issuing import IssueCard
from commerce.kernel import aws
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.faults.conftest import new_shop, rows_of
from tests.faults.kill import AnswerLost, Door, Killed, watching
from tests.invariants import check
from tests.shop import Call
from tests.workflow import Machine

BUCKET = "till-faults"
QUANTITY = batches.CHUNK + 1  # two chunks
AT_ONCE = 6

type Note = Callable[[str, Any], None]


@pytest.fixture(scope="module", autouse=True)
def bucket(emulator: Any) -> Iterator[None]:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    aws.client.cache_clear()
    with mock.patch.dict(os.environ, FILES_BUCKET=BUCKET):
        yield
    aws.client.cache_clear()


def asked_for(quantity: int = QUANTITY) -> tuple[Call, str]:
    """A new shop, and the id of a batch that it waits for."""
    call = new_shop()
    caller = Caller(call.credential.tenant, "key_1", Role.API_KEY)
    command = IssueBatch((IssueCard(Money(5000, "USD")),), quantity)
    return call, run(lambda tx: batch_jobs.request(tx, caller, command)).batch_id


def work(call: Call, batch_id: str) -> None:
    """One execution, from its first task on."""
    tenant = call.credential.tenant
    state = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "batch_id": batch_id}
    assert Machine("GiftCardBatchWorkflow").start("once", state)


def require_issued(table: Any, call: Call, batch_id: str, quantity: int = QUANTITY) -> None:
    """Every card of the batch is there once, with one entry, and its line in the file opens it."""
    tenant, rows = call.credential.tenant, rows_of(table, call)
    check(rows)
    cards = {row["serial"]: row for row in rows if row["kind"] == "gift_card"}
    entries = [row["pk"] for row in rows if row["kind"] == "posting"]
    assert len(cards) == len(entries) == len(set(entries)) == quantity
    batch = batches.get(tenant, batch_id)
    assert (batch.status, batch.issued) == (BatchStatus.ISSUED, quantity)
    [file] = {_downloaded(tenant, batch_id) for _ in range(2)}
    lines = list(csv.DictReader(StringIO(file, newline="")))
    assert len(lines) == quantity
    for line in lines:
        card = cards[serials.normalise(line["serial"])]
        assert pins.opens(tenant, card["serial"], line["pin"], card["pin_hash"])


def _downloaded(tenant: Tenant, batch_id: str) -> str:
    run(lambda tx: batch_jobs.download(tx, tenant, batch_id))
    key = batch_files.key_of(tenant, batch_id)
    return str(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())


def disturbed(door: Door) -> tuple[Call, str]:
    """A batch whose first execution met ``door``, and whose second one met nothing."""
    call, batch_id = asked_for()
    at_once = SimpleNamespace(sleep=lambda _: None)
    with suppress(Killed), mock.patch.object(botocore.endpoint, "time", at_once), watching(door):
        work(call, batch_id)
    work(call, batch_id)
    return call, batch_id


@pytest.mark.timeout(180)
def test_a_batch_whose_workflow_is_killed_anywhere_is_issued_once_by_the_next(
    table: Any, record_property: Note
) -> None:
    door = Door()
    require_issued(table, *disturbed(door))
    undisturbed = list(door.calls)

    for number in range(len(undisturbed)):
        for after in (False, True):
            door = Door(strike_at=number, after=after)
            call, batch_id = disturbed(door)
            assert len(door.calls) > number, "the call that was to be struck never came"
            require_issued(table, call, batch_id)
    record_property("deaths survived", {"of a batch's workflow": 2 * len(undisturbed)})


@pytest.mark.timeout(120)
def test_a_batch_whose_answers_are_lost_is_issued_once(table: Any, record_property: Note) -> None:
    door = Door()
    disturbed(door)

    for number in range(len(door.calls)):
        require_issued(table, *disturbed(Door(strike_at=number, after=True, error=AnswerLost)))
    record_property("lost answers survived", {"of a batch's workflow": len(door.calls)})


@pytest.mark.timeout(120)
def test_several_executions_of_one_batch_at_once_issue_it_once(table: Any) -> None:
    call, batch_id = asked_for(101)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: work(call, batch_id), range(AT_ONCE)))

    require_issued(table, call, batch_id, 101)
