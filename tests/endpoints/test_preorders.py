"""PO-01, PO-02, PO-04: what is sold before it is there, what its buyers are promised, and what they are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from commerce.kernel import clock
from commerce.mails import customer_mails, ses
from commerce.mails.model import Mail
from commerce.mails.notices import notice_of
from tests.contract.shops import Shop
from tests.invariants import check
from tests.shop import Answered, Call, handler
from tests.waiting import EXPECTED, Waiting, message

BEFORE, AFTER = datetime(2030, 3, 1, 12, tzinfo=UTC), datetime(2030, 4, 2, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def shop(call: Call, table: Any) -> Any:
    yield Shop(call).open()
    check(table.scan()["Items"])


@pytest.fixture
def consoles(shop: Shop, table: Any) -> Waiting:
    return Waiting.open(shop, table, "CONSOLE", when_out_of_stock="preorder")


def change(consoles: Waiting, preorder_id: str, **body: Any) -> Answered:
    headers = body.pop("headers", {})
    return consoles.shop.call("admin/preorders/change_preorder", id=preorder_id, body=body, headers=headers)


def preorders(consoles: Waiting) -> list[Any]:
    return list(consoles.shop.do("admin/preorders/list_preorders"))


@contextmanager
def mails(consoles: Waiting) -> Iterator[list[Mail]]:
    """What customers are mailed of what happens inside."""
    consoles.published()
    sent: list[Mail] = []
    yield sent
    notices = [event for event in consoles.published() if event.type == "customer.notice"]
    with mock.patch.object(ses, "send", sent.append):
        for event in notices:
            for _ in range(2):  # however often it is delivered
                customer_mails.deliver(notice_of(message(event)["body"]))


# Products


def test_a_preorder_says_when_it_is_expected(shop: Shop) -> None:
    body = {"name": "Console", "sku": "CONSOLE", "price": 500, "when_out_of_stock": "preorder"}

    refused = shop.call("v2/catalog/create_product", body=body)
    made = shop.do("v2/catalog/create_product", body=body | {"expected_on": EXPECTED})
    emptied = shop.call("v2/catalog/update_product", id=made["id"], body={"expected_on": None})
    ended = shop.do("v2/catalog/update_product", id=made["id"], body={"when_out_of_stock": "deny", "expected_on": None})

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "expected_date_required")
    assert (made["when_out_of_stock"], made["expected_on"]) == ("preorder", EXPECTED)
    assert (emptied.status, emptied.body["error"]["details"][0]["code"]) == (422, "expected_date_required")
    assert (ended["when_out_of_stock"], ended["expected_on"]) == ("deny", None)


def test_a_date_that_is_over_is_promised_to_nobody(consoles: Waiting) -> None:
    with clock.use(lambda: AFTER):
        assert consoles.line(consoles.order(1))["expected_date"] is None


# The list


def test_preorders_are_listed_in_every_state_and_backorders_apart(consoles: Waiting, table: Any) -> None:
    lamps = Waiting.open(consoles.shop, table)
    lamps.order(1)
    orders = [consoles.order(units) for units in (2, 3, 1)]
    consoles.receive(3)
    consoles.auto_allocate()
    consoles.shop.move(orders[2], "cancelled")

    listed = {each["order_id"]: each for each in preorders(consoles)}

    assert [listed[each]["status"] for each in orders] == ["allocated", "partially_allocated", "cancelled"]
    assert [listed[each]["remaining"] for each in orders] == [0, 2, 0]
    assert {each["expected_date"] for each in listed.values()} == {EXPECTED}
    assert [each["product_id"] for each in lamps.backorders()] == [lamps.product_id]


def test_pages_of_preorders_lead_on_to_each_other(consoles: Waiting) -> None:
    made = [consoles.order(1) for _ in range(5)]
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = consoles.shop.call("admin/preorders/list_preorders", query=query).body
        seen += [each["order_id"] for each in page["data"]]
        if not page["pagination"]["has_more"]:
            break
        query = {"limit": "2", "cursor": page["pagination"]["next_cursor"]}

    assert seen == made[::-1]


# Allocating


def allocate(consoles: Waiting, backorder_id: str, quantity: int) -> Answered:
    body = {"backorder_id": backorder_id, "quantity": quantity}
    return consoles.shop.call("admin/preorders/allocate_preorder", body=body)


def test_exactly_the_units_that_are_named_are_allocated(consoles: Waiting) -> None:
    order_id = consoles.order(5)
    consoles.receive(4)

    answered = allocate(consoles, consoles.line(order_id)["backorder_id"], 3)

    assert (answered.status, answered.body["data"]["quantity_allocated"]) == (200, 3)
    assert consoles.waiting(order_id) == 2
    assert consoles.stock() == (1, 3)


def test_more_than_there_is_or_than_waits_is_refused_whole(consoles: Waiting) -> None:
    order_id = consoles.order(5)
    backorder_id = consoles.line(order_id)["backorder_id"]
    consoles.receive(4)

    there, waits = allocate(consoles, backorder_id, 5), allocate(consoles, backorder_id, 6)

    assert (there.status, there.body["error"]["details"][0]["code"]) == (409, "insufficient_stock")
    assert (waits.status, waits.body["error"]["details"][0]["code"]) == (422, "exceeds_waiting")
    assert consoles.waiting(order_id) == 5
    assert allocate(consoles, "bo_none", 1).status == 404


def test_a_higher_priority_is_served_first(consoles: Waiting) -> None:
    first, second = consoles.order(1), consoles.order(1)
    (urgent, _) = preorders(consoles)
    assert urgent["order_id"] == second

    changed = change(consoles, urgent["id"], priority=5)
    consoles.receive(1)
    consoles.arrives()

    assert (changed.status, changed.body["data"]["priority"], changed.body["data"]["version"]) == (200, 5, 2)
    assert (consoles.waiting(first), consoles.waiting(second)) == (1, 0)


# Dates


def test_another_date_is_kept_and_told_to_the_customer_once(consoles: Waiting) -> None:
    order_id = consoles.order(2)
    (preorder,) = preorders(consoles)

    with mails(consoles) as sent:
        changed = change(consoles, preorder["id"], expected_date="2030-05-15")
        again = change(consoles, preorder["id"], expected_date="2030-05-15")

    assert (changed.status, changed.body["data"]["expected_date"]) == (200, "2030-05-15")
    assert again.body == changed.body
    assert consoles.line(order_id)["expected_date"] == "2030-05-15"
    (mail,) = sent
    assert mail.to == "console@example.com"
    for text in (mail.text, mail.html):
        assert "15 May 2030" in text
        assert "you can cancel it" in text


def test_the_version_of_a_preorder_guards_its_change(consoles: Waiting) -> None:
    consoles.order(1)
    (preorder,) = preorders(consoles)
    first = change(consoles, preorder["id"], expected_date="2030-05-15", headers={"If-Match": '"1"'})
    late = change(consoles, preorder["id"], expected_date="2030-06-15", headers={"If-Match": '"1"'})

    assert (first.status, first.body["data"]["version"]) == (200, 2)
    assert late.status == 409


def test_no_past_date_is_promised_and_nothing_to_whoever_waits_no_more(consoles: Waiting) -> None:
    order_id = consoles.order(1)
    (preorder,) = preorders(consoles)

    past = change(consoles, preorder["id"], expected_date="2020-01-01")
    consoles.receive(1)
    consoles.auto_allocate()
    served = change(consoles, preorder["id"], expected_date="2030-05-15")

    assert (past.status, past.body["error"]["details"][0]["code"]) == (422, "date_in_the_past")
    assert (served.status, served.body["error"]["details"][0]["code"]) == (409, "not_waiting")
    assert consoles.waiting(order_id) == 0


def test_customers_hear_what_waits_and_when_it_is_there(consoles: Waiting) -> None:
    with mails(consoles) as sent:
        order_id = consoles.order(2)
    (mail,) = sent
    assert "2 x Product CONSOLE, expected on 1 April 2030" in mail.text

    with mails(consoles) as sent:
        consoles.receive(1)
        consoles.auto_allocate()
    assert sent == []  # not of each part

    with mails(consoles) as sent:
        consoles.receive(1)
        consoles.auto_allocate()
    (mail,) = sent
    assert "Product CONSOLE has arrived" in mail.text
    assert order_id in mail.subject


def test_who_waits_longer_than_was_promised_is_told_once_for_each_date(consoles: Waiting) -> None:
    sweep = handler("schedules/sweep_backorders").handler
    consoles.order(1)
    (preorder,) = preorders(consoles)

    with clock.use(lambda: BEFORE):
        assert change(consoles, preorder["id"], priority=1).status == 200
        assert sweep({}, None)["told"] == 0
    with clock.use(lambda: AFTER):
        with mails(consoles) as sent:
            assert [sweep({}, None)["told"] for _ in range(3)] == [1, 0, 0]
        (mail,) = sent
        assert "should have been there on 1 April 2030" in mail.text
        assert "you can cancel it" in mail.text

        assert change(consoles, preorder["id"], priority=3).status == 200
        assert sweep({}, None)["told"] == 0  # another place in the queue is no other day

        change(consoles, preorder["id"], expected_date="2030-04-10")
        assert sweep({}, None)["told"] == 0
    with clock.use(lambda: AFTER.replace(day=11)):
        assert [sweep({}, None)["told"] for _ in range(2)] == [1, 0]


def test_a_mail_that_comes_too_late_to_be_true_is_not_sent(consoles: Waiting) -> None:
    with mails(consoles) as sent:
        consoles.shop.move(consoles.order(1), "cancelled")
    assert sent == []

    consoles.order(1)
    with clock.use(lambda: AFTER), mails(consoles) as sent:
        assert handler("schedules/sweep_backorders").handler({}, None)["told"] == 1
        consoles.receive(1)
        consoles.auto_allocate()
    assert ["is here" in mail.subject for mail in sent] == [True]  # and nothing of that it is late


def test_nobody_hears_that_a_day_is_over_in_whose_place_another_one_was_promised(consoles: Waiting) -> None:
    consoles.order(1)
    (preorder,) = preorders(consoles)

    with clock.use(lambda: AFTER), mails(consoles) as sent:
        assert handler("schedules/sweep_backorders").handler({}, None)["told"] == 1
        change(consoles, preorder["id"], expected_date="2030-04-10")

    (mail,) = sent
    assert "should now be there on 10 April 2030" in mail.text


def test_nobody_is_told_of_what_they_have_or_gave_up(consoles: Waiting) -> None:
    served, given_up = consoles.order(1), consoles.order(1)
    consoles.receive(1)
    consoles.auto_allocate()
    consoles.shop.move(given_up, "cancelled")

    with clock.use(lambda: AFTER):
        assert handler("schedules/sweep_backorders").handler({}, None)["told"] == 0
    assert consoles.waiting(served) == 0
