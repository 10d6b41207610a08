"""GC-23: merchants list closed days, read one with links to its files, and have one exported again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import aws, clock
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.liability import close_day, sold_cards
from tests.shop import MERCHANT, OTHER_TENANT, TENANT, Call, Credential

LIST, GET, POST = (
    f"admin/gift_cards/{name}" for name in ("list_liability_exports", "get_liability_export", "export_liability")
)
DAY = date(2026, 3, 20)
NOW = datetime(2026, 3, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(table: Any) -> Iterator[None]:
    with clock.use(lambda: NOW):
        yield


@pytest.fixture
def workflow(_aws: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives the executions that were started."""
    aws.client.cache_clear()
    client = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/workflow"
    arn = client.create_state_machine(name="liability", definition=definition, roleArn=role)["stateMachineArn"]
    monkeypatch.setenv("LIABILITY_WORKFLOW", arn)
    yield lambda: client.list_executions(stateMachineArn=arn)["executions"]
    client.delete_state_machine(stateMachineArn=arn)


def sell_a_card(instant: datetime) -> None:
    with clock.use(lambda: instant):
        run(lambda tx: issue(tx, MERCHANT, IssueCard(Money(5000, "USD"))))


def test_closed_days_are_listed_with_the_newest_first(call: Call) -> None:
    for number in range(3):
        close_day(TENANT, DAY + timedelta(days=number))
    first = call(LIST, query={"limit": "2"})
    assert [each["date"] for each in first.body["data"]] == ["2026-03-22", "2026-03-21"]
    rest = call(LIST, query={"limit": "2", "cursor": first.body["pagination"]["next_cursor"]})
    assert [each["date"] for each in rest.body["data"]] == ["2026-03-20"]


def test_a_day_says_what_was_owed_before_and_after_it(call: Call) -> None:
    close_day(TENANT, DAY, sold_cards(10000, 5000, spent=2050))
    day = call(GET, date="2026-03-20").body["data"]
    [gift_cards] = day["liabilities"]
    assert (gift_cards["book"], gift_cards["currency"]) == ("gift_card", "USD")
    assert (gift_cards["opening"], str(gift_cards["closing"])) == (100, "129.50")
    assert [(each["type"], str(each["amount"])) for each in gift_cards["movements"]] == [
        ("commit", "-20.50"),
        ("issue", "50.00"),
    ]
    assert [each["funding"] for each in gift_cards["by_funding"]] == ["paid"]
    assert (day["starts_at"], day["ends_at"], day["hours"]) == ("2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z", 24)


def test_the_links_are_to_this_days_files_and_expire(call: Call) -> None:
    close_day(TENANT, DAY)
    downloads = call(GET, date="2026-03-20").body["data"]["downloads"]
    for kind in ("csv", "json", "html"):
        link = urlsplit(downloads[kind])
        asked = parse_qs(link.query)
        assert link.path.endswith(f"/liability/ten_1/test/2026-03-20/liability-2026-03-20.{kind}")
        assert (asked["X-Amz-Expires"], asked["X-Amz-Algorithm"]) == (["900"], ["AWS4-HMAC-SHA256"])
        assert asked["response-content-disposition"] == [f'attachment; filename="liability-2026-03-20.{kind}"']
    assert downloads["expires_at"] == "2026-03-22T12:15:00Z"


def test_a_link_is_the_same_for_five_minutes_so_that_readers_can_keep_the_answer(call: Call) -> None:
    close_day(TENANT, DAY)
    first = call(GET, date="2026-03-20")
    with clock.use(lambda: NOW + timedelta(seconds=299)):
        assert call(GET, date="2026-03-20").headers["ETag"] == first.headers["ETag"]
    with clock.use(lambda: NOW + timedelta(seconds=300)):
        later = call(GET, date="2026-03-20")
    assert later.body["data"]["downloads"]["expires_at"] == "2026-03-22T12:20:00Z"


@pytest.mark.parametrize("named", ["2026-03-21", "20260320", "2026-W12-5", "2026-02-30", "today", "2026-3-20"])
def test_a_day_that_is_not_closed_is_not_found(named: str, call: Call) -> None:
    close_day(TENANT, DAY)
    assert call(GET, date=named).status == 404


def test_another_shops_days_are_not_there(call: Call) -> None:
    close_day(OTHER_TENANT, DAY)
    assert call(GET, date="2026-03-20").status == 404
    assert call(LIST).body["data"] == []


@pytest.mark.parametrize(("path", "more"), [(LIST, {}), (GET, {"date": "2026-03-20"}), (POST, {"date": "2026-03-20"})])
def test_reports_have_a_scope_of_their_own(path: str, more: dict[str, Any], call: Call) -> None:
    close_day(TENANT, DAY)
    clerk = Credential(scopes=frozenset({"gift_cards:read", "gift_cards:write"}))
    assert call(path, credential=clerk, **more).status == 403


def test_a_day_is_exported_when_a_merchant_asks(call: Call, workflow: Any) -> None:
    sell_a_card(datetime(2026, 3, 20, 12, tzinfo=UTC))
    answered = call(POST, date="2026-03-20", headers={"Idempotency-Key": "again"})
    assert (answered.status, answered.body["data"]) == (202, {"date": "2026-03-20", "status": "started"})
    [execution] = workflow()
    assert execution["name"].startswith("ten_1-test-2026-03-20-")
    assert call(POST, date="2026-03-20", headers={"Idempotency-Key": "again"}).text == answered.text
    assert len(workflow()) == 1
    call(POST, date="2026-03-20", headers={"Idempotency-Key": "once-more"})
    assert len(workflow()) == 2


def test_a_dry_run_exports_nothing(call: Call, workflow: Any) -> None:
    sell_a_card(datetime(2026, 3, 20, 12, tzinfo=UTC))
    report = call(POST, date="2026-03-20", headers={"X-Dry-Run": "true"}).body["data"]
    assert report["stopped_before"] == "the liability export"
    assert workflow() == []


@pytest.mark.parametrize(
    ("named", "status"),
    [("2026-03-19", 404), ("2026-03-21", 202), ("2026-03-22", 409), ("2027-01-01", 409), ("yesterday", 404)],
)
def test_only_days_with_stored_value_that_are_over_are_exported(
    named: str, status: int, call: Call, workflow: Any
) -> None:
    sell_a_card(datetime(2026, 3, 20, 12, tzinfo=UTC))
    answered = call(POST, date=named)
    assert answered.status == status
    if status == 409:
        assert answered.body["error"]["details"][0]["code"] == "day_not_over"
    assert len(workflow()) == (status == 202)


def test_a_shop_that_never_owed_stored_value_has_nothing_to_export(call: Call, workflow: Any) -> None:
    assert call(POST, date="2026-03-20", credential=replace(Credential(), tenant=OTHER_TENANT)).status == 404
