"""GC-05…19, GC-24: gift cards of the storefront, for strangers with serial and PIN, for customers, for the staff."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.gift_cards import batches, lifecycle, pins, serials, store
from commerce.kernel import clock
from commerce.kernel.errors import Unavailable
from commerce.observability import logger
from commerce.table import transaction
from commerce.table.transaction import run
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.invariants import check
from tests.shop import MERCHANT, OTHER_TENANT, TENANT, Answered, Call, Credential

CARDS = "storefront/gift_cards"
ORG = {"orgid": TENANT.tenant_id}
AT = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _money_and_stock_add_up(table: Any) -> Iterator[None]:
    with clock.use(lambda: AT):
        yield
    check(table.scan()["Items"])


@pytest.fixture
def shop(call: Call) -> Shop:
    return Shop(call).open()


@pytest.fixture
def jane(shop: Shop) -> Credential:
    """A customer whose cart holds two shirts at 29.99."""
    jane = shop.customer()
    shop.add_to_cart(jane, shop.product("TEE", Decimal("29.99"), stock=10)["id"], 2)
    return jane


def cart_of(shop: Shop, customer: Credential) -> str:
    return str(shop.do("storefront/carts/get_cart", by=customer)["id"])


def issued(shop: Shop, amount: Any = 75, **more: Any) -> Any:
    return shop.do(f"{CARDS}/issue_card", route="/storefront/giftcards", body={"amount": amount} | more)


def balance(call: Call, serial: str, pin: str, **more: Any) -> Answered:
    headers = ORG | more.pop("headers", {})
    return call(f"{CARDS}/check_balance", query={"serial": serial, "pin": pin}, headers=headers, **more)


def redeem(call: Call, card: Any, cart_id: str, amount: Any = None, **more: Any) -> Answered:
    body = {"serial": card["serial"], "pin": card["pin"], "cartId": cart_id}
    headers = ORG | more.pop("headers", {})
    return call(
        f"{CARDS}/redeem_card", body=body if amount is None else body | {"amount": amount}, headers=headers, **more
    )


def read(call: Call, card: Any, **more: Any) -> Answered:
    return call(f"{CARDS}/get_card", serial=card["serial"], **more)


def change(call: Call, what: str, card: Any, **more: Any) -> Answered:
    return call(f"{CARDS}/{what}_card", serial=card["serial"], **more)


def reason(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def another(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06}"


# Strangers


def test_a_stranger_with_serial_and_pin_sees_the_balance(call: Call, shop: Shop) -> None:
    card = issued(shop)

    seen = balance(call, card["serial"], card["pin"])

    assert seen.body == {"serial": card["serial"], "balance": 75, "currency": "USD", "status": "active"}
    assert seen.headers["Cache-Control"] == "no-store"
    assert balance(call, card["serial"].lower().replace("-", " "), card["pin"]).body == seen.body


def test_both_names_of_a_path_are_the_same_door(call: Call, shop: Shop) -> None:
    card = issued(shop)

    for prefix in ("", "/api"):
        seen = balance(call, card["serial"], card["pin"], route=f"{prefix}/storefront/giftcards/balance")
        assert seen.body["balance"] == 75


type Spoil = Callable[[Call, Shop, Any], tuple[str, str]]


def _unknown(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    return serials.printed(serials.new()), card["pin"]


def _mistyped(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    return card["serial"][:-1] + ("0" if card["serial"][-1] != "0" else "1"), card["pin"]


def _wrong_pin(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    return card["serial"], another(card["pin"])


def _suspended(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    change(call, "suspend", card)
    return card["serial"], card["pin"]


def _cancelled(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    assert change(call, "cancel", card, body={"disposition": "write_off"}).status == 200
    return card["serial"], card["pin"]


def _inactive(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    inactive = issued(shop, active=False)
    return inactive["serial"], inactive["pin"]


def _expired(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    with clock.use(lambda: AT - timedelta(days=9)):
        expired = issued(shop, expiresAt="2026-03-19")
    return expired["serial"], expired["pin"]


def _elsewhere(call: Call, shop: Shop, card: Any) -> tuple[str, str]:
    theirs = issued(Shop(call, OTHER_TENANT).open())
    return theirs["serial"], theirs["pin"]


MISSES: list[Spoil] = [_unknown, _mistyped, _wrong_pin, _suspended, _cancelled, _inactive, _expired, _elsewhere]


def test_whatever_is_wrong_a_stranger_is_told_the_same(call: Call, shop: Shop, jane: Credential) -> None:
    cart_id, request_id = cart_of(shop, jane), {"x-request-id": "the-same"}
    told: dict[str, set[str]] = {"balance": set(), "redeem": set()}
    for number, miss in enumerate(MISSES):
        serial, pin = miss(call, shop, issued(shop))
        more: dict[str, Any] = {"headers": request_id, "source_ip": f"192.0.2.{number}"}
        answers = {
            "balance": balance(call, serial, pin, **more),
            "redeem": redeem(call, {"serial": serial, "pin": pin}, cart_id, **more),
        }
        for door, answered in answers.items():
            assert answered.status == 404
            told[door].add(json.dumps([answered.status, answered.text, answered.headers], sort_keys=True))

    assert {door: len(answers) for door, answers in told.items()} == {"balance": 1, "redeem": 1}


def test_five_misses_lock_a_serial_at_every_door_whether_or_not_there_is_such_a_card(
    call: Call, shop: Shop, jane: Credential
) -> None:
    cart_id = cart_of(shop, jane)
    for card in (issued(shop), {"serial": serials.printed(serials.new()), "pin": "123456"}):
        wrong = card | {"pin": another(card["pin"])}
        for guess in range(5):
            door = balance(call, wrong["serial"], wrong["pin"], source_ip=f"192.0.2.{guess}")
            assert door.status == 404

        for locked in (
            balance(call, card["serial"].lower(), card["pin"], source_ip="192.0.2.9"),
            redeem(call, card, cart_id, source_ip="192.0.2.10"),
            call(
                f"{CARDS}/release_card",
                redemption_id="rdm_1",
                query={"serial": card["serial"], "pin": card["pin"]},
                headers=ORG,
                source_ip="192.0.2.11",
            ),
        ):
            assert locked.status == 429
            assert 0 < int(locked.headers["Retry-After"]) <= 720


def test_a_lock_ends_by_itself(call: Call, shop: Shop) -> None:
    card = issued(shop)
    for guess in range(5):
        balance(call, card["serial"], another(card["pin"]), source_ip=f"192.0.2.{guess}")
    assert balance(call, card["serial"], card["pin"]).status == 429

    with clock.use(lambda: AT + timedelta(minutes=13)):
        assert balance(call, card["serial"], card["pin"]).body["balance"] == 75


def test_an_address_asks_thirty_times_a_minute(call: Call, shop: Shop) -> None:
    card = issued(shop)
    asked = [balance(call, card["serial"], card["pin"], source_ip="192.0.2.1").status for _ in range(31)]

    assert asked == [200] * 30 + [429]
    assert balance(call, card["serial"], card["pin"], source_ip="192.0.2.2").status == 200


def test_no_pin_is_in_a_log_line_or_a_row(
    call: Call, shop: Shop, jane: Credential, table: Any, caplog: pytest.LogCaptureFixture
) -> None:
    card, key = issued(shop), {"idempotency-key": "once"}
    wrong = card | {"pin": another(card["pin"])}
    logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            balance(call, card["serial"], card["pin"])
            balance(call, card["serial"], wrong["pin"])
            redeem(call, card, cart_of(shop, jane), headers=key)
            redeem(call, wrong, cart_of(shop, jane), headers=key)
            call(f"{CARDS}/redeem_card", body=card, headers=ORG)
    finally:
        logger.setLevel(logging.WARNING)

    lines = " ".join(str(record.__dict__) for record in caplog.records if record.name == logger.name)
    rows = json.dumps(table.scan()["Items"], default=str)
    assert "'status': 404" in lines
    for pin in (card["pin"], wrong["pin"]):
        assert pin not in lines
        assert pin not in rows


# At the cart


@pytest.mark.parametrize(
    ("worth", "asked", "applied", "left"),
    [
        (75, None, "59.98", "15.02"),
        (40, None, "40.00", "0.00"),
        (75, 50, "50.00", "25.00"),
        (75, 100, "59.98", "15.02"),
    ],
)
def test_a_card_pays_the_lesser_of_what_is_asked_what_is_on_it_and_what_the_cart_comes_to(
    call: Call, shop: Shop, jane: Credential, worth: int, asked: int | None, applied: str, left: str
) -> None:
    done = redeem(call, issued(shop, worth), cart_of(shop, jane), asked)

    assert done.status == 200, done.text
    assert done.body["amountApplied"] == Decimal(applied)
    assert done.body["cardBalance"] == Decimal(left)
    assert done.body["cartTotal"] == Decimal("59.98")
    assert done.body["amountDue"] == Decimal("59.98") - Decimal(applied)
    assert done.body["expiresAt"] == "2026-03-20T10:30:00Z"


def test_an_amount_is_in_the_shops_own_currency(call: Call) -> None:
    tokyo = Shop(call, replace(TENANT, currency="JPY")).open()
    customer = tokyo.customer()
    tokyo.add_to_cart(customer, tokyo.product("TEE", 3000, stock=1)["id"], 1)
    done = redeem(call, issued(tokyo, 5000), cart_of(tokyo, customer), 2500)

    assert (done.status, done.body["amountApplied"], done.body["currency"]) == (200, 2500, "JPY")


def test_what_a_card_pays_is_spent_with_the_order_and_comes_back_with_it(
    call: Call, shop: Shop, jane: Credential
) -> None:
    card = issued(shop)
    redeem(call, card, cart_of(shop, jane))
    assert read(call, card).body["available"] == Decimal("15.02")

    order = shop.do("storefront/carts/checkout_cart", by=jane)
    assert read(call, card).body["balance"] == Decimal("15.02")
    shop.do("storefront/orders/cancel_my_order", by=jane, order_id=order["order_id"])
    assert read(call, card).body["balance"] == 75


def test_whoever_put_a_card_on_a_cart_takes_it_off(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop)
    redemption_id = redeem(call, card, cart_of(shop, jane)).body["redemptionId"]
    shown: dict[str, Any] = {"query": {"serial": card["serial"], "pin": card["pin"]}, "headers": ORG}

    for _ in range(2):
        gone = call(f"{CARDS}/release_card", redemption_id=redemption_id, **shown)
        assert (gone.status, gone.text) == (204, "")
    assert read(call, card).body["available"] == 75
    assert call(f"{CARDS}/release_card", redemption_id="rdm_other", **shown).status == 404


def test_a_card_that_has_paid_is_not_taken_off(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop)
    redemption_id = redeem(call, card, cart_of(shop, jane)).body["redemptionId"]
    shop.do("storefront/carts/checkout_cart", by=jane)

    query = {"serial": card["serial"], "pin": card["pin"]}
    refused = call(f"{CARDS}/release_card", redemption_id=redemption_id, query=query, headers=ORG)
    assert reason(refused) == (409, "redemption_committed")


def test_a_cart_that_is_not_there_is_named_as_what_is_wrong(call: Call, shop: Shop) -> None:
    card = issued(shop)

    assert reason(redeem(call, card, "cart_none")) == (422, "unknown_cart")
    assert read(call, card).body["available"] == 75


def _writes(answered: Answered) -> list[str]:
    report = answered.body.get("data", answered.body)
    return sorted(write["kind"] for write in report["writes"])


def test_holding_and_committing_a_card_take_three_writes_each(call: Call, shop: Shop, jane: Credential) -> None:
    card, rehearsal = issued(shop), {"x-dry-run": "true"}
    cart_id = cart_of(shop, jane)
    without = _writes(call("storefront/carts/checkout_cart", credential=jane, headers=rehearsal))

    held = redeem(call, card, cart_id, headers=rehearsal)
    assert _writes(held) == ["cart", "gift_card", "redemption"]
    assert read(call, card).body["available"] == 75

    redeem(call, card, cart_id, 10)
    with_card = _writes(call("storefront/carts/checkout_cart", credential=jane, headers=rehearsal))
    assert sorted([*without, "gift_card", "redemption", "posting"]) == with_card


# Issuing


def test_staff_issue_a_card_as_they_say(call: Call, shop: Shop) -> None:
    card = issued(
        shop,
        100,
        currency="usd",
        ownerEmail="o@example.com",
        expiresAt="2027-04-25",
        deliverEmail=True,
        design="xmas-26",
    )

    assert (card["amount"], card["currency"], card["status"]) == (100, "USD", "active")
    assert (card["ownerEmail"], card["recipientEmail"]) == ("o@example.com", "o@example.com")
    assert (card["expiresAt"], card["design"], card["delivery"]) == ("2027-04-25", "xmas-26", "requested")
    assert balance(call, card["serial"], card["pin"]).status == 200
    assert "pin" not in read(call, card).body


@pytest.mark.parametrize("wrap", [lambda cards: cards, lambda cards: {"cards": cards}])
def test_a_batch_issues_each_card_as_its_row_says(call: Call, shop: Shop, wrap: Any) -> None:
    rows = [{"amount": 10}, {"amount": 20, "ownerEmail": "b@example.com", "deliverEmail": True}]

    batch = call(f"{CARDS}/issue_cards", body=wrap(rows))

    assert batch.status == 201, batch.text
    assert (batch.body["status"], batch.body["cardsCreated"]) == ("issued", 2)
    assert [(card["index"], card["amount"], card["delivery"]) for card in batch.body["cards"]] == [
        (0, 10, None),
        (1, 20, "requested"),
    ]
    for card in batch.body["cards"]:
        assert card["batchId"] == batch.body["batchId"]
        assert balance(call, card["serial"], card["pin"]).status == 200


def test_of_a_batch_with_a_bad_row_nothing_is_issued(call: Call, shop: Shop) -> None:
    refused = call(f"{CARDS}/issue_cards", body=[{"amount": 10}, {"amount": 0}])

    assert refused.status == 422
    assert call(f"{CARDS}/list_cards").body["data"] == []


@pytest.mark.parametrize("body", [[], {"cards": []}, [{"amount": 1}] * 101, {"cards": [{"amount": 1}], "more": 1}, "x"])
def test_a_batch_has_one_to_a_hundred_rows(call: Call, body: Any) -> None:
    assert call(f"{CARDS}/issue_cards", body=json.dumps(body)).status == 422


def test_a_batch_that_died_half_way_is_finished_by_its_retry(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key = [{"amount": n + 1} for n in range(100)], {"idempotency-key": "once"}
    good = batches.issue_chunk
    monkeypatch.setattr(batches, "issue_chunk", lambda *given: good(*given) if given[2] < 60 else _away())
    assert call(f"{CARDS}/issue_cards", body=body, headers=key).status == 503
    half = {card.serial for card in store.all_of(TENANT, None, None)}
    assert 0 < len(half) < 100
    monkeypatch.setattr(batches, "issue_chunk", good)

    batch = call(f"{CARDS}/issue_cards", body=body, headers=key)
    again = call(f"{CARDS}/issue_cards", body=body, headers=key)

    assert (batch.status, again.text) == (201, batch.text)
    assert [card["amount"] for card in batch.body["cards"]] == [n + 1 for n in range(100)]
    whole = {card.serial for card in store.all_of(TENANT, None, None)}
    assert half < whole
    assert len(whole) == 100
    assert {serials.normalise(card["serial"]) for card in batch.body["cards"]} == whole


def _away() -> Any:
    raise Unavailable


def test_the_pins_of_a_batch_are_not_repeated_for_ever(call: Call, shop: Shop, table: Any) -> None:
    body, key = [{"amount": 5}], {"idempotency-key": "once"}
    call(f"{CARDS}/issue_cards", body=body, headers=key)
    operation = next(row for row in table.scan()["Items"] if row["kind"] == "operation")
    table.delete_item(Key={"pk": operation["pk"], "sk": operation["sk"]})  # as its ttl does

    assert call(f"{CARDS}/issue_cards", body=body, headers=key).status == 201
    table.delete_item(Key={"pk": operation["pk"], "sk": operation["sk"]})
    with clock.use(lambda: AT + timedelta(days=4)):
        assert reason(call(f"{CARDS}/issue_cards", body=body, headers=key)) == (409, "secret_not_replayable")
    assert len(list(store.all_of(TENANT, None, None))) == 1


# Reading


def test_customers_see_their_own_cards_and_no_others(call: Call, shop: Shop, jane: Credential) -> None:
    own, theirs, nobodys = issued(shop, ownerEmail="JANE@example.com"), issued(shop, ownerEmail="x@x.org"), issued(shop)

    assert [row["serial"] for row in call(f"{CARDS}/list_cards", credential=jane).body["data"]] == [own["serial"]]
    assert read(call, own, credential=jane).status == 200
    nothing = read(call, {"serial": "GC-ABCD-1234"}, credential=jane)
    for card in (theirs, nobodys):
        refused = read(call, card, credential=jane)
        assert (refused.status, refused.text) == (404, nothing.text)
        query = {"where[giftCardSerial]": card["serial"]}
        assert call(f"{CARDS}/list_card_transactions", query=query, credential=jane).status == 404
    assert len(call(f"{CARDS}/list_cards").body["data"]) == 3


def test_staff_list_all_cards_a_page_at_a_time(call: Call, shop: Shop) -> None:
    made = [issued(shop)["serial"] for _ in range(3)]

    first = call(f"{CARDS}/list_cards", query={"limit": "2"}).body
    second = call(f"{CARDS}/list_cards", query={"limit": "2", "cursor": first["pagination"]["nextCursor"]}).body
    assert [row["serial"] for row in first["data"] + second["data"]] == made[::-1]
    assert second["pagination"] == {"nextCursor": None, "hasMore": False}


def transactions(call: Call, card: Any, **more: str) -> Any:
    return call(f"{CARDS}/list_card_transactions", query={"where[giftCardSerial]": card["serial"], **more}).body


def test_everything_that_happened_to_a_card_is_told_in_order(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop, active=False)
    at = AT

    def later() -> datetime:
        nonlocal at
        at += timedelta(minutes=1)
        return at

    with clock.use(later):
        change(call, "activate", card)
        first = redeem(call, card, cart_of(shop, jane), 10).body["redemptionId"]
        query = {"serial": card["serial"], "pin": card["pin"]}
        call(f"{CARDS}/release_card", redemption_id=first, query=query, headers=ORG)
        redeem(call, card, cart_of(shop, jane))
        order_id = shop.do("storefront/carts/checkout_cart", by=jane)["order_id"]
        change(call, "refund", card, body={"amount": 5})
        change(call, "cancel", card, body={"disposition": "write_off", "reason": "lost"})

    records = transactions(call, card)["data"]
    assert [record["type"] for record in records] == [
        *("issue", "activate", "hold", "release", "hold", "commit", "refund", "cancel")
    ]
    by_type = {record["type"]: record for record in records}
    assert by_type["commit"]["amount"] == Decimal("59.98")
    assert by_type["commit"]["balanceAfter"] == Decimal("15.02")
    assert by_type["commit"]["orderId"] == by_type["refund"]["orderId"] == order_id
    assert by_type["commit"]["redemptionId"] == by_type["refund"]["redemptionId"]
    assert by_type["hold"]["cartId"] is not None
    assert len({record["id"] for record in records}) == len(records)
    seen, page = [], transactions(call, card, limit="3")
    while True:
        seen += page["data"]
        if not page["pagination"]["hasMore"]:
            break
        page = transactions(call, card, limit="3", cursor=page["pagination"]["nextCursor"])
    assert seen == records


def test_a_cursor_of_one_cards_transactions_does_not_open_anothers(call: Call, shop: Shop) -> None:
    first, second = issued(shop, active=False), issued(shop)
    with clock.use(lambda: AT + timedelta(minutes=1)):
        change(call, "activate", first)

    cursor = transactions(call, first, limit="1")["pagination"]["nextCursor"]
    query = {"where[giftCardSerial]": second["serial"], "cursor": cursor}
    assert reason(call(f"{CARDS}/list_card_transactions", query=query)) == (400, "bad_cursor")


def test_a_redemption_by_the_staff_is_found_by_its_transaction_id(call: Call, shop: Shop, jane: Credential) -> None:
    order_id = shop.do("storefront/carts/checkout_cart", by=jane)["order_id"]
    card = issued(shop)
    body = {"code": card["serial"], "order_id": order_id, "amount_to_redeem": 5}
    done = shop.do("admin/gift_cards/redeem_gift_card", body=body)

    assert [record["id"] for record in transactions(call, card)["data"]][1] == done["transaction_id"]


def test_statistics_say_what_is_owed_by_currency_and_funding(
    call: Call, shop: Shop, jane: Credential, table: Any
) -> None:
    card = issued(shop)
    redeem(call, card, cart_of(shop, jane))
    shop.do("storefront/carts/checkout_cart", by=jane)
    change(call, "refund", card, body={"amount": 20})
    paid = issued(shop, 30, funding="paid")
    change(call, "cancel", paid, body={"disposition": "refund_original"})
    issued(shop, 900, currency="JPY")
    moved = issued(shop, 40)
    change(call, "cancel", moved, body={"disposition": "transfer", "toEmail": "new@example.com"})
    count(rows_as_inserted(table))

    told = call(f"{CARDS}/get_statistics").body

    dollars = {
        "issuedCount": 3,
        "totalFaceValue": 145,
        "redeemedAmount": Decimal("59.98"),
        "reversedAmount": 0,
        "refundedAmount": 20,
        "expiredAmount": 0,
        "cancelledAmount": 30,
        "outstandingLiability": Decimal("75.02"),
        "reconciled": True,
    }
    assert {name: told[name] for name in dollars} == dollars
    assert [each["currency"] for each in told["byCurrency"]] == ["JPY", "USD"]
    assert [(each["funding"], each["outstandingLiability"]) for each in told["byFunding"]] == [
        ("paid", 0),
        ("promotional", Decimal("75.02")),
    ]
    owed = sum(each.balance.minor for each in store.all_of(TENANT, None, None) if each.currency == "USD")
    assert owed == 7502


def test_a_shop_without_cards_owes_nothing(call: Call, shop: Shop) -> None:
    told = call(f"{CARDS}/get_statistics").body

    assert (told["currency"], told["outstandingLiability"], told["byCurrency"]) == ("USD", 0, [])


def test_figures_that_do_not_add_up_are_told_as_such(call: Call, shop: Shop, table: Any) -> None:
    issued(shop)
    count(rows_as_inserted(table))
    counter = next(row for row in table.scan()["Items"] if row["pk"].endswith("stored_value:gift_card:USD"))
    table.update_item(
        Key={"pk": counter["pk"], "sk": counter["sk"]},
        UpdateExpression="ADD n_outstanding :one",
        ExpressionAttributeValues={":one": 1},
    )

    assert call(f"{CARDS}/get_statistics").body["reconciled"] is False


# The life of a card


def test_a_card_moves_as_the_table_of_moves_says(call: Call, shop: Shop) -> None:
    card = issued(shop, active=False)
    assert card["status"] == "inactive"
    steps = [
        *(("reactivate", 409), ("suspend", 409), ("activate", 200), ("activate", 409), ("reactivate", 409)),
        *(("suspend", 200), ("suspend", 409), ("activate", 409), ("reactivate", 200)),
    ]

    assert [(step, change(call, step, card).status) for step, _ in steps] == steps
    assert change(call, "cancel", card, body={"disposition": "write_off"}).body["status"] == "cancelled"
    for step in ("activate", "suspend", "reactivate", "cancel"):
        assert change(call, step, card).status == 409


def test_a_balance_does_not_vanish_with_its_card_unless_somebody_says_so(call: Call, shop: Shop) -> None:
    card = issued(shop)

    assert reason(change(call, "cancel", card)) == (422, "disposition_required")
    assert reason(change(call, "cancel", card, body={"disposition": "transfer"})) == (422, "recipient_required")
    assert reason(change(call, "cancel", card, body={"disposition": "refund_original"})) == (409, "not_paid_for")
    assert read(call, card).body["status"] == "active"


def test_a_suspended_card_gives_up_what_carts_hold(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop)
    redeem(call, card, cart_of(shop, jane))

    suspended = change(call, "suspend", card).body
    assert (suspended["status"], suspended["available"]) == ("suspended", 75)


def test_what_is_only_held_is_not_refunded(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop)
    redeem(call, card, cart_of(shop, jane))

    assert reason(change(call, "refund", card, body={"amount": 10})) == (422, "nothing_to_refund")


@pytest.fixture
def spent(call: Call, shop: Shop, jane: Credential) -> Any:
    """A card of 75 that paid 59.98 for an order."""
    card = issued(shop, ownerEmail="jane@example.com")
    redeem(call, card, cart_of(shop, jane))
    return card | {"orderId": shop.do("storefront/carts/checkout_cart", by=jane)["order_id"]}


def test_refunds_are_bounded_by_what_the_card_paid(call: Call, shop: Shop, spent: Any) -> None:
    done = change(call, "refund", spent, body={"amount": 50, "orderId": spent["orderId"], "reason": "returned"})

    assert done.status == 201, done.text
    assert (done.body["amountRefunded"], done.body["cardBalance"]) == (50, Decimal("65.02"))
    over = change(call, "refund", spent, body={"amount": 10})
    assert reason(over) == (422, "refund_exceeds_redemption")
    assert reason(change(call, "refund", spent, body={"amount": 1, "orderId": "order_2"})) == (422, "nothing_to_refund")


def test_a_refund_onto_a_cancelled_card_makes_a_new_one(call: Call, shop: Shop, spent: Any) -> None:
    change(call, "cancel", spent, body={"disposition": "write_off"})

    done = change(call, "refund", spent, body={"amount": 20}).body

    assert done["serial"] != spent["serial"]
    new = read(call, done).body
    assert (new["balance"], new["ownerEmail"], new["delivery"]) == (20, "jane@example.com", "requested")


def test_whoever_had_a_card_before_has_nothing_after_its_transfer(call: Call, shop: Shop, jane: Credential) -> None:
    card = issued(shop, ownerEmail="old@example.com")
    redeem(call, card, cart_of(shop, jane))
    body = {"serial": card["serial"], "toEmail": "new@example.com", "fromEmail": "OLD@example.com"}

    moved = call(f"{CARDS}/transfer_card", body=body)

    assert moved.status == 200, moved.text
    assert (moved.body["ownerEmail"], moved.body["available"]) == ("new@example.com", 75)
    assert balance(call, card["serial"], card["pin"]).status == 404
    pin = pins.derive(TENANT, serials.normalise(card["serial"]), 2)
    assert balance(call, card["serial"], pin).body["balance"] == 75
    assert reason(call(f"{CARDS}/transfer_card", body=body)) == (409, "wrong_owner")


def test_a_card_is_mailed_again_with_another_pin_once_a_minute(call: Call, shop: Shop) -> None:
    card, unknown = issued(shop, ownerEmail="o@example.com"), issued(shop)

    sent = change(call, "resend", card)
    assert (sent.status, sent.body["delivery"]) == (200, "requested")
    assert balance(call, card["serial"], card["pin"]).status == 404
    soon = change(call, "resend", card)
    assert (soon.status, soon.headers["Retry-After"]) == (429, "60")
    with clock.use(lambda: AT + timedelta(minutes=1)):
        assert change(call, "resend", card).status == 200
    assert reason(change(call, "resend", unknown)) == (422, "recipient_required")


def test_of_two_who_change_a_card_at_once_the_second_plans_anew(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = issued(shop, active=False)
    commit, met = transaction.Transaction.commit, list[bool]()

    def slow(self: transaction.Transaction) -> None:
        if not met:
            met.append(True)
            run(lambda tx: lifecycle.activate(tx, MERCHANT, card["serial"]))
        commit(self)

    monkeypatch.setattr(transaction.Transaction, "commit", slow)

    assert reason(change(call, "activate", card)) == (409, "illegal_transition")
