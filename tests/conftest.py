"""Fixtures for unit and endpoint tests: moto in one thread, the template's own table, emptied between tests."""

import os
from collections.abc import Iterator
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    POWERTOOLS_METRICS_NAMESPACE="Till",
    POWERTOOLS_METRICS_DISABLED="true",
    TABLE_NAME="till-test",
    CURSOR_KEY="cursor-key-of-the-tests",
    GIFT_CARD_KEY="gift-card-key-of-the-tests",
    SERVICE_NAME="till",
    LOG_LEVEL="WARNING",
    FILES_BUCKET="till-files",
)
os.environ.pop("AWS_ENDPOINT_URL", None)

import boto3
import pytest
from moto import mock_aws

from commerce.table.rows import Row
from tests.cheap_moto import cheap_moto, undone
from tests.events import told
from tests.payments import Stripe, connected
from tests.shop import Call
from tests.template import table_definition


@pytest.fixture(scope="session")
def _aws() -> Iterator[Any]:
    with mock_aws(), cheap_moto():
        client = boto3.client("dynamodb")
        client.create_table(TableName=os.environ["TABLE_NAME"], **table_definition())
        Row._connection = None
        yield client
    Row._connection = None


@pytest.fixture
def made_up_events() -> bool:
    """Whether a test writes events that no use case tells."""
    return False


@pytest.fixture
def table(_aws: Any, made_up_events: bool) -> Iterator[Any]:
    """The empty table, as a boto3 resource for looking at what was written; the events in it are those documented."""
    resource = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    with undone(resource.name):
        yield resource
        items = all_rows(resource)
    if not made_up_events:
        told(items)


def all_rows(table: Any) -> list[Any]:
    """Every row, however many pages a scan has."""
    page = table.scan()
    rows = list(page["Items"])
    while "LastEvaluatedKey" in page:
        page = table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])
        rows += page["Items"]
    return rows


@pytest.fixture
def call(table: Any) -> Call:
    """Calls handlers with a credential that has what the route asks for."""
    return Call()


@pytest.fixture(scope="session")
def _stripe_server() -> Iterator[str]:
    from local.stripe_standin.server import serve

    with serve() as running:
        yield running.url


@pytest.fixture
def stripe(_aws: Any, _stripe_server: str) -> Iterator[Stripe]:
    """An empty Stripe, its secrets in Secrets Manager, and an empty queue of its events."""
    with connected(_stripe_server) as stripe:
        yield stripe


SUITES = {
    "unit": "models, money, cursors, template, permissions, architecture",
    "endpoints": "every endpoint through its handler, its refusals too",
    "contract": "the wire: golden samples, money units, bad input, one event file per trigger",
    "matrix": "every route: who may call it, its tags, headers, dry runs, versions and repeats",
    "standin": "the Stripe stand-in, driven by Stripe's own SDK",
    "faults": "killed before and after each AWS and Stripe call, and answers lost, then retried",
    "integration": "the deployed template over HTTP: the purchase, races, a storm of webhook deliveries",
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was covered."""
    passed: dict[str, int] = {}
    for report in terminalreporter.stats.get("passed", []):
        suite = report.nodeid.split("/")[1] if "/" in report.nodeid else ""
        passed[suite] = passed.get(suite, 0) + 1
    for suite, what in SUITES.items():
        if suite in passed:
            terminalreporter.write_line(f"{passed[suite]:5} passed  {suite}: {what}")
