"""IN-03, PM-20: alerts are told of once for each crossing, and what is to be reordered is drafted."""

from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from commerce.inventory import alert_store, watching
from commerce.kernel.errors import StaleWrite, Unavailable
from commerce.purchasing import use_cases as purchasing
from commerce.table.transaction import Transaction
from tests.contract.shops import Shop
from tests.shop import OTHER_TENANT, Call, Credential
from tests.stock_watch import StockWatch, changed, watch
from tests.streams import Stream, audited, deliver
from tests.unit.test_streams import calls

REORDER = {"enabled": True, "quantity": 100, "supplier": "Harbor Textiles"}


@dataclass
class Shelf:
    """A shop with ten mugs, somebody who watches them, and somebody who buys them."""

    shop: Shop
    mug: str
    jane: Credential
    hearing: StockWatch

    def alert(self, threshold: int = 10, **more: Any) -> Any:
        made = self.shop.do("v2/inventory/set_alert", product_id=self.mug, body={"threshold": threshold} | more)
        assert self.told() == []
        return made

    def move(self, units: int, warehouse: str = "wh_001") -> None:
        body = {"quantity": units, "reason": "correction", "location": warehouse}
        self.shop.do("v2/inventory/adjust_inventory", product_id=self.mug, body=body)

    def told(self) -> list[tuple[str, Any]]:
        """Type of event, and how many were available."""
        return [(each.type, getattr(each.data.object, "available", None)) for each in self.hearing.told()]

    def drafts(self, **query: str) -> Any:
        return self.shop.do("v2/purchasing/list_purchase_orders", query=query)["data"]


@pytest.fixture
def shelf(call: Call, table: Any) -> Shelf:
    shop = Shop(call).open()
    shelf = Shelf(shop, shop.product("MUG", 7, stock=10)["id"], shop.customer(), StockWatch(table))
    assert shelf.told() == []
    return shelf


# Crossings


def test_a_sale_that_takes_stock_below_the_threshold_is_told_as_the_alert_shows_it(shelf: Shelf) -> None:
    alert = shelf.alert(10, location="wh_001", reorder={"enabled": False, "quantity": 5})

    shelf.shop.order(shelf.jane, (shelf.mug, 1))

    [event] = shelf.hearing.told()
    assert (event.type, event.ordering_key, event.sequence) == ("inventory.low", alert["id"], 1)
    [shown] = shelf.shop.do("v2/inventory/list_alerts", product_id=shelf.mug)["data"]
    assert event.data.object.model_dump(mode="json") == shown
    assert (shown["available"], shown["status"], shown["version"]) == (9, "low", 2)


def test_each_line_is_told_of_once_however_often_units_come_and_go_around_it(shelf: Shelf) -> None:
    shelf.alert(10)
    for _ in range(5):
        shelf.move(-1)
        shelf.move(1)
    assert shelf.told() == []  # nobody looked while it was below: a line that was left again is no crossing

    told = []
    for _ in range(5):
        shelf.move(-1)
        told += shelf.told()
        shelf.move(1)
        told += shelf.told()

    assert told == [("inventory.low", 9)]


def test_after_a_recovery_by_the_margin_the_next_crossing_is_told(shelf: Shelf) -> None:
    shelf.alert(10)
    told = []
    for units in (-1, 2, -2, -9):
        shelf.move(units)
        told.append(shelf.told())

    assert told == [[("inventory.low", 9)], [], [("inventory.low", 9)], [("inventory.out_of_stock", 0)]]


def test_stock_that_is_gone_at_once_crosses_both_lines_and_the_events_are_numbered(shelf: Shelf) -> None:
    shelf.alert(5)
    shelf.move(-10)
    first = shelf.hearing.told()
    shelf.move(20)
    shelf.move(-1)
    assert shelf.told() == []
    shelf.move(-19)
    second = shelf.hearing.told()

    numbered = [(each.type, each.sequence) for each in [*first, *second]]
    assert numbered == [
        ("inventory.low", 1),
        ("inventory.out_of_stock", 2),
        ("inventory.low", 3),
        ("inventory.out_of_stock", 4),
    ]


def test_an_alert_that_is_set_anew_goes_on_numbering(shelf: Shelf) -> None:
    shelf.alert(10)
    shelf.move(-1)
    assert shelf.told() == [("inventory.low", 9)]
    shelf.alert(9)
    shelf.move(-1)

    assert [(each.type, each.sequence) for each in shelf.hearing.told()] == [("inventory.low", 2)]


def test_each_alert_sees_its_own_scope(shelf: Shelf) -> None:
    shelf.move(10, "wh_002")
    everywhere, here = shelf.alert(15), shelf.alert(10, location="wh_001")
    other = shelf.shop.product("CUP", 5, stock=3)["id"]
    shelf.shop.do("v2/inventory/set_alert", product_id=other, body={"threshold": 3})

    shelf.move(-1)
    first = [each.ordering_key for each in shelf.hearing.told()]
    shelf.move(-5, "wh_002")
    second = [each.ordering_key for each in shelf.hearing.told()]

    assert (first, second) == ([here["id"]], [everywhere["id"]])


def test_a_removed_alert_tells_nothing(shelf: Shelf) -> None:
    alert = shelf.alert(10)
    shelf.shop.do("v2/inventory/remove_alert", product_id=shelf.mug, alert_id=alert["id"])

    shelf.move(-10)

    assert shelf.told() == []


def test_what_falls_while_an_alert_is_being_set_is_told_as_well(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    find = alert_store.find
    sold: list[bool] = []

    def find_after_a_sale(*arguments: Any) -> Any:
        """By now the stock was read."""
        if not sold:
            sold.append(True)
            shelf.move(-10)
            assert shelf.told() == []  # there is no alert yet
        return find(*arguments)

    monkeypatch.setattr(alert_store, "find", find_after_a_sale)
    answered = shelf.shop.do("v2/inventory/set_alert", product_id=shelf.mug, body={"threshold": 5})

    assert answered["status"] == "ok"
    assert shelf.told() == [("inventory.low", 0), ("inventory.out_of_stock", 0)]


def test_an_alert_that_changes_between_two_looks_is_judged_anew(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.alert(10)
    shelf.move(-1)
    watched = alert_store.watched
    looks: list[None] = []

    def watched_while_another_looks(*arguments: Any) -> Any:
        looks.append(None)
        stocks = watched(*arguments)
        if len(looks) == 2:  # what this look sees was to be saved
            shelf.move(2)
            watching.watch(shelf.shop.tenant, shelf.mug)
            shelf.move(-11)
            watching.watch(shelf.shop.tenant, shelf.mug)
        return stocks

    monkeypatch.setattr(alert_store, "watched", watched_while_another_looks)

    assert shelf.told() == [("inventory.low", 0), ("inventory.out_of_stock", 0)]


# The queue


def test_messages_about_one_product_are_one_look_and_repetitions_tell_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.alert(10)
    shelf.move(-1)
    active = mock.Mock(wraps=alert_store.active)
    monkeypatch.setattr(alert_store, "active", active)

    for _ in range(2):
        assert watch([changed(shelf.mug, name=str(number)) for number in range(10)]) == []

    assert active.call_count == 2
    assert shelf.told() == [("inventory.low", 9)]


def test_a_product_without_alerts_costs_one_query(shelf: Shelf) -> None:
    with calls(lambda _, make: make()) as made:
        assert watch([changed(shelf.mug)]) == []

    assert len(made) == 1


def test_a_message_that_cannot_be_read_comes_back_alone(shelf: Shelf) -> None:
    shelf.alert(10)
    shelf.move(-1)

    assert watch([{"messageId": "poison", "body": "not JSON"}, changed(shelf.mug)]) == ["poison"]
    assert shelf.told() == [("inventory.low", 9)]


def test_a_product_that_fails_comes_back_alone(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, look = [], watching.watch

    def watched(tenant: Any, product_id: str) -> Any:
        seen.append(product_id)
        if product_id == "prod_bad":
            raise RuntimeError
        return look(tenant, product_id)

    monkeypatch.setattr(watching, "watch", watched)
    messages = [changed("prod_bad", name="1"), changed(shelf.mug, name="2"), changed("prod_bad", name="3")]

    assert watch(messages) == ["1", "3"]
    assert seen == ["prod_bad", shelf.mug]


def test_while_the_table_is_away_the_rest_of_the_batch_waits(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def away(_: Any, product_id: str) -> Any:
        seen.append(product_id)
        if product_id == "prod_2":
            raise Unavailable
        return []

    monkeypatch.setattr(watching, "watch", away)

    assert watch([changed(f"prod_{number}", name=str(number)) for number in (1, 2, 3)]) == ["2", "3"]
    assert seen == ["prod_1", "prod_2"]


# Purchase orders


def test_low_stock_drafts_what_its_alert_wants_and_tells_so(shelf: Shelf) -> None:
    alert = shelf.alert(10, location="wh_001", reorder=REORDER)
    shelf.move(-1)

    low, drafted = shelf.hearing.told()

    assert (low.type, drafted.type, drafted.sequence) == ("inventory.low", "purchase_order.drafted", 1)
    [draft] = shelf.drafts()
    assert drafted.data.object.model_dump(mode="json") == draft
    assert draft == shelf.shop.do("v2/purchasing/get_purchase_order", id=draft["id"])
    assert draft | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "status": "draft",
        "alert_id": alert["id"],
        "product_id": shelf.mug,
        "variant_id": None,
        "location": "wh_001",
        "quantity": 100,
        "supplier": "Harbor Textiles",
        "version": 1,
        "created_at": "",
        "updated_at": "",
    }


@pytest.mark.parametrize("reorder", [None, REORDER | {"enabled": False}])
def test_an_alert_that_is_not_set_to_reorder_drafts_nothing(shelf: Shelf, reorder: Any) -> None:
    shelf.alert(10, reorder=reorder)
    shelf.move(-10)

    assert shelf.told() == [("inventory.low", 0), ("inventory.out_of_stock", 0)]
    assert shelf.drafts() == []


def test_while_a_draft_is_open_another_crossing_adds_none_and_once_it_is_closed_the_next_does(shelf: Shelf) -> None:
    shelf.alert(10, reorder=REORDER)

    def fall() -> list[str]:
        shelf.move(1)
        assert shelf.told() == []
        shelf.move(-2)
        found = [kind for kind, _ in shelf.told()]
        shelf.move(1)
        return found

    assert fall() == ["inventory.low", "purchase_order.drafted"]
    assert fall() == ["inventory.low"]
    [draft] = shelf.drafts()
    shelf.shop.do("v2/purchasing/close_purchase_order", id=draft["id"], body={"status": "ordered"})
    assert fall() == ["inventory.low", "purchase_order.drafted"]
    assert fall() == ["inventory.low"]
    assert [each["id"] for each in shelf.drafts()][1:] == [draft["id"]]


def test_a_draft_outlives_its_alert_and_another_alert_on_the_same_stock_adds_none(shelf: Shelf) -> None:
    alert = shelf.alert(10, reorder=REORDER)
    shelf.move(-1)
    shelf.told()
    shelf.shop.do("v2/inventory/remove_alert", product_id=shelf.mug, alert_id=alert["id"])
    shelf.alert(9, reorder=REORDER)
    shelf.move(-1)

    assert shelf.told() == [("inventory.low", 8)]
    assert [each["alert_id"] for each in shelf.drafts()] == [alert["id"]]


def test_running_out_after_the_order_was_sent_drafts_no_second_one(shelf: Shelf) -> None:
    shelf.alert(10, reorder=REORDER)
    shelf.move(-1)
    shelf.told()
    [draft] = shelf.drafts()
    shelf.shop.do("v2/purchasing/close_purchase_order", id=draft["id"], body={"status": "ordered"})

    shelf.move(-9)

    assert shelf.told() == [("inventory.out_of_stock", 0)]
    assert len(shelf.drafts()) == 1


def test_two_drafts_that_are_planned_at_once_are_one(shelf: Shelf) -> None:
    shelf.alert(10, reorder=REORDER)
    [alert] = alert_store.active(shelf.shop.tenant, shelf.mug)
    first, second = Transaction(), Transaction()
    for tx in (first, second):
        purchasing.draft(tx, shelf.shop.tenant, alert)

    first.commit()
    with pytest.raises(StaleWrite):
        second.commit()

    assert len(shelf.drafts()) == 1


def three_purchase_orders(shelf: Shelf) -> list[str]:
    """A cancelled one, an ordered one, and a draft, the newest first."""
    shelf.alert(10, reorder=REORDER)
    for status in ("cancelled", "ordered", None):
        shelf.move(-1)
        shelf.told()
        shelf.move(2)
        shelf.told()
        shelf.move(-1)
        if status is not None:
            shelf.shop.do("v2/purchasing/close_purchase_order", id=shelf.drafts()[0]["id"], body={"status": status})
    return [each["id"] for each in shelf.drafts()]


def test_purchase_orders_are_listed_newest_first_by_status_and_by_page(shelf: Shelf) -> None:
    draft, ordered, cancelled = three_purchase_orders(shelf)

    by_status = {status: [each["id"] for each in shelf.drafts(status=status)] for status in ("ordered", "cancelled")}
    assert by_status == {"ordered": [ordered], "cancelled": [cancelled]}
    assert [each["id"] for each in shelf.drafts(status="draft")] == [draft]

    first = shelf.shop.do("v2/purchasing/list_purchase_orders", query={"limit": "2"})
    assert [each["id"] for each in first["data"]] == [draft, ordered]
    rest = shelf.drafts(limit="2", cursor=first["pagination"]["next_cursor"])
    assert [each["id"] for each in rest] == [cancelled]


@pytest.mark.parametrize("wanted", ["ordered", "cancelled"])
def test_what_is_closed_stays_so_and_the_refusal_leaves_no_trace(shelf: Shelf, table: Any, wanted: str) -> None:
    _, ordered, cancelled = three_purchase_orders(shelf)
    before = table.scan()["Items"]

    for purchase_order_id, status in ((ordered, "ordered"), (cancelled, "cancelled")):
        answered = shelf.shop.call("v2/purchasing/close_purchase_order", id=purchase_order_id, body={"status": wanted})
        assert answered.status == 409
        [detail] = answered.body["error"]["details"]
        assert (detail["code"], detail["message"]) == (
            "illegal_transition",
            f"A purchase order that is {status} cannot become {wanted}",
        )

    assert table.scan()["Items"] == before


def test_a_draft_is_closed_at_the_version_that_was_read(shelf: Shelf) -> None:
    draft, ordered, _ = three_purchase_orders(shelf)
    tags = [shelf.shop.call("v2/purchasing/get_purchase_order", id=each).headers["ETag"] for each in (ordered, draft)]

    stale, closed = (
        shelf.shop.call(
            "v2/purchasing/close_purchase_order", id=draft, body={"status": "ordered"}, headers={"If-Match": tag}
        )
        for tag in tags  # of version 2, which the draft does not have yet, and of its own
    )

    assert (stale.status, stale.body["error"]["details"][0]["code"]) == (409, "version_mismatch")
    assert (closed.status, closed.body["status"], closed.body["version"]) == (201, "ordered", 2)


def test_purchase_orders_of_another_shop_are_not_there(shelf: Shelf) -> None:
    [draft, *_] = three_purchase_orders(shelf)
    stranger = Credential(tenant=OTHER_TENANT)

    answers = [
        shelf.shop.call("v2/purchasing/get_purchase_order", id=draft, credential=stranger),
        shelf.shop.call(
            "v2/purchasing/close_purchase_order", id=draft, body={"status": "ordered"}, credential=stranger
        ),
        shelf.shop.call("v2/purchasing/get_purchase_order", id="po_missing"),
    ]

    assert [each.status for each in answers] == [404, 404, 404]
    listed = shelf.shop.call("v2/purchasing/list_purchase_orders", credential=stranger)
    assert listed.body["data"] == []


# The audit log


def test_the_audit_log_tells_of_drafts_and_of_changed_alerts_and_not_of_what_alerts_have_seen(
    shelf: Shelf, table: Any
) -> None:
    stream = Stream(table)

    def logged() -> list[tuple[str, str]]:
        """What happened since, as the log has it."""
        assert deliver("record_audit", audited(stream.read())) == []
        kinds = ("inventory_alert", "purchase_order")
        logs = {kind: shelf.shop.do("v2/audit/list_audit_logs", query={"resource": kind})["logs"] for kind in kinds}
        return [(kind, each["action"]) for kind in kinds for each in reversed(logs[kind])]

    shelf.alert(10, reorder=REORDER)
    logged()
    shelf.alert(9, reorder=REORDER)
    logged()
    shelf.move(-2)
    shelf.told()
    logged()
    shelf.shop.do("v2/purchasing/close_purchase_order", id=shelf.drafts()[0]["id"], body={"status": "ordered"})

    assert logged() == [
        ("inventory_alert", "inventory_alert.created"),
        ("inventory_alert", "inventory_alert.updated"),
        ("purchase_order", "purchase_order.created"),
        ("purchase_order", "purchase_order.ordered"),
    ]
