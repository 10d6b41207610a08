"""Bulk work: many products changed, brought in or restocked with one request, each row by itself."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from commerce.inventory import ledger_store
from commerce.inventory import store as stocks
from commerce.jobs import files, running
from commerce.kernel import aws, clock
from commerce.kernel.errors import Unavailable
from commerce.observability import logger
from tests.conftest import all_rows
from tests.contract.shops import Shop
from tests.events import told
from tests.invariants import check
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential, handler
from tests.streams import Stream, audited, deliver
from tests.workflow import Machine

BUCKET = "till-files"
UPDATE, IMPORT = "admin/bulk/update_products", "admin/bulk/import_products"
ADJUST, HISTORY, JOB = (
    "admin/inventory_history/bulk_adjust_inventory",
    "admin/inventory_history/list_inventory_history",
    "v2/jobs/get_job",
)
READER = Credential(scopes=frozenset({"jobs:read", "products:read", "inventory:read"}))
KEEPER = Credential(scopes=frozenset({"products:write", "inventory:write"}))


@pytest.fixture(autouse=True)
def bucket(call: Call, table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shop, and the bucket of its files; at the end money and stock add up."""
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    aws.client.cache_clear()
    Shop(call).open()
    bucket = boto3.resource("s3").create_bucket(Bucket=BUCKET)
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()
    check(all_rows(table))


@pytest.fixture
def shop(call: Call) -> Shop:
    return Shop(call)


@pytest.fixture
def mug(shop: Shop) -> str:
    """4 of them are in the first warehouse."""
    return str(shop.product("MUG", 5, stock=4)["id"])


def done(answered: Answered) -> Any:
    assert answered.status == 200, answered.text
    return answered.body["data"]


def outcomes(answered: Answered) -> list[str]:
    """For each row ``ok``, or why it was refused."""
    return [row["error"]["reason"] if row["error"] else "ok" for row in done(answered)["results"]]


def rows_of(table: Any, kind: str) -> list[dict[str, Any]]:
    return [row for row in all_rows(table) if row["kind"] == kind]


def state(job_id: str) -> dict[str, Any]:
    """What the rule on the bus starts the workflow with."""
    return {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "job_id": job_id}


def work(job_id: str) -> str:
    """One execution of the workflow; how it ended."""
    machine = Machine("BulkJobWorkflow")
    assert machine.start("once", state(job_id))
    return machine.executions["once"].status


def job(call: Call, job_id: str, **request: Any) -> Any:
    answered = call(JOB, id=job_id, credential=READER, **request)
    assert answered.status == 200, answered.text
    return answered.body


def file_of(job: Any) -> list[dict[str, str]]:
    """The lines of a job's file, as whoever follows the link gets them."""
    key = urlsplit(job["result"]["download_url"]).path.lstrip("/").removeprefix(f"{BUCKET}/")
    text = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


def adjust(call: Call, *rows: dict[str, Any], **request: Any) -> Answered:
    return call(ADJUST, body={"adjustments": list(rows)}, **request)


def plus(product_id: str, units: int, **more: Any) -> dict[str, Any]:
    return {"product_id": product_id, "quantity_change": units, "reason": "restock"} | more


def available(shop: Shop, product_id: str) -> int:
    return int(shop.do("v2/inventory/get_inventory", product_id=product_id)["total_available"])


# Products: price, status, category


def test_many_products_get_the_same_price_status_and_category(call: Call, shop: Shop, mug: str) -> None:
    cup = shop.product("CUP", 7, categories=["cups", "kitchen"])["id"]
    updates = {"price": Decimal("9.90"), "status": "draft", "category": "cat_02"}

    answered = call(UPDATE, body={"product_ids": [mug, cup], "updates": updates})

    assert done(answered)["summary"] == {"requested": 2, "succeeded": 2, "failed": 0}
    for product_id in (mug, cup):
        product = shop.do("v2/catalog/get_product", id=product_id)
        assert (product["price"], product["status"], product["categories"]) == (Decimal("9.90"), "draft", ["cat_02"])


def test_what_is_not_named_stays_as_it_is(call: Call, shop: Shop, mug: str) -> None:
    before = shop.do("v2/catalog/get_product", id=mug)

    done(call(UPDATE, body={"product_ids": [mug], "updates": {"category": "cups"}}))

    after = shop.do("v2/catalog/get_product", id=mug)
    assert {name for name in after if after[name] != before[name]} <= {"categories", "version", "updated_at"}


def test_a_product_that_there_is_not_is_refused_alone(call: Call, shop: Shop, mug: str) -> None:
    answered = call(UPDATE, body={"product_ids": ["prod_none", mug], "updates": {"status": "draft"}})

    assert outcomes(answered) == ["not_found", "ok"]
    assert done(answered)["summary"] == {"requested": 2, "succeeded": 1, "failed": 1}
    assert shop.do("v2/catalog/get_product", id=mug)["status"] == "draft"


@pytest.mark.parametrize(
    "updates",
    [
        {},
        {"name": "Mug"},
        {"sku": "M"},
        {"price": None},
        {"price": -1},
        {"price": Decimal("1.234")},
        {"status": "gone"},
        {"category": "Not A Slug"},
    ],
)
def test_only_a_price_a_status_and_a_category_can_be_set(call: Call, mug: str, updates: Any) -> None:
    answered = call(UPDATE, body={"product_ids": [mug], "updates": updates})

    assert answered.status == 422


def test_each_changed_product_is_told_of_and_a_product_that_is_so_already_is_not(
    call: Call, table: Any, mug: str
) -> None:
    body = {"product_ids": [mug], "updates": {"status": "draft"}}
    done(call(UPDATE, body=body))
    done(call(UPDATE, body=body))

    assert sorted(row["type"] for row in rows_of(table, "outbox")) == ["product.created", "product.updated"]


def test_another_shops_product_is_not_there(call: Call, mug: str) -> None:
    Shop(call, OTHER_TENANT).open()
    stranger = Credential(tenant=OTHER_TENANT)

    answered = call(UPDATE, body={"product_ids": [mug], "updates": {"status": "draft"}}, credential=stranger)

    assert outcomes(answered) == ["not_found"]


# Stock


def test_stock_of_many_products_is_moved_and_each_row_says_what_came_of_it(call: Call, shop: Shop, mug: str) -> None:
    cup = shop.product("CUP", 7, stock=10)["id"]
    shirts = shop.product("TEE", 9, variants=[{"sku": "TEE-S"}, {"sku": "TEE-M"}])

    answered = adjust(
        call,
        plus(mug, 50),
        plus(cup, -5, reason="damaged"),
        plus(cup, -6, reason="damaged"),
        plus(shirts["id"], 1),
        plus(shirts["id"], 3, variant_id=shirts["variants"][1]["id"], location="wh_002"),
        plus(mug, 1, location="wh_none"),
        plus(mug, 0),
    )

    assert outcomes(answered) == [
        *("ok", "ok", "insufficient_stock", "variant_required", "ok", "unknown_warehouse", "bad_quantity")
    ]
    assert [available(shop, each) for each in (mug, cup, shirts["id"])] == [54, 5, 3]


def test_below_zero_is_refused_and_what_came_before_it_stays(call: Call, shop: Shop, mug: str) -> None:
    answered = adjust(call, plus(mug, -4), plus(mug, -1), plus(mug, 1))

    assert outcomes(answered) == ["ok", "insufficient_stock", "ok"]
    assert available(shop, mug) == 1


def test_the_same_key_moves_once_and_another_key_moves_again(call: Call, shop: Shop, mug: str) -> None:
    first = adjust(call, plus(mug, 5), headers={"Idempotency-Key": "a"})
    again = adjust(call, plus(mug, 5), headers={"Idempotency-Key": "a"})
    other = adjust(call, plus(mug, 5), headers={"Idempotency-Key": "b"})

    assert (again.headers["Idempotent-Replayed"], again.text) == ("true", first.text)
    assert outcomes(other) == ["ok"]
    assert available(shop, mug) == 14


def test_two_equal_rows_are_two_movements(call: Call, shop: Shop, mug: str) -> None:
    assert outcomes(adjust(call, plus(mug, 5), plus(mug, 5))) == ["ok", "ok"]

    assert available(shop, mug) == 14


def test_a_request_that_breaks_off_goes_on_with_its_key_and_moves_no_row_twice(
    call: Call, shop: Shop, table: Any, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, move, moved = [plus(mug, 1)] * 100, stocks.move, []

    def breaks_at_row_50(*given: Any) -> None:
        moved.append(given)
        if len(moved) == 50:
            raise Unavailable
        move(*given)

    with monkeypatch.context() as patched:
        patched.setattr(stocks, "move", breaks_at_row_50)
        assert adjust(call, *rows, headers={"Idempotency-Key": "a"}).status == 503
    assert available(shop, mug) == 4 + 49

    assert outcomes(adjust(call, *rows, headers={"Idempotency-Key": "a"})) == ["ok"] * 100
    assert available(shop, mug) == 104
    assert len(rows_of(table, "movement")) == 101


def test_a_dry_run_moves_nothing(call: Call, shop: Shop, mug: str) -> None:
    report = done(adjust(call, plus(mug, 5), headers={"X-Dry-Run": "true"}))

    assert (report["writes"], report["stopped_before"]) == ([], "change the rows, each in a transaction of its own")
    assert available(shop, mug) == 4


# Imports


def test_an_import_makes_products_and_changes_those_whose_sku_is_known(call: Call, shop: Shop, mug: str) -> None:
    rows = [
        {"sku": "MUG", "name": "Big mug", "price": Decimal("6.50"), "category": "cups", "stock": 9},
        {"sku": "CUP", "name": "Cup", "price": 3, "status": "draft", "stock": 2},
    ]

    answered = call(IMPORT, body={"rows": rows}, credential=KEEPER)

    assert outcomes(answered) == ["ok", "ok"]
    known, made = (shop.do("v2/catalog/get_product", id=row["product_id"]) for row in done(answered)["results"])
    assert (known["id"], known["name"], known["price"]) == (mug, "Big mug", Decimal("6.50"))
    assert (known["status"], known["categories"], available(shop, mug)) == ("active", ["cups"], 9)
    assert (made["sku"], made["name"], made["price"], made["status"]) == ("CUP", "Cup", 3, "draft")
    assert available(shop, made["id"]) == 2


def test_an_import_can_be_csv(call: Call, shop: Shop, mug: str) -> None:
    text = '\ufeffsku,name,price,stock,status\r\nMUG,"Mug, big",6.50,9,\r\nCUP,Tasse für Öl,3,,draft\r\n'

    answered = call(IMPORT, body={"csv": text}, credential=KEEPER)

    assert outcomes(answered) == ["ok", "ok"]
    assert shop.do("v2/catalog/get_product", id=mug)["name"] == "Mug, big"
    assert shop.do("v2/catalog/get_product", id="CUP")["name"] == "Tasse für Öl"
    assert available(shop, mug) == 9


def test_an_import_leaves_other_languages_as_they_are(call: Call, shop: Shop) -> None:
    made = shop.product("CUP", 3, name={"en": "Cup", "de": "Tasse"})

    done(call(IMPORT, body={"rows": [{"sku": "CUP", "name": "Big cup", "price": 3}]}))

    named = shop.do("v2/catalog/get_product", id=made["id"], headers={"Accept-Language": "de"})["name"]
    assert named == {"en": "Big cup", "de": "Tasse"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sku,name,price\r\nCUP,Cup,three\r\n", "Line 2, price: "),
        ("sku,name,price\r\nCUP,Cup,NaN\r\n", "Line 2, price: "),
        ("sku,name,price\r\nCUP,Cup,1e3\r\n", "Line 2, price: "),
        ("sku,name,price\r\nCUP,Cup,3\r\nTIN,Tin\r\n", "Line 3, price: "),
        ("sku,name,price,colour\r\nCUP,Cup,3,red\r\n", "Line 2, colour: "),
        ("sku,name,price,stock\r\nCUP,Cup,3,-4\r\n", "Line 2, stock: "),
        ("sku,name,price\r\nCUP,Cup,3,4\r\n", "Line 2 has more cells"),
        ("sku,name,price\r\nCUP,Cup,3\r\nCUP,Cup,4\r\n", "Two rows have the same SKU"),
        ('sku,name,price\r\nCUP,"Cup"x,3\r\n', "expected after"),
        ("sku,name,price\r\n", "There must be a line"),
        ("", "There must be a line"),
    ],
)
def test_what_does_not_read_refuses_all_of_an_import(call: Call, table: Any, text: str, problem: str) -> None:
    answered = call(IMPORT, body={"csv": text}, credential=KEEPER)

    assert answered.status == 422, answered.text
    assert problem in answered.body["error"]["details"][0]["message"]
    assert rows_of(table, "product") == []


@pytest.mark.parametrize("body", [{}, {"rows": []}, {"rows": None}, {"rows": [{}], "csv": ""}])
def test_an_import_is_rows_or_csv(call: Call, body: Any) -> None:
    assert call(IMPORT, body=body, credential=KEEPER).status == 422


def test_the_sku_of_a_variant_is_no_product(call: Call, shop: Shop) -> None:
    shop.product("TEE", 9, variants=[{"sku": "TEE-S"}])

    answered = call(IMPORT, body={"rows": [{"sku": "TEE-S", "name": "Tee", "price": 9}]})

    assert outcomes(answered) == ["sku_of_variant"]


def test_counting_stock_takes_the_scope_that_changes_stock(call: Call, table: Any) -> None:
    answered = call(IMPORT, body={"rows": [{"sku": "CUP", "name": "Cup", "price": 3, "stock": 2}]})

    assert (answered.status, rows_of(table, "product")) == (403, [])


def test_an_import_sent_again_with_its_key_makes_nothing_twice(
    call: Call, shop: Shop, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"sku": f"CUP-{number}", "name": "Cup", "price": 3, "stock": 2} for number in range(3)]
    move = stocks.move

    def breaks_at_the_second(*given: Any) -> None:
        if "CUP-1" in str(stocks_seen(table)):
            raise Unavailable
        move(*given)

    with monkeypatch.context() as patched:
        patched.setattr(stocks, "move", breaks_at_the_second)
        headers = {"Idempotency-Key": "a"}
        assert call(IMPORT, body={"rows": rows}, credential=KEEPER, headers=headers).status == 503

    answered = call(IMPORT, body={"rows": rows}, credential=KEEPER, headers=headers)

    assert outcomes(answered) == ["ok"] * 3
    assert len(rows_of(table, "product")) == len(rows_of(table, "movement")) == 3
    assert {available(shop, row["product_id"]) for row in done(answered)["results"]} == {2}


def stocks_seen(table: Any) -> list[str]:
    return [row["sku"] for row in rows_of(table, "product")]


# More than a hundred rows: a job


def queued(answered: Answered) -> str:
    found = done(answered)
    assert (found["status"], found["results"]) == ("queued", [])
    return str(found["job_id"])


def test_more_than_a_hundred_rows_are_done_by_a_job(call: Call, shop: Shop, mug: str) -> None:
    job_id = queued(adjust(call, *[plus(mug, 1)] * 100, plus("prod_none", 1)))
    assert available(shop, mug) == 4
    waiting = job(call, job_id)
    assert (waiting["type"], waiting["status"], waiting["progress"]) == ("stock_adjustment", "queued", 0)
    assert (waiting["result"], waiting["error"]) == (None, None)

    assert work(job_id) == "SUCCEEDED"

    finished = job(call, job_id)
    assert (finished["status"], finished["progress"], finished["error"]) == ("succeeded", 100, None)
    assert finished["rows"] == {"total": 101, "done": 101, "refused": 1}
    lines = file_of(finished)
    assert [int(line["row"]) for line in lines] == list(range(1, 102))
    assert {line["ok"] for line in lines[:100]} == {"true"}
    assert (lines[100]["product_id"], lines[100]["ok"], lines[100]["reason"]) == ("prod_none", "false", "not_found")
    assert available(shop, mug) == 104


def test_a_job_of_products_and_one_of_an_import_do_what_the_request_would(call: Call, shop: Shop, mug: str) -> None:
    assert work(queued(call(UPDATE, body={"product_ids": [mug] * 101, "updates": {"price": 8}}))) == "SUCCEEDED"
    rows = [{"sku": f"CUP-{number}", "name": "Cup", "price": 3, "stock": number} for number in range(101)]
    assert work(queued(call(IMPORT, body={"rows": rows}, credential=KEEPER))) == "SUCCEEDED"

    assert shop.do("v2/catalog/get_product", id=mug)["price"] == 8
    assert available(shop, shop.do("v2/catalog/get_product", id="CUP-100")["id"]) == 100


def test_a_job_is_asked_for_by_an_event_in_the_same_transaction(call: Call, table: Any, mug: str) -> None:
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))

    [event] = [row for row in rows_of(table, "outbox") if row["type"] == "job.requested"]
    assert (event["aggregate_id"], json.loads(event["data"])) == (job_id, {"id": job_id, "type": "stock_adjustment"})


def test_the_same_key_asks_for_one_job(call: Call, table: Any, mug: str) -> None:
    rows = [plus(mug, 1)] * 101
    asked = {queued(adjust(call, *rows, headers={"Idempotency-Key": "a"})) for _ in range(2)}

    assert len(asked) == len(rows_of(table, "job")) == 1


def test_slices_end_with_the_clock_and_the_next_ones_go_on(
    call: Call, shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SLICE_SECONDS", 0.0)
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))

    run_slice = handler("workflows/bulk_job/run_job_slice").handler
    assert run_slice(state(job_id), None) == {"status": "running", "done": 25}
    assert job(call, job_id)["progress"] == 24

    assert work(job_id) == "SUCCEEDED"
    assert len(file_of(job(call, job_id))) == 101
    assert available(shop, mug) == 105


def test_a_slice_that_another_one_overtook_changes_nothing(
    call: Call, shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both deal with the same rows, the slower one with more of them; it finds the job written by the other."""
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    keep = files.keep_chunk

    def overtaken(*given: Any) -> str:
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(files, "keep_chunk", keep)
            undisturbed.setattr(running, "SLICE_SECONDS", 0.0)
            running.run_slice(TENANT, job_id)
        return keep(*given)

    with monkeypatch.context() as patched:
        patched.setattr(files, "keep_chunk", overtaken)
        running.run_slice(TENANT, job_id)

    assert work(job_id) == "SUCCEEDED"
    assert len(file_of(job(call, job_id))) == 101
    assert available(shop, mug) == 105


def test_a_job_that_fails_too_often_is_given_up_and_says_so(
    call: Call, bucket: Any, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "exception", lambda *_, **__: None)
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    bucket.objects.all().delete()

    assert work(job_id) == "FAILED"

    failed = job(call, job_id)
    assert (failed["status"], failed["result"], failed["error"]["code"]) == ("failed", None, "server_error")
    assert work(job_id) == "SUCCEEDED", "a job that is over is left alone"
    assert job(call, job_id)["status"] == "failed"


def test_a_job_that_stands_still_is_told_of_again_until_it_is_over(call: Call, table: Any, mug: str) -> None:
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    resume = handler("schedules/resume_jobs").handler
    assert resume({}, None) == {"done": 0, "failed": 0}

    with clock.use(lambda: datetime.now(UTC) + timedelta(minutes=16)):
        assert resume({}, None) == {"done": 1, "failed": 0}
    events = [row for row in rows_of(table, "outbox") if row["aggregate_id"] == job_id]
    assert sorted(int(row["sequence"]) for row in events) == [1, 2]
    told(events)

    assert work(job_id) == "SUCCEEDED"
    with clock.use(lambda: datetime.now(UTC) + timedelta(hours=2)):
        assert resume({}, None) == {"done": 0, "failed": 0}


def test_the_file_of_a_job_is_there_for_seven_days(call: Call, mug: str) -> None:
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    work(job_id)

    with clock.use(lambda: datetime.now(UTC) + timedelta(days=7, minutes=1)):
        assert job(call, job_id)["result"] is None


def test_a_job_is_for_those_who_may_read_what_it_is_about(call: Call, mug: str) -> None:
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    Shop(call, OTHER_TENANT).open()

    catalogue = Credential(scopes=frozenset({"jobs:read", "products:read"}))
    assert call(JOB, id=job_id, credential=catalogue).status == 403
    stranger = Credential(tenant=OTHER_TENANT, scopes=READER.scopes)
    missing, theirs = (call(JOB, id=each, credential=stranger) for each in ("job_none", job_id))
    assert (theirs.status, theirs.text) == (missing.status, missing.text) == (404, missing.text)


def test_the_audit_log_says_who_asked_for_a_job_and_that_it_is_done(call: Call, table: Any, mug: str) -> None:
    stream = Stream(table)
    job_id = queued(adjust(call, *[plus(mug, 1)] * 101))
    assert deliver("record_audit", audited(stream.read())) == []
    work(job_id)
    assert deliver("record_audit", audited(stream.read())) == []

    logs = [row for row in rows_of(table, "audit") if row["resource_id"] == job_id and row["pk"].endswith(job_id)]
    assert sorted(row["verb"] for row in logs) == ["created", "succeeded"]
    assert {row["actor"] for row in logs} == {"api_key:key_1"}


# The ledger of stock


def history(call: Call, **query: str) -> list[Any]:
    """All pages of the ledger, one row a page."""
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answered = call(HISTORY, query={"limit": "1", **query, **cursor})
        assert answered.status == 200, answered.text
        assert len(answered.body["data"]) <= 1
        rows += answered.body["data"]
        if not answered.body["pagination"]["has_more"]:
            return rows
        cursor = {"cursor": answered.body["pagination"]["next_cursor"]}


def test_what_is_on_hand_is_the_sum_of_the_ledger(call: Call, shop: Shop, table: Any, stripe: Any, mug: str) -> None:
    cup = shop.product("CUP", 7, stock=10)["id"]
    done(adjust(call, plus(mug, 3), plus(cup, -2, reason="damaged"), plus(cup, 6, location="wh_002")))
    jane = shop.customer()
    order_id = shop.order(jane, (mug, 2), (cup, 9))
    stripe.pay(shop.start_payment(order_id, 7300))
    shop.settle(stripe)
    shop.order(jane, (cup, 1))  # set aside, not gone
    shop.move(order_id, "shipped")

    rows = history(call)

    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        place = (row["variant_id"], row["location"])
        sums[place] = sums.get(place, 0) + row["quantity_change"]
    on_hand = {
        (row["variant_id"], row["warehouse_id"]): row["available"] + row["reserved"] for row in rows_of(table, "stock")
    }
    assert sums == on_hand
    sold = [row for row in rows if row["reason"] == "sold"]
    assert {row["reference"] for row in sold} == {order_id}
    assert sum(row["quantity_change"] for row in sold) == -11
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert len({row["id"] for row in rows}) == len(rows)


def test_the_ledger_of_a_product_has_nothing_of_others(call: Call, shop: Shop, mug: str) -> None:
    cup = shop.product("CUP", 7, stock=10)["id"]
    done(adjust(call, plus(mug, 3, note="Delivery 7"), plus(cup, 1)))

    rows = history(call, product_id=mug)

    assert [(row["product_id"], row["quantity_change"], row["note"]) for row in rows] == [
        (mug, 3, "Delivery 7"),
        (mug, 4, None),
    ]
    assert rows == [row for row in history(call) if row["product_id"] == mug]


def test_a_page_of_a_product_that_is_rarely_moved_comes_out_short_and_the_next_one_goes_on(
    call: Call, shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cup = shop.product("CUP", 7, stock=10)["id"]
    done(adjust(call, *[plus(cup, 1)] * 5))
    monkeypatch.setattr(ledger_store, "_LOOKED_AT", 2)

    first = call(HISTORY, query={"product_id": mug})

    assert (first.body["data"], first.body["pagination"]["has_more"]) == ([], True)
    assert [row["quantity_change"] for row in history(call, product_id=mug)] == [4]


def test_the_ledger_has_offsets_too(call: Call, mug: str) -> None:
    done(adjust(call, *[plus(mug, units) for units in (1, 2, 3)]))

    answered = call(HISTORY, query={"limit": "2", "offset": "1"})

    assert [row["quantity_change"] for row in answered.body["data"]] == [2, 1]
    assert answered.body["pagination"]["has_more"]


def test_a_ledgers_cursor_is_for_its_own_list_and_shop(call: Call, mug: str) -> None:
    done(adjust(call, plus(mug, 1)))
    cursor = call(HISTORY, query={"limit": "1"}).body["pagination"]["next_cursor"]
    Shop(call, OTHER_TENANT).open()

    assert call(HISTORY, query={"cursor": cursor, "product_id": mug}).status == 400
    assert call(HISTORY, query={"cursor": cursor}, credential=Credential(tenant=OTHER_TENANT)).status == 400
    assert done(call(HISTORY, credential=Credential(tenant=OTHER_TENANT))) == []
