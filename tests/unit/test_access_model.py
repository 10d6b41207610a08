"""API keys and tenants: states, moves, and what a key's text says."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.access.model import (
    CUSTOMER_SCOPES,
    MERCHANT_SCOPES,
    MOVES,
    ApiKey,
    KeyState,
    KeyText,
    TenantAccount,
    TenantStatus,
    hash_of,
)
from commerce.http.api import PUBLIC_SCOPE
from commerce.kernel.caller import Mode, Role
from commerce.kernel.errors import IllegalMove, Invalid
from commerce.observability import redact
from tests.shop import ROOT

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET, NEXT_SECRET = "0" * 31 + "1", "0" * 31 + "2"
KEY = ApiKey(
    key_id="key_1",
    tenant_id="ten_1",
    name="Warehouse app",
    mode=Mode.TEST,
    role=Role.API_KEY,
    scopes=frozenset({"inventory:read"}),
    secret_hash=hash_of(SECRET),
    last_four="0001",
    created_at=NOON - HOUR,
    created_by="owner:key_0",
)
SHOP = TenantAccount(
    tenant_id="ten_1",
    name="Demo Shop",
    currency="USD",
    timezone="America/New_York",
    country="US",
    warehouses=("wh_001",),
    payment_window_minutes=60,
    created_at=NOON,
)


def in_state(state: KeyState) -> ApiKey:
    if state is KeyState.REVOKED:
        return replace(KEY, revoked_at=NOON)
    return replace(KEY, expires_at=NOON if state is KeyState.EXPIRED else NOON + HOUR)


@pytest.mark.parametrize("state", list(KeyState))
def test_a_key_is_active_until_it_expires_or_is_revoked(state: KeyState) -> None:
    assert in_state(state).state(NOON) is state


@pytest.mark.parametrize("state", list(KeyState))
def test_only_an_active_key_is_rotated_and_whatever_is_not_revoked_is_revoked(state: KeyState) -> None:
    key = in_state(state)
    moves: dict[KeyState, Callable[[], ApiKey]] = {
        KeyState.ACTIVE: lambda: key.rotate(NEXT_SECRET, NOON, HOUR),
        KeyState.REVOKED: lambda: key.revoke(NOON),
    }

    for target, move in moves.items():
        if target in MOVES[state]:
            assert move().state(NOON) is target
        else:
            with pytest.raises(IllegalMove):
                move()


def test_every_move_leads_to_a_state_that_exists() -> None:
    assert set(MOVES) == set(KeyState)
    assert set().union(*MOVES.values()) <= set(KeyState)


def test_after_a_rotation_both_secrets_open_until_the_overlap_ends_and_then_only_the_new_one() -> None:
    key = KEY.rotate(NEXT_SECRET, NOON, HOUR)
    last_moment = NOON + HOUR - timedelta(microseconds=1)

    assert [key.opens_with(SECRET, at) for at in (NOON, last_moment, NOON + HOUR)] == [True, True, False]
    assert all(key.opens_with(NEXT_SECRET, at) for at in (NOON, last_moment, NOON + HOUR))


def test_a_second_rotation_ends_the_secret_before_the_last_one() -> None:
    key = KEY.rotate(NEXT_SECRET, NOON, HOUR).rotate("f" * 32, NOON, HOUR)

    assert not key.opens_with(SECRET, NOON)
    assert key.opens_with(NEXT_SECRET, NOON)


def test_without_an_overlap_the_old_secret_stops_at_once() -> None:
    assert not KEY.rotate(NEXT_SECRET, NOON, timedelta(0)).opens_with(SECRET, NOON)


def test_no_secret_hashes_to_the_absent_one() -> None:
    assert not any(KEY.opens_with(text, NOON) for text in ("", "0" * 32, "0" * 64))


def test_an_owners_key_can_do_what_was_invented_after_it_and_other_keys_only_what_they_were_given() -> None:
    assert replace(KEY, role=Role.OWNER, scopes=frozenset()).granted == MERCHANT_SCOPES
    assert replace(KEY, scopes=frozenset({"inventory:read", "retired:scope"})).granted == {"inventory:read"}


def test_rotation_is_advised_ninety_days_after_the_last_one() -> None:
    assert KEY.rotation_advised_at == KEY.created_at + timedelta(days=90)
    assert KEY.rotate(NEXT_SECRET, NOON, HOUR).rotation_advised_at == NOON + timedelta(days=90)


@pytest.mark.parametrize("tenant_id", ["ten_1", "a_b_c", "shop-9", "live_ten", "00"])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_keys_text_tells_its_mode_tenant_and_id_and_never_passes_into_a_log(tenant_id: str, mode: Mode) -> None:
    text = KeyText(mode, tenant_id, "key_0192f0c1", SECRET)

    assert KeyText.parse(text.write()) == text
    assert text.write().startswith(f"{mode}_")
    assert redact(f"key {text.write()}!") == "key [redacted]!"
    assert SECRET not in repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "live_",
        f"prod_ten_1_abc_{SECRET}",
        f"live_ten_1_abc_{SECRET[:-1]}",
        f"live_ten_1_abc_{SECRET}0",
        f"live_ten_1_abc_{SECRET}\n",
        f"live_ten#1_abc_{SECRET}",
        f"live_TEN_abc_{SECRET}",
        f"live__abc_{SECRET}",
        f"live_ten_1_a#c_{SECRET}",
        f"live_ten_1_abc_{'G' * 32}",
    ],
)
def test_what_cannot_be_a_key_is_none(text: str) -> None:
    assert KeyText.parse(text) is None


def test_a_tenant_is_suspended_and_goes_on() -> None:
    suspended = SHOP.move_to(TenantStatus.SUSPENDED)

    assert suspended.move_to(TenantStatus.ACTIVE).status is TenantStatus.ACTIVE
    with pytest.raises(IllegalMove):
        suspended.move_to(TenantStatus.SUSPENDED)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tenant_id": "x"}, "tenant"),
        ({"tenant_id": "Ten_1"}, "tenant"),
        ({"tenant_id": "ten#1"}, "tenant"),
        ({"tenant_id": "ten.1"}, "tenant"),
        ({"tenant_id": "t" * 41}, "tenant"),
        ({"name": ""}, "name"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"country": "XX"}, "country"),
        ({"country": "USA"}, "country"),
        ({"country": "us"}, "country"),
        ({"warehouses": ()}, "warehouses"),
        ({"warehouses": ("wh_1", "wh_1")}, "warehouses"),
        ({"warehouses": ("wh#1",)}, "warehouses"),
        ({"warehouses": tuple(f"wh_{n}" for n in range(11))}, "warehouses"),
        ({"payment_window_minutes": 0}, "payment_window_minutes"),
    ],
)
def test_a_tenant_with_a_setting_that_cannot_be_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        replace(SHOP, **change).require_valid()

    assert refusal.value.details[0].field == field


def test_a_tenant_with_good_settings_is_not() -> None:
    SHOP.require_valid()
    replace(SHOP, currency="KWD", country="KW", timezone="Asia/Kuwait").require_valid()


def test_every_routes_scope_is_one_that_a_credential_can_have() -> None:
    asked = {
        scope
        for file in (ROOT / "functions").rglob("*.py")
        for scope in re.findall(r'\bscope="([^"]+)"', file.read_text())
    }

    assert asked <= MERCHANT_SCOPES | CUSTOMER_SCOPES | {PUBLIC_SCOPE}
