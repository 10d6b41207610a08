"""Fixtures for unit and endpoint tests: moto in one thread, the template's own table, emptied between tests."""

import os
from collections.abc import Iterator
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106
    AWS_DEFAULT_REGION="us-east-1",
    POWERTOOLS_METRICS_NAMESPACE="Till",
    TABLE_NAME="till-test",
    CURSOR_KEY="cursor-key-of-the-tests",
    SERVICE_NAME="till",
    LOG_LEVEL="WARNING",
)
os.environ.pop("AWS_ENDPOINT_URL", None)

import boto3
import pytest
from moto import mock_aws

from commerce.table.rows import Row
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
