"""Fixtures for unit and endpoint tests: moto in one thread, the template's own table, emptied between tests."""

import json
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
    SERVICE_NAME="till",
    LOG_LEVEL="WARNING",
)
os.environ.pop("AWS_ENDPOINT_URL", None)

import boto3
import httpx
import pytest
from moto import mock_aws

from commerce.table.rows import Row
from tests.payments import API_KEY, WEBHOOK_SECRET, Stripe
from tests.shop import Call
from tests.template import table_definition


@pytest.fixture(scope="session")
def _aws() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(TableName=os.environ["TABLE_NAME"], **table_definition())
        Row._connection = None
        yield client
    Row._connection = None


@pytest.fixture
def table(_aws: Any) -> Iterator[Any]:
    """The empty table, as a boto3 resource for looking at what was written."""
    resource = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    yield resource
    with resource.batch_writer() as batch:
        for item in resource.scan(ProjectionExpression="pk, sk")["Items"]:
            batch.delete_item(Key=item)


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
def stripe(_aws: Any, _stripe_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stripe]:
    """An empty Stripe, its secrets in Secrets Manager, and an empty queue of its events."""
    from commerce.kernel import aws
    from commerce.payments import stripe_gateway

    secrets, sqs = boto3.client("secretsmanager"), boto3.client("sqs")
    for name, value in (("stripe/key", API_KEY), ("stripe/webhook", WEBHOOK_SECRET)):
        secrets.create_secret(Name=name, SecretString=json.dumps({"test": value}))
    monkeypatch.setenv("STRIPE_API_KEY_SECRET", "stripe/key")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "stripe/webhook")
    monkeypatch.setenv("STRIPE_API_BASE", _stripe_server)
    queue = sqs.create_queue(QueueName="stripe-events")["QueueUrl"]
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", queue)
    aws.client.cache_clear()
    stripe_gateway._secrets.clear()
    stripe_gateway._sdk.cache_clear()
    httpx.post(f"{_stripe_server}/_standin/reset").raise_for_status()
    yield Stripe(_stripe_server)
    sqs.delete_queue(QueueUrl=queue)
    for name in ("stripe/key", "stripe/webhook"):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


SUITES = {
    "unit": "models, money, cursors, template, permissions, architecture",
    "endpoints": "every endpoint through its handler, its refusals too",
    "contract": "the wire: golden samples, money units, bad input, one event file per trigger",
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
