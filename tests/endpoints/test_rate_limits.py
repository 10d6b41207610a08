"""RL-01 to RL-04, through the authorizer, which counts, and the handlers, which refuse."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from commerce.access import use_cases
from commerce.access.authentication import identify
from commerce.access.model import MERCHANT_SCOPES, TenantStatus
from commerce.access.use_cases import CreateKey, CreateTenant
from commerce.http.api import PUBLIC_SCOPE, PublicApi
from commerce.http.contracts import Input
from commerce.kernel import clock
from commerce.kernel.caller import Caller, Mode, Role, Tenant
from commerce.kernel.errors import Invalid, NotFound, Unavailable
from commerce.limits import store
from commerce.limits import use_cases as limits
from commerce.limits.budgets import Budgets
from commerce.limits.model import Plan, Quota
from commerce.table.transaction import run
from tests.shop import Answered, Call, Said, authorize, handler

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@dataclass
class Clock:
    now: datetime = NOON

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def time(table: Any) -> Any:
    """A clock that stands still until it is moved."""
    instant = Clock()
    with clock.use(lambda: instant.now):
        yield instant


Ask = Callable[..., Answered]


@pytest.fixture
def ask(call: Call, time: Clock) -> Ask:
    """A request with a key, past the authorizer as API Gateway would send it."""

    def request(key: str, path: str = "v2/catalog/list_products", **options: Any) -> Answered:
        headers = options.pop("headers", {})
        context = authorize(key, headers=headers, source_ip=options.get("source_ip", ""))
        return call(path, credential=Said(said=context), headers=headers, **options)

    return request


def open_shop(tenant_id: str, plan: Plan = Plan.FREE, **options: Any) -> str:
    """A new shop; its owner's key."""
    command = CreateTenant(
        tenant_id=tenant_id,
        name="Shop",
        currency="USD",
        timezone="America/New_York",
        country="US",
        warehouses=("wh_001",),
        mode=Mode.TEST,
        plan=plan,
        **options,
    )
    return run(lambda tx: use_cases.create_tenant(tx, command))[1].text


def issue(tenant_id: str, rate_limit: int | None, *scopes: str) -> str:
    owner = Caller(Tenant(tenant_id, Mode.TEST), "key_0", Role.OWNER, MERCHANT_SCOPES)
    command = CreateKey("App", frozenset(scopes or ("products:read",)), hourly_limit=rate_limit)
    return run(lambda tx: use_cases.create_key(tx, owner, command)).text


def limit_of(answered: Answered) -> tuple[int, int, int]:
    limit, remaining, reset = (int(answered.headers[name]) for name in HEADERS)
    return limit, remaining, reset


def at(instant: datetime, **amount: float) -> int:
    return int((instant + timedelta(**amount)).timestamp())


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls to the table from here on."""
    made: list[str] = []
    original = Connection._make_api_call

    def counted(self: Any, operation: str, arguments: Any, *more: Any) -> Any:
        made.append(operation)
        return original(self, operation, arguments, *more)

    monkeypatch.setattr(Connection, "_make_api_call", counted)
    return made


# A plan


def test_from_rest_twice_the_free_plan_passes_and_then_no_more(ask: Ask) -> None:
    key = open_shop("ten_1")

    first = ask(key)
    for _ in range(198):
        authorize(key)
    last, refused = ask(key), ask(key)

    assert (first.status, limit_of(first)) == (200, (100, 99, at(NOON, seconds=36)))
    assert (last.status, limit_of(last)) == (200, (100, 0, at(NOON, hours=2)))
    assert (refused.status, limit_of(refused)) == (429, (100, 0, at(NOON, hours=2)))
    assert refused.headers["Retry-After"] == "36"
    assert refused.body["error"]["code"] == "rate_limit_exceeded"
    assert set(refused.body) == {"error"}


def test_each_surface_refuses_in_its_own_envelope(ask: Ask) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 1, "orders:read")
    ask(key, "admin/orders/count_orders")
    ask(key, "admin/orders/count_orders")

    refused = ask(key, "admin/orders/count_orders")

    assert (refused.status, refused.body["success"]) == (429, False)
    assert refused.body["error"]["code"] == "rate_limit_exceeded"


def test_one_call_comes_back_with_each_interval_and_all_of_them_with_the_reset(ask: Ask, time: Clock) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 4)  # one in 900 seconds
    statuses = [ask(key).status for _ in range(9)]
    assert statuses == [200] * 8 + [429]

    time.later(seconds=899)
    refused = ask(key)
    time.later(seconds=1)
    passed, again = ask(key), ask(key)

    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert (passed.status, again.status, again.headers["Retry-After"]) == (200, 429, "900")
    time.now = datetime.fromtimestamp(limit_of(again)[2], UTC)
    assert limit_of(ask(key))[:2] == (4, 3)


def test_the_daily_limit_ends_with_the_tenants_own_day(ask: Ask, time: Clock) -> None:
    key = open_shop("ten_1", Plan.ENTERPRISE, hourly_limit=10, daily_limit=12)
    time.now = datetime(2026, 3, 21, 3, 0, tzinfo=UTC)  # 23:00 in New York
    for _ in range(11):
        authorize(key)
    last, refused = ask(key), ask(key)
    time.later(hours=1)
    next_day = ask(key)

    midnight = at(datetime(2026, 3, 21, 4, tzinfo=UTC))
    assert (last.status, limit_of(last)) == (200, (10, 0, at(datetime(2026, 3, 21, 4, 12, tzinfo=UTC))))
    assert (refused.status, limit_of(refused), refused.headers["Retry-After"]) == (429, (12, 0, midnight), "3600")
    assert (next_day.status, limit_of(next_day)[0]) == (200, 10)


def test_a_plan_counts_from_the_next_call_on(ask: Ask) -> None:
    key = open_shop("ten_1")
    before = ask(key)

    run(lambda tx: use_cases.set_plan(tx, "ten_1", Plan.STARTER))

    assert (limit_of(before)[0], limit_of(ask(key))[0]) == (100, 1_000)


def test_keys_and_tenants_do_not_use_up_each_others_calls(ask: Ask) -> None:
    other_tenants = open_shop("ten_2")
    open_shop("ten_1")
    worn_out, fresh = issue("ten_1", 1), issue("ten_1", 1)

    assert [ask(worn_out).status for _ in range(3)] == [200, 200, 429]
    assert limit_of(ask(fresh))[:2] == (1, 0)
    assert limit_of(ask(other_tenants))[:2] == (100, 99)


def test_a_rotated_key_keeps_its_count(ask: Ask) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 2)
    owner = Caller(Tenant("ten_1", Mode.TEST), "key_0", Role.OWNER, MERCHANT_SCOPES)
    ask(key)

    rotated = run(lambda tx: use_cases.rotate_key(tx, owner, identify(key).principal_id, 60)).text

    assert limit_of(ask(rotated))[:2] == (2, 0)


# Headers


def test_every_answer_has_the_headers_whatever_its_status(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    key = open_shop("ten_1")
    poor = issue("ten_1", None, "orders:read")
    listed = ask(key)
    tag = listed.headers["ETag"]

    answers = {
        200: listed,
        304: ask(key, headers={"If-None-Match": tag}),
        400: ask(key, query={"colour": "red"}),
        403: ask(poor),
        404: ask(key, "v2/catalog/get_product", id="prod_missing"),
        422: ask(key, "v2/catalog/create_product", body={"name": ""}),
    }

    def fail(**_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(handler("v2/catalog/list_products").app.routes[0], "function", fail)
    answers[500] = ask(key)

    assert {status: answered.status for status, answered in answers.items()} == {status: status for status in answers}
    told = [limit_of(answered)[:2] for status, answered in answers.items() if status != 403]
    assert told == [(100, remaining) for remaining in range(99, 93, -1)]
    assert limit_of(answers[403])[:2] == (100, 99)


# What it costs


def test_an_admitted_call_costs_one_read_and_one_write_and_a_refused_one_no_write(ask: Ask, writes: list[str]) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 1)
    writes.clear()

    for _ in range(3):
        authorize(key)

    assert writes == ["BatchGetItem", "UpdateItem", "BatchGetItem", "UpdateItem", "BatchGetItem"]


def test_a_credential_that_is_not_good_counts_for_nobody(ask: Ask, writes: list[str]) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 1)
    writes.clear()

    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(key[:-1] + ("0" if key[-1] != "0" else "1"))

    assert writes == ["BatchGetItem"]
    assert limit_of(ask(key))[:2] == (1, 0)


def test_who_was_overtaken_between_reading_and_counting_is_counted_after_the_other(
    ask: Ask, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn that the row can take meanwhile: it appears, it is no longer worked off, its day begins."""
    key = open_shop("ten_1", Plan.ENTERPRISE, hourly_limit=100, daily_limit=150)
    original = store.count
    overtaking: list[Any] = []

    def overtaken(*arguments: Any) -> Any:
        if overtaking:
            overtaking.pop()()
        return original(*arguments)

    monkeypatch.setattr(store, "count", overtaken)

    told = []
    for _ in range(2):
        overtaking.append(lambda: authorize(key))
        told.append(limit_of(ask(key))[:2])
        time.later(hours=17)  # worked off, and the next day in New York

    assert told == [(100, 98), (100, 98)]


def test_who_was_overtaken_by_the_last_call_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    open_shop("ten_1")
    key = issue("ten_1", 1)
    authorize(key)
    original = store.count
    overtaking = [lambda: authorize(key)]

    def overtaken(*arguments: Any) -> Any:
        if overtaking:
            overtaking.pop()()
        return original(*arguments)

    monkeypatch.setattr(store, "count", overtaken)

    assert ask(key).status == 429


def test_rows_of_counts_go_when_they_tell_nothing_any_more(ask: Ask, table: Any) -> None:
    open_shop("ten_1")
    ask(issue("ten_1", None))

    (row,) = (item for item in table.scan()["Items"] if item["kind"] == "limit")

    assert row["ttl"] == at(NOON, days=2, hours=2)
    assert row["pk"].startswith("T#ten_1#test#LIMIT#key_")


def test_a_call_that_cannot_be_counted_passes_and_is_noted(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    key = open_shop("ten_1")
    ask(key)
    noted: list[str] = []

    def away(*_: object) -> Any:
        raise Unavailable

    monkeypatch.setattr(store, "count", away)
    monkeypatch.setattr(limits, "count_event", noted.append)

    passed = ask(key)

    assert (passed.status, limit_of(passed)[:2]) == (200, (100, 99))
    assert noted == ["UncountedCalls"]


# Whose calls


def test_staff_of_several_tenants_have_a_limit_in_each(ask: Ask, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from commerce.access import tokens

    claims = {"sub": "user_1", "role": "staff", "mode": "test", "scope": "products:read", "tenants": ["ten_1", "ten_2"]}
    monkeypatch.setattr(tokens, "verified_claims", lambda _: claims)
    open_shop("ten_1")
    open_shop("ten_2", Plan.STARTER)

    def for_tenant(named: str | None) -> Answered:
        return ask("a.b.c", headers={"X-Tenant-ID": named} if named else {})

    assert limit_of(for_tenant("ten_1"))[:2] == (100, 99)
    assert limit_of(for_tenant("ten_2"))[:2] == (1_000, 999)
    outside = for_tenant("ten_3")
    assert (outside.status, limit_of(outside)[:2]) == (403, (100, 98))
    nameless = for_tenant(None)
    assert (nameless.status, limit_of(nameless)[:2]) == (403, (100, 97))


def test_a_call_that_names_a_suspended_tenant_is_judged_by_the_count_of_the_one_it_is_counted_for(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commerce.access import tokens

    claims = {"sub": "user_1", "role": "staff", "mode": "test", "scope": "products:read", "tenants": ["ten_1", "ten_2"]}
    monkeypatch.setattr(tokens, "verified_claims", lambda _: claims)
    open_shop("ten_1", Plan.ENTERPRISE, hourly_limit=1, daily_limit=10)
    open_shop("ten_2")
    used_up = [ask("a.b.c", headers={"X-Tenant-ID": "ten_1"}).status for _ in range(3)]
    run(lambda tx: use_cases.set_tenant_status(tx, "ten_1", TenantStatus.SUSPENDED))

    told = [ask("a.b.c", headers={"X-Tenant-ID": "ten_1"}) for _ in range(2)]

    assert used_up == [200, 200, 429]
    assert [(answered.status, limit_of(answered)[:2]) for answered in told] == [(403, (100, 99)), (403, (100, 98))]


def test_a_customer_has_the_limit_of_the_shops_plan(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from commerce.access import tokens

    claims = {"sub": "jane", "role": "customer", "customer_id": "cust_1", "mode": "test", "tenant": "ten_1"}
    monkeypatch.setattr(tokens, "verified_claims", lambda _: claims)
    open_shop("ten_1")

    assert limit_of(ask("a.b.c", "storefront/carts/get_cart"))[:2] == (100, 99)


def test_a_key_gets_a_limit_of_its_own_and_shows_it(ask: Ask) -> None:
    owner = open_shop("ten_1")
    body = {"name": "App", "scopes": ["products:read"], "rate_limit": 7}

    issued = ask(owner, "v2/access/create_api_key", body=body)
    plain = ask(owner, "v2/access/create_api_key", body=body | {"rate_limit": None})
    listed = ask(owner, "v2/access/list_api_keys")

    assert (issued.status, issued.body["rate_limit"], plain.body["rate_limit"]) == (201, 7, None)
    assert {key["id"]: key["rate_limit"] for key in listed.body["data"]}[issued.body["id"]] == 7
    assert limit_of(ask(issued.body["key"]))[:2] == (7, 6)


@pytest.mark.parametrize(
    ("rate_limit", "code"),
    [(101, "bad_limit"), (0, "greater_than_equal"), ("7", "int_type"), (10**9, "less_than_equal")],
)
def test_no_key_has_a_higher_limit_than_its_tenant(ask: Ask, rate_limit: Any, code: str) -> None:
    owner = open_shop("ten_1")
    body = {"name": "App", "scopes": ["products:read"], "rate_limit": rate_limit}

    refused = ask(owner, "v2/access/create_api_key", body=body)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, code)


# What the authorizer passes on stays small: API Gateway bounds it


def test_the_context_of_somebody_with_twenty_tenants_stays_small(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from commerce.access import tokens

    ids = [f"ten_{number:02d}_" + "x" * 30 for number in range(20)]
    scopes = " ".join(sorted(MERCHANT_SCOPES))
    claims = {"sub": "u" * 128, "role": "owner", "mode": "test", "scope": scopes, "tenants": ids}
    monkeypatch.setattr(tokens, "verified_claims", lambda _: claims)
    for tenant_id in ids:
        open_shop(tenant_id)

    context = authorize("a.b.c", headers={"X-Tenant-ID": ids[7]})

    assert len(json.dumps(context)) < 3_000
    assert json.loads(context["tenants"])[ids[7]]["timezone"] == "America/New_York"


# Strangers


TRACK = "storefront/tracking/track_order"


@pytest.fixture
def track(call: Call, time: Clock) -> Ask:
    def request(order_id: str = "order_missing", email: str = "eve@example.com", ip: str = "203.0.113.7") -> Answered:
        query = {"order_id": order_id, "email": email}
        return call(TRACK, headers={"orgid": "ten_1"}, query=query, source_ip=ip)

    return request


@pytest.fixture
def order_id(call: Call) -> str:
    """An order of jane@example.com."""
    customer = call(
        "v2/customers/create_customer", body={"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe"}
    ).body
    product = call("v2/catalog/create_product", body={"name": "Cup", "sku": "CUP", "price": 5}).body
    stock = {"quantity": 5, "reason": "restock", "location": "wh_001"}
    call("v2/inventory/adjust_inventory", product_id=product["id"], body=stock)
    address = {"name": "Jane Doe", "street": "1 Main St", "city": "Springfield", "state": "IL", "zip": "62701"}
    items = [{"product_id": product["id"], "quantity": 1}]
    body = {"customer_id": customer["id"], "items": items, "shipping_address": address}
    placed = call("admin/orders/create_order", body=body)
    assert placed.status == 201, placed.text
    return str(placed.body["data"]["id"])


def test_an_address_asks_thirty_times_a_minute_about_whatever_it_likes(track: Ask, time: Clock) -> None:
    answers = [track(f"order_{number}") for number in range(31)]

    assert [answered.status for answered in answers] == [404] * 30 + [429]
    assert [limit_of(answered)[1] for answered in answers[:30]] == list(range(29, -1, -1))
    assert {limit_of(answered)[0] for answered in answers} == {30}
    assert answers[-1].headers["Retry-After"] == "2"
    assert track("order_1", ip="203.0.113.8").status == 404
    time.later(seconds=2)
    assert track("order_77").status == 404


def test_an_ipv6_network_is_one_stranger_and_an_ipv4_address_is_one_in_either_form(track: Ask) -> None:
    assert limit_of(track("order_1", ip="2001:db8:1:2::1"))[1] == 29
    assert limit_of(track("order_2", ip="2001:db8:1:2:ffff::9"))[1] == 28
    assert limit_of(track("order_3", ip="2001:db8:1:3::1"))[1] == 29
    assert limit_of(track("order_4", ip="203.0.113.9"))[1] == 29
    assert limit_of(track("order_5", ip="::ffff:203.0.113.9"))[1] == 28
    assert limit_of(track("order_6", ip=""))[1] == 29


def test_naming_another_shop_gives_no_fresh_budget(call: Call, time: Clock) -> None:
    query = {"order_id": "order_1", "email": "eve@example.com"}

    told = [
        limit_of(call(TRACK, headers={"orgid": f"ten_{number}"}, query=query, source_ip="203.0.113.7"))[1]
        for number in range(3)
    ]

    assert told == [29, 28, 27]


@pytest.mark.parametrize("exists", [True, False])
def test_after_ten_misses_an_order_rests_for_everybody_be_there_one_or_not(
    track: Ask, time: Clock, order_id: str, exists: bool
) -> None:
    subject = order_id if exists else "order_" + "0" * 32
    spelled = [subject, subject.replace("order_", "ord_")]

    misses = [track(spelled[number % 2], ip=f"203.0.113.{number}") for number in range(11)]

    assert [answered.status for answered in misses] == [404] * 10 + [429]
    assert len({answered.text for answered in misses[:10]}) == 1
    refused = misses[-1]
    assert (refused.headers["Retry-After"], limit_of(refused)[:2]) == ("360", (30, 29))
    assert refused.text == track(subject, "jane@example.com", ip="198.51.100.1").text
    assert track("order_other").status == 404
    time.later(minutes=6)
    assert track(subject, "jane@example.com").status == (200 if exists else 404)


def test_both_refusals_read_the_same(track: Ask, order_id: str) -> None:
    by_subject = [track(order_id, ip=f"203.0.113.{number}") for number in range(11)][-1]
    by_address = [track(f"order_{number}", ip="198.51.100.1") for number in range(31)][-1]

    assert (by_subject.status, by_address.status) == (429, 429)
    assert by_subject.text == by_address.text


def test_the_buyer_looks_as_often_as_the_address_may(track: Ask, order_id: str) -> None:
    assert {track(order_id, "jane@example.com").status for _ in range(30)} == {200}


def test_a_hit_costs_one_write_a_miss_two_and_a_refusal_none(track: Ask, order_id: str, writes: list[str]) -> None:
    def cost(*arguments: str) -> tuple[int, int]:
        writes.clear()
        track(*arguments)
        return writes.count("UpdateItem"), len(writes)

    assert cost(order_id, "jane@example.com") == (1, 4)
    assert cost(order_id, "eve@example.com") == (2, 5)
    assert cost("order_missing", "eve@example.com") == (2, 5)
    for number in range(27):
        track(f"order_{number}")
    assert cost("order_28", "eve@example.com") == (0, 1)


def test_a_bad_request_is_counted_and_told_so(call: Call, time: Clock) -> None:
    nameless = call(TRACK, query={"order_id": "order_1", "email": "a@b.c"}, source_ip="203.0.113.7")
    incomplete = call(TRACK, headers={"orgid": "ten_1"}, query={"order_id": "order_1"}, source_ip="203.0.113.7")

    assert (nameless.status, limit_of(nameless)[1]) == (400, 29)
    assert (incomplete.status, limit_of(incomplete)[1]) == (422, 28)


@pytest.mark.parametrize("step", ["find", "count"])
def test_strangers_wait_while_their_calls_cannot_be_counted(
    track: Ask, order_id: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def away(*_: object) -> Any:
        raise Unavailable

    monkeypatch.setattr(store, step, away)

    answered = track(order_id, "jane@example.com")

    assert (answered.status, answered.headers["Retry-After"]) == (503, "1")


def test_rows_about_strangers_hold_neither_address_nor_subject(track: Ask, order_id: str, table: Any) -> None:
    track(order_id)

    rows = [item for item in table.scan()["Items"] if item["kind"] == "limit"]

    assert len(rows) == 2
    assert "203.0.113.7" not in str(rows)
    assert order_id not in str(rows)


class Guess(Input):
    code: str


def test_a_route_says_what_its_guesses_are_about_and_what_a_miss_is(time: Clock, table: Any) -> None:
    app = PublicApi()
    budgets = Budgets(
        "redeem",
        calls=Quota(100),
        misses=Quota(2),
        subject=lambda arguments: arguments["body"].code,
        miss=Invalid,
    )

    @app.post("/redeem", scope=PUBLIC_SCOPE, budgets=budgets)
    def redeem(body: Guess) -> Guess:
        if body.code.startswith("right"):
            return body
        raise NotFound("card") if body.code == "elsewhere" else Invalid("No such card", reason="bad_card")

    def guess(code: str) -> int:
        event = {
            "httpMethod": "POST",
            "path": "/redeem",
            "resource": "/redeem",
            "headers": {"orgid": "ten_1"},
            "body": json.dumps({"code": code}),
            "requestContext": {"requestId": "r", "identity": {"sourceIp": "203.0.113.7"}},
        }
        return int(app.handler(event, None)["statusCode"])

    assert [guess("wrong") for _ in range(3)] == [422, 422, 429]
    assert [guess("right") for _ in range(3)] == [200, 200, 200]
    assert [guess("elsewhere") for _ in range(3)] == [404, 404, 404]


def test_routes_without_a_secret_have_no_limit_of_their_own(call: Call, time: Clock) -> None:
    answered = call("v2/health/get_health")

    assert not set(HEADERS) & set(answered.headers)


def test_stripe_is_never_limited() -> None:
    module = handler("stripe_webhook/payments/receive_stripe_event")

    assert [route.budgets for route in module.app.routes] == [None]


def test_every_public_route_that_reads_a_shops_data_has_budgets() -> None:
    """Of a public route that names a tenant, anybody may guess; it must not be for ever."""
    from tests.contract.endpoints import endpoints

    public = [each for each in endpoints().values() if each.route.scope == "public" and each.route.tenant_header]

    assert [each.name for each in public if each.route.budgets is None] == []
    assert {each.name for each in public} >= {"GET /api/track-order"}
