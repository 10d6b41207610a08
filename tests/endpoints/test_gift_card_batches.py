"""Batches of gift cards: a hundred at once, ten thousand by a workflow, and the file with their codes and PINs."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from commerce.gift_cards import batch_files, batch_jobs, pins, serials, store
from commerce.kernel import aws, clock
from commerce.kernel.csv_text import table as csv_table
from commerce.observability import logger
from tests.contract.shops import Shop
from tests.events import told
from tests.invariants import check
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential, handler
from tests.streams import Stream, audited, deliver
from tests.template import template
from tests.workflow import Machine

BUCKET = "till-files"
ISSUE, GET, DOWNLOAD = (f"admin/gift_cards/{verb}_gift_card_batch" for verb in ("issue", "get", "download"))
LATER = timedelta(minutes=16)


@pytest.fixture(autouse=True)
def bucket(call: Call, table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shop, and the bucket of its files; at the end the books are right."""
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    aws.client.cache_clear()
    Shop(call).open()
    bucket = boto3.resource("s3").create_bucket(Bucket=BUCKET)
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()
    check(table.scan()["Items"])


def order(call: Call, quantity: int, **request: Any) -> Answered:
    body = {"quantity": quantity, "amount": 50, "currency": "USD", "expiration_date": "2099-03-20"}
    return call(ISSUE, body=body | request.pop("body", {}), **request)


def ordered(call: Call, quantity: int) -> Any:
    answered = order(call, quantity)
    assert answered.status == 201, answered.text
    return answered.body["data"]


def state(batch_id: str, tenant: Any = TENANT) -> dict[str, Any]:
    """What the rule on the bus starts the workflow with."""
    return {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "batch_id": batch_id}


def work(batch_id: str) -> Any:
    machine = Machine("GiftCardBatchWorkflow")
    assert machine.start("once", state(batch_id))
    return machine.executions["once"].output


def progress(call: Call, batch_id: str) -> Any:
    answered = call(GET, batch_id=batch_id)
    assert answered.status == 200, answered.text
    return answered.body["data"]


def fetched(url: str) -> bytes:
    """What whoever follows a link gets."""
    parts = urlsplit(url)
    key = parts.path.lstrip("/").removeprefix(f"{BUCKET}/")
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def lines(url: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(fetched(url).decode(), newline="")))


def rows_of(table: Any, kind: str) -> list[dict[str, Any]]:
    return [row for row in table.scan()["Items"] if row["kind"] == kind]


# Up to a hundred: issued by the time of the answer


@pytest.mark.parametrize("quantity", [1, 32, 33, 100])
def test_up_to_a_hundred_cards_are_issued_by_the_time_of_the_answer(call: Call, table: Any, quantity: int) -> None:
    batch = ordered(call, quantity)

    assert (batch["status"], batch["quantity"], batch["cards_created"]) == ("issued", quantity, quantity)
    assert len(rows_of(table, "gift_card")) == len(rows_of(table, "posting")) == len(lines(batch["download_url"]))
    assert rows_of(table, "outbox") == []


def test_every_line_of_the_file_opens_its_card(call: Call) -> None:
    batch = ordered(call, 5)

    for line in lines(batch["download_url"]):
        card = store.find(TENANT, serials.normalise(line["serial"]))
        assert card is not None
        assert pins.opens(TENANT, card.serial, line["pin"], card.pin_hash)
        assert (line["amount"], line["currency"], line["expires_on"]) == ("50.00", "USD", "2099-03-20")
        assert (card.batch_id, card.balance.minor) == (batch["batch_id"], 5000)


def test_a_card_without_a_date_has_none_in_the_file(call: Call) -> None:
    answered = order(call, 1, body={"expiration_date": None})

    assert [line["expires_on"] for line in lines(answered.body["data"]["download_url"])] == [""]


# More than a hundred: asked for, and issued by the workflow


def test_more_than_a_hundred_cards_are_only_asked_for(call: Call, table: Any) -> None:
    batch = ordered(call, 101)

    assert (batch["status"], batch["cards_created"], batch["download_url"]) == ("processing", 0, None)
    assert rows_of(table, "gift_card") == []
    [event] = told(rows_of(table, "outbox"))
    assert (event.type, event.ordering_key, event.sequence) == ("gift_card_batch.requested", batch["batch_id"], 1)
    assert event.data.object.model_dump() == {"id": batch["batch_id"], "quantity": 101}
    assert progress(call, batch["batch_id"])["cards_created"] == 0


def test_ten_thousand_may_be_asked_for_and_not_one_more(call: Call) -> None:
    assert ordered(call, 10_000)["quantity"] == 10_000
    assert order(call, 10_001).status == 422


def test_the_workflow_issues_every_card_once_and_then_there_is_a_file(call: Call, table: Any) -> None:
    batch_id = ordered(call, 130)["batch_id"]

    assert work(batch_id) == {"batch_id": batch_id, "cards": 130}

    assert progress(call, batch_id) | {"created_at": ""} == {
        "batch_id": batch_id,
        "status": "issued",
        "quantity": 130,
        "cards_created": 130,
        "created_at": "",
    }
    cards, entries = rows_of(table, "gift_card"), rows_of(table, "posting")
    assert Counter(card["batch_id"] for card in cards) == {batch_id: 130}
    assert {entry["actor"] for entry in entries} == {"api_key:key_1"}
    assert {json.loads(card["cause"])["actor"] for card in cards} == {"api_key:key_1"}
    assert Counter(entry["pk"] for entry in entries) == Counter(card["pk"] for card in cards)
    file = call(DOWNLOAD, batch_id=batch_id).body["data"]
    assert {serials.normalise(line["serial"]) for line in lines(file["download_url"])} == {
        card["serial"] for card in cards
    }


def test_the_workflow_again_changes_nothing(call: Call, table: Any) -> None:
    batch_id = ordered(call, 101)["batch_id"]
    work(batch_id)
    before, file = table.scan()["Items"], fetched(call(DOWNLOAD, batch_id=batch_id).body["data"]["download_url"])
    downloaded = table.scan()["Items"]

    work(batch_id)
    handler("workflows/gift_card_batch/issue_gift_card_chunk").handler(state(batch_id) | {"chunk": 64}, None)

    assert table.scan()["Items"] == downloaded
    assert len(before) == len(downloaded)
    assert fetched(call(DOWNLOAD, batch_id=batch_id).body["data"]["download_url"]) == file


def test_the_batch_tells_how_far_it_is(call: Call) -> None:
    batch_id = ordered(call, 101)["batch_id"]
    chunk = handler("workflows/gift_card_batch/issue_gift_card_chunk").handler

    seen = []
    for first in (96, 32):
        chunk(state(batch_id) | {"chunk": first}, None)
        seen.append(progress(call, batch_id)["cards_created"])

    assert seen == [5, 37]
    plan = handler("workflows/gift_card_batch/plan_gift_card_batch").handler
    assert plan(state(batch_id), None)["chunks"] == [0, 64]


def test_a_batch_is_not_issued_before_its_last_card_is(call: Call) -> None:
    batch_id = ordered(call, 101)["batch_id"]

    with pytest.raises(Exception, match="missing"):
        handler("workflows/gift_card_batch/finish_gift_card_batch").handler(state(batch_id), None)

    assert progress(call, batch_id)["status"] == "processing"
    assert call(DOWNLOAD, batch_id=batch_id).body["error"]["details"][0]["code"] == "batch_not_issued"


def test_what_was_ordered_on_the_last_day_is_issued_after_midnight_too(call: Call) -> None:
    now = clock.now()
    batch = order(call, 101, body={"expiration_date": now.date().isoformat()}).body["data"]

    with clock.use(lambda: now + timedelta(days=1)):
        work(batch["batch_id"])

    assert progress(call, batch["batch_id"])["cards_created"] == 101


def test_the_same_key_asks_for_one_batch(call: Call, table: Any) -> None:
    first, again = (order(call, 101, headers={"Idempotency-Key": "spring"}).body["data"] for _ in range(2))

    assert first == again
    assert len(rows_of(table, "gift_card_batch")) == len(rows_of(table, "outbox")) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"amount": 0}, "amount_out_of_range"),
        ({"expiration_date": "2001-01-01"}, "date_passed"),
        ({"funding": "paid", "expiration_date": "2027-03-20"}, "expiry_too_soon"),
    ],
)
def test_a_batch_of_cards_that_cannot_be_is_refused_whole(
    call: Call, table: Any, wrong: dict[str, Any], reason: str
) -> None:
    answered = order(call, 101, body=wrong)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, reason)
    assert rows_of(table, "gift_card_batch") == []


# Batches that stand still


def resume() -> Any:
    return handler("schedules/resume_gift_card_batches").handler({}, None)


def test_a_batch_that_stands_still_is_told_of_again_until_it_is_issued(call: Call, table: Any) -> None:
    batch_id, now = ordered(call, 101)["batch_id"], clock.now()

    assert resume() == {"done": 0, "failed": 0}
    for minutes in (16, 20, 33):
        then = now + timedelta(minutes=minutes)
        with clock.use(partial(datetime.fromtimestamp, then.timestamp(), UTC)):
            resume()
    assert sorted(event.sequence for event in told(rows_of(table, "outbox"))) == [1, 2, 3]

    work(batch_id)
    with clock.use(lambda: now + timedelta(days=1)):
        assert resume() == {"done": 0, "failed": 0}
    assert progress(call, batch_id)["status"] == "issued"


def test_two_schedules_that_find_the_same_batch_tell_of_it_once(call: Call, table: Any) -> None:
    batch_id, later = ordered(call, 101)["batch_id"], clock.now() + LATER

    with clock.use(lambda: later):
        for _ in range(2):
            batch_jobs.resume(TENANT, batch_id)

    assert sorted(event.sequence for event in told(rows_of(table, "outbox"))) == [1, 2]


def test_one_batch_that_cannot_be_told_of_does_not_keep_the_others_waiting(call: Call, table: Any) -> None:
    lost, kept = (ordered(call, 101)["batch_id"] for _ in range(2))
    [row] = [row for row in rows_of(table, "gift_card_batch") if row["batch_id"] == lost]
    table.put_item(Item=row | {"status": "odd"})

    later = clock.now() + LATER
    with clock.use(lambda: later):
        assert resume() == {"done": 1, "failed": 1}

    assert [event.ordering_key for event in told(rows_of(table, "outbox")) if event.sequence == 2] == [kept]
    table.put_item(Item=row)


# The file


def test_each_link_is_fresh_short_lived_and_on_record(call: Call, table: Any) -> None:
    batch_id, stream = ordered(call, 1)["batch_id"], Stream(table)

    now = clock.now()
    with clock.use(lambda: now):
        links = [call(DOWNLOAD, batch_id=batch_id).body["data"] for _ in range(2)]

    for link in links:
        query = parse_qs(urlsplit(link["download_url"]).query)
        assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == (["900"], ["AWS4-HMAC-SHA256"])
        assert datetime.fromisoformat(link["expires_at"]) - now <= timedelta(minutes=15)
    assert deliver("record_audit", audited(stream.read())) == []
    [log] = call("v2/audit/list_audit_logs", query={"resource_id": batch_id}).body["logs"]
    assert (log["action"], log["resource_id"]) == ("gift_card_batch.downloaded", batch_id)
    assert log["changes"] == {"downloads": {"old": 0, "new": 2}}


def test_the_file_is_encrypted_saved_under_its_name_and_removed_after_a_day(call: Call, bucket: Any) -> None:
    batch_id = ordered(call, 1)["batch_id"]

    [stored] = bucket.objects.all()
    answer = stored.get()
    assert stored.key == batch_files.key_of(TENANT, batch_id)
    assert answer["ContentDisposition"] == f'attachment; filename="gift_cards_{batch_id}.csv"'
    properties = template()["Resources"]["FilesBucket"]["Properties"]
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
    [rule] = [
        each
        for each in properties["LifecycleConfiguration"]["Rules"]
        if stored.key.startswith(each.get("Prefix", "nowhere"))
    ]
    assert (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]) == (1, {"NoncurrentDays": 1})


def test_without_the_bucket_nothing_is_written_and_the_caller_may_try_again(call: Call, table: Any) -> None:
    batch_id = ordered(call, 1)["batch_id"]
    before = table.scan()["Items"]
    os.environ["FILES_BUCKET"] = "till-nowhere"

    answered = call(DOWNLOAD, batch_id=batch_id)

    assert (answered.status, answered.headers["Retry-After"]) == (503, "1")
    assert table.scan()["Items"] == before
    for quantity in (1, 100):
        assert order(call, quantity).status == 503
        assert table.scan()["Items"] == before


def test_a_batch_of_another_shop_is_not_there(call: Call) -> None:
    batch_id = ordered(call, 1)["batch_id"]
    stranger = Credential(tenant=OTHER_TENANT)

    for path in (GET, DOWNLOAD):
        foreign, unknown = (call(path, credential=stranger, batch_id=each) for each in (batch_id, "batch_none"))
        assert foreign.status == unknown.status == 404
        assert foreign.body["error"]["message"] == unknown.body["error"]["message"]


def test_who_may_only_look_gets_no_link(call: Call) -> None:
    batch_id = ordered(call, 1)["batch_id"]
    reader = Credential(scopes=frozenset({"gift_cards:read"}))

    assert call(GET, credential=reader, batch_id=batch_id).status == 200
    assert call(DOWNLOAD, credential=reader, batch_id=batch_id).status == 403


def test_no_pin_stands_anywhere_but_in_the_file(
    call: Call, table: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger._logger, "propagate", True)
    caplog.set_level("INFO")
    caplog.set_level("INFO", logger=logger._logger.name)
    batch_id = order(call, 101, headers={"Idempotency-Key": "spring"}).body["data"]["batch_id"]
    output = work(batch_id)
    link = call(DOWNLOAD, batch_id=batch_id, headers={"Idempotency-Key": "link"}).body["data"]["download_url"]

    logged = [vars(record) for record in caplog.records]
    assert "chunk issued" in str(logged)
    seen = json.dumps([table.scan()["Items"], output, progress(call, batch_id), logged], default=str)
    alone = set(re.findall(r"(?<![.\w])\d{6}(?!\w)", seen))  # not within a hash, an id or an instant
    assert alone & {line["pin"] for line in lines(link)} == set()
    assert link not in seen


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r", "\uff1d1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    [[read]] = csv.reader(StringIO(csv_table([[cell]]), newline=""))

    assert read == f"'{cell}"


def test_other_cells_stay_as_they_are() -> None:
    assert csv_table([["GC-1", 5, "a,b"], ["", "1-2", 'say "hi"']]) == 'GC-1,5,"a,b"\r\n,1-2,"say ""hi"""\r\n'
