"""TN-01, AUTH-05: the tenants of a credential, and the networks from which a shop's credentials work."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from commerce.access import store, use_cases
from commerce.access.model import MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateTenant
from commerce.kernel import wire_json
from commerce.kernel.caller import CheckoutPolicy, Mode, Role, ShippingOption, Unclaimed
from commerce.kernel.errors import Invalid
from commerce.kernel.return_policy import Allocation, ReturnPolicy
from commerce.limits.model import Plan
from commerce.table.transaction import run
from tests.shop import TENANT, Answered, Call, Credential, Said, authorize, customer_credential

OFFICE, HOME = "203.0.113.7", "198.51.100.1"
OWNER = Credential(role=Role.OWNER, principal_id="key_owner", scopes=MERCHANT_SCOPES)
OFFICES = ["203.0.113.0/24", "2001:db8::/32"]


def open_shop(tenant_id: str, plan: Plan = Plan.ENTERPRISE, **changes: Any) -> str:
    command = CreateTenant(
        tenant_id=tenant_id,
        name=f"Shop {tenant_id}",
        currency="EUR",
        timezone="Europe/Paris",
        country="FR",
        warehouses=("wh_001",),
        mode=Mode.TEST,
        plan=plan,
        hourly_limit=2_000 if plan is Plan.ENTERPRISE else None,
        daily_limit=9_000 if plan is Plan.ENTERPRISE else None,
    )
    return run(lambda tx: use_cases.create_tenant(tx, replace(command, **changes)))[1].text


@dataclass
class Door:
    """Requests past the authorizer, from an address."""

    call: Call
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, credential: str, path: str, *, ip: str = OFFICE, **options: Any) -> Answered:
        said = authorize(credential, headers=options.get("headers"), source_ip=ip)
        return self.call(path, credential=Said(said=said), source_ip=ip, **options)

    def token(self, **claims: Any) -> str:
        """Whatever the token, it says this."""
        from commerce.access import tokens

        said = {"sub": "user_1", "role": "owner", "mode": "test", "scope": " ".join(MERCHANT_SCOPES)} | claims
        self.monkeypatch.setattr(tokens, "verified_claims", lambda _: said)
        return "a.b.c"


@pytest.fixture
def door(call: Call, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(call, monkeypatch)


def change(
    call: Call, body: dict[str, Any], *, credential: Credential = OWNER, ip: str = OFFICE, **options: Any
) -> Answered:
    return call(
        "v2/access/update_tenant",
        credential=credential,
        source_ip=ip,
        body=body,
        **({"id": TENANT.tenant_id} | options),
    )


def code(answered: Answered) -> tuple[int, str]:
    return answered.status, answered.body["error"]["details"][0]["code"]


def allow(tenant_id: str, *networks: str) -> None:
    account = store.find_tenant(tenant_id)
    assert account is not None
    changed = account.with_settings(allowed_networks=networks)
    run(lambda tx: store.save_tenant(tx, changed))


# The list


def test_a_key_lists_its_tenant(door: Door) -> None:
    key = open_shop("ten_1")
    open_shop("ten_2")

    listed = door(key, "v2/access/list_tenants")

    assert listed.status == 200
    (shown,) = listed.body["data"]
    assert shown | {"created_at": ""} == {
        "id": "ten_1",
        "name": "Shop ten_1",
        "currency": "EUR",
        "timezone": "Europe/Paris",
        "country": "FR",
        "plan": "enterprise",
        "status": "active",
        "environments": ["test"],
        "rate_limit": {"hourly": 2_000, "daily": 9_000},
        "allowed_networks": [],
        "gift_cards_per_order": 10,
        "unclaimed_value": "breakage",
        "shipping_options": [{"id": "standard", "name": "Standard", "cost": 0, "transit_time": None}],
        "returns": {
            "window_days": 30,
            "approves_up_to": None,
            "decision_days": 14,
            "receipt_days": 30,
            "restocking_percent": 0,
            "return_shipping": None,
            "refunds_shipping": True,
            "refunds_on_receipt": False,
            "allocation": "proportional",
            "grace_days": 30,
            "address": [],
        },
        "documents": {"address": [], "footer": None, "paper": "a4", "has_logo": False},
        "allows_partial_allocation": True,
        "created_at": "",
        "version": 1,
    }
    assert listed.body["pagination"] == {
        "page": 1,
        "limit": 20,
        "total_pages": 1,
        "total_items": 1,
        "has_next": False,
        "has_previous": False,
        "next_cursor": None,
    }


def test_staff_of_several_tenants_list_them_without_choosing_one_and_then_choose(door: Door) -> None:
    for tenant_id in ("ten_1", "ten_2", "ten_3"):
        open_shop(tenant_id)
    token = door.token(role="staff", tenants=["ten_2", "ten_1", "ten_unknown"])

    listed = door(token, "v2/access/list_tenants")
    for chosen in [each["id"] for each in listed.body["data"]]:
        assert door(token, "v2/catalog/list_products", headers={"X-Tenant-ID": chosen}).status == 200
    outside = door(token, "v2/catalog/list_products", headers={"x-tenant-id": "ten_3"})
    undecided = door(token, "v2/catalog/list_products")

    assert [each["id"] for each in listed.body["data"]] == ["ten_2", "ten_1"]
    assert code(outside) == (403, "wrong_tenant")
    assert code(undecided) == (403, "tenant_required")
    assert code(door(token, "v2/access/list_tenants", headers={"X-Tenant-ID": "ten_3"})) == (403, "wrong_tenant")


def test_a_suspended_tenant_is_out_of_reach_and_not_in_the_list(door: Door) -> None:
    open_shop("ten_1")
    open_shop("ten_2")
    run(lambda tx: use_cases.set_tenant_status(tx, "ten_2", TenantStatus.SUSPENDED))

    listed = door(door.token(tenants=["ten_1", "ten_2"]), "v2/access/list_tenants")

    assert [each["id"] for each in listed.body["data"]] == ["ten_1"]


# Changing one


def test_an_owner_renames_the_shop(call: Call, table: Any) -> None:
    open_shop("ten_1")

    changed = change(call, {"name": "Harbor & Pine"}, headers={"If-Match": '"1"'})

    assert (changed.status, changed.body["name"], changed.body["version"]) == (200, "Harbor & Pine", 2)
    assert changed.headers["ETag"].startswith('"2-')
    account = store.find_tenant("ten_1")
    assert account is not None
    assert (account.name, account.version, account.plan) == ("Harbor & Pine", 2, Plan.ENTERPRISE)


def test_what_is_left_out_stays_and_what_is_so_already_is_not_written(call: Call, table: Any) -> None:
    open_shop("ten_1")
    change(call, {"allowed_networks": OFFICES})
    before = table.scan()["Items"]

    same = [change(call, body) for body in ({"name": "Shop ten_1"}, {"allowed_networks": OFFICES}, {"name": None})]

    assert [(answered.status, answered.body["version"]) for answered in same] == [(200, 2)] * 3
    assert table.scan()["Items"] == before


def test_a_change_of_nothing_is_refused(call: Call) -> None:
    open_shop("ten_1")

    answered = change(call, {})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, "nothing_to_change")


def test_a_change_of_what_has_changed_since_is_refused(call: Call, table: Any) -> None:
    open_shop("ten_1")
    change(call, {"name": "First"})

    late = change(call, {"name": "Second"}, headers={"If-Match": '"1"'})

    assert code(late) == (409, "version_mismatch")


@pytest.mark.parametrize("tenant_id", ["ten_2", "ten_missing"])
def test_another_tenant_does_not_exist(call: Call, table: Any, tenant_id: str) -> None:
    open_shop("ten_1")
    open_shop("ten_2")

    answered = change(call, {"name": "Mine now"}, id=tenant_id)

    assert (answered.status, answered.body["error"]["code"]) == (404, "not_found")
    assert answered.body == change(call, {"name": "Mine now"}, id="ten_never").body


@pytest.mark.parametrize("role", [Role.STAFF, Role.API_KEY])
def test_only_an_owner_changes_settings(call: Call, table: Any, role: Role) -> None:
    open_shop("ten_1")

    answered = change(call, {"name": "Mine now"}, credential=Credential(role=role, scopes=MERCHANT_SCOPES))

    assert code(answered) == (403, "owner_only")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"name": ""}, 422, "string_too_short"),
        ({"name": "Line\nbreak"}, 422, "not_printable"),
        ({"plan": "enterprise"}, 422, "unknown_field"),
        ({"status": "active"}, 422, "unknown_field"),
        ({"allowed_networks": "203.0.113.0/24"}, 422, "list_type"),
        ({"allowed_networks": ["203.0.113.7/24"]}, 422, "bad_network"),
        ({"allowed_networks": ["office"]}, 422, "bad_network"),
        ({"allowed_networks": ["203.0.113.0/33"]}, 422, "bad_network"),
        ({"allowed_networks": [f"203.0.{n}.0/24" for n in range(21)]}, 422, "too_long"),
        ({"allowed_networks": ["198.51.100.0/24"]}, 422, "locks_you_out"),
        ({"allowed_networks": ["2001:db8::/32"]}, 422, "locks_you_out"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    call: Call, table: Any, body: dict[str, Any], status: int, reason: str
) -> None:
    open_shop("ten_1")

    assert code(change(call, body)) == (status, reason)
    account = store.find_tenant("ten_1")
    assert account is not None
    assert account.version == 1


def test_networks_are_kept_in_canonical_form_once_each(call: Call, table: Any) -> None:
    open_shop("ten_1")

    changed = change(call, {"allowed_networks": ["203.0.113.7", "2001:DB8:0::/32", "203.0.113.7/32"]})

    assert changed.body["allowed_networks"] == ["203.0.113.7/32", "2001:db8::/32"]


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STARTER, Plan.PROFESSIONAL, Plan.BUSINESS])
def test_networks_are_part_of_the_enterprise_plan(call: Call, table: Any, plan: Plan) -> None:
    open_shop("ten_1", plan)

    assert code(change(call, {"allowed_networks": OFFICES})) == (403, "plan_required")
    assert change(call, {"allowed_networks": []}).status == 200


def test_networks_outlive_the_plan_until_they_are_taken_away(call: Call, door: Door) -> None:
    key = open_shop("ten_1")
    allow("ten_1", *OFFICES)
    run(lambda tx: use_cases.set_plan(tx, "ten_1", Plan.FREE))

    assert code(door(key, "v2/access/list_tenants", ip=HOME)) == (403, "address_not_allowed")
    assert change(call, {"allowed_networks": []}).status == 200
    assert door(key, "v2/access/list_tenants", ip=HOME).status == 200


# Where from


# How a shop ships, and takes stored value

EXPRESS = {"id": "express", "name": "Express", "cost": Decimal("9.50"), "transit_time": "1 day"}


def test_an_owner_says_how_the_shop_ships_and_takes_stored_value(call: Call) -> None:
    open_shop("ten_1")
    changes = {"gift_cards_per_order": 3, "unclaimed_value": "escheat", "shipping_options": [EXPRESS]}

    changed = call("v2/access/update_tenant", credential=OWNER, id="ten_1", body=changes)

    assert changed.status == 200, changed.text
    assert {name: changed.body[name] for name in changes} == changes
    account = store.find_tenant("ten_1")
    assert account is not None
    assert account.checkout.shipping_options == (ShippingOption("express", "Express", 950, "1 day"),)
    assert (account.checkout.gift_cards_per_order, account.checkout.unclaimed_value) == (3, Unclaimed.ESCHEAT)
    later = call("v2/access/update_tenant", credential=OWNER, id="ten_1", body={"gift_cards_per_order": 4})
    assert (later.body["gift_cards_per_order"], later.body["shipping_options"]) == (4, [EXPRESS])


def test_a_change_of_nothing_leaves_the_version(call: Call) -> None:
    open_shop("ten_1")

    changed = call("v2/access/update_tenant", credential=OWNER, id="ten_1", body={"gift_cards_per_order": 10})

    assert (changed.status, changed.body["version"]) == (200, 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gift_cards_per_order": 0}, "greater_than_equal"),
        ({"gift_cards_per_order": 21}, "less_than_equal"),
        ({"unclaimed_value": "mine"}, "enum"),
        ({"shipping_options": [EXPRESS, EXPRESS]}, "bad_shipping_options"),
        ({"shipping_options": [EXPRESS | {"cost": Decimal("0.001")}]}, "too_many_decimal_places"),
        ({"shipping_options": [EXPRESS | {"cost": -1}]}, "negative_amount"),
        ({"shipping_options": [EXPRESS | {"id": str(each)} for each in range(21)]}, "too_long"),
        ({"shipping_options": [EXPRESS | {"id": str(each), "name": "x" * 255} for each in range(20)]}, "too_large"),
    ],
)
def test_what_a_checkout_cannot_have_is_refused(call: Call, changes: dict[str, Any], code: str) -> None:
    open_shop("ten_1")

    refused = call("v2/access/update_tenant", credential=OWNER, id="ten_1", body=changes)

    assert refused.status == 422
    assert [each["code"] for each in refused.body["error"]["details"]] == [code]
    account = store.find_tenant("ten_1")
    assert account is not None
    assert account.checkout == CheckoutPolicy()


# How a shop takes goods back

DECIDED = {
    "window_days": 60,
    "approves_up_to": Decimal("50.00"),
    "decision_days": 7,
    "receipt_days": 21,
    "restocking_percent": Decimal("12.5"),
    "return_shipping": Decimal("4.90"),
    "refunds_shipping": False,
    "refunds_on_receipt": True,
    "allocation": "stored_value_first",
    "grace_days": 45,
    "address": ["Harbor & Pine Returns", "1 Dock Street", "Portland, ME 04101"],
}


def decide(call: Call, returns: dict[str, Any]) -> Answered:
    return call("v2/access/update_tenant", credential=OWNER, id="ten_1", body={"returns": returns})


def test_an_owner_says_how_the_shop_takes_goods_back(call: Call) -> None:
    open_shop("ten_1")

    changed = decide(call, DECIDED)

    assert (changed.status, changed.body["returns"]) == (200, DECIDED), changed.text
    account = store.find_tenant("ten_1")
    assert account is not None
    assert account.returns == ReturnPolicy(
        window_days=60,
        approves_up_to=Decimal("50.00"),
        decision_days=7,
        receipt_days=21,
        restocking_percent=Decimal("12.5"),
        return_shipping=Decimal("4.90"),
        refunds_shipping=False,
        refunds_on_receipt=True,
        allocation=Allocation.STORED_VALUE_FIRST,
        grace_days=45,
        address=("Harbor & Pine Returns", "1 Dock Street", "Portland, ME 04101"),
    )


def test_what_is_left_out_of_a_return_policy_stays_and_null_takes_an_amount_away(call: Call) -> None:
    open_shop("ten_1")
    decide(call, DECIDED)

    later = decide(call, {"grace_days": 10, "window_days": None, "approves_up_to": None})

    assert later.body["returns"] == DECIDED | {"grace_days": 10, "approves_up_to": None}


def test_an_endpoint_is_told_the_shops_return_policy(door: Door, call: Call) -> None:
    key = open_shop("ten_1")
    decide(call, DECIDED)

    (settings,) = wire_json.loads(authorize(key)["tenants"]).values()

    account = store.find_tenant("ten_1")
    assert account is not None
    assert ReturnPolicy.from_document(settings["returns"]) == account.returns
    assert account.in_mode(Mode.TEST).returns == account.returns


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "nothing_to_change"),
        ({"window_days": -1}, "greater_than_equal"),
        ({"window_days": 3651}, "less_than_equal"),
        ({"decision_days": 0}, "greater_than_equal"),
        ({"decision_days": 91}, "less_than_equal"),
        ({"receipt_days": 0}, "greater_than_equal"),
        ({"receipt_days": 181}, "less_than_equal"),
        ({"grace_days": 0}, "greater_than_equal"),
        ({"approves_up_to": -1}, "negative_amount"),
        ({"approves_up_to": Decimal("0.001")}, "too_many_decimal_places"),
        ({"return_shipping": {"amount": 500, "currency": "USD"}}, "foreign_currency"),
        ({"return_shipping": Decimal("-0.01")}, "negative_amount"),
        ({"restocking_percent": Decimal("100.01")}, "less_than_equal"),
        ({"restocking_percent": Decimal("12.345")}, "too_many_decimal_places"),
        ({"restocking_percent": "15"}, "value_error"),
        ({"refunds_shipping": "yes"}, "bool_type"),
        ({"allocation": "mine"}, "enum"),
        ({"address": ["line"] * 7}, "too_long"),
        ({"address": ["x" * 101]}, "too_long"),
        ({"address": ["two\nlines"]}, "not_printable"),
        ({"address": ["\N{CJK UNIFIED IDEOGRAPH-4E00}" * 100] * 6}, "too_large"),
        ({"restocking": 15}, "unknown_field"),
    ],
)
def test_what_a_return_policy_cannot_have_is_refused(call: Call, changes: dict[str, Any], code: str) -> None:
    open_shop("ten_1")
    shop = replace(OWNER, tenant=replace(TENANT, currency="EUR"))

    refused = call("v2/access/update_tenant", credential=shop, id="ten_1", body={"returns": changes})

    assert refused.status == 422
    assert [each["code"] for each in refused.body["error"]["details"]] == [code]
    account = store.find_tenant("ten_1")
    assert account is not None
    assert account.returns == ReturnPolicy()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window_days", -1),
        ("decision_days", 0),
        ("receipt_days", 181),
        ("grace_days", 0),
        ("approves_up_to", Decimal(-1)),
        ("return_shipping", Decimal("0.001")),
        ("restocking_percent", Decimal("100.5")),
        ("address", ("",)),
    ],
)
def test_no_shop_opens_with_a_return_policy_that_cannot_be(table: Any, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        open_shop("ten_1", returns=replace(ReturnPolicy(), **{field: value}))

    assert refused.value.details[0].field == f"returns.{field}"


@pytest.mark.parametrize(
    ("ip", "status"),
    [
        (OFFICE, 200),
        ("2001:db8:7::1", 200),
        ("::ffff:203.0.113.7", 200),
        (HOME, 403),
        ("2001:db9::1", 403),
        ("", 403),
        ("unknown", 403),
    ],
)
def test_a_key_works_from_the_allowed_networks_only(door: Door, ip: str, status: int) -> None:
    key = open_shop("ten_1")
    allow("ten_1", *OFFICES)

    assert door(key, "v2/catalog/list_products", ip=ip).status == status


def test_staff_and_keys_alike_are_refused_in_the_surfaces_envelope(door: Door) -> None:
    open_shop("ten_1")
    allow("ten_1", *OFFICES)
    token = door.token(role="staff", tenant="ten_1")

    v2 = door(token, "v2/catalog/list_products", ip=HOME)
    admin = door(token, "admin/orders/count_orders", ip=HOME)

    assert code(v2) == (403, "address_not_allowed")
    assert set(v2.body) == {"error"}
    assert (admin.status, admin.body["success"]) == (403, False)
    assert admin.body["error"]["code"] == "authorization_error"


def test_the_shops_customers_come_from_everywhere(door: Door, call: Call) -> None:
    open_shop("ten_1")
    allow("ten_1", *OFFICES)
    token = door.token(role="customer", customer_id="cust_1", tenant="ten_1")

    assert door(token, "storefront/carts/get_cart", ip=HOME).status == 200
    assert call("storefront/carts/get_cart", credential=customer_credential("cust_1"), source_ip=HOME).status == 200


def test_a_call_from_elsewhere_uses_up_nothing_of_the_keys_limit(door: Door) -> None:
    key = open_shop("ten_1")
    allow("ten_1", *OFFICES)

    refused = [door(key, "v2/catalog/list_products", ip=HOME) for _ in range(3)]
    passed = door(key, "v2/catalog/list_products")

    assert {answered.headers["X-RateLimit-Remaining"] for answered in refused} == {"2000"}
    assert passed.headers["X-RateLimit-Remaining"] == "1999"


def test_a_tenants_networks_bind_calls_for_that_tenant_only(door: Door) -> None:
    open_shop("ten_1")
    open_shop("ten_2")
    allow("ten_1", *OFFICES)
    token = door.token(tenants=["ten_1", "ten_2"])

    def status(named: str) -> int:
        return door(token, "v2/catalog/list_products", ip=HOME, headers={"X-Tenant-ID": named}).status

    assert (status("ten_1"), status("ten_2")) == (403, 200)
    assert [each["id"] for each in door(token, "v2/access/list_tenants", ip=HOME).body["data"]] == ["ten_2"]
    assert len(door(token, "v2/access/list_tenants", ip=OFFICE).body["data"]) == 2


def test_an_endpoint_that_is_told_nothing_about_the_address_lets_nobody_in(call: Call, table: Any) -> None:
    context = Credential().context("products:read")
    del context["address"]

    assert code(call("v2/catalog/list_products", credential=Said(said=context))) == (403, "address_not_allowed")


def test_tests_speak_of_callers_as_the_authorizer_does(door: Door) -> None:
    """What endpoints are tested with has what the authorizer sends, and nothing else."""
    open_shop("ten_1")
    staff = authorize(door.token(role="staff", tenant="ten_1"))
    customer = authorize(door.token(role="customer", customer_id="cust_1", tenant="ten_1"))
    tested = Credential().context("products:read")

    assert set(staff) == set(tested)
    assert set(customer) == set(customer_credential("cust_1").context("cart"))
    (settings,), (tested_settings,) = json.loads(staff["tenants"]).values(), json.loads(tested["tenants"]).values()
    assert set(settings) == set(tested_settings)
