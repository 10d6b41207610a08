"""FU-01, FU-02, OR-04, TR-01: orders leave whole, in parts and in batches, each of them once."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from commerce.fulfillment import dispatching, use_cases
from commerce.jobs import files, running
from commerce.kernel import aws, clock
from commerce.kernel.caller import Role
from commerce.kernel.errors import Unavailable
from commerce.ledger.model import REFUNDS
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential
from tests.workflow import Machine

BUCKET = "till-files"
PARCEL = {"tracking_number": "1Z999AA10123456784", "carrier": "UPS"}
MAX_AT_ONCE = 100
MAX_ROWS = 10_000


@dataclass
class Warehouse:
    """A shop with one customer and two products, and paid orders of theirs: three cups and two mugs."""

    shop: Shop
    stripe: Stripe
    table: Any
    jane: Credential
    cup: Any
    mug: Any

    def place(self) -> str:
        return self.shop.order(self.jane, (self.cup["id"], 3), (self.mug["id"], 2))

    def sell(self) -> str:
        order_id = self.place()
        self.pay(order_id)
        return order_id

    def pay(self, order_id: str) -> None:
        self.stripe.pay(self.shop.start_payment(order_id, 5000))
        self.shop.settle(self.stripe)

    def ship(self, order_id: str, **body: Any) -> Answered:
        return self.try_({"order_id": order_id, **PARCEL, **body})

    def try_(self, body: Any, **request: Any) -> Answered:
        return self.shop.call("admin/fulfillment/ship_order", credential=self.shop.merchant, body=body, **request)

    def part(self, order_id: str, tracking_number: str, cups: int, mugs: int = 0) -> Any:
        """Ship so many of each."""
        units = zip(self.order(order_id)["items"], (cups, mugs), strict=True)
        items = [{"order_item_id": line["id"], "quantity": many} for line, many in units if many]
        answered = self.ship(order_id, tracking_number=tracking_number, items=items)
        assert answered.status == 200, answered.text
        return answered.body["data"]

    def order(self, order_id: str) -> Any:
        return self.shop.do("admin/orders/get_order", order_id=order_id)

    def tracked(self, order_id: str) -> Any:
        query = {"order_id": order_id, "email": "jane@example.com"}
        return self.shop.do("storefront/tracking/track_order", query=query, headers={"orgid": "ten_1"})

    def rows(self, *kinds: str) -> list[Any]:
        return [row for row in self.table.scan()["Items"] if row["kind"] in kinds]

    def told(self, order_id: str) -> list[str]:
        """The types of the order's events, in their order."""
        own = [row for row in self.rows("outbox") if row["aggregate_id"] == order_id]
        return [row["type"] for row in sorted(own, key=lambda row: int(row["sequence"]))]

    def levels(self) -> tuple[int, int]:
        """Cups available and reserved."""
        body = self.shop.do("v2/inventory/get_inventory", product_id=self.cup["id"])
        return body["total_available"], body["total_reserved"]


@pytest.fixture
def world(call: Call, table: Any, stripe: Stripe) -> Iterator[Warehouse]:
    shop = Shop(call).open()
    cup = shop.product("CUP", 10, name="Cup", stock=20)
    mug = shop.product("MUG", 10, name="Mug", stock=20)
    yield Warehouse(shop, stripe, table, shop.customer(), cup, mug)
    check(table.scan()["Items"])


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


# One order


def test_a_paid_order_is_shipped_with_all_that_is_set_aside_for_it(world: Warehouse) -> None:
    order_id = world.sell()

    shipped = world.ship(order_id, notify_customer=True, estimated_delivery="2026-03-25").body["data"]

    lines = world.order(order_id)["items"]
    assert shipped["order_id"] == order_id
    assert shipped["shipment_id"].startswith("shp_")
    assert (shipped["status"], shipped["fulfillment_status"], shipped["items_waiting"]) == ("shipped", "fulfilled", 0)
    assert (shipped["carrier"], shipped["tracking_number"]) == ("UPS", "1Z999AA10123456784")
    assert shipped["estimated_delivery"] == "2026-03-25"
    assert shipped["tracking_url"] == "https://www.ups.com/track?tracknum=1Z999AA10123456784"
    assert [(each["order_item_id"], each["quantity"]) for each in shipped["items"]] == [
        (lines[0]["id"], 3),
        (lines[1]["id"], 2),
    ]
    assert world.levels() == (17, 0)
    assert world.told(order_id)[-3:] == ["shipment.created", "customer.notice", "order.fulfilled"]


def test_the_same_parcel_again_is_the_same_shipment_and_nothing_is_written(world: Warehouse) -> None:
    order_id = world.sell()
    first = world.ship(order_id, notify_customer=True)
    before = world.table.scan()["Items"]

    again = [world.ship(order_id, **changed) for changed in ({}, {"carrier": "ups"}, {"notify_customer": True})]

    assert [(each.status, each.body) for each in again] == [(200, first.body)] * 3
    assert world.table.scan()["Items"] == before


def test_another_parcel_for_an_order_of_which_all_has_left_is_refused(world: Warehouse) -> None:
    order_id = world.sell()
    world.ship(order_id)

    assert reason(world.ship(order_id, tracking_number="1Z000")) == (409, "illegal_transition")
    assert reason(world.ship(order_id, carrier="DHL")) == (409, "illegal_transition")


def test_an_order_leaves_in_parts_and_is_shipped_with_the_last_of_them(world: Warehouse) -> None:
    order_id = world.sell()

    first = world.part(order_id, "P-1", 1)
    second = world.part(order_id, "P-2", 1, 2)
    booked_before = [row for row in world.rows("posting") if row["pk"].endswith(order_id)]
    third = world.ship(order_id, tracking_number="P-3").body["data"]

    assert [(each["status"], each["fulfillment_status"]) for each in (first, second, third)] == [
        ("processing", "partial"),
        ("processing", "partial"),
        ("shipped", "fulfilled"),
    ]
    assert [sum(item["quantity"] for item in each["items"]) for each in (first, second, third)] == [1, 3, 1]
    assert world.levels() == (17, 0)
    booked = [row for row in world.rows("posting") if row["pk"].endswith(order_id)]
    assert len(booked) == len(booked_before) + 1  # the sale is earned once, with the last unit
    assert [kind for kind in world.told(order_id) if kind.startswith(("shipment", "order"))][-6:] == [
        *("shipment.created", "order.updated"),
        *("shipment.created", "order.updated"),
        *("shipment.created", "order.fulfilled"),
    ]
    timeline = world.shop.do("admin/orders/get_timeline", order_id=order_id)
    assert [(event["type"], event["status"]) for event in timeline][-5:] == [
        ("status_change", "processing"),
        ("shipment", "partial"),
        ("shipment", "partial"),
        ("status_change", "shipped"),
        ("shipment", "fulfilled"),
    ]
    shipments = world.shop.do("admin/fulfillment/list_shipments", order_id=order_id)
    assert [each["tracking_number"] for each in shipments] == ["P-1", "P-2", "P-3"]


def test_other_units_under_a_number_that_was_used_are_refused(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 1)
    line = world.order(order_id)["items"][0]["id"]

    again = world.ship(order_id, tracking_number="P-1", items=[{"order_item_id": line, "quantity": 2}])

    assert reason(again) == (409, "tracking_number_used")
    assert world.levels() == (17, 2)


def test_units_of_one_line_that_are_named_twice_are_added_up(world: Warehouse) -> None:
    order_id = world.sell()
    one = {"order_item_id": world.order(order_id)["items"][0]["id"], "quantity": 1}

    shipped = world.ship(order_id, items=[one, one]).body["data"]

    assert [item["quantity"] for item in shipped["items"]] == [2]


@pytest.mark.parametrize(
    ("units", "line", "status", "code"),
    [(4, 0, 409, "exceeds_shippable"), (1, None, 422, "unknown_line")],
    ids=["more than was ordered", "no line of the order"],
)
def test_units_that_are_not_there_to_leave_are_refused(
    world: Warehouse, units: int, line: int | None, status: int, code: str
) -> None:
    order_id = world.sell()
    line_id = "item_unknown" if line is None else world.order(order_id)["items"][line]["id"]

    refused = world.ship(order_id, items=[{"order_item_id": line_id, "quantity": units}])

    assert reason(refused) == (status, code)
    assert world.levels() == (17, 3)


def test_an_unpaid_order_is_not_shipped(world: Warehouse) -> None:
    order_id = world.place()

    assert reason(world.ship(order_id)) == (409, "not_paid")
    assert world.rows("shipment") == []


def test_an_order_of_nobody_or_of_another_shop_is_not_found(world: Warehouse) -> None:
    order_id = world.sell()
    stranger = Credential(tenant=OTHER_TENANT)

    assert world.ship("order_missing").status == 404
    refused = world.shop.call(
        "admin/fulfillment/ship_order", credential=stranger, body={"order_id": order_id, **PARCEL}
    )
    assert refused.status == 404
    for credential, name in ((stranger, order_id), (world.shop.merchant, "order_missing")):
        assert world.shop.call("admin/fulfillment/list_shipments", credential=credential, order_id=name).status == 404


def test_an_order_that_has_not_left_has_no_shipments(world: Warehouse) -> None:
    assert world.shop.do("admin/fulfillment/list_shipments", order_id=world.place()) == []


def test_a_dry_run_of_a_shipment_ships_nothing(world: Warehouse) -> None:
    order_id = world.sell()
    before = world.table.scan()["Items"]

    tried = world.try_({"order_id": order_id, **PARCEL}, headers={"X-Dry-Run": "true"})

    assert tried.status == 200
    assert "shipment" in [write["kind"] for write in tried.body["data"]["writes"]]
    assert world.table.scan()["Items"] == before


# The status, by hand


def test_moving_an_order_to_shipped_makes_the_same_shipment(world: Warehouse) -> None:
    order_id = world.sell()
    world.shop.move(order_id, "shipped", **PARCEL)
    [made] = world.shop.do("admin/fulfillment/list_shipments", order_id=order_id)

    again = world.ship(order_id).body["data"]
    moved = world.shop.call(
        "admin/orders/set_order_status", method="PUT", order_id=order_id, body={"status": "shipped", **PARCEL}
    )

    assert again["shipment_id"] == made["id"]
    assert moved.status == 200
    assert len(world.rows("shipment")) == 1


def test_the_tracking_that_an_order_was_given_before_is_that_of_its_first_shipment(world: Warehouse) -> None:
    order_id = world.sell()
    world.shop.move(order_id, "processing", estimated_delivery="2026-03-25", **PARCEL)

    world.shop.move(order_id, "shipped")

    [made] = world.shop.do("admin/fulfillment/list_shipments", order_id=order_id)
    assert (made["tracking_number"], made["carrier"]) == (PARCEL["tracking_number"], "UPS")
    assert made["estimated_delivery"] == "2026-03-25"
    assert world.ship(order_id).body["data"]["shipment_id"] == made["id"]


def test_an_order_is_moved_to_shipped_without_a_tracking_number_once(world: Warehouse) -> None:
    order_id = world.sell()

    world.shop.move(order_id, "shipped", note="Collected at the shop")

    [made] = world.shop.do("admin/fulfillment/list_shipments", order_id=order_id)
    assert (made["tracking_number"], made["carrier"], made["tracking_url"]) == (None, None, None)
    [note] = world.shop.do("admin/orders/list_notes", order_id=order_id)
    assert note["content"] == "Collected at the shop"
    body = {"status": "shipped"}
    again = world.shop.call("admin/orders/set_order_status", method="PUT", order_id=order_id, body=body)
    assert reason(again) == (409, "illegal_transition")


def test_the_rest_of_an_order_leaves_by_the_status_too_and_has_no_tracking_of_the_first_part(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 1)

    world.shop.move(order_id, "shipped")

    first, rest = world.shop.do("admin/fulfillment/list_shipments", order_id=order_id)
    assert (first["tracking_number"], rest["tracking_number"]) == ("P-1", None)
    assert world.order(order_id)["tracking_number"] is None
    assert sum(item["quantity"] for item in rest["items"]) == 4


def test_an_order_of_which_a_part_has_left_is_not_cancelled(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 1)

    for path, body in (("admin/orders/cancel_order", {"refund": True}), ("v2/orders/cancel_order", None)):
        named: dict[str, Any] = {"order_id" if path.startswith("admin") else "id": order_id}
        refused = world.shop.call(path, credential=world.shop.merchant, body=body, **named)
        assert reason(refused) == (409, "illegal_transition")
    own = world.shop.call("storefront/orders/cancel_my_order", credential=world.jane, order_id=order_id)
    assert reason(own) == (409, "illegal_transition")


# What everybody sees of it


def test_tracking_shows_each_line_and_each_parcel_and_the_latest_one_at_the_top(world: Warehouse) -> None:
    order_id = world.sell()
    unsent = world.tracked(order_id)
    world.part(order_id, "P-1", 1)
    partly = world.tracked(order_id)
    world.part(order_id, "P-2", 2)
    mugs_missing = world.tracked(order_id)
    world.ship(order_id, tracking_number="P-3", carrier="DHL")
    whole = world.tracked(order_id)
    world.shop.move(order_id, "delivered")
    delivered = world.tracked(order_id)

    assert [
        [item["status"] for item in each["items"]] for each in (unsent, partly, mugs_missing, whole, delivered)
    ] == [
        ["pending", "pending"],
        ["partially_shipped", "pending"],
        ["shipped", "pending"],
        ["shipped", "shipped"],
        ["delivered", "delivered"],
    ]
    assert unsent["shipments"] == []
    assert (whole["tracking_number"], whole["carrier"]) == ("P-3", "DHL")
    assert [(each["tracking_number"], each["items"]) for each in whole["shipments"]] == [
        ("P-1", [{"name": "Cup", "quantity": 1}]),
        ("P-2", [{"name": "Cup", "quantity": 2}]),
        ("P-3", [{"name": "Mug", "quantity": 2}]),
    ]
    assert set(whole["shipments"][0]) == {
        *("carrier", "tracking_number", "tracking_url", "estimated_delivery", "shipped_at", "items")
    }


def test_a_cancelled_order_is_tracked_as_cancelled(world: Warehouse) -> None:
    order_id = world.place()
    world.shop.move(order_id, "cancelled")

    assert [item["status"] for item in world.tracked(order_id)["items"]] == ["cancelled", "cancelled"]


def test_every_view_of_an_order_shows_its_shipments_and_how_much_of_each_line_has_left(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 1)

    own = world.shop.do("storefront/orders/get_my_order", by=world.jane, order_id=order_id)
    platform = world.shop.do("v2/orders/get_order", id=order_id)

    for shown in (world.order(order_id), own, platform):
        assert [(line["shipped"], line["waiting"]) for line in shown["items"]] == [(1, 0), (0, 0)]
        assert [each["tracking_number"] for each in shown["shipments"]] == ["P-1"]
    assert [each["carrier"] for each in (own["shipments"][0], platform["shipments"][0])] == ["UPS", "ups"]


def test_the_event_of_a_shipment_shows_it_as_v2_does(world: Warehouse) -> None:
    order_id = world.sell()
    world.ship(order_id)

    [event] = [row for row in world.rows("outbox") if row["type"] == "shipment.created"]
    [shown] = world.shop.do("v2/orders/get_order", id=order_id)["shipments"]
    assert json.loads(event["data"]) == shown


# Many orders


def dispatch(world: Warehouse, *rows: dict[str, Any], **request: Any) -> Answered:
    body = {"orders": list(rows)}
    path = "admin/fulfillment/dispatch_orders"
    return world.shop.call(path, credential=world.shop.merchant, body=body, **request)


def row(order_id: str, number: str = "1Z", **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "tracking_number": number, "carrier": "USPS", **more}


def test_each_row_of_a_batch_is_shipped_or_refused_on_its_own(world: Warehouse) -> None:
    first, unpaid, last = world.sell(), world.place(), world.sell()

    answered = dispatch(world, row(first), row("order_missing"), row(unpaid), row(last, notify_customer=True))

    assert answered.status == 200
    data = answered.body["data"]
    assert data["summary"] == {"requested": 4, "dispatched": 2, "failed": 2}
    assert [(each["order_id"], each["ok"], each["already"], each["status"]) for each in data["results"]] == [
        (first, True, False, "shipped"),
        ("order_missing", False, False, None),
        (unpaid, False, False, None),
        (last, True, False, "shipped"),
    ]
    errors = [each["error"] for each in data["results"]]
    assert [error and (error["code"], error["reason"]) for error in errors] == [
        None,
        ("not_found", "not_found"),
        ("conflict", "not_paid"),
        None,
    ]
    assert [each["shipment_id"] is not None for each in data["results"]] == [True, False, False, True]
    assert len(world.rows("shipment")) == 2


def test_a_row_that_stands_twice_in_a_batch_is_shipped_once(world: Warehouse) -> None:
    order_id = world.sell()

    rows = dispatch(world, row(order_id), row(order_id), row(order_id, "other")).body["data"]["results"]

    assert [(each["ok"], each["already"]) for each in rows] == [(True, False), (True, True), (False, False)]
    assert rows[0]["shipment_id"] == rows[1]["shipment_id"]
    assert rows[2]["error"]["reason"] == "illegal_transition"
    assert world.levels() == (17, 0)


def test_a_batch_that_is_sent_again_ships_what_is_missing_and_nothing_twice(world: Warehouse) -> None:
    paid, unpaid = world.sell(), world.place()
    rows = [row(paid, notify_customer=True), row(unpaid, notify_customer=True)]
    dispatch(world, *rows)
    world.pay(unpaid)

    again = dispatch(world, *rows).body["data"]

    assert [(each["ok"], each["already"]) for each in again["results"]] == [(True, True), (True, False)]
    assert len(world.rows("shipment")) == 2
    assert [row["type"] for row in world.rows("outbox")].count("customer.notice") == 2


def test_the_same_key_gives_the_same_answer(world: Warehouse) -> None:
    rows = [row(world.sell())]

    first, again = [dispatch(world, *rows, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]

    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"


def test_when_the_table_is_away_the_batch_can_be_sent_again_with_its_key(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [world.sell(), world.sell()]
    calls: list[str] = []

    def ship(tx: Any, caller: Any, command: Any) -> Any:
        calls.append(command.order_id)
        if len(calls) == 2:
            raise Unavailable
        return use_cases.ship(tx, caller, command)

    monkeypatch.setattr(dispatching, "ship", ship)
    rows, key = [row(order_id) for order_id in orders], {"Idempotency-Key": "k-1"}
    first = dispatch(world, *rows, headers=key)
    again = dispatch(world, *rows, headers=key)

    assert (first.status, again.status) == (503, 200)
    assert first.headers["Retry-After"] == "1"
    assert [each["already"] for each in again.body["data"]["results"]] == [True, False]
    assert len(world.rows("shipment")) == 2


def test_a_dry_run_of_a_batch_ships_nothing(world: Warehouse) -> None:
    order_id = world.sell()
    before = world.table.scan()["Items"]

    tried = dispatch(world, row(order_id), headers={"X-Dry-Run": "true"})

    assert tried.body["data"]["stopped_before"] == "ship the orders"
    assert world.table.scan()["Items"] == before


@pytest.mark.parametrize(
    ("rows", "status", "code"),
    [
        ([], 422, "too_short"),
        ([row("order_1")] * (MAX_ROWS + 1), 422, "too_long"),
        ([row("order_1", "")], 422, "string_too_short"),
        ([{"order_id": "order_1", "carrier": "UPS"}], 422, "missing"),
        ([row("order_1", items=[])], 422, "too_short"),
        ([row("order_1", status="delivered")], 422, "unknown_field"),
    ],
    ids=["empty", "too many", "no number", "number missing", "no items", "unknown field"],
)
def test_a_bad_batch_is_refused_as_a_whole(
    world: Warehouse, rows: list[dict[str, Any]], status: int, code: str
) -> None:
    refused = dispatch(world, *rows)

    assert reason(refused) == (status, code)


# More than a hundred: a job


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Where the files of jobs are kept."""
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    aws.client.cache_clear()
    bucket = boto3.resource("s3").create_bucket(Bucket=BUCKET)
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    aws.client.cache_clear()


def many(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """These rows, and so many of orders that there are not that a job is needed."""
    return [*rows, *(row(f"order_missing{number}") for number in range(MAX_AT_ONCE + 1 - len(rows)))]


def queued(answered: Answered) -> str:
    """The id of the job that an answer names."""
    assert answered.status == 200, answered.text
    data = answered.body["data"]
    assert (data["status"], data["results"]) == ("queued", [])
    assert data["summary"] == {"requested": MAX_AT_ONCE + 1, "dispatched": 0, "failed": 0}
    return str(data["job_id"])


def work(job_id: str) -> str:
    """One execution of the job's workflow; how it ended."""
    machine = Machine("BulkJobWorkflow")
    assert machine.start("once", {"tenant": TENANT.tenant_id, "mode": str(TENANT.mode), "job_id": job_id})
    return machine.executions["once"].status


def finished(world: Warehouse, bucket: Any, job_id: str) -> tuple[Any, list[dict[str, str]]]:
    """A job that is over, and the lines of its file."""
    reader = Credential(scopes=frozenset({"jobs:read", "orders:read"}))
    job = world.shop.do("v2/jobs/get_job", id=job_id, by=reader)
    key = urlsplit(job["result"]["download_url"]).path.lstrip("/").removeprefix(f"{BUCKET}/")
    text = bucket.Object(key).get()["Body"].read().decode("utf-8-sig")
    return job, list(csv.DictReader(StringIO(text, newline="")))


def test_up_to_a_hundred_rows_are_answered_at_once_and_without_a_job(world: Warehouse) -> None:
    data = dispatch(world, *many(row(world.sell()))[:MAX_AT_ONCE]).body["data"]

    assert (data["status"], data["job_id"]) == ("succeeded", None)
    assert data["summary"] == {"requested": 100, "dispatched": 1, "failed": 99}
    assert world.rows("job") == []


def test_more_than_a_hundred_rows_are_dispatched_by_a_job(world: Warehouse, bucket: Any) -> None:
    whole, part, unpaid = world.sell(), world.sell(), world.place()
    cups = [{"order_item_id": world.order(part)["items"][0]["id"], "quantity": 2}]
    rows = many(
        row(whole, "1Z1", notify_customer=True, estimated_delivery="2026-03-25"), row(part, items=cups), row(unpaid)
    )

    job_id = queued(dispatch(world, *rows))
    assert world.rows("shipment") == []
    assert work(job_id) == "SUCCEEDED"

    job, lines = finished(world, bucket, job_id)
    assert (job["type"], job["status"], job["progress"]) == ("bulk_dispatch", "succeeded", 100)
    assert job["rows"] == {"total": 101, "done": 101, "refused": 99}
    assert [int(line["row"]) for line in lines] == list(range(1, 102))
    assert [line["order_id"] for line in lines] == [each["order_id"] for each in rows]
    assert [(line["ok"], line["already"], line["status"], line["reason"]) for line in lines[:4]] == [
        ("true", "false", "shipped", ""),
        ("true", "false", "processing", ""),
        ("false", "false", "", "not_paid"),
        ("false", "false", "", "not_found"),
    ]
    left = {each["order_id"]: each for each in world.rows("shipment")}
    assert [line["shipment_id"] for line in lines[:3]] == [left[whole]["shipment_id"], left[part]["shipment_id"], ""]
    assert (lines[0]["carrier"], lines[0]["tracking_number"]) == ("USPS", "1Z1")
    assert left[whole]["estimated_delivery"] == "2026-03-25"
    assert [row["type"] for row in world.rows("outbox")].count("customer.notice") == 1
    assert world.levels() == (11, 4)


def test_a_job_whose_slice_dies_after_its_rows_ships_and_mails_nothing_twice(
    world: Warehouse, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [world.sell(), world.sell()]
    job_id = queued(dispatch(world, *many(*(row(order_id, notify_customer=True) for order_id in orders))))

    def dies(*_: Any) -> str:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(files, "keep_chunk", dies)
        with pytest.raises(Unavailable):
            running.run_slice(TENANT, job_id)
    assert len(world.rows("shipment")) == 2
    assert work(job_id) == "SUCCEEDED"

    job, lines = finished(world, bucket, job_id)
    assert job["rows"] == {"total": 101, "done": 101, "refused": 99}
    assert [line["ok"] for line in lines].count("true") == 2
    assert len(world.rows("shipment")) == 2
    assert [row["type"] for row in world.rows("outbox")].count("customer.notice") == 2


def test_a_batch_that_is_sent_again_as_another_job_ships_nothing_twice(world: Warehouse, bucket: Any) -> None:
    rows = many(row(world.sell(), notify_customer=True))
    first, again = queued(dispatch(world, *rows)), queued(dispatch(world, *rows))
    assert first != again

    assert (work(first), work(again)) == ("SUCCEEDED", "SUCCEEDED")

    assert [finished(world, bucket, job_id)[1][0]["already"] for job_id in (first, again)] == ["false", "true"]
    assert len(world.rows("shipment")) == 1
    assert [row["type"] for row in world.rows("outbox")].count("customer.notice") == 1


def test_the_same_key_asks_for_one_job(world: Warehouse, bucket: Any) -> None:
    asked = {queued(dispatch(world, *many(), headers={"Idempotency-Key": "k-1"})) for _ in range(2)}

    assert len(asked) == len(world.rows("job")) == 1


def test_who_may_not_read_orders_does_not_read_what_became_of_a_dispatch(world: Warehouse, bucket: Any) -> None:
    job_id = queued(dispatch(world, *many()))
    reader = Credential(scopes=frozenset({"jobs:read", "products:read", "inventory:read"}))

    assert world.shop.call("v2/jobs/get_job", id=job_id, credential=reader).status == 403


# Returns and refunds of orders that left in parts


def ask_back(world: Warehouse, order_id: str, cups: int, by: Credential | None = None) -> Answered:
    item = {"order_item_id": world.order(order_id)["items"][0]["id"], "quantity": cups, "reason": "wrong_size"}
    items = {"items": [item]}
    if by is not None:
        return world.shop.call("storefront/returns/request_return", credential=by, order_id=order_id, body=items)
    body = items | {"order_id": order_id}
    return world.shop.call("admin/returns/create_return", credential=world.shop.merchant, body=body)


def test_units_come_back_of_a_part_that_has_left_and_no_others(world: Warehouse) -> None:
    order_id = world.sell()
    assert reason(ask_back(world, order_id, 1)) == (409, "not_shipped")
    world.part(order_id, "P-1", 2)

    assert reason(ask_back(world, order_id, 3)) == (409, "exceeds_returnable")
    assert ask_back(world, order_id, 2).status == 201
    assert reason(ask_back(world, order_id, 1)) == (409, "exceeds_returnable")
    world.ship(order_id, tracking_number="P-2")
    assert ask_back(world, order_id, 1).status == 201


def test_the_time_for_returns_runs_from_the_last_shipment(world: Warehouse) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    days = timedelta(days=world.shop.tenant.returns.window_days)
    order_id = world.sell()
    with clock.use(lambda: start):
        world.part(order_id, "P-1", 1)
    with clock.use(lambda: start + days):
        world.part(order_id, "P-2", 1)

    with clock.use(lambda: start + days + timedelta(days=1)):
        assert ask_back(world, order_id, 1, by=world.jane).status == 201
    with clock.use(lambda: start + 2 * days + timedelta(days=2)):
        assert reason(ask_back(world, order_id, 1, by=world.jane)) == (409, "return_window_closed")


def test_a_refund_before_the_rest_has_left_is_taken_off_what_is_earned_later(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 1)
    intent = world.shop.do("v2/orders/get_order", id=order_id)["payment_intent_id"]
    world.shop.do("v2/payments/refund_payment", id=intent, body={"amount": 1000})
    world.shop.settle(world.stripe)

    assert world.order(order_id)["fulfillment_status"] == "partial"
    assert world.ship(order_id, tracking_number="P-2").body["data"]["fulfillment_status"] == "fulfilled"

    earned = [int(row["amount"]) for row in world.rows("posting") if row["type"] == "recognition"]
    assert earned == [4000]


# The rest that will never be sent


def close(world: Warehouse, order_id: str, **request: Any) -> Answered:
    return world.shop.call("admin/orders/close_rest", credential=world.shop.merchant, order_id=order_id, **request)


def closed(world: Warehouse, order_id: str) -> Any:
    answered = close(world, order_id)
    assert answered.status == 200, answered.text
    return answered.body["data"]


def earned(world: Warehouse) -> int:
    """What of the world's only order is revenue: what was recognised, less what went back since."""
    left = [row for row in world.rows("posting") if row["type"] == "recognition"]
    back = [row for row in world.rows("posting") if row["debit"] == REFUNDS]
    return sum(int(row["amount"]) for row in left) - sum(int(row["amount"]) for row in back)


def test_the_rest_of_an_order_is_given_up_and_what_was_paid_for_it_goes_back(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)

    answer = close(world, order_id, body={"reason": "Not made any more"}).body["data"]
    world.shop.settle(world.stripe)

    assert (answer["status"], answer["fulfillment_status"]) == ("shipped", "fulfilled")
    assert (answer["refund"]["amount"], answer["refund"]["status"]) == (30, "pending")
    assert answer["refund"]["reason"] == "Not made any more"
    order = world.order(order_id)
    assert [(each["shipped"], each["waiting"], each["given_up"]) for each in order["items"]] == [(2, 0, 1), (0, 0, 2)]
    assert (order["payment_status"], order["refunded"]) == ("partially_refunded", 30)
    assert [each["status"] for each in world.tracked(order_id)["items"]] == ["shipped", "cancelled"]
    assert world.levels() == (18, 0)
    assert world.told(order_id).count("order.fulfilled") == 1
    assert earned(world) == 2000
    world.shop.move(order_id, "delivered")
    assert [each["status"] for each in world.tracked(order_id)["items"]] == ["delivered", "cancelled"]


def test_what_went_back_for_the_rest_already_does_not_go_back_again(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)
    intent = world.shop.do("v2/orders/get_order", id=order_id)["payment_intent_id"]
    world.shop.do("v2/payments/refund_payment", id=intent, body={"amount": 1000})

    assert closed(world, order_id)["refund"]["amount"] == 20

    world.shop.settle(world.stripe)
    assert world.order(order_id)["refunded"] == 30
    assert earned(world) == 2000


def test_an_order_whose_money_went_back_whole_is_closed_without_another_refund(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)
    intent = world.shop.do("v2/orders/get_order", id=order_id)["payment_intent_id"]
    world.shop.do("v2/payments/refund_payment", id=intent, body={})
    world.shop.settle(world.stripe)
    assert reason(world.ship(order_id, tracking_number="P-2")) == (409, "not_paid")

    assert closed(world, order_id)["refund"] is None

    assert (world.order(order_id)["status"], world.order(order_id)["refunded"]) == ("shipped", 50)
    assert world.levels() == (18, 0)
    assert earned(world) == 0


def test_what_went_back_for_a_return_pays_nothing_of_the_rest(world: Warehouse, bucket: Any) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)
    come_back(world, order_id, 1)

    assert closed(world, order_id)["refund"]["amount"] == 30

    world.shop.settle(world.stripe)
    assert world.order(order_id)["refunded"] == 40
    assert earned(world) == 1000


def test_an_order_is_returned_once_all_that_left_has_come_back(world: Warehouse, bucket: Any) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)
    closed(world, order_id)
    assert reason(ask_back(world, order_id, 3)) == (409, "exceeds_returnable")

    come_back(world, order_id, 1)
    assert world.order(order_id)["fulfillment_status"] == "fulfilled"
    come_back(world, order_id, 1)

    assert world.order(order_id)["fulfillment_status"] == "returned"
    assert (world.order(order_id)["payment_status"], earned(world)) == ("refunded", 0)


def come_back(world: Warehouse, order_id: str, cups: int) -> None:
    """Cups come back, and are refunded."""
    made = ask_back(world, order_id, cups).body["data"]
    world.shop.do("admin/returns/approve_return", return_id=made["id"])
    cup = world.order(order_id)["items"][0]["id"]
    item = {"order_item_id": cup, "quantity": cups, "disposition": "discard"}
    world.shop.do("admin/returns/receive_return", return_id=made["id"], body={"items": [item]})
    world.shop.do("admin/returns/refund_return", return_id=made["id"])
    world.shop.settle(world.stripe)


def test_only_an_order_that_has_left_in_part_has_a_rest(world: Warehouse) -> None:
    unpaid, paid, whole, cancelled = world.place(), world.sell(), world.sell(), world.place()
    world.ship(whole)
    world.shop.move(cancelled, "cancelled")

    assert [reason(close(world, each)) for each in (unpaid, paid, whole, cancelled)] == [
        (409, "nothing_left"),
        (409, "nothing_left"),
        (409, "illegal_transition"),
        (409, "illegal_transition"),
    ]
    assert close(world, "order_missing").status == 404


def test_a_rest_is_given_up_once_and_only_at_the_version_that_was_read(world: Warehouse) -> None:
    order_id = world.sell()
    world.part(order_id, "P-1", 2)
    version = world.shop.do("v2/orders/get_order", id=order_id)["version"]

    assert reason(close(world, order_id, headers={"If-Match": f'"{version - 1}"'})) == (409, "version_mismatch")
    first, again = [close(world, order_id, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert (first.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert reason(close(world, order_id)) == (409, "illegal_transition")
    assert len(world.rows("refund")) == 1


def test_who_may_only_read_orders_ships_none(world: Warehouse) -> None:
    order_id = world.sell()
    reader = Credential(role=Role.API_KEY, scopes=frozenset({"orders:read"}))

    requests: list[tuple[str, Any]] = [
        ("admin/fulfillment/ship_order", row(order_id)),
        ("admin/fulfillment/dispatch_orders", {"orders": [row(order_id)]}),
    ]
    for path, body in requests:
        assert world.shop.call(path, credential=reader, body=body).status == 403
    assert world.shop.call("admin/orders/close_rest", credential=reader, order_id=order_id).status == 403
    assert world.shop.call("admin/fulfillment/list_shipments", credential=reader, order_id=order_id).status == 200
