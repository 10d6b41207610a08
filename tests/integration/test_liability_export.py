"""The liability export on the deployed state machine: a day is closed, downloaded, and withheld for a cent."""

import csv
import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from commerce.access.queries import find_tenant
from commerce.access.use_cases import CreateTenant, create_tenant
from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant, system
from commerce.kernel.money import Money
from commerce.kernel.periods import day_of
from commerce.table.rows import Row
from commerce.table.transaction import run
from local import verify_ledger
from local.stack.deployment import client
from local.stack.settings import aws_environment
from local.stack.shop import call
from tests.integration.conftest import Running

EXPORTS = "/admin/gift-cards/liability-exports"
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop without a past, and its owner's key."""

    tenant: Tenant
    key: str
    url: str

    def ask(self, method: str, path: str) -> httpx.Response:
        return call(self.url, method, path, self.key)


@pytest.fixture
def shop(stack: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Use cases act in the table itself: no door of the API leads into the past."""
    for name, value in aws_environment(stack.endpoint_url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TABLE_NAME", stack.table_name)
    Row._connection = None
    opening = CreateTenant("ten_closed", "Closed", "USD", "America/New_York", "US", ("wh_001",), mode=Mode.TEST)
    _, issued = run(lambda tx: create_tenant(tx, opening))
    tenant = find_tenant("ten_closed", Mode.TEST)
    assert tenant is not None
    yield Shop(tenant, issued.text, stack.url)
    Row._connection = None


def executions(stack: Running, day: date) -> list[dict[str, Any]]:
    """How the exports of a day ended, once all of them have."""
    workflows = client("stepfunctions", stack.endpoint_url)
    until = time.monotonic() + SECONDS
    while True:
        found: list[dict[str, Any]] = []
        for machine in workflows.list_state_machines()["stateMachines"]:
            if "Liability" in machine["name"]:
                for each in workflows.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
                    if each["name"].startswith(f"ten_closed-test-{day}-"):
                        found.append(workflows.describe_execution(executionArn=each["executionArn"]))
        if (found and all(each["status"] != "RUNNING" for each in found)) or time.monotonic() > until:
            return found
        time.sleep(0.5)


def found_right(stack: Running, tenant: Tenant) -> bool:
    """Whether every balance of the shop is what its entries say, once the statistics have followed."""
    until = time.monotonic() + SECONDS
    while (differs := verify_ledger.main(["--tenant", tenant.tenant_id, "--table", stack.table_name])) == 1:
        if time.monotonic() > until:
            break
        time.sleep(1)
    return differs == 0


def test_a_day_is_closed_downloaded_and_the_next_one_withheld_for_a_cent(stack: Running, shop: Shop) -> None:
    tenant = shop.tenant
    then = datetime.now(UTC) - timedelta(days=3)
    day = day_of(then, tenant.timezone)
    with clock.use(lambda: then):
        card = run(lambda tx: issue(tx, system(tenant, "test"), IssueCard(Money(5000, "USD")))).card

    asked = shop.ask("POST", f"{EXPORTS}/{day}")
    assert asked.status_code == 202, asked.text
    assert [each["status"] for each in executions(stack, day)] == ["SUCCEEDED"]

    answered = shop.ask("GET", f"{EXPORTS}/{day}")
    assert answered.status_code == 200, answered.text
    closed = answered.json()["data"]
    assert [(each["book"], each["closing"]) for each in closed["liabilities"]] == [("gift_card", 50.0)]
    files = {
        kind: httpx.get(closed["downloads"][kind], timeout=30, trust_env=False) for kind in ("csv", "json", "html")
    }
    assert {each.status_code for each in files.values()} == {200}
    assert hashlib.sha256(files["csv"].content).hexdigest() == closed["file"]["sha256"]
    [row] = csv.DictReader(io.StringIO(files["csv"].text))
    assert (row["holder_id"], row["change"]) == (card.gift_card_id, "50.00")
    assert files["json"].json()["file"]["sha256"] == closed["file"]["sha256"]
    assert "<polyline" in files["html"].text

    table = client("dynamodb", stack.endpoint_url)
    where = {"pk": {"S": f"T#{tenant.tenant_id}#test#CARD#{card.serial}"}, "sk": {"S": "CARD"}}
    update = {"TableName": stack.table_name, "Key": where, "UpdateExpression": "ADD balance :cents"}
    table.update_item(**update, ExpressionAttributeValues={":cents": {"N": "1"}})
    shop.ask("POST", f"{EXPORTS}/{day + timedelta(days=1)}")
    [withheld] = executions(stack, day + timedelta(days=1))
    table.update_item(**update, ExpressionAttributeValues={":cents": {"N": "-1"}})

    assert found_right(stack, tenant)
    assert (withheld["status"], withheld["error"]) == ("FAILED", "LiabilityNotReconciled")
    assert withheld["cause"].endswith("gift_card USD promotional: booked 5000, found 5001")
    assert shop.ask("GET", f"{EXPORTS}/{day + timedelta(days=1)}").status_code == 404
