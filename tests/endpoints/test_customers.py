"""CU-01…03: customers through their handlers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.calls import watched
from commerce.counters import use_cases as counters
from commerce.customers import store, use_cases
from commerce.customers.model import MAX_TAGS
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.money import Money
from commerce.table.transaction import run
from tests.shop import OTHER_TENANT, TENANT, Call, Credential
from tests.template import table_definition

JANE = {
    "email": "Jane.Doe@example.com",
    "first_name": "Jane",
    "last_name": "Doe",
    "phone": "+1-555-0123",
    "tags": ["vip", "newsletter"],
}
HOME = {
    "first_name": "Jane",
    "last_name": "Doe",
    "address1": "123 Main St",
    "city": "New York",
    "state": "NY",
    "postal_code": "10001",
}


def create(call: Call, **changes: Any) -> Any:
    answered = call("v2/customers/create_customer", body=JANE | changes)
    assert answered.status == 201, answered.text
    return answered.body


def listed(call: Call, **query: str) -> Any:
    answered = call("v2/customers/list_customers", query=query)
    assert answered.status == 200, answered.text
    return answered.body


def emails(call: Call, **query: str) -> list[str]:
    return [customer["email"] for customer in listed(call, **query)["data"]]


def every_page(call: Call, **query: str) -> list[str]:
    seen: list[str] = []
    while True:
        body = listed(call, **query)
        assert len(body["data"]) <= int(query["limit"])
        seen += [customer["email"] for customer in body["data"]]
        if body["pagination"]["next_cursor"] is None:
            return seen
        query["cursor"] = body["pagination"]["next_cursor"]


def count_everything(table: Any) -> None:
    """What the stream consumer does with rows as they are added."""
    rows = [row for row in table.scan()["Items"] if "counted_in" in row]
    counters.count(
        {
            "eventID": f"e{number}",
            "eventName": "INSERT",
            "dynamodb": {
                "SequenceNumber": str(number),
                "Keys": {"pk": {"S": row["pk"]}},
                "NewImage": {"counted_in": {"S": row["counted_in"]}},
            },
        }
        for number, row in enumerate(rows)
    )


def test_a_customer_is_read_as_it_was_created(call: Call) -> None:
    created = create(call, addresses=[HOME], metadata={"crm": "7"})

    answered = call("v2/customers/get_customer", id=created["id"])

    assert answered.status == 200
    assert answered.body == created
    assert created["email"] == "Jane.Doe@example.com"
    assert created["orders_summary"] == {"count": 0, "total_spent": Decimal("0.00"), "last_order_at": None}
    assert created["addresses"][0]["id"].startswith("addr_")
    assert created["version"] == 1


def test_the_first_address_is_the_default_and_the_shop_s_country_is_filled_in(call: Call) -> None:
    first, second = create(call, addresses=[HOME, HOME | {"country": "gb"}])["addresses"]

    assert (first["is_default_shipping"], first["is_default_billing"], first["country"]) == (True, True, "US")
    assert (second["is_default_shipping"], second["is_default_billing"], second["country"]) == (False, False, "GB")


def test_an_address_that_claims_a_default_gets_it(call: Call) -> None:
    first, second = create(call, addresses=[HOME, HOME | {"is_default_billing": True}])["addresses"]

    assert (first["is_default_shipping"], first["is_default_billing"]) == (True, False)
    assert (second["is_default_shipping"], second["is_default_billing"]) == (False, True)


def test_an_email_address_is_unique_in_any_case_and_a_refusal_writes_nothing(call: Call, table: Any) -> None:
    create(call)
    before = table.scan()["Items"]

    answered = call("v2/customers/create_customer", body=JANE | {"email": "JANE.DOE@EXAMPLE.COM"})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (409, "duplicate_email")
    assert table.scan()["Items"] == before


def test_two_tenants_may_know_the_same_person(call: Call) -> None:
    mine = create(call)
    theirs = call("v2/customers/create_customer", body=JANE, credential=Credential(tenant=OTHER_TENANT))

    missing = call("v2/customers/get_customer", id="cust_missing")
    foreign = call("v2/customers/get_customer", id=theirs.body["id"])

    assert theirs.status == 201
    assert (foreign.status, foreign.body) == (404, missing.body)
    assert [each["id"] for each in listed(call)["data"]] == [mine["id"]]
    live = Credential(tenant=Tenant(tenant_id=TENANT.tenant_id, mode=Mode.LIVE))
    assert call("v2/customers/get_customer", id=mine["id"], credential=live).status == 404


def test_placing_and_paying_orders_shows_in_the_summary(call: Call) -> None:
    customer_id = create(call)["id"]
    at = datetime(2026, 3, 20, 12, tzinfo=UTC)
    run(lambda tx: store.count_order(tx, TENANT, customer_id, at))
    run(lambda tx: store.count_spent(tx, TENANT, customer_id, Money(14999, "USD")))
    run(lambda tx: store.count_order(tx, TENANT, customer_id, at + timedelta(days=1), Money(1, "USD")))
    run(lambda tx: store.count_spent(tx, TENANT, customer_id, Money(-5000, "USD")))

    summary = call("v2/customers/get_customer", id=customer_id).body["orders_summary"]

    assert summary == {"count": 2, "total_spent": Decimal("100.00"), "last_order_at": "2026-03-21T12:00:00Z"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"Query": 1, "GetItem": 1}),
        ({"tags": "vip"}, {"Query": 1, "GetItem": 1}),
        ({"name": "jan"}, {"Query": 1}),
        ({"name": "jan", "tags": "vip,newsletter", "created_from": "2020-01-01"}, {"Query": 1}),
        ({"email": "jane.doe@example.com"}, {"GetItem": 2}),
        ({"email": "jane.doe@example.com", "name": "jan", "tags": "vip"}, {"GetItem": 2}),
    ],
)
def test_a_list_shows_all_but_addresses_and_orders_and_reads_nothing_else_for_it(
    call: Call, query: dict[str, str], expected: dict[str, int]
) -> None:
    created = create(call, addresses=[HOME], metadata={"crm": "7"})

    with watched(table_definition()) as calls:
        shown = listed(call, **query)["data"]

    assert shown == [{name: value for name, value in created.items() if name not in ("addresses", "orders_summary")}]
    assert calls.made == expected


@pytest.mark.parametrize("query", [{}, {"tags": "vip"}, {"name": "jane"}, {"created_from": "2020-01-01"}])
def test_a_page_by_cursor_is_one_query(call: Call, query: dict[str, str]) -> None:
    for number in range(3):
        create(call, email=f"{number}@x.io")
    cursor = listed(call, limit="1", **query)["pagination"]["next_cursor"]

    with watched(table_definition()) as calls:
        assert len(listed(call, limit="1", cursor=cursor, **query)["data"]) == 1

    assert calls.made == {"Query": 1}


def test_a_summary_can_be_counted_before_anything_else_of_the_customer_exists(call: Call) -> None:
    run(lambda tx: store.count_order(tx, TENANT, "cust_guest", datetime(2026, 3, 20, tzinfo=UTC)))

    assert call("v2/customers/get_customer", id="cust_guest").status == 404
    assert use_cases.find_customer(TENANT, "cust_guest") is None


def test_other_contexts_find_a_customer_by_id(call: Call) -> None:
    created = create(call, addresses=[HOME])

    found = use_cases.find_customer(TENANT, created["id"])

    assert found is not None
    assert found.default_shipping is not None
    assert found.default_shipping == found.default_billing
    assert (found.email, found.default_shipping.address1) == (created["email"], "123 Main St")


@pytest.fixture
def crowd(call: Call) -> Call:
    """Four customers, a day apart from 1 March 2026 12:00 UTC."""
    people = [
        ("ann@x.io", "Ann", "Annesley", ["vip"]),
        ("bob@x.io", "Bob", "Ånäs", ["vip", "newsletter"]),
        ("cy@x.io", "Cy", "O'Brien", ["newsletter"]),
        ("wang@x.io", "芳", "王", []),
    ]
    for day, (email, first, last, tags) in enumerate(people):
        with clock.use(lambda day=day: datetime(2026, 3, 1 + day, 12, tzinfo=UTC)):  # type: ignore[misc]
            create(call, email=email, first_name=first, last_name=last, tags=tags)
    return call


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["wang", "cy", "bob", "ann"]),
        ({"email": "BOB@X.IO"}, ["bob"]),
        ({"email": "nobody@x.io"}, []),
        ({"email": "bob@x.io", "tags": "vip"}, ["bob"]),
        ({"email": "cy@x.io", "tags": "vip"}, []),
        ({"email": "bob@x.io", "name": "ann"}, []),
        ({"email": "bob@x.io", "page": "2"}, []),
        ({"name": "ann"}, ["ann"]),
        ({"name": "anas"}, ["bob"]),
        ({"name": "an"}, ["bob", "ann"]),
        ({"name": "bob ÅN"}, ["bob"]),
        ({"name": "bob x"}, []),
        ({"name": "o'brien"}, ["cy"]),
        ({"name": "王"}, ["wang"]),
        ({"name": "an", "tags": "newsletter"}, ["bob"]),
        ({"name": "an", "created_to": "2026-03-01"}, ["ann"]),
        ({"tags": "vip"}, ["bob", "ann"]),
        ({"tags": "vip,newsletter"}, ["bob"]),
        ({"tags": "nothing"}, []),
        ({"tags": "vip,nothing"}, []),
        ({"created_from": "2026-03-03"}, ["wang", "cy"]),
        ({"created_to": "2026-03-01"}, ["ann"]),
        ({"created_from": "2026-03-02", "created_to": "2026-03-03"}, ["cy", "bob"]),
        ({"created_from": "2026-03-02T12:00:00Z", "created_to": "2026-03-02T12:00:00Z"}, ["bob"]),
        ({"created_from": "2026-03-02T12:00:01Z", "created_to": "2026-03-02T23:00:00Z"}, []),
        ({"created_from": "2026-03-02T14:00:00 02:00", "tags": "vip"}, ["bob"]),
        ({"created_from": "2026-03-02", "tags": "vip"}, ["bob"]),
        ({"created_from": "2026-03-02", "tags": "newsletter,vip"}, ["bob"]),
    ],
)
def test_lists_hold_exactly_those_who_meet_all_filters(crowd: Call, query: dict[str, str], expected: list[str]) -> None:
    assert [email.removesuffix("@x.io") for email in emails(crowd, **query)] == expected


def test_a_day_is_the_shop_s_own_also_when_the_clocks_change(call: Call) -> None:
    berlin = Credential(tenant=Tenant(tenant_id="ten_1", mode=Mode.TEST, timezone="Europe/Berlin"))
    # 29 March 2026 has 23 hours there: from 28 March 23:00 to 29 March 22:00 UTC.
    for name, at in {
        "before": datetime(2026, 3, 28, 22, 59, 59, 999_999, tzinfo=UTC),
        "first": datetime(2026, 3, 28, 23, tzinfo=UTC),
        "last": datetime(2026, 3, 29, 21, 59, 59, 999_999, tzinfo=UTC),
        "after": datetime(2026, 3, 29, 22, tzinfo=UTC),
    }.items():
        with clock.use(lambda at=at: at):  # type: ignore[misc]
            create(call, email=f"{name}@x.io")

    day = {"created_from": "2026-03-29", "created_to": "2026-03-29"}
    answered = call("v2/customers/list_customers", query=day, credential=berlin)

    assert [each["email"] for each in answered.body["data"]] == ["last@x.io", "first@x.io"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"tags": "even"},
        {"tags": "even,some"},
        {"name": "nam"},
        {"name": "nam", "tags": "some"},
        {"created_from": "2020-01-01"},
    ],
)
def test_the_pages_of_a_list_are_the_whole_list_without_repeats(call: Call, query: dict[str, str]) -> None:
    for number in range(13):
        tags = ["even"] * (number % 2 == 0) + ["some"] * (number in (0, 4, 6, 8, 9))
        create(call, email=f"{number}@x.io", first_name="Name", last_name=f"Named{number}", tags=tags)
    whole = emails(call, **query)

    paged = [every_page(call, **query, limit=limit) for limit in ("1", "2", "3", "5")]

    assert len(set(whole)) == len(whole) > 0
    assert paged == [whole] * 4


def test_numbered_pages_carry_totals_from_the_counters(call: Call, table: Any) -> None:
    for number in range(5):
        create(call, email=f"{number}@x.io", tags=["vip"] if number else [])
    count_everything(table)

    lately = listed(call, limit="2", created_from="2020-01-01")
    everybody, vips = listed(call, limit="2", page="2"), listed(call, limit="2", tags="vip")

    assert [each["email"] for each in everybody["data"]] == ["2@x.io", "1@x.io"]
    assert (everybody["pagination"]["total_items"], everybody["pagination"]["total_pages"]) == (5, 3)
    assert (lately["pagination"]["total_items"], lately["pagination"]["has_next"]) == (5, True)
    assert (vips["pagination"]["total_items"], vips["pagination"]["has_next"]) == (4, True)


def test_a_cursor_belongs_to_one_tenant_and_one_query(call: Call) -> None:
    for number in range(3):
        create(call, email=f"{number}@x.io")
    cursor = listed(call, limit="1", tags="vip")["pagination"]["next_cursor"]

    refusals = [
        call("v2/customers/list_customers", query={"cursor": cursor, "tags": "vip"}, credential=stranger)
        for stranger in (Credential(tenant=OTHER_TENANT),)
    ] + [
        call("v2/customers/list_customers", query={"cursor": cursor} | query)
        for query in ({}, {"tags": "newsletter"}, {"name": "jane"}, {"tags": "vip", "created_from": "2020-01-01"})
    ]

    assert [(r.status, r.body["error"]["details"][0]["code"]) for r in refusals] == [(400, "bad_cursor")] * 5


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"name": "jane", "page": "2"}, 400, "not_indexed"),
        ({"tags": "vip,newsletter", "page": "2"}, 400, "not_indexed"),
        ({"created_from": "yesterday"}, 400, "date_parsing"),
        ({"created_from": "2026-02-30"}, 400, "date_parsing"),
        ({"created_to": "2026-03-20T12:00:00"}, 400, "date_parsing"),
        ({"created_from": "2026-03-20", "created_to": "2026-03-19"}, 422, "empty_period"),
        ({"name": "''"}, 422, "name_too_short"),
        ({"tags": "vip,"}, 422, "string_pattern_mismatch"),
        ({"limit": "201"}, 422, "less_than_equal"),
        ({"limit": "x"}, 400, "int_parsing"),
        ({"phone": "1"}, 400, "unknown_parameter"),
        ({"sort": "name"}, 400, "unknown_parameter"),
    ],
)
def test_a_bad_query_is_refused(call: Call, query: dict[str, str], status: int, code: str) -> None:
    answered = call("v2/customers/list_customers", query=query)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *[
            ({"email": email}, "email")
            for email in ("", "jane", "@x.io", "jane@", "a@b", "a b@x.io", ".a@x.io", "a..b@x.io", "a@-x.io", "a@x..io")
        ],
        *[({"email": email}, "email") for email in ("a@x.io\n", "a@x.i0", "a@b@x.io", "é@x.io", "a" * 65 + "@x.io")],
        ({"email": "a@" + "x" * 60 + ".io" * 80}, "string_too_long"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "123"}, "phone"),
        ({"phone": "1234567890123456"}, "phone"),
        ({"first_name": ""}, "string_too_short"),
        ({"first_name": "   "}, "not_printable"),
        ({"last_name": "Do\u0000e"}, "not_printable"),
        ({"tags": ["Has Blank"]}, "string_pattern_mismatch"),
        ({"tags": ["a,b"]}, "string_pattern_mismatch"),
        ({"tags": [f"t{n}" for n in range(MAX_TAGS + 1)]}, "too_long"),
        ({"metadata": {"k": 1}}, "string_type"),
        ({"addresses": [HOME | {"country": "XX"}]}, "country"),
        ({"addresses": [HOME | {"id": "addr_mine"}]}, "unknown_field"),
        ({"addresses": [HOME | {"is_default_billing": True}] * 2}, "two_defaults"),
        ({"addresses": [HOME] * 21}, "too_long"),
        ({"addresses": [HOME | {"phone": "4242 4242 4242 4242"}]}, "card_number"),
        ({"id": "cust_mine"}, "unknown_field"),
        ({"orders_summary": {"count": 9}}, "unknown_field"),
    ],
)
def test_a_bad_customer_is_refused_and_nothing_is_written(
    call: Call, table: Any, change: dict[str, Any], code: str
) -> None:
    answered = call("v2/customers/create_customer", body=JANE | change)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)
    assert table.scan()["Count"] == 0


def test_the_largest_customer_fits_into_one_transaction(call: Call, table: Any) -> None:
    wide = "🧶" * 255
    address = HOME | dict.fromkeys(("first_name", "last_name", "company", "address1", "address2", "city"), wide)
    tags = [f"{n:064}" for n in range(MAX_TAGS)]
    body = JANE | {
        "first_name": " ".join(f"word{n}" for n in range(30)),
        "last_name": wide,
        "addresses": [address] * 20,
        "tags": tags,
        "metadata": {f"{n:02}" + "🧶" * 38: "🧶" * 500 for n in range(50)},
    }

    answered = call("v2/customers/create_customer", body=body, headers={"Idempotency-Key": "once"})

    found = emails(call, tags=f"{tags[0]},{tags[-1]}", name="word1")
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name)
    rows = [row for page in pages for row in page["Items"]]
    with table.batch_writer() as batch:  # more than the one page that is emptied between tests
        for row in rows:
            batch.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})
    assert answered.status == 201, answered.text
    assert found == [JANE["email"]]
    assert len(rows) <= 100
    assert sum(len(f"{name}{value}".encode()) for row in rows for name, value in row.items()) < 4 * 1024 * 1024


def test_creating_a_customer_announces_it_once(call: Call, table: Any) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [call("v2/customers/create_customer", body=JANE, headers=headers) for _ in range(2)]

    outbox = [item for item in table.scan()["Items"] if item["kind"] == "outbox"]

    assert answers[0].text == answers[1].text
    assert [(item["type"], item["aggregate_id"]) for item in outbox] == [("customer.created", answers[0].body["id"])]
