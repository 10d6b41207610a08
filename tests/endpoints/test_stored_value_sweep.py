"""GC-22, SC-08: what is held for too long is free again, and what is past its last day lapses, whatever else fails."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from commerce.gift_cards import redeeming
from commerce.gift_cards import store as cards
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.model import GiftCard
from commerce.kernel import clock
from commerce.kernel.money import Money
from commerce.ledger import store as ledger
from commerce.ledger.model import BREAKAGE, Book
from commerce.store_credit import store as lots
from commerce.store_credit import use_cases as store_credit
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.invariants import check
from tests.shop import MERCHANT, TENANT, Call, handler

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
NOTHING = {"done": 0, "failed": 0}
LAST_DAY = date(2026, 3, 31)
AFTER = datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _books_add_up(table: Any) -> Iterator[None]:
    with clock.use(lambda: NOW):
        yield
    check(table.scan()["Items"])


@pytest.fixture
def shop(call: Call) -> Shop:
    return Shop(call).open()


def sweep(at: datetime) -> dict[str, dict[str, int]]:
    with clock.use(lambda: at):
        swept: dict[str, dict[str, int]] = handler("schedules/sweep_stored_value").handler({}, None)
        return swept


def card(expires_on: date | None = None) -> GiftCard:
    return run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(5000, "USD"), expires_on=expires_on))).card


def hold(held: GiftCard) -> None:
    run(lambda tx: redeeming.hold(tx, TENANT, held, "cart_1", Money(2000, "USD")))


def stored(serial: str) -> GiftCard:
    found = cards.find(TENANT, serial)
    assert found is not None
    return found


def give_credit(shop: Shop) -> str:
    customer = shop.customer().customer_id
    assert customer is not None
    command = store_credit.IssueCredit(customer, Money(1000, "USD"), "goodwill", expires_on=LAST_DAY)
    return run(lambda tx: store_credit.issue(tx, MERCHANT, command)).credit_id


def test_what_a_cart_holds_is_free_again_after_half_an_hour(shop: Shop) -> None:
    held = card()
    hold(held)
    assert sweep(NOW + timedelta(minutes=29))["redemptions"] == NOTHING
    assert sweep(NOW + timedelta(minutes=30, seconds=1))["redemptions"] == {"done": 1, "failed": 0}
    assert stored(held.serial).available == Money(5000, "USD")
    assert sweep(NOW + timedelta(minutes=31))["redemptions"] == NOTHING


def test_a_card_lapses_when_its_last_day_is_over_and_by_the_shops_policy(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commerce.gift_cards.issuing.require_lawful_expiry", lambda *_: None)
    lapsing = card(LAST_DAY)
    hold(lapsing)
    assert sweep(AFTER - timedelta(seconds=2))["cards"] == NOTHING
    assert sweep(AFTER)["cards"] == {"done": 1, "failed": 0}
    assert stored(lapsing.serial).balance.minor == 0
    expired = [each for each in ledger.in_book(TENANT, Book.GIFT_CARD, lapsing.serial) if each.type == "expire"]
    assert [(each.credit, each.amount) for each in expired] == [(BREAKAGE, Money(5000, "USD"))]
    assert sweep(AFTER)["cards"] == NOTHING


def test_store_credit_lapses_when_its_last_day_is_over(shop: Shop) -> None:
    credit_id = give_credit(shop)
    assert sweep(AFTER - timedelta(seconds=2))["lots"] == NOTHING
    assert sweep(AFTER)["lots"] == {"done": 1, "failed": 0}
    lot = lots.find(TENANT, credit_id)
    assert lot is not None
    assert (lot.expired, lot.remaining.minor) == (Money(1000, "USD"), 0)


def test_one_that_cannot_be_swept_does_not_stop_the_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = card(), card()
    hold(bad)
    hold(good)
    give_credit(shop)
    whole = redeeming.sweep

    def broken(tx: Any, tenant: Any, serial: str, redemption_id: str) -> None:
        if serial == bad.serial:
            raise RuntimeError
        whole(tx, tenant, serial, redemption_id)

    monkeypatch.setattr(redeeming, "sweep", broken)
    assert sweep(AFTER) == {
        "redemptions": {"done": 1, "failed": 1},
        "cards": NOTHING,
        "lots": {"done": 1, "failed": 0},
    }
    assert stored(good.serial).available == Money(5000, "USD")
    monkeypatch.undo()
    assert sweep(AFTER)["redemptions"] == {"done": 1, "failed": 0}


def test_a_shop_that_is_gone_is_told_and_passed_over() -> None:
    hold(card())
    assert sweep(AFTER)["redemptions"] == {"done": 0, "failed": 1}
