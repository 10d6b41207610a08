"""A liability export, killed before and after each call of its last task: all of it is there, or it is not closed."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest

from commerce.gift_cards.issuing import IssueCard, issue
from commerce.kernel import aws, clock, wire_json
from commerce.kernel.caller import Caller, Role, Tenant
from commerce.kernel.money import Money
from commerce.liability import store
from commerce.table import keys
from commerce.table.transaction import run
from tests.faults.conftest import new_shop
from tests.faults.kill import AnswerLost, Door, Killed, watching
from tests.shop import handler

BUCKET, DAY = "till-liability", date(2026, 3, 20)
NOW = datetime(2026, 3, 21, 5, tzinfo=UTC)


@pytest.fixture
def tenant(table: Any, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A shop that sold three cards on the day that is to be closed."""
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    aws.client.cache_clear()
    with suppress(boto3.client("s3").exceptions.BucketAlreadyOwnedByYou):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
    tenant = new_shop().credential.tenant
    merchant = Caller(tenant, "key_1", Role.API_KEY)
    with clock.use(lambda: datetime(2026, 3, 20, 12, tzinfo=UTC)):
        for cents in (5000, 2500, 1):
            run(lambda tx, cents=cents: issue(tx, merchant, IssueCard(Money(cents, "USD"))))  # type: ignore[misc]
    return tenant


def task(name: str, message: dict[str, Any]) -> Any:
    with clock.use(lambda: NOW):
        return wire_json.loads(wire_json.dumps(handler(f"workflows/liability_export/{name}").handler(message, None)))


def parts_read(tenant: Tenant) -> dict[str, Any]:
    """What the last task is given."""
    named = {"tenant_id": tenant.tenant_id, "mode": str(tenant.mode), "day": str(DAY), "run": "run", "waited": 0}
    begun: dict[str, Any] = task("begin_liability_day", named)
    return begun | {"read": [task("read_liability_part", begun | {"part": part}) for part in begun["parts"]]}


def files_of(tenant: Tenant) -> dict[str, bytes]:
    found = boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=f"liability/{tenant.tenant_id}/")
    return {each.key: each.get()["Body"].read() for each in found}


def forget(tenant: Tenant, table: Any) -> None:
    """The day as it was before it was closed."""
    boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=f"liability/{tenant.tenant_id}/").delete()
    pk, sk = keys.liability_export(tenant, DAY)
    table.delete_item(Key={"pk": pk, "sk": sk})


@pytest.mark.parametrize("error", [Killed, AnswerLost])
def test_a_task_that_dies_anywhere_and_is_tried_again_closes_the_day_once(
    error: type[BaseException], tenant: Tenant, table: Any, record_property: Any
) -> None:
    given = parts_read(tenant)
    with watching(Door()) as door:
        assert task("publish_liability_day", given) == {"outcome": "published", "message": ""}
    whole, closed = files_of(tenant), store.find(tenant, DAY)
    assert len(whole) == 3
    assert closed is not None
    points = [(number, after) for number in range(len(door.calls)) for after in (False, True)]
    if error is AnswerLost:
        points = [(number, after) for number, after in points if after]
    for number, after in points:
        forget(tenant, table)
        with suppress(Killed), watching(Door(strike_at=number, after=after, error=error)):
            task("publish_liability_day", given)
        if store.find(tenant, DAY) is not None:
            assert files_of(tenant) == whole, f"closed without its files at {door.calls[number]}"
        assert task("publish_liability_day", given)["outcome"] == "published", door.calls[number]
        assert (files_of(tenant), store.find(tenant, DAY)) == (whole, closed), door.calls[number]
    record_property("deaths survived" if error is Killed else "lost answers survived", {"liability": len(points)})
    assert len(points) >= 9
