"""AU-03: API keys through their handlers, and through the authorizer that takes them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.access import use_cases
from commerce.access.authentication import identify
from commerce.access.model import MERCHANT_SCOPES
from commerce.access.use_cases import CreateTenant, Issued
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Role
from commerce.kernel.errors import Unauthenticated
from commerce.table.transaction import run
from tests.shop import OTHER_TENANT, TENANT, Answered, Call, Credential

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
APP = {"name": "Warehouse app", "scopes": ["inventory:read", "inventory:write"]}
MANAGER = Credential(scopes=frozenset({"api_keys:read", "api_keys:write", "inventory:read", "inventory:write"}))
OWNER = Credential(role=Role.OWNER, principal_id="key_owner", scopes=MERCHANT_SCOPES)
LIVE_TENANT = replace(TENANT, mode=Mode.LIVE)


@pytest.fixture
def owner_keys(table: Any) -> dict[str, Issued]:
    """Two shops with their first owner keys."""
    return {tenant_id: open_shop(tenant_id) for tenant_id in (TENANT.tenant_id, OTHER_TENANT.tenant_id)}


@pytest.fixture
def manage(call: Call, owner_keys: dict[str, Issued]) -> Call:
    """Calls with a credential that manages keys of its own mode."""
    call.credential = MANAGER
    return call


def open_shop(tenant_id: str) -> Issued:
    opened = CreateTenant(
        tenant_id=tenant_id,
        name="Shop",
        currency="USD",
        timezone="UTC",
        country="US",
        warehouses=("wh_001",),
        mode=Mode.TEST,
    )
    return run(lambda tx: use_cases.create_tenant(tx, opened))[1]


def create(manage: Call, *, credential: Credential | None = None, **changes: Any) -> Any:
    answered = manage("v2/access/create_api_key", body=APP | changes, credential=credential)
    assert answered.status == 201, answered.text
    return answered.body


def listed(manage: Call, credential: Credential | None = None) -> list[Any]:
    answered = manage("v2/access/list_api_keys", credential=credential)
    assert answered.status == 200, answered.text
    return list(answered.body["data"])


def refusal(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def works(key: str) -> bool:
    try:
        identify(key)
    except Unauthenticated:
        return False
    return True


def everything_stored(table: Any) -> str:
    return json.dumps(table.scan()["Items"], default=str)


def secret_of(key: str) -> str:
    return key.rsplit("_", 1)[1]


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    with clock.use(lambda: instant):
        yield


def test_a_new_key_opens_what_it_was_given_and_its_text_is_nowhere_else(manage: Call, table: Any) -> None:
    issued = create(manage)

    identity = identify(issued["key"])
    shown = listed(manage)[0]

    assert (identity.principal_id, identity.role, identity.mode) == (issued["id"], Role.API_KEY, Mode.TEST)
    assert sorted(identity.scopes) == APP["scopes"]
    assert issued["key"].startswith("test_")
    assert {name: value for name, value in issued.items() if name != "key"} == shown
    assert (shown["last_four"], shown["status"], shown["created_by"]) == (
        issued["key"][-4:],
        "active",
        "api_key:key_1",
    )
    assert secret_of(issued["key"]) not in everything_stored(table)
    assert secret_of(issued["key"]) not in manage("v2/access/list_api_keys").text


def test_a_key_lists_nothing_about_hashes(manage: Call) -> None:
    create(manage)

    assert not [name for key in listed(manage) for name in key if "hash" in name or "secret" in name]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"scopes": ["inventory:read", "root"]}, 422, "unknown_scope"),
        ({"scopes": ["cart"]}, 422, "unknown_scope"),
        ({"scopes": []}, 422, "too_short"),
        ({"scopes": ["orders:write"]}, 403, "scope_not_held"),
        ({"environment": "live"}, 403, "other_environment"),
        ({"environment": "staging"}, 422, "enum"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "bad_expiry"),
        ({"expires_at": "9999-12-31T23:59:59-23:00"}, 422, "bad_expiry"),
        ({"expires_at": "2030-01-01T00:00:00"}, 422, "timezone_aware"),
        ({"expires_at": 1900000000}, 422, "value_error"),
        ({"role": "owner"}, 422, "unknown_field"),
        ({"tenant": "ten_2"}, 422, "unknown_field"),
        ({"name": ""}, 422, "string_too_short"),
    ],
)
def test_a_key_that_nobody_may_make_is_not_made(
    manage: Call, table: Any, change: dict[str, Any], status: int, code: str
) -> None:
    before = everything_stored(table)

    assert refusal(manage("v2/access/create_api_key", body=APP | change)) == (status, code)
    assert everything_stored(table) == before


def test_an_owner_makes_keys_of_both_environments_and_sees_all_of_them(manage: Call) -> None:
    live = create(manage, credential=OWNER, environment="live")
    test = create(manage, credential=OWNER)

    assert (identify(live["key"]).mode, identify(test["key"]).mode) == (Mode.LIVE, Mode.TEST)
    assert {live["id"], test["id"]} < {key["id"] for key in listed(manage, OWNER)}
    assert live["id"] not in {key["id"] for key in listed(manage)}


def test_a_key_of_the_other_environment_does_not_exist_for_anybody_but_an_owner(manage: Call) -> None:
    live = create(manage, credential=OWNER, environment="live")

    assert manage("v2/access/revoke_api_key", id=live["id"]).status == 404
    assert manage("v2/access/rotate_api_key", id=live["id"], body={}).status == 404
    assert works(live["key"])
    assert manage("v2/access/revoke_api_key", id=live["id"], credential=OWNER).status == 204


def test_the_pages_of_the_list_are_all_keys_newest_first(manage: Call) -> None:
    made = [create(manage, name=f"App {number}")["id"] for number in range(5)]

    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        answered = manage("v2/access/list_api_keys", query=query)
        assert answered.status == 200
        seen += [key["id"] for key in answered.body["data"]]
        if answered.body["pagination"]["next_cursor"] is None:
            break
        query["cursor"] = answered.body["pagination"]["next_cursor"]

    assert seen[:5] == made[::-1]
    assert len(seen) == 6  # and the owner's


def test_a_revoked_key_stops_at_once_and_revoking_it_again_changes_nothing(manage: Call, table: Any) -> None:
    issued = create(manage)

    assert manage("v2/access/revoke_api_key", id=issued["id"]).status == 204
    revoked = everything_stored(table)
    again = manage("v2/access/revoke_api_key", id=issued["id"])

    assert (again.status, again.text) == (204, "")
    assert not works(issued["key"])
    assert everything_stored(table) == revoked
    assert next(key for key in listed(manage) if key["id"] == issued["id"])["status"] == "revoked"


def test_a_key_stops_when_it_expires(manage: Call) -> None:
    with at(NOON):
        issued = create(manage, expires_at="2026-03-20T14:00:00+01:00")

    with at(NOON + timedelta(minutes=59)):
        assert works(issued["key"])
    with at(NOON + timedelta(minutes=60)):
        assert not works(issued["key"])
        assert listed(manage)[0]["status"] == "expired"
        assert refusal(manage("v2/access/rotate_api_key", id=issued["id"], body={})) == (409, "illegal_transition")


def test_the_old_secret_works_until_the_overlap_ends(manage: Call, table: Any) -> None:
    with at(NOON):
        before = create(manage)
        answered = manage("v2/access/rotate_api_key", id=before["id"])

    assert answered.status == 201, answered.text
    after = answered.body
    assert (after["id"], after["scopes"], after["previous_valid_until"]) == (
        before["id"],
        before["scopes"],
        "2026-03-20T13:00:00Z",
    )
    with at(NOON + timedelta(minutes=59, seconds=59)):
        assert [works(before["key"]), works(after["key"])] == [True, True]
    with at(NOON + timedelta(minutes=60)):
        assert [works(before["key"]), works(after["key"])] == [False, True]
    assert secret_of(after["key"]) not in everything_stored(table)


def test_without_an_overlap_the_old_secret_stops_at_once(manage: Call) -> None:
    before = create(manage)

    after = manage("v2/access/rotate_api_key", id=before["id"], body={"overlap_seconds": 0}).body

    assert [works(before["key"]), works(after["key"])] == [False, True]


def test_revoking_ends_the_overlap_too(manage: Call) -> None:
    before = create(manage)
    after = manage("v2/access/rotate_api_key", id=before["id"]).body

    manage("v2/access/revoke_api_key", id=before["id"])

    assert [works(before["key"]), works(after["key"])] == [False, False]
    assert refusal(manage("v2/access/rotate_api_key", id=before["id"])) == (409, "illegal_transition")


@pytest.mark.parametrize("overlap", [-1, 604_801, "60", 1.5])
def test_an_overlap_lies_between_nothing_and_a_week(manage: Call, overlap: Any) -> None:
    issued = create(manage)

    answered = manage("v2/access/rotate_api_key", id=issued["id"], body={"overlap_seconds": overlap})

    assert answered.status == 422
    assert works(issued["key"])


def test_nobody_comes_by_more_scopes_through_rotating_a_stronger_key(
    manage: Call, owner_keys: dict[str, Issued]
) -> None:
    strong = create(manage, credential=OWNER, scopes=["orders:write"])
    owner = owner_keys[TENANT.tenant_id]

    assert refusal(manage("v2/access/rotate_api_key", id=strong["id"])) == (403, "scope_not_held")
    assert refusal(manage("v2/access/rotate_api_key", id=owner.key.key_id)) == (403, "owner_key")
    assert refusal(manage("v2/access/revoke_api_key", id=owner.key.key_id)) == (403, "owner_key")
    assert works(strong["key"])
    assert works(owner.text)


@pytest.mark.parametrize("endpoint", ["revoke_api_key", "rotate_api_key"])
def test_another_tenants_key_does_not_exist(manage: Call, endpoint: str) -> None:
    issued = create(manage)
    stranger = replace(OWNER, tenant=OTHER_TENANT)

    theirs = manage(f"v2/access/{endpoint}", id=issued["id"], credential=stranger)
    missing = manage(f"v2/access/{endpoint}", id="key_missing", credential=stranger)

    assert theirs.status == 404
    assert theirs.body == missing.body
    assert works(issued["key"])
    assert issued["id"] not in {key["id"] for key in listed(manage, stranger)}


def test_a_list_cursor_of_another_tenant_is_refused(manage: Call) -> None:
    create(manage)
    cursor = manage("v2/access/list_api_keys", query={"limit": "1"}).body["pagination"]["next_cursor"]

    answered = manage(
        "v2/access/list_api_keys", query={"cursor": cursor}, credential=replace(MANAGER, tenant=OTHER_TENANT)
    )

    assert refusal(answered) == (400, "bad_cursor")


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.PUBLIC])
def test_customers_do_not_come_near_keys(manage: Call, role: Role) -> None:
    shopper = Credential(role=role, scopes=MERCHANT_SCOPES, customer_id="cust_1")

    assert refusal(manage("v2/access/list_api_keys", credential=shopper)) == (403, "wrong_role")


def test_a_key_without_the_scope_manages_no_keys(manage: Call) -> None:
    reader = Credential(scopes=frozenset({"api_keys:read"}))

    assert refusal(manage("v2/access/create_api_key", body=APP, credential=reader)) == (403, "missing_scope")


# Idempotency-Key: a retry gets the same key, and the record of it holds no secret.


def retried(manage: Call, endpoint: str, body: Any, **path: Any) -> tuple[Answered, Answered]:
    sent: dict[str, Any] = {"body": body, "headers": {"Idempotency-Key": "retry-1"}}
    return manage(f"v2/access/{endpoint}", **sent, **path), manage(f"v2/access/{endpoint}", **sent, **path)


def test_a_retry_is_shown_the_same_key_and_makes_no_second_one(manage: Call, table: Any) -> None:
    first, second = retried(manage, "create_api_key", APP)

    assert (first.status, second.status, first.text) == (201, 201, second.text)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(listed(manage)) == 2  # and the owner's
    assert works(second.body["key"])
    assert secret_of(first.body["key"]) not in everything_stored(table)


def test_a_retried_rotation_rotates_once(manage: Call, table: Any) -> None:
    issued = create(manage)

    first, second = retried(manage, "rotate_api_key", None, id=issued["id"])

    assert first.text == second.text
    assert works(issued["key"])
    assert works(first.body["key"])
    assert secret_of(first.body["key"]) not in everything_stored(table)


def test_a_secret_is_repeated_for_a_quarter_of_an_hour_and_the_key_is_not_made_again_after_it(manage: Call) -> None:
    sent: dict[str, Any] = {"body": APP, "headers": {"Idempotency-Key": "retry-1"}}
    with at(NOON):
        first = manage("v2/access/create_api_key", **sent)
    with at(NOON + timedelta(minutes=15)):
        in_time = manage("v2/access/create_api_key", **sent)
    with at(NOON + timedelta(minutes=15, seconds=1)):
        too_late = manage("v2/access/create_api_key", **sent)

    assert in_time.text == first.text
    assert refusal(too_late) == (409, "secret_not_replayable")
    assert len(listed(manage)) == 2


def test_a_sealed_answer_opens_for_its_own_caller_and_key_only(manage: Call, table: Any) -> None:
    manage("v2/access/create_api_key", body=APP, headers={"Idempotency-Key": "mine"})
    record = next(item for item in table.scan()["Items"] if item["kind"] == "operation")
    for change in (("#key_1#", "#key_2#"), ("#mine", "#yours")):
        table.put_item(Item=record | {"pk": record["pk"].replace(*change)})

    other_caller = manage(
        "v2/access/create_api_key",
        body=APP,
        headers={"Idempotency-Key": "mine"},
        credential=replace(MANAGER, principal_id="key_2"),
    )
    other_key = manage("v2/access/create_api_key", body=APP, headers={"Idempotency-Key": "yours"})

    assert refusal(other_caller) == (409, "secret_not_replayable")
    assert refusal(other_key) == (409, "secret_not_replayable")


def test_answers_without_a_secret_are_replayed_as_ever(manage: Call) -> None:
    issued = create(manage)
    sent: dict[str, Any] = {"headers": {"Idempotency-Key": "retry-1"}, "id": issued["id"]}

    answers = [manage("v2/access/revoke_api_key", **sent) for _ in range(2)]

    assert [answered.status for answered in answers] == [204, 204]
    assert "Idempotent-Replayed" in answers[1].headers
