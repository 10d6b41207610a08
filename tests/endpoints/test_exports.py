"""Exports of products, orders and stock: a small shop's at once, a larger one's by a job; CSV and JSON."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest

from commerce.bulk import exports, use_cases
from commerce.jobs import running
from commerce.kernel import aws, clock, csv_text
from tests.conftest import all_rows
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.invariants import check
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential
from tests.workflow import Machine

BUCKET = "till-files"
KINDS = ("products", "orders", "inventory")
READER = Credential(scopes=frozenset({"jobs:read", "products:read", "orders:read", "inventory:read"}))


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
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop with more than two products or orders is a large one, and a slice has two of them."""
    monkeypatch.setattr(exports, "PAGE", 1)
    monkeypatch.setattr(running, "SLICE_ROWS", 2)


def export(call: Call, kind: str, format: str = "csv", method: str = "POST", **request: Any) -> Any:
    answered = call(f"admin/bulk/export_{kind}", method=method, query={"format": format}, **request)
    return data(answered)


def data(answered: Answered) -> Any:
    assert answered.status == 200, answered.text
    return answered.body["data"]


def get(call: Call, export_id: str, credential: Credential = READER) -> Any:
    return data(call("admin/bulk/get_export", export_id=export_id, credential=credential))


def work(export_id: str) -> str:
    state = {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "job_id": export_id}
    machine = Machine("BulkJobWorkflow")
    assert machine.start("once", state)
    return machine.executions["once"].status


def fetched(url: str) -> bytes:
    """What whoever follows a link gets."""
    key = urlsplit(url).path.lstrip("/").removeprefix(f"{BUCKET}/")
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def lines(exported: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(fetched(exported["url"]).decode("utf-8-sig"), newline="")))


def records(exported: Any) -> Any:
    return json.loads(fetched(exported["url"]), parse_float=Decimal)


def fill(shop: Shop) -> tuple[str, str]:
    """Products in every status, an order of two units; the ids of a product and of the order."""
    mug = shop.product("MUG", Decimal("12.50"), name="Mögg, blue", stock=5, categories=["cups", "gifts"])
    shirt = shop.product("TEE", 9, variants=[{"sku": "TEE-S", "inventory": 3}, {"sku": "TEE-M"}], status="draft")
    gone = shop.product("OLD", 1)
    shop.do("v2/catalog/delete_product", id=gone["id"])
    assert shirt["id"]
    return mug["id"], shop.order(shop.customer(), (mug["id"], 2))


def test_all_products_are_exported_whatever_their_status(call: Call, shop: Shop) -> None:
    mug, _ = fill(shop)

    exported = export(call, "products")

    assert (exported["format"], exported["status"]) == ("csv", "succeeded")
    assert {line["sku"]: line["status"] for line in lines(exported)} == {
        "MUG": "active",
        "TEE": "draft",
        "OLD": "archived",
    }
    [line] = [line for line in lines(exported) if line["sku"] == "MUG"]
    assert (line["id"], line["name"], line["price"], line["currency"]) == (mug, "Mögg, blue", "12.50", "USD")
    assert (line["categories"], line["variant_skus"]) == ("cups; gifts", "")


def test_the_same_export_as_json_is_one_array_with_numbers_and_lists(call: Call, shop: Shop) -> None:
    fill(shop)

    found = {each["sku"]: each for each in records(export(call, "products", "json"))}

    assert (found["MUG"]["price"], found["MUG"]["categories"]) == (Decimal("12.50"), ["cups", "gifts"])
    assert found["TEE"]["variant_skus"] == ["TEE-S", "TEE-M"]
    assert list(found) == [line["sku"] for line in lines(export(call, "products"))]


def test_orders_are_exported_with_their_states_and_amounts(call: Call, shop: Shop) -> None:
    _, order_id = fill(shop)

    [line] = lines(export(call, "orders"))
    [record] = records(export(call, "orders", "json"))

    assert (line["id"], line["status"], line["total"], line["items_count"]) == (
        order_id,
        "pending",
        "25.00",
        "2",
    )
    assert (record["id"], record["total"], record["items_count"]) == (order_id, Decimal("25.00"), 2)


def test_stock_is_exported_per_variant_and_warehouse(call: Call, shop: Shop) -> None:
    mug, _ = fill(shop)

    found = {(line["sku"], line["location"]): line for line in lines(export(call, "inventory"))}

    assert set(found) == {("MUG", "wh_001"), ("TEE-S", "wh_001")}
    line = found["MUG", "wh_001"]
    assert [line[name] for name in ("product_id", "available", "reserved", "on_hand")] == [mug, "3", "2", "5"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_shop_exports_a_line_of_names_and_an_empty_array(call: Call, kind: str) -> None:
    text = fetched(export(call, kind)["url"])

    assert text.startswith(b"\xef\xbb\xbf")
    assert text.count(b"\r\n") == 1
    assert records(export(call, kind, "json")) == []


def test_no_cell_is_a_formula_and_every_reader_gets_the_cells_back(call: Call, shop: Shop) -> None:
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "  =1+1", 'a"b', "a,b", "a\r\nb", "=1"]
    for number, name in enumerate(names):
        shop.product(f"SKU-{number}", 1, name=name)

    found = {line["sku"]: line["name"] for line in lines(export(call, "products"))}

    formulas = set(names) - {'a"b', "a,b", "a\r\nb"}
    assert [found[f"SKU-{number}"] for number in range(len(names))] == [
        f"'{name}" if name in formulas else name for name in names
    ]
    written = {each["sku"]: each["name"] for each in records(export(call, "products", "json"))}
    assert [written[f"SKU-{number}"] for number in range(len(names))] == names, "JSON is as it is"


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert csv_text.table([(-5, Decimal("-1.50"), Decimal("1E+3"), "-5", None)]) == "-5,-1.50,1000,'-5,\r\n"


def test_a_link_saves_the_file_under_its_name_and_ends_soon(call: Call) -> None:
    exported = export(call, "orders")

    assert f'filename="order_export_{datetime.now(UTC):%Y-%m-%d}.csv"' in unquote(exported["url"])
    ends = datetime.fromisoformat(exported["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < ends <= timedelta(minutes=15)


def test_an_export_is_found_by_its_id_here_and_among_the_jobs(call: Call, shop: Shop) -> None:
    fill(shop)
    exported = export(call, "products")

    assert lines(get(call, exported["export_id"])) == lines(exported)
    job = call("v2/jobs/get_job", id=exported["export_id"], credential=READER).body
    assert (job["type"], job["status"], job["progress"]) == ("product_export", "succeeded", 100)
    assert fetched(job["result"]["download_url"]) == fetched(exported["url"])


def test_a_job_that_is_no_export_is_not_found_among_the_exports(call: Call) -> None:
    body = {"product_ids": ["prod_1"] * 101, "updates": {"price": 1}}
    job_id = data(call("admin/bulk/update_products", body=body))["job_id"]

    assert call("admin/bulk/get_export", export_id=job_id, credential=READER).status == 404


def test_an_export_is_for_those_who_may_read_what_is_in_it(call: Call) -> None:
    export_id = export(call, "orders")["export_id"]
    Shop(call, OTHER_TENANT).open()

    catalogue = Credential(scopes=frozenset({"jobs:read", "products:read"}))
    assert call("admin/bulk/get_export", export_id=export_id, credential=catalogue).status == 403
    stranger = Credential(tenant=OTHER_TENANT, scopes=READER.scopes)
    assert call("admin/bulk/get_export", export_id=export_id, credential=stranger).status == 404


def test_the_same_key_gives_one_export(call: Call, table: Any) -> None:
    first, again = (export(call, "orders", headers={"Idempotency-Key": "a"}) for _ in range(2))

    assert first == again
    assert len([row for row in all_rows(table) if row["kind"] == "job"]) == 1


def test_asking_by_get_gives_the_export_of_the_last_minutes(call: Call, shop: Shop) -> None:
    now = datetime(2026, 3, 20, 12, 1, tzinfo=UTC)
    with clock.use(lambda: now):
        first = export(call, "products", method="GET")
        again = export(call, "products", method="GET")
        assert again == first
        assert export(call, "products", "json", method="GET")["export_id"] != first["export_id"]
        assert export(call, "orders", method="GET")["export_id"] != first["export_id"]
        other = Credential(principal_id="key_2")
        assert export(call, "products", method="GET", credential=other)["export_id"] != first["export_id"]
    with clock.use(lambda: now + timedelta(minutes=5)):
        assert export(call, "products", method="GET")["export_id"] != first["export_id"]


def test_an_unknown_format_is_refused(call: Call) -> None:
    assert call("admin/bulk/export_orders", method="POST", query={"format": "xlsx"}).status == 422


# Larger shops


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_large_shops_export_is_made_slice_by_slice_in_the_lists_order(call: Call, shop: Shop, format: str) -> None:
    for number in range(5):
        shop.product(f"SKU-{number}", number, stock=1)
    queued = export(call, "products", format)
    assert (queued["status"], queued["url"], queued["expires_at"]) == ("queued", None, None)

    assert work(queued["export_id"]) == "SUCCEEDED"

    exported = get(call, queued["export_id"])
    skus = [each["sku"] for each in (lines(exported) if format == "csv" else records(exported))]
    assert skus == [f"SKU-{number}" for number in reversed(range(5))]
    assert fetched(exported["url"]).count(b"\xef\xbb\xbf") == (format == "csv")


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_writes_what_a_request_would(call: Call, shop: Shop, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    products = [shop.product(f"SKU-{number}", number, stock=9)["id"] for number in range(3)]
    for product_id in products:
        shop.order(shop.customer(f"{product_id}@example.com"), (product_id, 1))
    queued = export(call, kind)
    work(queued["export_id"])

    monkeypatch.setattr(use_cases, "_PAGES_AT_ONCE", 10)

    at_once = export(call, kind)
    assert at_once["status"] == "succeeded"
    assert fetched(get(call, queued["export_id"])["url"]) == fetched(at_once["url"])


@pytest.mark.usefixtures("small_pages")
def test_progress_is_counted_in_what_the_shop_has(call: Call, shop: Shop, table: Any) -> None:
    for number in range(4):
        shop.product(f"SKU-{number}", number)
    count(rows_as_inserted(table))
    export_id = export(call, "products")["export_id"]
    assert running.run_slice(TENANT, export_id).progress == 50
    assert running.run_slice(TENANT, export_id).progress == 99, "the file is not written yet"
    assert running.run_slice(TENANT, export_id).progress == 100


@pytest.mark.usefixtures("small_pages")
def test_what_changes_during_an_export_moves_no_other_row(call: Call, shop: Shop) -> None:
    products = [shop.product(f"SKU-{number}", number)["id"] for number in range(6)]
    export_id = export(call, "products")["export_id"]
    running.run_slice(TENANT, export_id)

    shop.product("NEW", 1)
    shop.do("v2/catalog/update_product", id=products[0], body={"price": 50})
    shop.do("v2/catalog/delete_product", id=products[5])
    work(export_id)

    assert [line["sku"] for line in lines(get(call, export_id))] == [f"SKU-{number}" for number in reversed(range(6))]


@pytest.mark.usefixtures("small_pages")
def test_what_slices_wrote_is_forgotten_with_the_bucket_and_never_linked(call: Call, shop: Shop, bucket: Any) -> None:
    for number in range(5):
        shop.product(f"SKU-{number}", number)
    export_id = export(call, "products")["export_id"]
    work(export_id)

    keys = [item.key for item in bucket.objects.all()]
    assert all(key.startswith(f"jobs/{TENANT.tenant_id}/{TENANT.mode}/{export_id}/") for key in keys)
    assert urlsplit(get(call, export_id)["url"]).path.endswith("result.csv")
