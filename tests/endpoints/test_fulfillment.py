"""FU-01, FU-02, OR-04, TR-01: orders leave whole, in parts and in batches, each of them once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.fulfillment import dispatching, use_cases
from commerce.kernel import clock
from commerce.kernel.caller import Role
from commerce.kernel.errors import Unavailable
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Answered, Call, Credential

PARCEL = {"tracking_number": "1Z999AA10123456784", "carrier": "UPS"}
MAX_AT_ONCE = 100


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
        ([row(f"order_{number}") for number in range(MAX_AT_ONCE + 1)], 422, "too_long"),
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
    if code == "too_long":
        assert str(MAX_AT_ONCE) in refused.body["error"]["details"][0]["message"]


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


def test_who_may_only_read_orders_ships_none(world: Warehouse) -> None:
    order_id = world.sell()
    reader = Credential(role=Role.API_KEY, scopes=frozenset({"orders:read"}))

    requests: list[tuple[str, Any]] = [
        ("admin/fulfillment/ship_order", row(order_id)),
        ("admin/fulfillment/dispatch_orders", {"orders": [row(order_id)]}),
    ]
    for path, body in requests:
        assert world.shop.call(path, credential=reader, body=body).status == 403
    assert world.shop.call("admin/fulfillment/list_shipments", credential=reader, order_id=order_id).status == 200
