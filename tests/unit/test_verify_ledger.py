"""``make verify-ledger``: every balance of a shop against its entries, and a planted cent is found wherever it is."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commerce.gift_cards import lifecycle
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.gift_cards.lifecycle import CancelCard, Disposition
from commerce.kernel.money import Money
from commerce.store_credit import use_cases as store_credit
from commerce.table.transaction import run
from local.stack.settings import Settings
from local.verify_ledger import Difference, differences, main, statistics
from tests.contract.shops import Shop, count, rows_as_inserted
from tests.shop import MERCHANT, Call

CARD = ("liability:gift_card:gc_1", "USD")


@pytest.fixture
def shop(call: Call, table: Any) -> Shop:
    """A shop with cards in two currencies, store credit, and an order that a card pays for in part; all is counted."""
    shop = Shop(call).open()
    product = shop.product("CUP", Decimal("29.99"), stock=9)
    customer = shop.customer()
    assert customer.customer_id is not None
    card = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(5000, "USD")))).card
    ended = run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(9000, "JPY")))).card
    cancel = CancelCard(ended.serial, Disposition.TRANSFER, "john@example.com")
    run(lambda tx: lifecycle.cancel(tx, MERCHANT, cancel))
    credit = store_credit.IssueCredit(customer.customer_id, Money(1000, "USD"), "goodwill")
    run(lambda tx: store_credit.issue(tx, MERCHANT, credit))
    body = {"code": card.serial, "order_id": shop.order(customer, (product["id"], 1)), "amount_to_redeem": 20}
    shop.do("admin/gift_cards/redeem_gift_card", body=body)
    count(rows_as_inserted(table))
    return shop


def verify(*more: str) -> int:
    return main(["--tenant", "ten_1", "--table", os.environ["TABLE_NAME"], *more])


def plant(table: Any, kind: str, attribute: str) -> None:
    """Add a minor unit to the first such row, behind the ledger's back."""
    row = next(row for row in table.scan()["Items"] if row["kind"] == kind and row.get(attribute))
    table.update_item(
        Key={name: row[name] for name in ("pk", "sk")},
        UpdateExpression="ADD #planted :cent",
        ExpressionAttributeNames={"#planted": attribute},
        ExpressionAttributeValues={":cent": 1},
    )


@pytest.mark.usefixtures("shop")
def test_a_shop_whose_books_are_right_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() == 0
    told = capsys.readouterr().out
    assert "6 ledger entries read" in told
    assert "gift cards          3 figures, 30.00 USD, 9,000 JPY owed" in told
    assert "store credit        1 figures, 10.00 USD owed" in told
    assert "Every figure is what its ledger entries say, to the minor unit." in told


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("kind", "attribute", "named"),
    [
        ("gift_card", "balance", "liability:gift_card:"),
        ("credit_lot", "issued", "liability:store_credit:"),
        ("posting", "amount", "liability:"),
        ("counter", "n_outstanding", "outstanding: "),
        ("counter", "n_issued_count", "issued_count: "),
    ],
)
def test_a_planted_cent_is_found_and_named(
    kind: str, attribute: str, named: str, table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(table, kind, attribute)
    assert verify() == 1
    told = capsys.readouterr().out
    assert "DIFFERS" in told
    assert named in told
    assert "Every figure" not in told


@pytest.mark.usefixtures("shop")
def test_an_order_that_lost_what_a_card_paid_for_it_is_found(table: Any, capsys: pytest.CaptureFixture[str]) -> None:
    [order] = [row for row in table.scan()["Items"] if row["kind"] == "order"]
    key = {name: order[name] for name in ("pk", "sk")}
    lost = order["tenders"].replace('"amount":2000', '"amount":1999')
    assert lost != order["tenders"]
    table.update_item(Key=key, UpdateExpression="SET tenders = :t", ExpressionAttributeValues={":t": lost})
    assert verify() == 1
    assert f"liability:order_tender:{order['order_id']}: 19.99 USD kept, entries say 20.00" in capsys.readouterr().out


def test_figures_are_compared_to_the_minor_unit() -> None:
    assert differences({CARD: 5000}, {CARD: 5000}) == []
    assert differences({CARD: 5001}, {CARD: 5000}) == [Difference(CARD[0], Money(5001, "USD"), Money(5000, "USD"))]
    assert [str(each) for each in differences({}, {CARD: 1})] == [f"{CARD[0]}: 0.00 USD kept, entries say 0.01"]
    assert differences({CARD: 0}, {}) == []


def test_no_entries_have_no_statistics() -> None:
    assert statistics([]) == {}


@pytest.mark.usefixtures("shop")
def test_live_and_test_data_have_books_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify("--mode", "live") == 0
    assert "0 ledger entries read" in capsys.readouterr().out


@pytest.mark.usefixtures("table")
def test_a_shop_that_there_is_not_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() == 2
    assert "There is no shop ten_1" in capsys.readouterr().err


def test_without_a_table_and_without_a_running_shop_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "environment_file", property(lambda _: tmp_path / "local.env"))
    with pytest.raises(SystemExit, match="make up"):
        main([])
