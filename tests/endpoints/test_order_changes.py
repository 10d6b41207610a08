"""OR-04, OR-09, OR-12, MO-04, NT-01, NT-02: what becomes of an order after it is placed, and who is told."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel.caller import Role
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential

SKU_PRICE = Decimal("29.99")


@pytest.fixture
def shop(call: Call, table: Any) -> Iterator[Shop]:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def shirt(shop: Shop) -> Any:
    """Five in the first warehouse, three in the second."""
    product = shop.product("TEE", SKU_PRICE, stock=5)
    shop.receive(product["id"], 3, "wh_002")
    return product


@pytest.fixture
def jane(shop: Shop) -> Credential:
    return shop.customer()


def levels(shop: Shop, product: Any) -> tuple[int, int]:
    body = shop.do("v2/inventory/get_inventory", product_id=product["id"])
    return body["total_available"], body["total_reserved"]


def paid_order(shop: Shop, stripe: Stripe, jane: Credential, product: Any, units: int = 2) -> str:
    order_id = shop.order(jane, (product["id"], units))
    stripe.pay(shop.start_payment(order_id, units * 2999))
    shop.settle(stripe)
    return order_id


def move(shop: Shop, order_id: str, status: str, *, headers: Any = None, **more: Any) -> Answered:
    body = {"status": status, **more}
    return shop.call("admin/orders/set_order_status", method="PUT", order_id=order_id, body=body, headers=headers)


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def read(shop: Shop, order_id: str) -> Any:
    return shop.do("v2/orders/get_order", id=order_id)


def events_of(table: Any, order_id: str) -> list[dict[str, Any]]:
    rows = [row for row in table.scan()["Items"] if row["kind"] == "outbox" and row["aggregate_id"] == order_id]
    return [
        {"type": row["type"], "data": json.loads(row["data"], parse_float=Decimal)}
        for row in sorted(rows, key=lambda row: int(row["sequence"]))
    ]


# The merchant moves an order


def test_a_shipped_order_is_fulfilled_and_its_reserved_stock_has_left(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = paid_order(shop, stripe, jane, shirt, units=7)  # from two warehouses
    assert levels(shop, shirt) == (1, 7)

    shipped = move(shop, order_id, "shipped", tracking_number="TRK123456789", carrier="UPS", notify_customer=True)

    assert shipped.status == 200
    data = shipped.body["data"]
    assert (data["status"], data["payment_status"], data["fulfillment_status"]) == ("shipped", "paid", "fulfilled")
    assert levels(shop, shirt) == (1, 0)
    tracked = shop.call(
        "storefront/tracking/track_order",
        headers={"orgid": "ten_1"},
        query={"order_id": order_id, "email": "jane@example.com"},
    ).body["data"]
    assert (tracked["status"], tracked["tracking_number"], tracked["carrier"]) == ("shipped", "TRK123456789", "UPS")


def test_an_order_of_forty_lines_from_two_warehouses_each_is_shipped_in_one_transaction(
    shop: Shop, stripe: Stripe, jane: Credential, table: Any
) -> None:
    products = [shop.product(f"P-{number}", 1, stock=1) for number in range(40)]
    for product in products:
        shop.receive(product["id"], 1, "wh_002")
    order_id = shop.order(jane, *((product["id"], 2) for product in products))
    stripe.pay(shop.start_payment(order_id, 8000))
    shop.settle(stripe)

    assert move(shop, order_id, "shipped", note="All of it").status == 200

    [issue] = [row for row in table.scan()["Items"] if row["kind"] == "goods_issue"]
    assert len(json.loads(issue["parts"])) == 80


def test_an_order_that_is_not_paid_is_not_shipped(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))

    assert reason(move(shop, order_id, "shipped")) == (409, "not_paid")
    assert levels(shop, shirt) == (7, 1)


def test_moves_that_the_table_does_not_list_are_refused(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = paid_order(shop, stripe, jane, shirt)

    for target in ("pending", "pending_payment", "delivered"):
        assert reason(move(shop, order_id, target)) == (409, "illegal_transition")
    assert move(shop, order_id, "processing").status == 200
    assert reason(move(shop, order_id, "processing")) == (409, "illegal_transition")
    assert move(shop, order_id, "shipped").status == 200
    assert reason(move(shop, order_id, "cancelled")) == (409, "illegal_transition")
    assert move(shop, order_id, "delivered").status == 200
    assert reason(move(shop, order_id, "shipped")) == (409, "illegal_transition")


def test_an_order_that_waits_for_its_payment_becomes_pending_by_that_alone(
    shop: Shop, jane: Credential, shirt: Any
) -> None:
    body = {"items": [{"product_id": shirt["id"], "quantity": 1}]}
    order_id = shop.do("storefront/orders/place_my_order", by=jane, body=body)["id"]

    assert reason(move(shop, order_id, "pending")) == (409, "illegal_transition")
    assert reason(move(shop, order_id, "processing")) == (409, "illegal_transition")


@pytest.mark.parametrize("path", ["admin/orders/set_order_status", "v2/orders/set_order_status"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_both_surfaces_and_both_methods_move_an_order_alike(
    shop: Shop, jane: Credential, shirt: Any, path: str, method: str
) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    named: dict[str, Any] = {"order_id": order_id} if path.startswith("admin") else {"id": order_id}

    moved = shop.do(path, method=method, body={"status": "processing", "note": "Payment confirmed"}, **named)

    assert (moved["id"], moved["status"]) == (order_id, "processing")
    notes = shop.do("admin/orders/list_notes", order_id=order_id)
    assert [note["content"] for note in notes] == ["Payment confirmed"]


def test_if_match_moves_the_version_that_was_read_and_no_other(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    tag = shop.call("v2/orders/get_order", id=order_id).headers["ETag"]
    shop.do("admin/orders/add_note", order_id=order_id, body={"content": "Called"})

    first = move(shop, order_id, "processing", headers={"If-Match": tag})
    second = move(shop, order_id, "cancelled", headers={"If-Match": tag})

    assert first.status == 200  # the note in between was no change of the order
    assert reason(second) == (409, "version_mismatch")


def test_cancelling_gives_the_stock_back_and_voids_the_payment(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    intent = shop.start_payment(order_id, 5998)

    cancelled = move(shop, order_id, "cancelled", note="Fraud").body["data"]

    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "voided")
    assert levels(shop, shirt) == (8, 0)
    assert stripe.sdk.v1.payment_intents.retrieve(intent).status == "canceled"
    shop.settle(stripe)  # the news of it changes nothing
    assert read(shop, order_id)["version"] == cancelled["version"]
    assert reason(move(shop, order_id, "cancelled")) == (409, "illegal_transition")


def test_money_that_was_collected_for_an_order_stays_where_it_is_until_somebody_refunds_it(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = paid_order(shop, stripe, jane, shirt)
    intent = read(shop, order_id)["payment_intent_id"]

    cancelled = move(shop, order_id, "cancelled").body["data"]

    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "paid")
    assert levels(shop, shirt) == (8, 0)
    shop.settle(stripe)
    assert stripe.intents()[intent]["refunded"] == 0
    shop.do("v2/payments/refund_payment", id=intent)
    shop.settle(stripe)
    assert read(shop, order_id)["payment_status"] == "refunded"


def test_an_order_that_goes_back_whole_is_not_shipped(shop: Shop, stripe: Stripe, jane: Credential, shirt: Any) -> None:
    order_id = paid_order(shop, stripe, jane, shirt)

    shop.do("v2/payments/refund_payment", id=read(shop, order_id)["payment_intent_id"])

    assert reason(move(shop, order_id, "shipped")) == (409, "being_refunded")
    shop.settle(stripe)
    assert reason(move(shop, order_id, "shipped")) == (409, "not_paid")


def test_a_free_order_is_cancelled_without_a_payment(shop: Shop, jane: Credential) -> None:
    sample = shop.product("FREE", 0, stock=1)
    order_id = shop.order(jane, (sample["id"], 1))

    assert move(shop, order_id, "cancelled").body["data"]["status"] == "cancelled"
    assert levels(shop, sample) == (1, 0)


def test_a_dry_run_of_a_move_moves_nothing_and_asks_stripe_for_nothing(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, table: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    shop.start_payment(order_id, 5998)
    before = table.scan()["Items"]

    tried = [move(shop, order_id, status, headers={"X-Dry-Run": "true"}) for status in ("processing", "cancelled")]

    assert [each.status for each in tried] == [200, 200]
    assert table.scan()["Items"] == before
    assert [intent["status"] for intent in stripe.intents().values()] == ["requires_payment_method"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "missing"),
        ({"status": "lost"}, 422, "enum"),
        ({"status": "processing", "notify_customer": "yes"}, 422, "bool_type"),
        ({"status": "processing", "tracking_number": ""}, 422, "string_too_short"),
        ({"status": "processing", "tracking_number": "a\nb"}, 422, "not_printable"),
        ({"status": "processing", "estimated_delivery": "2026-02-30"}, 422, "date_parsing"),
        ({"status": "processing", "note": "   "}, 422, "not_printable"),
        ({"status": "processing", "payment_status": "paid"}, 422, "unknown_field"),
    ],
)
def test_a_bad_move_is_refused(
    shop: Shop, jane: Credential, shirt: Any, body: dict[str, Any], status: int, code: str
) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))

    refused = shop.call("admin/orders/set_order_status", method="PUT", order_id=order_id, body=body)

    assert reason(refused) == (status, code)
    assert read(shop, order_id)["version"] == 1


def test_anothers_order_cannot_be_moved(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    stranger = Credential(tenant=OTHER_TENANT)

    for path, name in (("admin/orders/set_order_status", "order_id"), ("v2/orders/set_order_status", "id")):
        named: dict[str, Any] = {name: order_id}
        refused = shop.call(path, credential=stranger, body={"status": "processing"}, **named)
        assert refused.status == 404


def test_every_transition_is_in_the_timeline_and_told_with_the_order_as_v2_shows_it(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, table: Any
) -> None:
    """What the checker demands of all orders, once in the open: each step, its event, and the object in it."""
    item = {"product_id": shirt["id"], "quantity": 2}
    order_id = shop.do("storefront/orders/place_my_order", by=jane, body={"items": [item]})["id"]
    told: list[list[str]] = []

    def step() -> None:
        """Note which events came, and that the last one of the order shows it as v2 does now."""
        events = events_of(table, order_id)[sum(map(len, told)) :]
        told.append([event["type"] for event in events])
        shown = read(shop, order_id)
        del shown["timeline"], shown["timeline_url"], shown["shipments"]
        assert [event for event in events if event["type"].startswith("order.")][-1]["data"] == shown
        for event in events:
            if event["type"].startswith("payment."):
                assert event["data"] == shop.do("v2/payments/get_payment", id=event["data"]["id"])

    def start(capture: str = "automatic") -> str:
        body = {"order_id": order_id, "amount": 5998, "currency": "usd", "capture_method": capture}
        return str(shop.do("v2/payments/create_payment_intent", body=body)["id"])

    step()
    stripe.pay(start("manual"), "pm_card_visa_chargeDeclined")
    shop.settle(stripe)
    step()
    stripe.pay(read(shop, order_id)["payment_intent_id"])
    shop.settle(stripe)
    step()
    shop.do("v2/payments/cancel_payment", id=read(shop, order_id)["payment_intent_id"])
    step()
    intent = start()
    step()
    stripe.pay(intent)
    shop.settle(stripe)
    step()
    for status in ("processing", "shipped", "delivered"):
        assert move(shop, order_id, status).status == 200
        step()
    stripe.sdk.v1.refunds.create({"payment_intent": intent, "amount": 1000})
    shop.settle(stripe)
    step()
    stripe.sdk.v1.refunds.create({"payment_intent": intent})
    shop.settle(stripe)
    step()

    assert told == [
        ["order.created"],
        ["payment.failed", "order.updated"],
        ["order.updated"],  # authorised
        ["order.updated"],  # voided
        ["order.updated"],  # the next payment
        ["payment.succeeded", "order.updated"],
        ["order.updated"],
        ["shipment.created", "order.fulfilled"],
        ["order.updated"],
        ["payment.refunded", "order.refunded"],
        ["payment.refunded", "order.refunded"],
    ]
    timeline = shop.do("admin/orders/get_timeline", order_id=order_id)
    assert [(event["type"], event["status"]) for event in timeline] == [
        ("status_change", "pending_payment"),
        ("payment", "started"),
        ("payment", "failed"),
        ("payment", "authorized"),
        ("status_change", "pending"),
        ("payment", "voided"),
        ("payment", "started"),
        ("payment", "pending"),
        ("payment", "paid"),
        ("status_change", "processing"),
        ("status_change", "shipped"),
        ("shipment", "fulfilled"),
        ("status_change", "delivered"),
        ("refund", "partially_refunded"),
        ("refund", "refunded"),
    ]


# The customer cancels


def cancel(shop: Shop, who: Credential, order_id: str, **request: Any) -> Answered:
    return shop.call("storefront/orders/cancel_my_order", credential=who, order_id=order_id, **request)


def test_a_customer_cancels_once_however_often_they_try(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, table: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    shop.start_payment(order_id, 5998)

    first = cancel(shop, jane, order_id, body={"reason": "Changed my mind"})
    after = table.scan()["Items"]
    again = cancel(shop, jane, order_id)

    assert (first.status, first.body["data"]["status"]) == (200, "cancelled")
    assert again.body == first.body
    assert table.scan()["Items"] == after
    assert levels(shop, shirt) == (8, 0)
    assert [intent["status"] for intent in stripe.intents().values()] == ["canceled"]


def test_a_payment_that_went_through_meanwhile_wins_over_the_customers_cancelling(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    stripe.pay(shop.start_payment(order_id, 5998))  # and no webhook has come yet

    refused = cancel(shop, jane, order_id)

    assert reason(refused) == (409, "already_collected")
    assert "pending" in refused.body["error"]["message"]
    assert "paid" in refused.body["error"]["message"]
    order = read(shop, order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "paid")
    shop.settle(stripe)
    assert read(shop, order_id)["version"] == order["version"]

    assert cancel(shop, jane, order_id).body["data"]["refund"]["status"] == "pending"
    shop.settle(stripe)
    assert read(shop, order_id)["payment_status"] == "refunded"


def test_an_authorised_payment_is_voided_with_its_order(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    body = {"order_id": order_id, "amount": 2999, "currency": "usd", "capture_method": "manual"}
    intent = shop.do("v2/payments/create_payment_intent", body=body)["id"]
    assert stripe.pay(intent) == "requires_capture"
    shop.settle(stripe)

    cancelled = cancel(shop, jane, order_id)

    assert cancelled.body["data"]["payment_status"] == "voided"
    assert stripe.intents()[intent]["status"] == "canceled"


def test_a_shipped_order_is_not_cancelled_by_its_customer(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any
) -> None:
    order_id = paid_order(shop, stripe, jane, shirt)
    move(shop, order_id, "shipped")

    assert reason(cancel(shop, jane, order_id)) == (409, "illegal_transition")


def test_a_shop_can_keep_cancelling_to_itself(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    strict = replace(jane, tenant=replace(TENANT, customers_may_cancel=False))

    refused = cancel(shop, strict, order_id)

    assert reason(refused) == (403, "customers_may_not_cancel")
    assert read(shop, order_id)["status"] == "pending"


def test_nobody_cancels_anothers_order(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    joe = shop.customer("joe@example.com")

    theirs, missing = cancel(shop, joe, order_id), cancel(shop, joe, "order_missing")

    assert (theirs.status, missing.status) == (404, 404)
    assert theirs.body["error"]["message"] == missing.body["error"]["message"]
    assert cancel(shop, shop.merchant, order_id).status == 403


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset", "reset_after", "429"])
def test_a_fault_of_stripes_while_a_customer_cancels_is_a_503_at_most(
    shop: Shop, stripe: Stripe, jane: Credential, shirt: Any, kind: str
) -> None:
    order_id = shop.order(jane, (shirt["id"], 2))
    shop.start_payment(order_id, 5998)
    stripe.fault("POST /v1/payment_intents/{intent}/cancel", kind, times=1)

    answers = [cancel(shop, jane, order_id).status for _ in range(2)]

    assert set(answers) <= {200, 503}
    assert answers[-1] == 200
    assert levels(shop, shirt) == (8, 0)


# Notes


def test_notes_are_listed_newest_first_with_their_authors(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    marc = Credential(role=Role.STAFF, principal_id="sub-1", email="marc@example.com")

    first = shop.do("admin/orders/add_note", by=marc, order_id=order_id, body={"content": "Called about the ETA"})
    second = shop.do("admin/orders/add_note", order_id=order_id, body={"content": "Two\nlines\tand a tab"})
    listed = shop.do("admin/orders/list_notes", order_id=order_id)

    assert listed == [second, first]
    assert [note["author"] for note in listed] == ["api_key:key_1", "marc@example.com"]
    assert set(first) == {"id", "content", "author", "created_at"}


def test_notes_come_in_pages(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    for number in range(5):
        shop.do("admin/orders/add_note", order_id=order_id, body={"content": f"Note {number}"})
    found, cursor = [], ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = shop.call("admin/orders/list_notes", order_id=order_id, query=query).body
        found += [note["content"] for note in page["data"]]
        cursor = page["pagination"]["next_cursor"]

    assert found == [f"Note {number}" for number in (4, 3, 2, 1, 0)]
    skipped = shop.do("admin/orders/list_notes", order_id=order_id, query={"offset": "3", "limit": "1"})
    assert [note["content"] for note in skipped] == ["Note 1"]


def test_a_note_stands_in_the_timeline_where_it_was_written_and_is_no_change_of_the_order(
    shop: Shop, jane: Credential, shirt: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    note = shop.do("admin/orders/add_note", order_id=order_id, body={"content": "Order received"})
    move(shop, order_id, "processing")
    shop.do("admin/orders/add_note", order_id=order_id, body={"content": "Packed"})

    timeline = shop.do("admin/orders/get_timeline", order_id=order_id)
    order = read(shop, order_id)

    assert [(event["type"], event["status"] or event["content"]) for event in timeline] == [
        ("status_change", "pending"),
        ("note", "Order received"),
        ("status_change", "processing"),
        ("note", "Packed"),
    ]
    assert timeline[1]["id"] == note["id"]
    assert order["timeline"] == list(reversed(timeline))
    assert order["version"] == 2


def test_customers_see_no_note_and_notes_push_nothing_out_of_what_they_see(
    shop: Shop, jane: Credential, shirt: Any
) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    for number in range(55):
        shop.do("admin/orders/add_note", order_id=order_id, body={"content": f"zq9secret {number}"})

    mine = shop.call("storefront/orders/get_my_order", credential=jane, order_id=order_id)
    tracked = shop.call(
        "storefront/tracking/track_order",
        headers={"orgid": "ten_1"},
        query={"order_id": order_id, "email": "jane@example.com"},
    )

    assert "zq9secret" not in mine.text + tracked.text
    assert [event["status"] for event in mine.body["data"]["timeline"]] == ["pending"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "string_too_short"),
        (" \n ", "not_printable"),
        ("bell \x07", "not_printable"),
        ("x" * 5001, "string_too_long"),
        (7, "string_type"),
        ("card 4242 4242 4242 4242", "card_number"),
    ],
)
def test_a_bad_note_is_refused(shop: Shop, jane: Credential, shirt: Any, content: Any, code: str) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))

    refused = shop.call("admin/orders/add_note", order_id=order_id, body={"content": content})

    assert reason(refused) == (422, code)
    assert shop.do("admin/orders/list_notes", order_id=order_id) == []


def test_there_are_no_notes_on_an_order_that_does_not_exist(shop: Shop, jane: Credential, shirt: Any) -> None:
    order_id = shop.order(jane, (shirt["id"], 1))
    stranger = Credential(tenant=OTHER_TENANT)

    read_missing = shop.call("admin/orders/list_notes", order_id="order_missing")
    read_others = shop.call("admin/orders/list_notes", credential=stranger, order_id=order_id)
    written = shop.call("admin/orders/add_note", credential=stranger, order_id=order_id, body={"content": "x"})

    assert (read_missing.status, read_others.status, written.status) == (404, 404, 404)
