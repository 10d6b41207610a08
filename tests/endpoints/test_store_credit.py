"""SC-01, SC-02, SC-05…07: a merchant gives store credit, spends it on orders, and takes it back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Answered, Call, Credential

AT = datetime(2026, 3, 20, 10, tzinfo=UTC)


class Counter:
    """The merchant's desk, for one customer."""

    def __init__(self, call: Call) -> None:
        self.shop = Shop(call).open()
        self.jane = self.shop.customer()
        self.customer_id = str(self.jane.customer_id)

    def ask(self, name: str, body: Any = None, **request: Any) -> Answered:
        answered: Answered = self.shop.call(
            f"admin/store_credit/{name}", **{"credential": self.shop.merchant, "body": body} | request
        )
        return answered

    def issue(self, amount: Any, **more: Any) -> Answered:
        body = {"customer_id": self.customer_id, "amount": amount, "reason": "refund"} | more
        return self.ask("issue_store_credit", body)

    def issued(self, amount: Any, **more: Any) -> Any:
        answered = self.issue(amount, **more)
        assert answered.status == 201, answered.text
        return answered.body["data"]

    def balance(self) -> Any:
        answered = self.ask("get_store_credit_balance", customer_id=self.customer_id)
        assert answered.status == 200, answered.text
        return answered.body["data"]

    def transactions(self, **query: str) -> Answered:
        return self.ask("list_store_credit_transactions", customer_id=self.customer_id, query=query)

    def redeem(self, order_id: str, amount: Any, **more: Any) -> Answered:
        body = {"customer_id": self.customer_id, "order_id": order_id, "amount_to_redeem": amount} | more
        return self.ask("redeem_store_credit", body)

    def void(self, credit_id: str, reason: str = "Issued twice") -> Answered:
        return self.ask("void_store_credit", {"reason": reason}, credit_id=credit_id)

    def order(self, price: Any) -> str:
        """An order of one cup that waits for its payment."""
        return self.shop.order(self.jane, (self.shop.product(f"CUP-{price}", price, stock=1)["id"], 1))


@pytest.fixture
def desk(call: Call, table: Any) -> Iterator[Counter]:
    yield Counter(call)
    check(table.scan()["Items"])


def reason_of(answered: Answered) -> str:
    return str(answered.body["error"]["details"][0]["code"])


# Issuing


def test_credit_is_issued_in_the_shops_currency_where_none_is_named(desk: Counter) -> None:
    issued = desk.issued(50, reference="order_789", expiration_date="2099-12-31")

    assert issued | {"credit_id": "", "issued_at": ""} == {
        "credit_id": "",
        "customer_id": desk.customer_id,
        "amount": Decimal("50.00"),
        "balance_remaining": Decimal("50.00"),
        "total_used": 0,
        "total_expired": 0,
        "total_voided": 0,
        "currency": "USD",
        "reason": "refund",
        "reference": "order_789",
        "expiration_date": "2099-12-31",
        "issued_at": "",
        "version": 1,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 0}, "amount_out_of_range"),
        ({"amount": Decimal("0.001")}, "too_many_decimal_places"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"currency": "JPY", "amount": Decimal("1.5")}, "too_many_decimal_places"),
        ({"expiration_date": "2020-01-01"}, "date_passed"),
        ({"expiration_date": "2027-02-30"}, "date_parsing"),
        ({"expiration_date": "9999-12-31"}, "date_out_of_range"),
        ({"customer_id": "cust_nobody"}, "unknown_customer"),
        ({"balance_remaining": 5}, "unknown_field"),
    ],
)
def test_credit_that_cannot_be_is_refused(desk: Counter, changes: dict[str, Any], reason: str) -> None:
    refused = desk.issue(changes.pop("amount", 50), **changes)

    assert (refused.status, reason_of(refused)) == (422, reason)
    assert desk.transactions().body["data"] == []


def test_credit_is_good_on_its_last_day_wherever_the_shop_is(desk: Counter) -> None:
    with clock.use(lambda: AT):
        assert desk.issue(50, expiration_date="2026-03-20").status == 201
        assert reason_of(desk.issue(50, expiration_date="2026-03-19")) == "date_passed"


# The balance


def test_who_never_had_credit_has_zeros(desk: Counter) -> None:
    zeros = dict.fromkeys(
        ("total_issued", "total_used", "total_expired", "total_voided", "balance_remaining"), Decimal("0.00")
    )

    shown = desk.balance()

    assert shown == zeros | {
        "currency": "USD",
        "customer_id": desk.customer_id,
        "by_currency": [shown["by_currency"][0]],
    }
    assert shown["by_currency"] == [zeros | {"currency": "USD"}]


def test_each_currency_is_a_balance_of_its_own(desk: Counter) -> None:
    desk.issued(50)
    desk.issued(500, currency="jpy")
    desk.issued(Decimal("1.234"), currency="KWD")

    shown = desk.balance()

    assert (shown["currency"], shown["balance_remaining"]) == ("USD", 50)
    remaining = [(each["currency"], each["balance_remaining"]) for each in shown["by_currency"]]
    assert remaining == [("USD", 50), ("JPY", 500), ("KWD", Decimal("1.234"))]


@pytest.mark.parametrize("name", ["get_store_credit_balance", "list_store_credit_transactions"])
def test_an_unknown_customer_and_another_shops_are_the_same_404(desk: Counter, call: Call, name: str) -> None:
    desk.issued(50)
    stranger = Credential(tenant=OTHER_TENANT)

    unknown = desk.ask(name, customer_id="cust_nobody")
    foreign = desk.ask(name, customer_id=desk.customer_id, credential=stranger)

    assert (unknown.status, foreign.status) == (404, 404)
    unknown.body["error"].pop("request_id"), foreign.body["error"].pop("request_id")
    assert unknown.body == foreign.body


# Spending


def test_the_lot_that_expires_first_is_spent_first(desk: Counter) -> None:
    never, late, soon = (
        desk.issued(20, **each)["credit_id"]
        for each in ({}, {"expiration_date": "2099-12-31"}, {"expiration_date": "2098-12-31"})
    )

    redeemed = desk.redeem(desk.order(50), 45)

    assert redeemed.status == 201, redeemed.text
    paid = redeemed.body["data"]
    assert [(each["credit_id"], each["amount"]) for each in paid["lots"]] == [(soon, 20), (late, 20), (never, 5)]
    assert (paid["amount_redeemed"], paid["balance_remaining"], paid["currency"]) == (45, 15, "USD")
    assert paid["transaction_id"] == paid["lots"][0]["transaction_id"]
    known = {each["transaction_id"] for each in desk.transactions().body["data"]}
    assert {each["transaction_id"] for each in paid["lots"]} < known
    shown = desk.balance()
    assert (shown["total_issued"], shown["total_used"], shown["balance_remaining"]) == (60, 45, 15)


def test_an_order_that_credit_covers_is_paid_and_shows_its_tenders(desk: Counter) -> None:
    credit_id, order_id = desk.issued(100)["credit_id"], desk.order(30)

    assert desk.redeem(order_id, 10).status == 201
    part = desk.shop.do("admin/orders/get_order", order_id=order_id)
    assert (part["payment_status"], part["amount_due"]) == ("pending", 20)
    assert desk.redeem(order_id, 20).status == 201

    order = desk.shop.do("admin/orders/get_order", order_id=order_id)
    assert (order["payment_status"], order["amount_due"], order["total"]) == ("paid", 0, 30)
    tender = {"type": "store_credit", "id": credit_id, "amount": Decimal("30.00"), "refunded": Decimal("0.00")}
    assert order["tenders"] == [tender]
    assert desk.shop.do("v2/orders/get_order", id=order_id)["tenders"] == [tender]
    assert desk.shop.do("storefront/orders/get_my_order", by=desk.jane, order_id=order_id)["tenders"] == [tender]


@pytest.mark.parametrize(
    ("amount", "status", "reason"),
    [
        (Decimal("30.01"), 422, "exceeds_outstanding"),
        (Decimal("20.01"), 422, "insufficient_credit"),
        (0, 422, "amount_out_of_range"),
    ],
)
def test_all_of_an_amount_is_spent_or_none(desk: Counter, amount: Any, status: int, reason: str) -> None:
    desk.issued(20)
    refused = desk.redeem(desk.order(30), amount)

    assert (refused.status, reason_of(refused)) == (status, reason)
    assert desk.balance()["total_used"] == 0


def test_credit_pays_for_its_own_customers_waiting_orders_only(desk: Counter) -> None:
    desk.issued(100)
    joe = desk.shop.customer("joe@example.com")
    order_id = desk.shop.order(joe, (desk.shop.product("MUG", 5, stock=1)["id"], 1))

    assert reason_of(desk.redeem(order_id, 5)) == "wrong_customer"
    assert reason_of(desk.redeem("order_nobody", 5)) == "unknown_order"
    own = desk.order(30)
    assert desk.redeem(own, 30).status == 201
    again = desk.redeem(own, 1)
    assert (again.status, reason_of(again)) == (409, "not_payable")
    assert desk.balance()["total_used"] == 30


def test_a_retry_with_the_same_key_spends_once(desk: Counter) -> None:
    desk.issued(100)
    order_id = desk.order(30)
    body = {"customer_id": desk.customer_id, "order_id": order_id, "amount_to_redeem": 10}

    first, second = (desk.ask("redeem_store_credit", body, headers={"Idempotency-Key": "once"}) for _ in range(2))

    assert first.body == second.body
    assert desk.balance()["total_used"] == 10


def test_an_open_payment_is_called_off_when_credit_pays_a_part(desk: Counter, stripe: Stripe) -> None:
    desk.issued(10)
    order_id = desk.order(30)
    intent_id = desk.shop.start_payment(order_id, 3000)

    assert desk.redeem(order_id, 10).status == 201

    assert stripe.intents()[intent_id]["status"] == "canceled"
    assert desk.shop.start_payment(order_id, 2000) != intent_id


def test_a_cancelled_order_gives_credit_back_to_its_lot(desk: Counter) -> None:
    desk.issued(40)
    order_id = desk.order(30)
    assert desk.redeem(order_id, 30).status == 201

    desk.shop.do("storefront/orders/cancel_my_order", by=desk.jane, order_id=order_id, body={"reason": "No"})

    shown = desk.balance()
    assert (shown["total_issued"], shown["total_used"], shown["balance_remaining"]) == (40, 0, 40)
    assert [each["type"] for each in desk.transactions().body["data"]] == ["reversal", "commit", "issue"]


# Taking back


def test_voiding_takes_what_is_left_and_says_why(desk: Counter) -> None:
    credit_id = desk.issued(50)["credit_id"]
    assert desk.redeem(desk.order(20), 20).status == 201

    voided = desk.void(credit_id, "Issued twice")

    assert voided.status == 200
    assert (voided.body["data"]["balance_remaining"], voided.body["data"]["total_voided"]) == (0, 30)
    newest = desk.transactions().body["data"][0]
    told = (newest["type"], newest["amount"], newest["balance_after"], newest["reason"], newest["credit_id"])
    assert told == ("cancel", 30, 0, "Issued twice", credit_id)
    assert newest["actor"] == "api_key:key_1"
    again = desk.void(credit_id)
    assert (again.status, reason_of(again)) == (409, "credit_spent")


def test_voiding_needs_a_reason_and_a_lot_of_the_shops(desk: Counter) -> None:
    credit_id = desk.issued(50)["credit_id"]

    assert desk.ask("void_store_credit", {}, credit_id=credit_id).status == 422
    assert desk.void("credit_nobody").status == 404
    stranger = Credential(tenant=OTHER_TENANT)
    assert desk.ask("void_store_credit", {"reason": "x"}, credit_id=credit_id, credential=stranger).status == 404
    assert desk.balance()["balance_remaining"] == 50


# What happened


def test_transactions_come_newest_first_a_page_at_a_time(desk: Counter) -> None:
    for amount in (1, 2, 3):
        desk.issued(amount)

    first = desk.transactions(limit="2").body
    rest = desk.transactions(limit="2", cursor=first["pagination"]["next_cursor"]).body

    assert [each["amount"] for each in [*first["data"], *rest["data"]]] == [3, 2, 1]
    assert not rest["pagination"]["has_more"]
