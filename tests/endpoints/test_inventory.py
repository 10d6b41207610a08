"""IN-01, IN-03, IN-04: stock per variant, and alerts on it, through their handlers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from commerce.inventory import use_cases as stock_keeping
from commerce.inventory.model import MAX_STOCK
from commerce.kernel import clock
from tests.shop import OTHER_TENANT, Call, Credential


def product(call: Call, sku: str = "TEE", *variants: str) -> Any:
    body = {"name": sku, "sku": sku, "price": 5, "variants": [{"sku": f"{sku}-{name}"} for name in variants]}
    answered = call("v2/catalog/create_product", body=body)
    assert answered.status == 201, answered.text
    return answered.body


def move(call: Call, product_id: str, units: int, variant: str | None = None, warehouse: str = "wh_001") -> Any:
    body = {"quantity": units, "reason": "correction", "location": warehouse, "variant_id": variant}
    answered = call("v2/inventory/adjust_inventory", product_id=product_id, body=body)
    assert answered.status == 201, answered.text
    return answered.body


def set_alert(call: Call, product_id: str, threshold: int = 10, **more: Any) -> Any:
    answered = call("v2/inventory/set_alert", product_id=product_id, body={"threshold": threshold} | more)
    assert answered.status == 201, answered.text
    return answered.body


def alerts(call: Call, product_id: str, **query: str) -> Any:
    answered = call("v2/inventory/list_alerts", product_id=product_id, query=query)
    assert answered.status == 200, answered.text
    return answered.body["data"]


# Stock per variant


def test_stock_is_broken_down_by_variant_and_adds_up_both_ways(call: Call) -> None:
    tee = product(call, "TEE", "S", "M", "L")
    small, medium, large = (variant["id"] for variant in tee["variants"])
    move(call, tee["id"], 3, small)
    move(call, tee["id"], 4, small, "wh_002")
    after = move(call, tee["id"], 5, medium)

    levels = call("v2/inventory/get_inventory", product_id=tee["id"]).body

    assert levels == after
    assert [each["variant_id"] for each in levels["variants"]] == [small, medium, large]
    assert [each["total_available"] for each in levels["variants"]] == [7, 5, 0]
    assert levels["total_available"] == sum(each["available"] for each in levels["locations"]) == 12
    assert levels["variants"][0]["locations"] == [
        {"warehouse_id": "wh_001", "available": 3, "reserved": 0},
        {"warehouse_id": "wh_002", "available": 4, "reserved": 0},
    ]


def test_what_orders_hold_is_reserved_in_every_sum(call: Call) -> None:
    tee = product(call, "TEE", "S", "M")
    small = tee["variants"][0]["id"]
    move(call, tee["id"], 3, small)
    jane = {"email": "jane@x.io", "first_name": "Jane", "last_name": "Doe"}
    home = {"name": "Jane Doe", "street": "1 Main St", "city": "Springfield", "zip": "62701"}
    customer_id = call("v2/customers/create_customer", body=jane).body["id"]
    items = [{"product_id": tee["id"], "variant_id": small, "quantity": 2}]
    order = {"customer_id": customer_id, "items": items, "shipping_address": home}
    assert call("admin/orders/create_order", body=order).status == 201

    levels = call("v2/inventory/get_inventory", product_id=tee["id"]).body

    assert (levels["total_available"], levels["total_reserved"]) == (1, 2)
    assert [(each["total_available"], each["total_reserved"]) for each in levels["variants"]] == [(1, 2), (0, 0)]


def test_one_variant_is_asked_for_alone(call: Call) -> None:
    tee = product(call, "TEE", "S", "M")
    small, medium = (variant["id"] for variant in tee["variants"])
    move(call, tee["id"], 3, small)
    move(call, tee["id"], 5, medium)

    levels = call("v2/inventory/get_inventory", product_id=tee["id"], query={"variant_id": medium}).body

    assert levels["total_available"] == 5
    assert [each["variant_id"] for each in levels["variants"]] == [medium]


def test_a_product_without_variants_or_stock_has_its_one_variant_at_nothing(call: Call) -> None:
    levels = call("v2/inventory/get_inventory", product_id=product(call)["id"]).body

    assert (levels["total_available"], levels["locations"], len(levels["variants"])) == (0, [], 1)
    variant_id = levels["variants"][0]["variant_id"]
    again = call("v2/inventory/get_inventory", product_id=levels["product_id"], query={"variant_id": variant_id})
    assert again.body == levels


def test_stock_of_what_is_not_there_is_404(call: Call) -> None:
    tee, cup = product(call, "TEE", "S"), product(call, "CUP", "S")

    for product_id, variant_id in (
        ("prod_missing", None),
        (tee["id"], "var_missing"),
        (tee["id"], cup["variants"][0]["id"]),
    ):
        query = {"variant_id": variant_id} if variant_id else None
        assert call("v2/inventory/get_inventory", product_id=product_id, query=query).status == 404


# Alerts


def test_an_alert_is_read_as_it_was_set(call: Call) -> None:
    tee = product(call, "TEE", "S")
    variant_id = tee["variants"][0]["id"]
    reorder = {"enabled": True, "quantity": 100, "supplier": "Harbor Textiles"}

    made = set_alert(call, tee["id"], 10, variant_id=variant_id, location="wh_001", reorder=reorder)

    assert alerts(call, tee["id"]) == [made]
    assert made["id"].startswith("alert_")
    assert made | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "product_id": tee["id"],
        "variant_id": variant_id,
        "location": "wh_001",
        "threshold": 10,
        "reorder": reorder,
        "available": 0,
        "status": "out_of_stock",
        "version": 1,
        "created_at": "",
        "updated_at": "",
    }


def test_each_alert_tells_where_the_stock_that_it_watches_stands_now(call: Call) -> None:
    tee = product(call, "TEE", "S", "M")
    small = tee["variants"][0]["id"]
    move(call, tee["id"], 7, small)
    move(call, tee["id"], 5, small, "wh_002")
    for scope in ({}, {"variant_id": small}, {"location": "wh_002"}, {"variant_id": small, "location": "wh_001"}):
        set_alert(call, tee["id"], 8, **scope)

    def seen() -> dict[tuple[str | None, str | None], tuple[int, str]]:
        found = alerts(call, tee["id"])
        return {(each["variant_id"], each["location"]): (each["available"], each["status"]) for each in found}

    assert seen() == {
        (None, None): (12, "ok"),
        (None, "wh_002"): (5, "low"),
        (small, None): (12, "ok"),
        (small, "wh_001"): (7, "low"),
    }
    move(call, tee["id"], -7, small)
    move(call, tee["id"], 9, tee["variants"][1]["id"], "wh_002")
    assert seen() == {
        (None, None): (14, "ok"),
        (None, "wh_002"): (14, "ok"),
        (small, None): (5, "low"),
        (small, "wh_001"): (0, "out_of_stock"),
    }


def test_setting_an_alert_again_replaces_it(call: Call) -> None:
    product_id = product(call)["id"]
    first = set_alert(call, product_id, 10, reorder={"enabled": True, "quantity": 5})

    with clock.use(lambda: datetime(2040, 1, 1, tzinfo=UTC)):
        second = set_alert(call, product_id, 20)
        other = set_alert(call, product_id, 20, location="wh_001")

    assert second == first | {"threshold": 20, "reorder": None, "version": 2, "updated_at": "2040-01-01T00:00:00Z"}
    assert other["id"] != first["id"]
    assert alerts(call, product_id) == [second, other]


def test_setting_the_same_alert_again_writes_nothing(call: Call, table: Any) -> None:
    product_id = product(call)["id"]
    first = set_alert(call, product_id, 10, reorder={"enabled": False, "quantity": 5, "supplier": None})
    before = table.scan()["Items"]

    assert set_alert(call, product_id, 10, reorder={"enabled": False, "quantity": 5}) == first
    assert table.scan()["Items"] == before


def test_a_removed_alert_is_gone_and_the_next_one_is_a_new_one(call: Call) -> None:
    product_id = product(call)["id"]
    kept, gone = set_alert(call, product_id, 10), set_alert(call, product_id, 10, location="wh_001")

    removed = call("v2/inventory/remove_alert", product_id=product_id, alert_id=gone["id"])
    again = call("v2/inventory/remove_alert", product_id=product_id, alert_id=gone["id"])

    assert (removed.status, removed.text, again.status) == (204, "", 404)
    assert alerts(call, product_id) == [kept]
    anew = set_alert(call, product_id, 10, location="wh_001")
    assert anew["id"] != gone["id"]
    assert alerts(call, product_id) == [kept, anew]
    assert call("v2/inventory/remove_alert", product_id=product_id, alert_id=gone["id"]).status == 404


def test_a_retried_removal_with_its_key_answers_the_same(call: Call) -> None:
    product_id = product(call)["id"]
    gone = set_alert(call, product_id)
    headers = {"Idempotency-Key": "once"}

    answers = [
        call("v2/inventory/remove_alert", product_id=product_id, alert_id=gone["id"], headers=headers) for _ in range(2)
    ]

    assert [each.status for each in answers] == [204, 204]


def test_the_pages_of_alerts_are_all_alerts_without_the_removed(call: Call) -> None:
    tee = product(call, "TEE", "S", "M", "L")
    made = [
        set_alert(call, tee["id"], 10, **scope)
        for scope in [{}, {"location": "wh_001"}, *({"variant_id": each["id"]} for each in tee["variants"])]
    ]
    call("v2/inventory/remove_alert", product_id=tee["id"], alert_id=made.pop(1)["id"])

    seen, query = [], {"limit": "1"}
    while True:
        body = call("v2/inventory/list_alerts", product_id=tee["id"], query=query).body
        seen += body["data"]
        if body["pagination"]["next_cursor"] is None:
            break
        query["cursor"] = body["pagination"]["next_cursor"]

    assert seen == alerts(call, tee["id"]) == made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"threshold": 0}, "greater_than_equal"),
        ({"threshold": MAX_STOCK + 1}, "less_than_equal"),
        ({"threshold": "10"}, "int_type"),
        ({"variant_id": "var_missing"}, "unknown_variant"),
        ({"location": "wh_999"}, "unknown_warehouse"),
        ({"location": "*"}, "value_error"),
        ({"reorder": {"enabled": True}}, "missing"),
        ({"reorder": {"enabled": True, "quantity": 0}}, "greater_than_equal"),
        ({"reorder": {"enabled": 1, "quantity": 1}}, "bool_type"),
        ({"reorder": {"enabled": True, "quantity": 1, "supplier": " "}}, "not_printable"),
        ({"status": "ok"}, "unknown_field"),
    ],
)
def test_a_bad_alert_is_refused_and_nothing_is_written(
    call: Call, table: Any, change: dict[str, Any], code: str
) -> None:
    product_id = product(call)["id"]
    before = table.scan()["Items"]

    answered = call("v2/inventory/set_alert", product_id=product_id, body={"threshold": 10} | change)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)
    assert table.scan()["Items"] == before


def test_alerts_of_another_product_or_shop_are_not_there(call: Call, table: Any) -> None:
    tee, cup = product(call, "TEE"), product(call, "CUP")
    mine = set_alert(call, tee["id"])
    stranger = Credential(tenant=OTHER_TENANT)
    before = table.scan()["Items"]

    refusals = [
        call("v2/inventory/remove_alert", product_id=cup["id"], alert_id=mine["id"]),
        call("v2/inventory/remove_alert", product_id=tee["id"], alert_id=mine["id"], credential=stranger),
        call("v2/inventory/list_alerts", product_id=tee["id"], credential=stranger),
        call("v2/inventory/set_alert", product_id=tee["id"], body={"threshold": 1}, credential=stranger),
        call("v2/inventory/set_alert", product_id="prod_missing", body={"threshold": 1}),
        call("v2/inventory/list_alerts", product_id="prod_missing"),
    ]

    assert [each.status for each in refusals] == [404] * 6
    assert alerts(call, cup["id"]) == []
    assert table.scan()["Items"] == before
    assert mine in alerts(call, tee["id"])


def test_an_alert_changes_nothing_about_stock(call: Call) -> None:
    product_id = product(call)["id"]
    before = move(call, product_id, 5)

    set_alert(call, product_id, 10)

    assert call("v2/inventory/get_inventory", product_id=product_id).body == before


def test_stock_does_not_arrive_for_a_variant_that_is_being_removed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    made = product(call, "TEE", "S", "M")
    small, medium = (variant["id"] for variant in made["variants"])
    warehouse = stock_keeping.warehouse

    def remove_meanwhile(*given: Any) -> str:
        monkeypatch.setattr(stock_keeping, "warehouse", warehouse)
        left = {"variants": [{"id": medium}]}
        assert call("v2/catalog/update_product", id=made["id"], body=left).status == 200
        return warehouse(*given)

    monkeypatch.setattr(stock_keeping, "warehouse", remove_meanwhile)
    received = {"quantity": 5, "reason": "restock", "variant_id": small}
    answer = call("v2/inventory/adjust_inventory", product_id=made["id"], body=received)

    assert (answer.status, answer.body["error"]["details"][0]["code"]) == (422, "unknown_variant")
