"""HM-01: the health answer, and the schedule that it learns from."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from pynamodb.exceptions import QueryError

from commerce.health import probes, store, use_cases
from commerce.health.model import CHECK_EVERY, Part, State
from commerce.kernel import clock
from commerce.table import keys
from commerce.table.rows import Row
from tests.shop import Call, handler

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
ALL_WELL = {Part.DATABASE: State.OPERATIONAL, Part.QUEUE: State.OPERATIONAL, Part.STORAGE: State.OPERATIONAL}
NO_QUEUE = ALL_WELL | {Part.QUEUE: State.DEGRADED}


@pytest.fixture
def resources(table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The queue and the bucket that are probed."""
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", sqs.create_queue(QueueName="probed")["QueueUrl"])
    s3.create_bucket(Bucket="probed")
    monkeypatch.setenv("FILES_BUCKET", "probed")
    probes._client.cache_clear()
    yield
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="probed")["QueueUrl"])
    s3.delete_bucket(Bucket="probed")


def health(call: Call, at: datetime = NOW) -> Any:
    with clock.use(lambda: at):
        answered = call("v2/health/get_health")
    assert answered.status == 200, answered.text
    return answered.body


def check(at: datetime, states: dict[Part, State]) -> None:
    with clock.use(lambda: at):
        use_cases.check(lambda: states)


def test_after_a_good_check_everything_is_operational(call: Call, resources: None) -> None:
    with clock.use(lambda: NOW):
        states = handler("schedules/probe_health").handler({}, None)

    assert states == {"database": "operational", "queue": "operational", "storage": "operational"}
    assert health(call) == {
        "status": "healthy",
        "version": "2.3.0",
        "uptime": Decimal("100.00"),
        "services": {
            "database": "operational",
            "cache": "not_used",
            "queue": "operational",
            "storage": "operational",
        },
    }


@pytest.mark.parametrize(
    ("missing", "part"),
    [
        ({"STRIPE_EVENTS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/none"}, "queue"),
        ({"FILES_BUCKET": "none-of-ours"}, "storage"),
        ({"TABLE_NAME": "none-of-ours"}, "database"),
    ],
)
def test_a_part_that_does_not_answer_is_degraded(
    resources: None, monkeypatch: pytest.MonkeyPatch, missing: dict[str, str], part: str
) -> None:
    for name, value in missing.items():
        monkeypatch.setenv(name, value)

    states = probes.probe()

    assert states == ALL_WELL | {Part(part): State.DEGRADED}


def test_a_network_that_is_away_is_degraded_and_not_a_failed_probe(
    resources: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            raise EndpointConnectionError(endpoint_url="https://aws")

    monkeypatch.setattr(probes, "_client", lambda _: Away())

    assert set(probes.probe().values()) == {State.DEGRADED}


def test_a_degraded_part_shows_until_a_later_check_finds_it_well(call: Call) -> None:
    check(NOW - CHECK_EVERY, NO_QUEUE)
    degraded = health(call)
    check(NOW, ALL_WELL)
    again = health(call)

    assert (degraded["status"], degraded["services"]["queue"], degraded["uptime"]) == ("degraded", "degraded", 0)
    assert (again["status"], again["services"]["queue"], again["uptime"]) == ("healthy", "operational", 50)


def test_before_the_first_check_nothing_but_the_database_is_known(call: Call) -> None:
    body = health(call)

    assert (body["status"], body["uptime"]) == ("healthy", None)
    assert body["services"] == {
        "database": "operational",
        "cache": "not_used",
        "queue": "unknown",
        "storage": "unknown",
    }


def test_an_old_check_says_nothing_about_now(call: Call) -> None:
    check(NOW - timedelta(minutes=16), ALL_WELL)

    body = health(call)

    assert (body["status"], body["services"]["queue"]) == ("degraded", "unknown")


def test_the_last_check_of_yesterday_counts_just_after_midnight(call: Call) -> None:
    midnight = datetime(2026, 3, 20, tzinfo=UTC)
    check(midnight - timedelta(minutes=1), ALL_WELL)

    assert health(call, midnight + timedelta(minutes=1))["status"] == "healthy"


def test_uptime_covers_thirty_days_and_is_never_rounded_up(call: Call) -> None:
    day = timedelta(days=1)
    check(NOW - 30 * day, NO_QUEUE)  # too long ago
    for ago in range(29, -1, -1):
        row = {"checks": 288, "checks_ok": 287 if ago == 7 else 288}
        at = NOW - ago * day
        check(at, ALL_WELL)
        store.HealthDayRow(*keys.health_day(store._day(at))).update(
            actions=[getattr(store.HealthDayRow, name).set(value) for name, value in row.items()]
        )

    assert health(call)["uptime"] == Decimal("99.98")  # 8639 of 8640 is 99.988


def test_checks_that_were_never_recorded_have_failed(call: Call) -> None:
    for minutes in (60, 55, 50, 5, 0):  # away for 40 minutes
        check(NOW - timedelta(minutes=minutes), ALL_WELL)

    assert health(call)["uptime"] == Decimal("41.66")  # 5 of 12


def test_without_a_database_the_answer_is_503_in_the_error_envelope(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise QueryError("away", EndpointConnectionError(endpoint_url="https://dynamodb"))

    monkeypatch.setattr(Row, "query", away)

    answered = call("v2/health/get_health")

    assert (answered.status, answered.body["error"]["code"]) == (503, "server_error")
    assert answered.headers["Retry-After"] == "1"


def test_health_asks_for_no_credential_and_no_tenant(call: Call) -> None:
    [route] = handler("v2/health/get_health").app.routes

    assert (route.scope, route.tenant_header) == ("public", False)
