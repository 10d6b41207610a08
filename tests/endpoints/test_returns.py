"""RT-01…RT-08: a return through its handlers, from the request to the refund, and every way off that path."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import httpx
import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Tenant, system
from commerce.kernel.return_policy import ReturnPolicy
from commerce.orders import store as orders
from commerce.orders.model import Order
from commerce.refunds import store as refunds
from commerce.returns import label_documents, labels, store, use_cases
from commerce.returns.label_documents import ReturnLabel
from commerce.returns.model import MOVES, Return, ReturnStatus
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe, settle
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential

ADDRESS = ("Till Returns", "1 Dock Road", "Springfield, IL 62701")
POLICY = ReturnPolicy(address=ADDRESS)
SHIRT, MUG = 3000, 1099  # minor units


@dataclass
class Warehouse:
    """A shop with one customer, and shipped orders of theirs: each of three shirts, its first line, and a mug."""

    shop: Shop
    stripe: Stripe
    jane: Credential
    shirt: Any
    mug: Any

    @property
    def tenant(self) -> Tenant:
        return self.shop.tenant

    def set(self, **changes: Any) -> None:
        """Let the shop have another policy."""
        self.shop.tenant = replace(self.tenant, returns=replace(self.tenant.returns, **changes))
        self.shop.merchant = Credential(tenant=self.tenant)
        self.jane = replace(self.jane, tenant=self.tenant)

    def place(self) -> Order:
        return self.order(self.shop.order(self.jane, (self.shirt["id"], 3), (self.mug["id"], 1)))

    def sell(self, *, ship: bool = True, card: str = "pm_card_visa") -> Order:
        """An order that is paid at Stripe."""
        order = self.place()
        intent_id = self.shop.start_payment(order.order_id, order.total.minor)
        assert self.stripe.pay(intent_id, card) == "succeeded"
        self.settle()
        if ship:
            self.shop.move(order.order_id, "shipped")
        return self.order(order.order_id)

    def settle(self) -> None:
        settle(self.shop.call, self.stripe)

    def order(self, order_id: str) -> Order:
        found = orders.find(self.tenant, order_id)
        assert found is not None
        return found

    def ask(self, order: Order, *units: int, reason: str = "wrong_size", method: str | None = None) -> str:
        """A merchant's request for so many units of each line."""
        body: dict[str, Any] = {"order_id": order.order_id, "items": items(order, *units, reason=reason)}
        body |= {} if method is None else {"refund_method": method}
        return str(self.shop.do("admin/returns/create_return", body=body)["id"])

    def approve(self, return_id: str) -> Any:
        return self.shop.do("admin/returns/approve_return", method="POST", return_id=return_id)

    def receive(self, return_id: str, *found: dict[str, Any]) -> Any:
        return self.shop.do("admin/returns/receive_return", return_id=return_id, body={"items": list(found)})

    def refund(self, return_id: str, **body: Any) -> Any:
        return self.shop.do("admin/returns/refund_return", return_id=return_id, body=body)

    def returned(self, order: Order, *units: int, method: str | None = None) -> str:
        """A return of which everything has come back."""
        return_id = self.ask(order, *units, method=method)
        self.approve(return_id)
        lines = zip(order.lines, units, strict=False)
        self.receive(return_id, *(found(line.line_id, many, "restock") for line, many in lines if many))
        return return_id

    def get(self, return_id: str) -> Any:
        return self.shop.do("admin/returns/get_return", return_id=return_id)

    def quote(self, return_id: str) -> Any:
        return self.shop.do("admin/returns/quote_return", return_id=return_id)

    def try_(self, path: str, **request: Any) -> tuple[int, str]:
        """The status of a refusal, and its reason."""
        answered: Answered = self.shop.call(path, credential=request.pop("by", self.shop.merchant), **request)
        return refused(answered)

    def close(self, return_id: str) -> Return:
        return run(lambda tx: use_cases.close(tx, system(self.tenant, "workflow"), return_id))

    def available(self, product: Any, warehouse: str) -> int:
        levels = self.shop.do("v2/inventory/get_inventory", product_id=product["id"])
        return int({each["warehouse_id"]: each["available"] for each in levels["locations"]}.get(warehouse, 0))


def items(order: Order, *units: int, reason: str = "wrong_size") -> list[dict[str, Any]]:
    lines = zip(order.lines, units, strict=False)
    return [{"order_item_id": line.line_id, "quantity": many, "reason": reason} for line, many in lines if many]


def found(line_id: str, quantity: int, disposition: str, **more: str) -> dict[str, Any]:
    return {"order_item_id": line_id, "quantity": quantity, "disposition": disposition} | more


def refused(answered: Answered) -> tuple[int, str]:
    assert answered.status >= 400, answered.text
    details = answered.body["error"]["details"]
    return answered.status, details[0]["code"] if details else answered.body["error"]["code"]


def usd(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


@pytest.fixture
def world(call: Call, table: Any, stripe: Stripe) -> Iterator[Warehouse]:
    bucket = boto3.resource("s3").create_bucket(Bucket=os.environ["FILES_BUCKET"])
    shop = Shop(call, replace(TENANT, returns=POLICY)).open()
    shirt = shop.product("TEE", usd(SHIRT), name="Shirt", stock=30)
    mug = shop.product("MUG", usd(MUG), name="Mug", stock=10)
    yield Warehouse(shop, stripe, shop.customer(), shirt, mug)
    check(table.scan()["Items"])
    bucket.objects.all().delete()
    bucket.delete()


# The whole path


def test_a_return_goes_from_the_request_to_the_refund_and_each_step_is_on_record(world: Warehouse) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id

    return_id = world.ask(order, 2)
    approved = world.approve(return_id)
    received = world.receive(return_id, found(shirts, 2, "restock", condition="unopened"))
    refunded = world.refund(return_id)
    world.settle()
    closed = world.close(return_id)

    assert [each["status"] for each in (approved, received, refunded)] == ["approved", "received", "refunded"]
    assert closed.status is ReturnStatus.CLOSED
    shown = world.get(return_id)
    assert [(step["event"], step["status"]) for step in shown["history"]] == [
        ("created", "pending"),
        ("approved", "approved"),
        ("received", "received"),
        ("refunded", "refunded"),
        ("closed", "closed"),
    ]
    assert shown["total_refund"] == usd(2 * SHIRT)
    assert shown["receipts"] == [found(shirts, 2, "restock", condition="unopened", location="wh_001")]
    assert shown["history"][2]["items"] == shown["receipts"]
    [refund] = shown["refunds"]
    assert (refund["status"], refund["amount"]) == ("succeeded", usd(2 * SHIRT))
    assert refund["parts"] == [{"type": "external", "amount": usd(2 * SHIRT)}]
    after = world.order(order.order_id)
    assert (after.refunded.minor, after.lines[0].refunded, after.lines[0].returning) == (2 * SHIRT, 2, 2)
    timeline = world.shop.do("admin/orders/get_timeline", order_id=order.order_id)
    assert [row["status"] for row in timeline if row["type"] == "return"] == ["pending"]


def test_the_list_shows_what_each_return_is_worth_newest_first_and_by_status(world: Warehouse) -> None:
    order = world.sell()
    first, second = world.ask(order, 1), world.ask(order, 1, 1)
    world.approve(first)

    rows = world.shop.do("admin/returns/list_returns")
    pending = world.shop.do("admin/returns/list_returns", query={"status": "pending"})
    page = world.shop.do("admin/returns/list_returns", query={"limit": "1", "offset": "1"})

    assert [row["id"] for row in rows] == [second, first]
    assert rows[0] == {
        "id": second,
        "order_id": order.order_id,
        "status": "pending",
        "reason": "wrong_size",
        "total_refund": usd(SHIRT + MUG),
        "created_at": rows[0]["created_at"],
    }
    assert [row["id"] for row in pending] == [second]
    assert [row["id"] for row in page] == [first]


def test_items_with_several_reasons_have_a_mixed_one(world: Warehouse) -> None:
    order = world.sell()
    wanted = items(order, 1) + items(order, 1, reason="damaged")

    answered = world.shop.do("admin/returns/create_return", body={"order_id": order.order_id, "items": wanted})

    assert answered["reason"] == "mixed"
    assert world.order(order.order_id).lines[0].returning == 2


# Who may ask for what


def test_what_is_not_shipped_is_not_returned(world: Warehouse) -> None:
    order = world.sell(ship=False)

    refusal = world.try_("admin/returns/create_return", body={"order_id": order.order_id, "items": items(order, 1)})

    assert refusal == (409, "not_shipped")


def test_a_unit_is_in_one_return_at_most(world: Warehouse) -> None:
    order = world.sell()
    world.ask(order, 2)

    refusal = world.try_("admin/returns/create_return", body={"order_id": order.order_id, "items": items(order, 2)})

    assert refusal == (409, "exceeds_returnable")
    assert world.order(order.order_id).lines[0].returning == 2


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_units_of_a_return_that_came_to_nothing_can_be_asked_for_anew(world: Warehouse, end: str) -> None:
    order = world.sell()
    return_id = world.ask(order, 3)

    ended = world.shop.do(
        f"admin/returns/{end}_return", return_id=return_id, body={"reason": "Worn", "note": "Third one this month"}
    )

    assert (ended["status"], ended["total_refund"]) == (f"{end}ed" if end == "reject" else "cancelled", 0)
    shown = world.get(return_id)
    assert (shown["ended_because"], shown["history"][-1]["note"]) == ("Worn", "Third one this month")
    assert world.ask(order, 3)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"order_id": "order_missing"}, (422, "unknown_order")),
        ({"items": [{"order_item_id": "li_missing", "quantity": 1, "reason": "x"}]}, (422, "unknown_line")),
        ({"items": []}, (422, "too_short")),
        ({"refund_method": "exchange"}, (422, "enum")),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    world: Warehouse, change: dict[str, Any], refusal: tuple[int, str]
) -> None:
    order = world.sell()
    body = {"order_id": order.order_id, "items": items(order, 1)} | change

    assert world.try_("admin/returns/create_return", body=body) == refusal


@pytest.mark.parametrize("reason", ["", "x" * 51, "wrong size", "<b>", "_x"])
def test_a_reason_is_a_word_of_at_most_fifty_characters(world: Warehouse, reason: str) -> None:
    order = world.sell()
    body = {"order_id": order.order_id, "items": items(order, 1, reason=reason)}

    status, _ = world.try_("admin/returns/create_return", body=body)

    assert status == 422


def test_another_shops_return_is_as_unknown_as_none(world: Warehouse) -> None:
    return_id = world.ask(world.sell(), 1)
    stranger = Credential(tenant=OTHER_TENANT)

    own = world.shop.call("admin/returns/get_return", return_id=return_id, credential=stranger)
    missing = world.shop.call("admin/returns/get_return", return_id="ret_missing")

    assert own.status == missing.status == 404
    assert own.body["error"]["message"] == missing.body["error"]["message"] == "No such return"


# Moves


def at(world: Warehouse, status: ReturnStatus) -> str:
    """A return in ``status``, brought there through the API."""
    order = world.sell()
    return_id = world.ask(order, 2)
    if status is ReturnStatus.REJECTED:
        world.shop.do("admin/returns/reject_return", return_id=return_id)
    elif status is ReturnStatus.CANCELLED:
        world.shop.do("admin/returns/cancel_return", return_id=return_id)
    elif status is not ReturnStatus.PENDING:
        world.approve(return_id)
        line_id = order.lines[0].line_id
        if status is ReturnStatus.PARTIALLY_RECEIVED:
            world.receive(return_id, found(line_id, 1, "restock"))
        elif status is not ReturnStatus.APPROVED:
            world.receive(return_id, found(line_id, 2, "restock"))
            if status is not ReturnStatus.RECEIVED:
                world.refund(return_id)
                if status is ReturnStatus.CLOSED:
                    world.settle()
                    world.close(return_id)
    assert world.get(return_id)["status"] == status
    return return_id


ASKED = {
    "approve": ReturnStatus.APPROVED,
    "reject": ReturnStatus.REJECTED,
    "cancel": ReturnStatus.CANCELLED,
    "refund": ReturnStatus.REFUNDED,
}


@pytest.mark.parametrize("status", ReturnStatus)
def test_a_return_moves_over_http_only_as_its_table_says(world: Warehouse, table: Any, status: ReturnStatus) -> None:
    return_id = at(world, status)
    line_id = world.get(return_id)["items"][0]["order_item_id"]
    before = table.scan()["Items"]

    for verb, target in ASKED.items():
        through_receipt = verb == "refund" and status is ReturnStatus.PARTIALLY_RECEIVED
        if target not in MOVES[status] and not through_receipt:
            refusal = world.try_(f"admin/returns/{verb}_return", method="POST", return_id=return_id)
            nothing_yet = verb == "refund" and status is ReturnStatus.APPROVED
            assert refusal == (409, "nothing_received" if nothing_yet else "illegal_transition"), verb
    if status not in (ReturnStatus.APPROVED, ReturnStatus.PARTIALLY_RECEIVED):
        body = {"items": [found(line_id, 1, "restock")]}
        refusal = world.try_("admin/returns/receive_return", return_id=return_id, body=body)
        assert refusal == (409, "illegal_transition")

    assert table.scan()["Items"] == before


def test_a_return_is_approved_once_and_the_same_request_again_has_the_same_answer(world: Warehouse) -> None:
    return_id = world.ask(world.sell(), 1)
    key = {"Idempotency-Key": "approve-1"}

    answers = [
        world.shop.call("admin/returns/approve_return", method=method, return_id=return_id, headers=headers)
        for method, headers in (("PUT", key), ("PUT", key), ("POST", {}))
    ]

    assert [each.status for each in answers] == [200, 200, 409]
    assert answers[0].text == answers[1].text


def test_of_an_approval_and_a_cancellation_at_once_the_first_one_counts(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    return_id = world.ask(world.sell(), 1)
    issue = labels.issue

    def cancel_meanwhile(*args: Any) -> None:
        monkeypatch.setattr(labels, "issue", issue)
        world.shop.do("admin/returns/cancel_return", return_id=return_id)
        issue(*args)

    monkeypatch.setattr(labels, "issue", cancel_meanwhile)

    refusal = world.try_("admin/returns/approve_return", method="POST", return_id=return_id)

    assert refusal == (409, "illegal_transition")
    assert world.get(return_id)["status"] == "cancelled"


def test_a_move_may_say_which_version_it_is_based_on(world: Warehouse) -> None:
    return_id = world.ask(world.sell(), 1)
    stale = {"If-Match": '"2"'}

    refusal = world.try_("admin/returns/approve_return", method="POST", return_id=return_id, headers=stale)

    assert refusal == (409, "version_mismatch")
    assert world.get(return_id)["version"] == 1


# The label


def test_an_approved_return_has_a_number_and_a_label_that_any_number_of_reads_lead_to(world: Warehouse) -> None:
    order = world.sell()
    return_id = world.ask(order, 1)
    before = world.get(return_id)

    approved = world.approve(return_id)

    assert (before["rma_number"], before["rma_label_url"], before["rma_label_expires_at"]) == (None, None, None)
    shown = world.get(return_id)
    assert approved["return_id"] == return_id
    assert shown["rma_number"] == approved["rma_number"]
    assert f"/return-labels/ten_1/test/{return_id}.pdf?" in approved["rma_label_url"]
    assert "X-Amz-Expires=900" in approved["rma_label_url"]
    assert shown["rma_label_url"].startswith("https://")
    [stored] = boto3.resource("s3").Bucket(os.environ["FILES_BUCKET"]).objects.all()
    assert stored.get()["Body"].read() == labels.read(world.tenant, return_id)


def test_a_label_says_where_from_where_to_and_what_is_in_the_parcel(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[ReturnLabel] = []

    def render(label: ReturnLabel) -> bytes:
        printed.append(label)
        return b"%PDF-"

    monkeypatch.setattr(label_documents, "render", render)
    order = world.sell()

    approved = world.approve(world.ask(order, 2, 1))

    assert printed == [
        ReturnLabel(
            rma_number=approved["rma_number"],
            order_number=order.order_id,
            shop="Shop",
            sender=("Jane Doe", "123 Main St", "62701 Springfield IL", "US"),
            recipient=ADDRESS,
            items=(("Shirt", 2), ("Mug", 1)),
            note=None,
        )
    ]


def test_a_parcel_is_found_by_the_number_on_its_label_however_it_is_typed(world: Warehouse) -> None:
    order = world.sell()
    return_id, other = world.ask(order, 1), world.ask(order, 1)
    number = world.approve(return_id)["rma_number"]
    unapproved = store.find(world.tenant, other)
    assert unapproved is not None

    def named(rma_number: str, **more: str) -> list[str]:
        rows = world.shop.do("admin/returns/list_returns", query={"rma_number": rma_number} | more)
        return [row["id"] for row in rows]

    assert named(number) == named(number.lower()) == named(number, status="approved") == [return_id]
    assert named(number, status="received") == named(unapproved.rma_number) == named("RMA-0000-0000") == []


def test_a_return_is_not_approved_while_its_label_cannot_be_stored(world: Warehouse) -> None:
    return_id = world.ask(world.sell(), 1)
    bucket = boto3.resource("s3").Bucket(os.environ["FILES_BUCKET"])
    bucket.delete()

    answered = world.shop.call("admin/returns/approve_return", method="POST", return_id=return_id)

    assert (answered.status, answered.headers["Retry-After"]) == (503, "1")
    assert world.get(return_id)["status"] == "pending"
    bucket.create()


# Receipt


def test_only_restocked_units_go_back_on_sale_where_they_are_said_to_be(world: Warehouse) -> None:
    order = world.sell()
    shirts, mug = (line.line_id for line in order.lines)
    return_id = world.ask(order, 3, 1)
    world.approve(return_id)
    before = world.available(world.shirt, "wh_001")

    world.receive(
        return_id,
        found(shirts, 1, "restock"),
        found(shirts, 1, "restock", location="wh_002"),
        found(shirts, 1, "quarantine", location="wh_002"),
        found(mug, 1, "discard", location="wh_001"),
    )

    assert world.available(world.shirt, "wh_001") == before + 1
    assert world.available(world.shirt, "wh_002") == 1
    assert world.available(world.mug, "wh_001") == 9
    assert world.get(return_id)["total_refund"] == usd(3 * SHIRT + MUG)


def test_a_parcel_may_arrive_in_parts_and_is_quoted_by_what_is_there(world: Warehouse) -> None:
    order = world.sell()
    shirts, mug = (line.line_id for line in order.lines)
    return_id = world.ask(order, 3, 1)
    world.approve(return_id)

    first = world.receive(return_id, found(shirts, 2, "restock"))
    second = world.receive(return_id, found(shirts, 1, "missing"), found(mug, 1, "restock"))

    assert (first["status"], first["total_refund"]) == ("partially_received", usd(2 * SHIRT))
    assert (second["status"], second["total_refund"]) == ("received", usd(2 * SHIRT + MUG))


def test_a_missing_unit_can_be_returned_again(world: Warehouse) -> None:
    order = world.sell()
    shirts = order.lines[0].line_id
    return_id = world.ask(order, 3)
    world.approve(return_id)
    world.receive(return_id, found(shirts, 2, "restock"), found(shirts, 1, "missing"))

    again = world.ask(order, 1)

    assert world.get(again)["status"] == "pending"
    assert world.order(order.order_id).lines[0].returning == 3


def test_a_return_of_which_nothing_comes_back_is_cancelled(world: Warehouse) -> None:
    order = world.sell()
    return_id = world.ask(order, 1)
    world.approve(return_id)

    world.receive(return_id, found(order.lines[0].line_id, 1, "missing"))

    shown = world.get(return_id)
    assert (shown["status"], shown["ended_because"], shown["total_refund"]) == ("cancelled", "never_received", 0)
    assert world.order(order.order_id).lines[0].returning == 0


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"quantity": 3}, (409, "exceeds_approved")),
        ({"order_item_id": "li_missing"}, (422, "unknown_line")),
        ({"location": "wh_009"}, (422, "unknown_warehouse")),
        ({"disposition": "resell"}, (422, "enum")),
        ({"quantity": 0}, (422, "greater_than_equal")),
    ],
)
def test_a_receipt_that_cannot_be_is_refused_and_moves_no_stock(
    world: Warehouse, table: Any, change: dict[str, Any], refusal: tuple[int, str]
) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    world.approve(return_id)
    before = table.scan()["Items"]
    body = {"items": [found(order.lines[0].line_id, 1, "restock") | change]}

    assert world.try_("admin/returns/receive_return", return_id=return_id, body=body) == refusal
    assert table.scan()["Items"] == before


# The refund


def test_what_is_quoted_is_what_is_given_and_every_part_of_it_is_explained(world: Warehouse) -> None:
    world.set(restocking_percent=Decimal(10), return_shipping=Decimal("4.50"))
    order = world.sell()
    return_id = world.returned(order, 2, 1)
    quoted = world.quote(return_id)

    world.refund(return_id)

    goods = 2 * SHIRT + MUG
    fee = 710  # a tenth of 70.99, half to even
    amount = usd(goods - fee - 450)
    shirts, mug = (line.line_id for line in order.lines)
    assert quoted["total_refund"] == amount
    assert quoted["steps"] == [
        {"what": f"line:{shirts}", "amount": usd(2 * SHIRT)},
        {"what": f"line:{mug}", "amount": usd(MUG)},
        {"what": "restocking_fee", "amount": usd(-fee)},
        {"what": "return_shipping", "amount": usd(-450)},
    ]
    assert quoted["parts"] == [{"type": "external", "id": order.payment_intent_id, "amount": amount}]
    assert [(line["order_item_id"], line["quantity"], line["amount"]) for line in quoted["lines"]] == [
        (shirts, 2, usd(2 * SHIRT)),
        (mug, 1, usd(MUG)),
    ]
    assert world.quote(return_id) == quoted | {"status": "refunded"}
    assert world.get(return_id)["total_refund"] == amount


def test_a_return_is_refunded_once(world: Warehouse) -> None:
    return_id = world.returned(world.sell(), 1)
    world.refund(return_id)

    assert world.try_("admin/returns/refund_return", return_id=return_id) == (409, "illegal_transition")
    assert len(world.get(return_id)["refunds"]) == 1


def test_what_has_not_come_back_when_a_return_is_refunded_is_missing(world: Warehouse) -> None:
    order = world.sell()
    return_id = world.ask(order, 3)
    world.approve(return_id)
    world.receive(return_id, found(order.lines[0].line_id, 1, "quarantine"))

    refunded = world.refund(return_id)

    assert (refunded["status"], refunded["total_refund"]) == ("refunded", usd(SHIRT))
    shown = world.get(return_id)
    assert [step["event"] for step in shown["history"]] == ["created", "approved", "received", "received", "refunded"]
    assert [receipt["disposition"] for receipt in shown["receipts"]] == ["quarantine", "missing"]
    assert world.order(order.order_id).lines[0].returning == 1


def test_less_is_refunded_with_a_reason(world: Warehouse) -> None:
    return_id = world.returned(world.sell(), 1)

    unexplained = world.try_("admin/returns/refund_return", return_id=return_id, body={"amount": 20})
    too_much = world.try_("admin/returns/refund_return", return_id=return_id, body={"amount": 31, "reason": "Kind"})
    refunded = world.refund(return_id, amount=20, reason="Worn once")

    assert (unexplained, too_much) == ((422, "reason_required"), (422, "refund_exceeds_remaining"))
    assert refunded["total_refund"] == 20
    assert world.get(return_id)["history"][-1]["reason"] == "Worn once"


def test_a_refund_onto_store_credit_is_there_at_once_and_closes_the_return(world: Warehouse) -> None:
    order = world.sell()
    return_id = world.returned(order, 1, method="store_credit")

    world.refund(return_id)

    [refund] = world.get(return_id)["refunds"]
    assert (refund["status"], refund["parts"]) == ("succeeded", [{"type": "store_credit", "amount": usd(SHIRT)}])
    assert world.quote(return_id)["parts"] == [{"type": "store_credit", "id": None, "amount": usd(SHIRT)}]
    assert world.close(return_id).status is ReturnStatus.CLOSED
    assert world.order(order.order_id).compensated.minor == SHIRT


def test_staff_may_refund_by_another_method_than_was_asked_for(world: Warehouse) -> None:
    return_id = world.returned(world.sell(), 1)

    world.refund(return_id, refund_method="gift_card")

    shown = world.get(return_id)
    assert shown["refund_method"] == "gift_card"
    assert shown["refunds"][0]["parts"] == [{"type": "gift_card", "amount": usd(SHIRT)}]


def test_a_return_waits_for_its_refund_before_it_is_closed(world: Warehouse) -> None:
    return_id = world.returned(world.sell(), 1)
    world.refund(return_id)

    assert world.close(return_id).status is ReturnStatus.REFUNDED

    world.settle()
    assert world.close(return_id).status is ReturnStatus.CLOSED
    version = world.get(return_id)["version"]
    assert world.close(return_id).version == version


def test_the_whole_order_back_is_a_returned_order_and_all_of_its_money(world: Warehouse) -> None:
    order = world.sell()
    for units in ((1, 0), (2, 1)):
        world.refund(world.returned(order, *units))
        world.settle()

    after = world.order(order.order_id)
    assert (after.fulfillment_status, after.payment_status) == ("returned", "refunded")
    assert after.refunded == after.total


def test_where_all_was_refunded_already_the_goods_come_back_for_nothing(world: Warehouse) -> None:
    order = world.sell()
    return_id = world.returned(order, 3, 1)
    body: dict[str, Any] = {"reason": "Goodwill"}
    world.shop.do("v2/payments/refund_payment", id=order.payment_intent_id, body=body)
    world.settle()

    refunded = world.refund(return_id)

    assert (refunded["status"], refunded["total_refund"]) == ("refunded", 0)
    assert world.get(return_id)["refunds"] == []
    assert world.quote(return_id)["total_refund"] == 0
    assert world.order(order.order_id).fulfillment_status == "returned"
    assert world.close(return_id).status is ReturnStatus.CLOSED


def test_a_refund_that_fails_is_shown_with_its_reason_and_given_anew(world: Warehouse) -> None:
    order = world.sell(card="pm_card_pendingRefund")
    return_id = world.returned(order, 2)
    world.refund(return_id)
    world.settle()
    [pending] = refunds.of_order(world.tenant, order.order_id)
    ended = httpx.post(f"{world.stripe.url}/_standin/refunds/{pending.provider_id}/settle", json={"outcome": "failure"})
    ended.raise_for_status()
    world.settle()

    [failed] = world.get(return_id)["refunds"]
    assert failed["status"] == "failed"
    assert failed["failure_reason"]
    assert world.close(return_id).status is ReturnStatus.REFUNDED
    refusal = world.try_("admin/returns/refund_return", return_id=return_id, body={"amount": 1, "reason": "Less"})
    assert refusal == (422, "refunded_whole")

    again = world.refund(return_id, refund_method="store_credit")

    assert (again["status"], again["total_refund"]) == ("refunded", usd(2 * SHIRT))
    both = world.get(return_id)["refunds"]
    assert [(each["status"], each["amount"]) for each in both] == [
        ("failed", usd(2 * SHIRT)),
        ("succeeded", usd(2 * SHIRT)),
    ]
    assert world.close(return_id).status is ReturnStatus.CLOSED
    assert world.try_("admin/returns/refund_return", return_id=return_id) == (409, "illegal_transition")


def test_what_three_tenders_paid_goes_back_to_each_and_onto_another_card_where_one_is_cancelled(
    world: Warehouse,
) -> None:
    order = world.place()
    jane = {"customer_id": world.jane.customer_id}
    card = world.shop.do("storefront/gift_cards/issue_card", body={"amount": 30})
    body = {"code": card["serial"], "order_id": order.order_id, "amount_to_redeem": 30}
    world.shop.do("admin/gift_cards/redeem_gift_card", body=body)
    world.shop.do("admin/store_credit/issue_store_credit", body=jane | {"amount": 40, "reason": "goodwill"})
    spent = jane | {"order_id": order.order_id, "amount_to_redeem": 40}
    world.shop.do("admin/store_credit/redeem_store_credit", body=spent)
    assert world.stripe.pay(world.shop.start_payment(order.order_id, order.total.minor - 7000)) == "succeeded"
    world.settle()
    world.shop.move(order.order_id, "shipped")
    return_id = world.returned(order, 3, 1)
    world.shop.do("storefront/gift_cards/cancel_card", serial=card["serial"], body={"reason": "Lost"})
    quoted = world.quote(return_id)

    world.refund(return_id)
    world.settle()

    back = [("external", usd(order.total.minor - 7000)), ("gift_card", Decimal(30)), ("store_credit", Decimal(40))]
    assert [(part["type"], part["amount"]) for part in quoted["parts"]] == back
    [refund] = world.get(return_id)["refunds"]
    assert (refund["status"], [(part["type"], part["amount"]) for part in refund["parts"]]) == ("succeeded", back)
    cards = world.shop.do("admin/gift_cards/list_gift_cards")
    assert [each["balance"] for each in cards if each["status"] == "active"] == [30]
    after = world.order(order.order_id)
    assert (after.refunded, after.payment_status) == (after.total, "refunded")


# Time


def later(monkeypatch: pytest.MonkeyPatch, **time: int) -> None:
    now = clock.now() + timedelta(**time)
    monkeypatch.setattr(clock, "_source", lambda: now)


def overdue(world: Warehouse, return_id: str) -> Return:
    return run(lambda tx: use_cases.overdue(tx, system(world.tenant, "schedule"), return_id))


def test_a_request_that_nobody_decides_is_rejected_at_its_deadline(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.sell()
    return_id = world.ask(order, 3)

    assert overdue(world, return_id).status is ReturnStatus.PENDING
    assert store.due(clock.now(), 10) == []
    later(monkeypatch, days=world.tenant.returns.decision_days)

    [(tenant, due)] = store.due(clock.now(), 10)
    assert (tenant.tenant_id, tenant.mode, due) == (world.tenant.tenant_id, world.tenant.mode, return_id)
    rejected = overdue(world, return_id)
    assert (rejected.status, rejected.ended_because) == (ReturnStatus.REJECTED, "undecided")
    assert store.due(clock.now(), 10) == []
    assert overdue(world, return_id) == rejected
    assert world.order(order.order_id).lines[0].returning == 0


@pytest.mark.parametrize(("arrived", "status"), [(0, ReturnStatus.CANCELLED), (1, ReturnStatus.RECEIVED)])
def test_what_has_not_come_back_at_the_deadline_is_missing(
    world: Warehouse, monkeypatch: pytest.MonkeyPatch, arrived: int, status: ReturnStatus
) -> None:
    order = world.sell()
    return_id = world.ask(order, 2)
    world.approve(return_id)
    if arrived:
        world.receive(return_id, found(order.lines[0].line_id, arrived, "restock"))
    later(monkeypatch, days=world.tenant.returns.receipt_days)

    assert overdue(world, return_id).status is status
    assert world.order(order.order_id).lines[0].returning == arrived
    assert store.due(clock.now(), 10) == []
