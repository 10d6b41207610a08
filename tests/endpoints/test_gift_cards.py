"""GC-01, GC-03, GC-04, GC-20: the merchant issues, lists, looks up and redeems gift cards."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from tests.contract.shops import Shop
from tests.invariants import check
from tests.shop import OTHER_TENANT, TENANT, Call, Credential

AT = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any) -> Iterator[None]:
    with clock.use(lambda: AT):
        yield
    check(table.scan()["Items"])


@pytest.fixture
def shop(call: Call) -> Shop:
    return Shop(call).open()


def issued(shop: Shop, amount: Any = 100, **more: Any) -> Any:
    return shop.do("admin/gift_cards/issue_gift_card", body={"amount": amount} | more)


def redeem(call: Call, code: str, order_id: str, amount: Any, **more: Any) -> Any:
    body = {"code": code, "order_id": order_id, "amount_to_redeem": amount}
    return call("admin/gift_cards/redeem_gift_card", body=body, **more)


def look_up(call: Call, code: str, credential: Credential | None = None) -> Any:
    return call("admin/gift_cards/look_up_gift_card", method="GET", query={"code": code}, credential=credential)


@pytest.fixture
def order_id(shop: Shop) -> str:
    """Two shirts at 29.99 that wait for their payment."""
    return shop.order(shop.customer(), (shop.product("TEE", Decimal("29.99"), stock=10)["id"], 2))


def test_a_card_is_worth_what_was_issued_and_tells_its_pin_once(call: Call, shop: Shop) -> None:
    card = issued(shop, 100, recipient_email="john@example.com", message="Hi", expiration_date="2027-03-20")

    assert (card["amount"], card["balance"], card["currency"]) == (100, 100, "USD")
    assert (card["status"], card["funding"], card["expiration_date"]) == ("active", "promotional", "2027-03-20")
    assert len(card["pin"]) == 6
    found = look_up(call, card["code"]).body["data"]
    assert found["gift_card_id"] == card["gift_card_id"]
    listed = call("admin/gift_cards/list_gift_cards").text
    assert card["pin"] not in json.dumps(found, default=str) + listed


def test_a_card_is_mailed_only_where_that_is_asked_for(shop: Shop, table: Any) -> None:
    issued(shop, recipient_email="john@example.com")
    assert not [row for row in table.scan()["Items"] if row["kind"] == "outbox" and "gift_card" in row["type"]]

    issued(shop, recipient_email="john@example.com", deliver_email=True)
    told = [row for row in table.scan()["Items"] if row["kind"] == "outbox" and "gift_card" in row["type"]]
    assert [row["type"] for row in told] == ["gift_card.delivery_requested"]
    assert "john@example.com" not in json.dumps(told, default=str)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"amount": 0}, "amount_out_of_range"),
        ({"amount": Decimal("10000.01")}, "amount_out_of_range"),
        ({"amount": Decimal("1.001")}, "too_many_decimal_places"),
        ({"amount": 5, "currency": "XXY"}, "unknown_currency"),
        ({"amount": 5, "expiration_date": "2026-03-19"}, "date_passed"),
        ({"amount": 5, "expiration_date": "2030-03-19", "funding": "paid"}, "expiry_too_soon"),
        ({"amount": 5, "deliver_email": True}, "recipient_required"),
    ],
)
def test_a_card_that_cannot_be_is_refused_and_nothing_is_booked(
    call: Call, table: Any, body: dict[str, Any], reason: str
) -> None:
    refused = call("admin/gift_cards/issue_gift_card", body=body)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, reason)
    assert table.scan()["Items"] == []


def test_a_card_that_was_paid_for_may_expire_when_the_law_allows_it(shop: Shop) -> None:
    assert issued(shop, expiration_date="2031-03-20", funding="paid")["expiration_date"] == "2031-03-20"


def test_a_date_is_good_through_the_end_of_the_shops_own_day(call: Call) -> None:
    tokyo = Shop(call, replace(TENANT, currency="JPY", timezone="Asia/Tokyo", country="JP")).open()
    card = issued(tokyo, 5000, expiration_date="2026-03-25")

    for at, expired in (("2026-03-25T14:59:59+00:00", False), ("2026-03-25T15:00:00+00:00", True)):
        with clock.use(lambda at=at: datetime.fromisoformat(at)):  # type: ignore[misc]
            assert look_up(call, card["code"], tokyo.merchant).body["data"]["expired"] is expired


@pytest.mark.parametrize(
    "spoiled", [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " ")]
)
def test_a_code_is_read_as_people_type_it(call: Call, shop: Shop, spoiled: Any) -> None:
    card = issued(shop)

    assert look_up(call, spoiled(card["code"])).body["data"]["code"] == card["code"]


def test_a_typing_mistake_is_told_apart_from_a_card_that_there_is_not(call: Call, shop: Shop) -> None:
    code = issued(shop)["code"]
    last = "0" if code[-1] != "0" else "1"

    mistyped = look_up(call, code[:-1] + last)
    assert (mistyped.status, mistyped.body["error"]["details"][0]["code"]) == (422, "mistyped_serial")
    assert look_up(call, "GC-ABCD-1234").status == 404


def test_a_code_is_looked_up_by_post_too(call: Call, shop: Shop) -> None:
    card = issued(shop)
    asked = call("admin/gift_cards/look_up_gift_card", method="POST", body={"code": card["code"]})

    assert (asked.status, asked.body) == (200, look_up(call, card["code"]).body)


def test_another_shops_card_is_no_card(call: Call, shop: Shop, order_id: str) -> None:
    other = Shop(call, OTHER_TENANT).open()
    theirs = issued(other)

    mine, nobodys = look_up(call, theirs["code"]), look_up(call, "GC-ABCD-1234")
    assert (mine.status, mine.text) == (nobodys.status, nobodys.text)
    assert redeem(call, theirs["code"], order_id, 1).status == 404


def test_a_list_masks_codes_and_finds_an_owners_cards(call: Call, shop: Shop) -> None:
    first, second = issued(shop, recipient_email="John@Example.com"), issued(shop, 50)

    listed = call("admin/gift_cards/list_gift_cards")
    assert [row["gift_card_id"] for row in listed.body["data"]] == [second["gift_card_id"], first["gift_card_id"]]
    assert listed.body["data"][0]["code"] == "GC-…-" + second["code"][-4:]
    assert second["code"] not in listed.text
    of_john = call("admin/gift_cards/list_gift_cards", query={"owner_email": "john@example.com"})
    assert [row["gift_card_id"] for row in of_john.body["data"]] == [first["gift_card_id"]]


def test_pages_follow_one_another(call: Call, shop: Shop) -> None:
    made = [issued(shop)["gift_card_id"] for _ in range(5)]
    seen, query = [], {"limit": "2"}
    while True:
        page = call("admin/gift_cards/list_gift_cards", query=query).body
        seen += [row["gift_card_id"] for row in page["data"]]
        if not page["pagination"]["has_more"]:
            break
        query = {"limit": "2", "cursor": page["pagination"]["next_cursor"]}

    assert seen == made[::-1]


def test_a_card_pays_part_of_an_order_and_then_the_rest_is_owed(call: Call, shop: Shop, order_id: str) -> None:
    card = issued(shop, 50)

    done = redeem(call, card["code"], order_id, 20)

    assert done.status == 200, done.text
    data = done.body["data"]
    assert (data["amount_redeemed"], data["balance_remaining"]) == (20, 30)
    assert data["transaction_id"].startswith("txn_")
    assert look_up(call, card["code"]).body["data"]["balance"] == 30


def test_a_card_that_covers_an_order_pays_it(call: Call, shop: Shop, order_id: str) -> None:
    redeem(call, issued(shop)["code"], order_id, Decimal("59.98"))

    order = shop.do("admin/orders/get_order", order_id=order_id)
    assert order["payment_status"] == "paid"


def test_redeeming_calls_off_an_open_payment(call: Call, shop: Shop, order_id: str, stripe: Any) -> None:
    intent = shop.start_payment(order_id, 5998)

    assert redeem(call, issued(shop)["code"], order_id, 10).status == 200
    assert stripe.intents()[intent]["status"] == "canceled"
    assert shop.start_payment(order_id, 4998) != intent


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(Decimal("25.01"), "insufficient_balance"), (Decimal("59.99"), "exceeds_outstanding"), (0, "amount_out_of_range")],
)
def test_all_of_an_amount_is_redeemed_or_nothing(
    call: Call, shop: Shop, order_id: str, amount: Any, reason: str
) -> None:
    card = issued(shop, 25)

    refused = redeem(call, card["code"], order_id, amount)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, reason)
    assert look_up(call, card["code"]).body["data"]["balance"] == 25


def test_a_card_that_cannot_pay_says_why_to_the_staff(call: Call, shop: Shop, order_id: str) -> None:
    suspended, expiring = issued(shop), issued(shop, expiration_date="2026-03-20")
    shop.do("storefront/gift_cards/suspend_card", serial=suspended["code"])

    refused = redeem(call, suspended["code"], order_id, 5)
    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "gift_card_suspended")
    with clock.use(lambda: AT + timedelta(days=1)):
        refused = redeem(call, expiring["code"], order_id, 5)
    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (409, "gift_card_expired")


def test_an_order_that_is_not_there_is_named_as_what_is_wrong(call: Call, shop: Shop) -> None:
    refused = redeem(call, issued(shop)["code"], "order_999", 5)

    assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "order_id")


def test_the_same_request_twice_redeems_once(call: Call, shop: Shop, order_id: str) -> None:
    card, key = issued(shop), {"idempotency-key": "once"}

    first, again = (redeem(call, card["code"], order_id, 10, headers=key) for _ in range(2))

    assert (again.status, again.text) == (first.status, first.text)
    assert look_up(call, card["code"]).body["data"]["balance"] == 90


def test_a_replay_tells_the_pin_and_no_row_holds_it(call: Call, shop: Shop, table: Any) -> None:
    body, key = {"amount": 10}, {"idempotency-key": "once"}
    first, again = (call("admin/gift_cards/issue_gift_card", body=body, headers=key) for _ in range(2))

    pin = first.body["data"]["pin"]
    assert again.body["data"]["pin"] == pin
    assert pin not in json.dumps(table.scan()["Items"], default=str)
    with clock.use(lambda: AT + timedelta(minutes=16)):
        late = call("admin/gift_cards/issue_gift_card", body=body, headers=key)
    assert (late.status, late.body["error"]["details"][0]["code"]) == (409, "secret_not_replayable")


def test_issuing_takes_two_writes_and_one_more_to_mail_it(call: Call, shop: Shop) -> None:
    for body, kinds in (
        ({"amount": 5}, ["gift_card", "posting"]),
        ({"amount": 5, "recipient_email": "a@example.com", "deliver_email": True}, ["gift_card", "outbox", "posting"]),
    ):
        rehearsed = call("admin/gift_cards/issue_gift_card", body=body, headers={"x-dry-run": "true"})
        assert sorted(write["kind"] for write in rehearsed.body["data"]["writes"]) == kinds
