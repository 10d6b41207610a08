"""An emulator of its own, and one table in it. moto is never used here: under faults and threads it loses atomicity."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from commerce.access import use_cases as access
from commerce.access.use_cases import CreateTenant
from commerce.kernel import aws
from commerce.kernel.caller import Mode, Tenant
from commerce.payments import stripe_gateway
from commerce.table.rows import Row
from commerce.table.transaction import run
from local.stack.servers import start_emulator
from local.stack.settings import Ports, Settings, aws_environment
from local.stripe_standin.server import serve
from tests.payments import API_KEY, WEBHOOK_SECRET, Stripe
from tests.shop import Call, Credential
from tests.template import table_definition


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """DynamoDB, SQS and Secrets Manager on the emulator; Stripe on the stand-in; gives the table."""
    home: Path = tmp_path_factory.mktemp("emulator")
    settings = Settings(ports=Ports.free(), home=home, layers=home / "layers")
    process = start_emulator(settings)
    before = dict(os.environ)
    try:
        with serve() as running:
            os.environ.update(aws_environment(settings.endpoint_url))
            os.environ.update(
                TABLE_NAME="till-faults",
                STRIPE_API_BASE=running.url,
                STRIPE_API_KEY_SECRET="stripe/key",
                STRIPE_WEBHOOK_SECRET="stripe/webhook",
            )
            boto3.client("dynamodb").create_table(TableName="till-faults", **table_definition())
            for name, value in (("stripe/key", API_KEY), ("stripe/webhook", WEBHOOK_SECRET)):
                boto3.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps({"test": value}))
            queue = boto3.client("sqs").create_queue(QueueName="stripe-events")["QueueUrl"]
            os.environ["STRIPE_EVENTS_QUEUE_URL"] = queue
            Row._connection = None
            aws.client.cache_clear()
            stripe_gateway._sdk.cache_clear()
            yield boto3.resource("dynamodb").Table("till-faults")
    finally:
        os.environ.clear()
        os.environ.update(before)
        Row._connection = None
        process.stop()


@pytest.fixture
def table(emulator: Any) -> Any:
    return emulator


@pytest.fixture
def stripe(emulator: Any) -> Stripe:
    url = os.environ["STRIPE_API_BASE"]
    httpx.post(f"{url}/_standin/reset").raise_for_status()
    return Stripe(url)


def new_shop() -> Call:
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
    )
    run(lambda tx: access.create_tenant(tx, command))
    tenant = Tenant(tenant_id=tenant_id, mode=Mode.TEST, timezone="America/New_York", warehouses=warehouses)
    return Call(credential=Credential(tenant=tenant))


def rows_of(table: Any, call: Call) -> list[dict[str, Any]]:
    """All rows of the call's tenant."""
    prefix = f"T#{call.credential.tenant.tenant_id}#"
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name)
    return [item for page in pages for item in page["Items"] if item["pk"].startswith(prefix)]
