"""Opening a shop: the use case, and the command that runs it."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pynamodb.exceptions import PutError

from commerce.access import store, use_cases
from commerce.access.authentication import identify
from commerce.access.model import MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateTenant
from commerce.kernel.caller import Mode, Role
from commerce.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from commerce.kernel.return_policy import ReturnPolicy
from commerce.limits.model import Plan
from commerce.table.transaction import run
from local import create_tenant as command

DEMO = CreateTenant(
    tenant_id="ten_demo",
    name="Demo Shop",
    currency="USD",
    timezone="America/New_York",
    country="US",
    warehouses=("wh_001", "wh_002"),
    mode=Mode.TEST,
)
ARGUMENTS = [
    *("--tenant", "ten_demo", "--name", "Demo Shop", "--currency", "usd", "--timezone", "America/New_York"),
    *("--country", "us", "--warehouse", "wh_001", "--warehouse", "wh_002", "--mode", "test"),
]


@pytest.mark.usefixtures("table")
def test_a_new_shop_comes_with_an_owner_key_that_may_do_everything() -> None:
    account, issued = run(lambda tx: use_cases.create_tenant(tx, DEMO))

    identity = identify(issued.text)

    assert store.find_tenant("ten_demo") == account
    assert (identity.role, identity.mode, identity.scopes) == (Role.OWNER, Mode.TEST, MERCHANT_SCOPES)
    assert identity.tenants == (account,)


def test_opening_a_shop_that_exists_is_refused_and_writes_nothing(table: Any) -> None:
    run(lambda tx: use_cases.create_tenant(tx, DEMO))
    before = table.scan()["Items"]

    with pytest.raises(Conflict):
        run(lambda tx: use_cases.create_tenant(tx, DEMO))

    assert table.scan()["Items"] == before


def test_a_shop_with_a_bad_setting_leaves_nothing_behind(table: Any) -> None:
    bad = CreateTenant(**{name: getattr(DEMO, name) for name in DEMO.__slots__} | {"timezone": "Nowhere"})

    with pytest.raises(Invalid):
        run(lambda tx: use_cases.create_tenant(tx, bad))

    assert table.scan()["Count"] == 0


@pytest.mark.usefixtures("table")
def test_a_suspended_shops_keys_open_nothing_until_it_goes_on() -> None:
    _, issued = run(lambda tx: use_cases.create_tenant(tx, DEMO))

    run(lambda tx: use_cases.set_tenant_status(tx, "ten_demo", TenantStatus.SUSPENDED))
    with pytest.raises(Unauthenticated):
        identify(issued.text)

    run(lambda tx: use_cases.set_tenant_status(tx, "ten_demo", TenantStatus.ACTIVE))
    assert identify(issued.text).principal_id == issued.key.key_id


@pytest.mark.parametrize("tenant_id", ["ten_missing", "ten#1", ""])
@pytest.mark.usefixtures("table")
def test_a_shop_that_does_not_exist_gets_no_owner_key(tenant_id: str) -> None:
    with pytest.raises(NotFound):
        run(lambda tx: use_cases.issue_owner_key(tx, tenant_id, Mode.TEST))


def test_the_command_opens_a_shop_and_shows_its_key_once(table: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(ARGUMENTS) == 0

    shown = json.loads(capsys.readouterr().out)
    assert shown["tenant"]["warehouses"] == ["wh_001", "wh_002"]
    assert (shown["tenant"]["currency"], shown["tenant"]["country"]) == ("USD", "US")
    assert identify(shown["api_key"]).tenants[0].tenant_id == "ten_demo"
    assert shown["api_key"].rsplit("_", 1)[1] not in json.dumps(table.scan()["Items"], default=str)


@pytest.mark.usefixtures("table")
def test_the_command_refuses_a_shop_that_exists_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(ARGUMENTS)
    capsys.readouterr()

    assert command.main(ARGUMENTS) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err == "create_tenant: The tenant ten_demo exists already\n"


@pytest.mark.usefixtures("table")
def test_the_command_says_how_a_shop_ships_and_takes_stored_value(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--shipping-option", "standard:Standard:0", "--shipping-option", "express:Express:9.50:1 day: by noon"]

    assert command.main([*ARGUMENTS, "--gift-cards-per-order", "3", "--unclaimed-value", "escheat", *options]) == 0

    shown = json.loads(capsys.readouterr().out)["tenant"]["checkout"]
    assert shown == {
        "gift_cards_per_order": 3,
        "unclaimed_value": "escheat",
        "shipping_options": [["standard", "Standard", 0, ""], ["express", "Express", 950, "1 day: by noon"]],
    }
    account = store.find_tenant("ten_demo")
    assert account is not None
    assert account.checkout.document == shown


@pytest.mark.usefixtures("table")
def test_the_command_says_how_a_shop_takes_goods_back(capsys: pytest.CaptureFixture[str]) -> None:
    decided = {"window_days": 60, "return_shipping": 4.9, "address": ["1 Dock Street"]}

    assert command.main([*ARGUMENTS, "--returns", json.dumps(decided)]) == 0

    shown = json.loads(capsys.readouterr().out)["tenant"]["returns"]
    assert {name: shown[name] for name in decided} == decided
    account = store.find_tenant("ten_demo")
    assert account is not None
    assert account.returns == ReturnPolicy(window_days=60, return_shipping=Decimal("4.90"), address=("1 Dock Street",))


@pytest.mark.parametrize("returns", ["", "sixty", "{", '{"window_days": "60"}', '{"days": 60}', "[]"])
def test_the_command_refuses_a_return_policy_that_cannot_be(
    table: Any, returns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*ARGUMENTS, "--returns", returns]) == 1

    assert capsys.readouterr().err.startswith("create_tenant: --returns cannot be: ")
    assert table.scan()["Count"] == 0


@pytest.mark.parametrize(
    "option", ["standard", "standard:Standard", "standard:Standard:dear", "a b:Standard:1", "a::1"]
)
def test_the_command_refuses_a_shipping_option_that_cannot_be(
    table: Any, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*ARGUMENTS, "--shipping-option", option]) == 1

    assert capsys.readouterr().err.startswith("create_tenant: ")
    assert table.scan()["Count"] == 0


def plan_of(tenant_id: str) -> tuple[Plan, int | None, int | None]:
    account = store.find_tenant(tenant_id)
    assert account is not None
    return account.plan, account.hourly_limit, account.daily_limit


@pytest.mark.usefixtures("table")
def test_the_command_opens_a_shop_on_a_plan_and_puts_it_on_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*ARGUMENTS, "--plan", "free"]) == 0
    opened = json.loads(capsys.readouterr().out)["tenant"]
    assert (opened["plan"], opened["hourly_limit"], opened["daily_limit"]) == ("free", 100, 1_000)
    assert plan_of("ten_demo") == (Plan.FREE, None, None)

    limits = ["--hourly-limit", "20000", "--daily-limit", "400000"]
    assert command.main(["--tenant", "ten_demo", "--change-plan", "--plan", "enterprise", *limits]) == 0

    assert "api_key" not in json.loads(capsys.readouterr().out)
    assert plan_of("ten_demo") == (Plan.ENTERPRISE, 20_000, 400_000)


def test_a_shop_that_names_no_plan_has_one_to_work_with(table: Any) -> None:
    run(lambda tx: use_cases.create_tenant(tx, DEMO))

    assert plan_of("ten_demo") == (Plan.PROFESSIONAL, None, None)


@pytest.mark.parametrize(
    ("plan", "hourly", "daily", "field", "reason"),
    [
        (Plan.FREE, 200, None, "plan", "fixed_limits"),
        (Plan.PROFESSIONAL, None, 10, "plan", "fixed_limits"),
        (Plan.ENTERPRISE, None, None, "plan", "limits_required"),
        (Plan.ENTERPRISE, 100, None, "plan", "limits_required"),
        (Plan.ENTERPRISE, 0, 100, "hourly_limit", "bad_limit"),
        (Plan.BUSINESS, 1_000_001, None, "hourly_limit", "bad_limit"),
        (Plan.BUSINESS, None, -1, "daily_limit", "bad_limit"),
    ],
)
def test_a_plan_has_the_limits_that_it_can_have(
    table: Any, plan: Plan, hourly: int | None, daily: int | None, field: str, reason: str
) -> None:
    run(lambda tx: use_cases.create_tenant(tx, DEMO))

    with pytest.raises(Invalid) as refused:
        run(lambda tx: use_cases.set_plan(tx, "ten_demo", plan, hourly, daily))
    wanted = replace(DEMO, tenant_id="ten_2", plan=plan, hourly_limit=hourly, daily_limit=daily)
    with pytest.raises(Invalid):
        run(lambda tx: use_cases.create_tenant(tx, wanted))

    assert (refused.value.details[0].field, refused.value.reason) == (field, reason)
    assert plan_of("ten_demo") == (Plan.PROFESSIONAL, None, None)


@pytest.mark.usefixtures("table")
def test_a_lost_owner_key_is_followed_by_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(ARGUMENTS)
    first = json.loads(capsys.readouterr().out)["api_key"]

    assert command.main(["--tenant", "ten_demo", "--mode", "live", "--new-owner-key"]) == 0

    second = json.loads(capsys.readouterr().out)["api_key"]
    assert (identify(first).mode, identify(second).mode) == (Mode.TEST, Mode.LIVE)
    assert identify(second).role is Role.OWNER


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tenant", "ten_demo", "--mode", "test"], "--name"),
        ([*ARGUMENTS, "--mode", "production"], "--mode"),
        (["--mode", "test"], "--tenant"),
        (["--tenant", "ten_demo", "--new-owner-key"], "--mode"),
        ([*ARGUMENTS, "--plan", "gold"], "--plan"),
    ],
)
def test_the_command_names_what_is_missing(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)

    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("table")
def test_the_command_says_which_table_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise PutError("no", OSError("no route to host"))

    monkeypatch.setattr(use_cases, "create_tenant", fail)

    assert command.main(ARGUMENTS) == 1
    assert capsys.readouterr().err == "create_tenant: the table till-test cannot be written: no route to host\n"
