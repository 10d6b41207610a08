"""An emulator of its own, and one table in it. moto is never used here: under faults and threads it loses atomicity."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr

from commerce.access import use_cases as access
from commerce.access.use_cases import CreateTenant
from commerce.kernel.caller import DEFAULT_RETURNS, Mode, Tenant
from commerce.kernel.return_policy import ReturnPolicy
from commerce.table.rows import Row
from commerce.table.transaction import run
from local.stack.servers import start_emulator
from local.stack.settings import Ports, Settings, aws_environment
from local.stripe_standin.server import serve
from tests.counts import show
from tests.payments import Stripe, connected
from tests.shop import Call, Credential
from tests.template import table_definition


@contextmanager
def running(home: Path, table_name: str) -> Iterator[Any]:
    """DynamoDB, SQS and Secrets Manager on an emulator; Stripe on the stand-in; gives the table."""
    settings = Settings(ports=Ports.free(), home=home, layers=home / "layers")
    process = start_emulator(settings)
    before = dict(os.environ)
    try:
        with serve() as standin:
            os.environ.update(aws_environment(settings.endpoint_url), TABLE_NAME=table_name)
            boto3.client("dynamodb").create_table(TableName=table_name, **table_definition())
            Row._connection = None
            with connected(standin.url):
                yield boto3.resource("dynamodb").Table(table_name)
    finally:
        os.environ.clear()
        os.environ.update(before)
        Row._connection = None
        process.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    show(terminalreporter, "deaths survived", "lost answers survived", "answers to 16 at once")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("emulator"), "till-faults") as table:
        yield table


@pytest.fixture
def table(emulator: Any) -> Any:
    return emulator


@pytest.fixture
def stripe(emulator: Any) -> Stripe:
    stripe = Stripe(os.environ["STRIPE_API_BASE"])
    stripe.reset()
    return stripe


def new_shop(returns: ReturnPolicy = DEFAULT_RETURNS) -> Call:
    """A new tenant, and calls with a credential of its."""
    tenant_id = f"ten_{uuid.uuid4().hex[:12]}"
    warehouses = ("wh_001", "wh_002")
    command = CreateTenant(
        tenant_id=tenant_id,
        name="Shop",
        currency="USD",
        timezone="America/New_York",
        country="US",
        warehouses=warehouses,
        mode=Mode.TEST,
        returns=returns,
    )
    run(lambda tx: access.create_tenant(tx, command))
    tenant = Tenant(
        tenant_id=tenant_id, mode=Mode.TEST, timezone="America/New_York", warehouses=warehouses, returns=returns
    )
    return Call(credential=Credential(tenant=tenant))


def rows_of(table: Any, call: Call) -> list[dict[str, Any]]:
    """All rows of the call's tenant, picked by the emulator: botocore takes ten times as long to read a row."""
    own = Attr("pk").begins_with(f"T#{call.credential.tenant.tenant_id}#")
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name, FilterExpression=own)
    return [item for page in pages for item in page["Items"]]
