"""CU-01…08: customers through their handlers."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.calls import watched
from commerce.counters import use_cases as counters
from commerce.customers import store, use_cases
from commerce.customers.model import MAX_ADDRESSES, MAX_TAGS, MAX_TERMS
from commerce.http.contracts import MAX_METADATA_KEYS
from commerce.kernel import clock
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.criteria import INDEXED_METADATA
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
            "eventID": uuid.uuid4().hex,
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


# Metadata and filters


@pytest.fixture
def marked(call: Call) -> Call:
    """Four customers, a day apart from 1 March 2026 12:00 UTC, three of them with metadata."""
    people: list[tuple[str, list[str], dict[str, str]]] = [
        ("ann", ["vip"], {"region": "west", "source": "fair"}),
        ("bob", ["vip", "newsletter"], {"region": "west"}),
        ("cy", ["newsletter"], {"region": "east", "source": "fair"}),
        ("dot", [], {}),
    ]
    for day, (name, tags, metadata) in enumerate(people):
        with clock.use(lambda day=day: datetime(2026, 3, 1 + day, 12, tzinfo=UTC)):  # type: ignore[misc]
            create(call, email=f"{name}@x.io", first_name=name, last_name="Lee", tags=tags, metadata=metadata)
    return call


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"metadata[region]": "west"}, ["bob", "ann"]),
        ({"metadata[region]": "west", "metadata[source]": "fair"}, ["ann"]),
        ({"metadata[region]": "north"}, []),
        ({"metadata[nothing]": "west"}, []),
        ({"metadata[region]": "west", "tags": "newsletter"}, ["bob"]),
        ({"metadata[region]": "west", "name": "lee"}, ["ann", "bob"]),
        ({"metadata[region]": "east", "email": "cy@x.io"}, ["cy"]),
        ({"metadata[region]": "west", "email": "cy@x.io"}, []),
        ({"metadata[region]": "west", "created_from": "2026-03-02"}, ["bob"]),
        ({"filter[email][eq]": "BOB@X.IO"}, ["bob"]),
        ({"filter[email][eq]": "bob@x.io", "email": "ann@x.io"}, []),
        ({"filter[tags][eq]": "vip"}, ["bob", "ann"]),
        ({"filter[tags][eq]": "vip", "tags": "newsletter"}, ["bob"]),
        ({"filter[created_at][gte]": "2026-03-02", "filter[created_at][lt]": "2026-03-04"}, ["cy", "bob"]),
        ({"filter[created_at][gt]": "2026-03-01T12:00:00Z", "created_to": "2026-03-02"}, ["bob"]),
        ({"filter[created_at][eq]": "2026-03-03"}, ["cy"]),
        ({"tags": "vip", "filter[first_name][starts_with]": "B"}, ["bob"]),
        ({"tags": "vip", "filter[tags][ne]": "newsletter"}, ["ann"]),
        ({"name": "lee", "filter[email][in]": "ann@x.io,dot@x.io"}, ["ann", "dot"]),
        ({"created_from": "2026-03-01", "filter[last_name][contains]": "e", "metadata[source]": "fair"}, ["cy", "ann"]),
    ],
)
def test_metadata_and_filters_find_exactly_those_who_meet_all(
    marked: Call, query: dict[str, str], expected: list[str]
) -> None:
    assert [email.removesuffix("@x.io") for email in emails(marked, **query)] == expected
    assert [email.removesuffix("@x.io") for email in every_page(marked, limit="1", **query)] == expected


def test_a_changed_customer_is_found_by_the_metadata_of_now(call: Call) -> None:
    customer_id = create(call, metadata={"region": "west", "source": "fair"})["id"]

    update(call, customer_id, {"metadata": {"region": "east", "source": "fair"}})

    for key, value, found in (("region", "west", 0), ("region", "east", 1), ("source", "fair", 1)):
        assert len(emails(call, **{f"metadata[{key}]": value})) == found


def test_metadata_that_no_list_knows_is_never_asked_for_in_vain(call: Call, table: Any) -> None:
    create(call, metadata={f"k{n:02}": "x" for n in range(INDEXED_METADATA + 1)})
    create(call, email="other@x.io", metadata={"k00": "x", "k10": "x"})
    count_everything(table)

    refused = call("v2/customers/list_customers", query={"metadata[k10]": "x"})

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (400, "not_indexed")
    assert emails(call, **{"metadata[k00]": "x"}) == ["other@x.io", JANE["email"]]
    assert emails(call, **{"metadata[k10]": "x", "metadata[k00]": "x"}) == ["other@x.io", JANE["email"]]
    assert emails(call, **{"metadata[k01]": "x"}) == [JANE["email"]]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"filter[last_name][eq]": "Lee"}, 400, "not_indexed"),
        ({"filter[tags][ne]": "vip"}, 400, "not_indexed"),
        ({"filter[orders_summary][eq]": "1"}, 400, "unknown_filter"),
        ({"filter[created_at][contains]": "2026"}, 400, "unknown_operator"),
        ({"filter[created_at][gte]": "today"}, 400, "bad_value"),
        ({"filter[tags]": "vip"}, 400, "unknown_parameter"),
        ({"metadata[region]": "west", "page": "2"}, 400, "not_indexed"),
        ({"tags": "vip", "filter[tags][ne]": "gold", "page": "2"}, 400, "not_indexed"),
        ({"filter[created_at][gte]": "2026-03-03", "created_to": "2026-03-01"}, 422, "empty_period"),
    ],
)
def test_a_question_that_no_list_answers_is_refused(
    marked: Call, query: dict[str, str], status: int, code: str
) -> None:
    answered = marked("v2/customers/list_customers", query=query)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    "first", [{"metadata[region]": "west"}, {"tags": "vip"}, {"name": "lee"}, {"filter[tags][eq]": "vip"}]
)
@pytest.mark.parametrize(
    "change", [{"metadata[source]": "fair"}, {"filter[first_name][ne]": "cy"}, {"created_from": "2020-01-01"}]
)
def test_a_cursor_does_not_go_with_another_question(
    marked: Call, first: dict[str, str], change: dict[str, str]
) -> None:
    cursor = listed(marked, limit="1", **first)["pagination"]["next_cursor"]

    answered = marked("v2/customers/list_customers", query=first | change | {"cursor": cursor})

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (400, "bad_cursor")


def test_paging_goes_on_when_another_tag_becomes_the_rarest(call: Call, table: Any) -> None:
    for number in range(4):
        create(call, email=f"{number}@x.io", tags=["a", "b"])
    create(call, email="only-b@x.io", tags=["b"])
    count_everything(table)
    body = listed(call, limit="1", tags="a,b")
    seen = [each["email"] for each in body["data"]]
    for number in range(5):
        create(call, email=f"only-a{number}@x.io", tags=["a"])
    count_everything(table)  # what was there is counted twice: 13 with tag a, 10 with tag b

    while body["pagination"]["next_cursor"] is not None:
        body = listed(call, limit="1", tags="a,b", cursor=body["pagination"]["next_cursor"])
        seen += [each["email"] for each in body["data"]]

    assert seen == ["3@x.io", "2@x.io", "1@x.io", "0@x.io"]


# Changes of the profile


def update(call: Call, customer_id: str, body: Any, **request: Any) -> Any:
    answered = call("v2/customers/update_customer", id=customer_id, body=body, **request)
    assert answered.status == 200, answered.text
    return answered.body


def read(call: Call, customer_id: str) -> Any:
    return call("v2/customers/get_customer", id=customer_id).body


def events(table: Any) -> list[tuple[str, int]]:
    """What was announced, by sequence."""
    outbox = [item for item in table.scan()["Items"] if item["kind"] == "outbox"]
    return sorted(((item["type"], int(item["sequence"])) for item in outbox), key=lambda event: event[1])


@pytest.mark.parametrize(
    "change",
    [
        {"email": "new@x.io"},
        {"email": "JANE.DOE@example.com"},
        {"first_name": "Janet"},
        {"last_name": "Roe", "first_name": "Janet"},
        {"phone": "+44 20 7946 0018"},
        {"phone": None},
        {"tags": ["newsletter", "gold"]},
        {"tags": []},
        {"metadata": {"shelf": "7"}},
        {"metadata": {}},
    ],
)
def test_a_change_of_a_profile_changes_that_and_nothing_else(call: Call, change: dict[str, Any]) -> None:
    created = create(call, addresses=[HOME], metadata={"crm": "7"})

    with clock.use(lambda: datetime(2040, 1, 1, tzinfo=UTC)):
        changed = update(call, created["id"], change)

    assert changed == created | change | {"version": 2, "updated_at": "2040-01-01T00:00:00Z"}
    assert read(call, created["id"]) == changed


def test_a_changed_customer_is_found_where_they_belong_now_and_nowhere_else(call: Call) -> None:
    other = create(call, email="other@x.io")
    created = create(call)

    changed = update(
        call,
        created["id"],
        {"email": "roe@x.io", "first_name": "Jane", "last_name": "Ångström", "tags": ["vip", "gold"]},
    )

    row = {name: value for name, value in changed.items() if name not in ("addresses", "orders_summary")}
    for query in ({"email": "ROE@x.io"}, {"name": "ang"}, {"tags": "gold"}, {"tags": "vip,gold"}):
        assert listed(call, **query)["data"] == [row], query
    assert emails(call) == emails(call, tags="vip") == ["roe@x.io", other["email"]]
    assert emails(call, name="jane") == [other["email"], "roe@x.io"]
    assert emails(call, email="jane.doe@example.com") == []
    assert emails(call, name="doe") == emails(call, tags="newsletter") == [other["email"]]


def test_a_change_leaves_exactly_the_rows_of_a_customer_created_that_way(call: Call, table: Any) -> None:
    final = {"email": "roe@x.io", "first_name": "Rita Maria", "last_name": "Roe", "tags": ["gold"]}
    customer_id = create(call)["id"]

    update(call, customer_id, {"tags": ["gold", "vip", "new"], "last_name": "Doe Smith"})
    update(call, customer_id, final)

    rows = [row for row in table.scan()["Items"] if row["kind"] != "outbox"]
    with_new_id = create(call, **final | {"email": "roe2@x.io"})["id"]
    twin = [row for row in table.scan()["Items"] if row["kind"] != "outbox" and row not in rows]
    assert sorted(row["pk"].replace("roe2@x.io", "roe@x.io").replace(with_new_id, customer_id) for row in twin) == (
        sorted(row["pk"] for row in rows)
    )
    assert {int(row["version"]) for row in rows if "version" in row} == {3}


def test_tags_that_come_and_go_move_the_totals_of_their_lists(call: Call, table: Any) -> None:
    customer_id = create(call, tags=["vip", "newsletter"])["id"]
    before = {(row["pk"], row["sk"]): row for row in table.scan()["Items"]}

    update(call, customer_id, {"tags": ["vip", "gold"]})

    after = {(row["pk"], row["sk"]): row for row in table.scan()["Items"]}
    gone = [json.loads(before[key]["counted_in"]) for key in before.keys() - after.keys()]
    come = [json.loads(row["counted_in"]) for key, row in after.items() if key not in before and "counted_in" in row]
    assert gone == [["customers:tag:newsletter|all"]]
    assert come == [["customers:tag:gold|all"]]
    assert all(after[key].get("counted_in") == row.get("counted_in") for key, row in before.items() if key in after)


def test_an_email_address_that_is_given_up_is_free_for_others(call: Call) -> None:
    created = create(call)

    update(call, created["id"], {"email": "new@x.io"})

    again = create(call)
    assert again["id"] != created["id"]
    assert emails(call, email="new@x.io") == ["new@x.io"]


def test_an_email_address_of_another_customer_is_refused_and_nothing_changes(call: Call, table: Any) -> None:
    create(call)
    bob = create(call, email="bob@x.io")
    before = table.scan()["Items"]

    answered = call(
        "v2/customers/update_customer", id=bob["id"], body={"email": "JANE.doe@example.com", "first_name": "Bobby"}
    )

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (409, "duplicate_email")
    assert table.scan()["Items"] == before


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "Jane"},
        {"email": "Jane.Doe@example.com", "phone": "+1-555-0123"},
        {"tags": ["vip", "newsletter", "vip"]},
        {"metadata": {"crm": "7"}, "version": 1},
    ],
)
def test_a_change_that_changes_nothing_is_answered_and_not_written(
    call: Call, table: Any, change: dict[str, Any]
) -> None:
    created = create(call, metadata={"crm": "7"})
    before = table.scan()["Items"]

    assert update(call, created["id"], change) == created
    assert table.scan()["Items"] == before


def test_every_change_is_announced_once_and_without_a_gap(call: Call, table: Any) -> None:
    customer_id = create(call, addresses=[HOME])["id"]
    headers = {"Idempotency-Key": "once"}

    for _ in range(2):
        update(call, customer_id, {"first_name": "Janet"}, headers=headers)
    added = call("v2/customers/add_address", id=customer_id, body=HOME).body
    for file, body in (
        ("update_address", {"city": "Boston"}),
        ("update_address", {"city": "Boston"}),
        ("set_default_address", None),
        ("set_default_address", None),
        ("remove_address", None),
    ):
        assert call(f"v2/customers/{file}", id=customer_id, address_id=added["id"], body=body).status < 300

    assert events(table) == [
        ("customer.created", 1),
        *[("customer.updated", sequence) for sequence in range(2, 7)],
    ]
    assert read(call, customer_id)["version"] == 6


VERSIONED: list[tuple[str, Any]] = [
    ("update_customer", {"first_name": "Janet"}),
    ("add_address", HOME),
    ("update_address", {"city": "Boston"}),
    ("remove_address", None),
    ("set_default_address", None),
]


@pytest.mark.parametrize(("file", "body"), VERSIONED)
def test_a_change_of_what_has_changed_since_it_was_read_is_refused(
    call: Call, table: Any, file: str, body: Any
) -> None:
    created = create(call, addresses=[HOME, HOME])
    path = {"id": created["id"]} | ({} if file in ("update_customer", "add_address") else {"address_id": ""})
    if "address_id" in path:
        path["address_id"] = created["addresses"][1]["id"]
    tag = call("v2/customers/get_customer", id=created["id"]).headers["ETag"]
    update(call, created["id"], {"phone": None})
    before = table.scan()["Items"]

    stale = call(f"v2/customers/{file}", body=body, headers={"If-Match": tag}, **path)

    assert (stale.status, stale.body["error"]["details"][0]["code"]) == (409, "version_mismatch")
    assert table.scan()["Items"] == before
    tag = call("v2/customers/get_customer", id=created["id"]).headers["ETag"]
    assert call(f"v2/customers/{file}", body=body, headers={"If-Match": tag}, **path).status < 300
    assert read(call, created["id"])["version"] == 3


@pytest.mark.parametrize(
    ("version", "if_match", "status"), [(1, None, 409), (2, None, 200), (2, "1", 409), (1, "2", 409)]
)
def test_a_body_can_name_the_version_too_and_both_must_be_right(
    call: Call, version: int, if_match: str | None, status: int
) -> None:
    customer_id = create(call)["id"]
    update(call, customer_id, {"phone": None})

    answered = call(
        "v2/customers/update_customer",
        id=customer_id,
        body={"first_name": "Janet", "version": version},
        headers={"If-Match": if_match} if if_match else None,
    )

    assert answered.status == status, answered.text
    assert (read(call, customer_id)["first_name"] == "Janet") == (status == 200)


def test_the_largest_change_fits_into_one_transaction(call: Call, table: Any) -> None:
    def names(prefix: str) -> str:
        return " ".join(f"{prefix}{letter}" for letter in "abcdefghijklmnop")

    def everything(prefix: str) -> dict[str, Any]:
        return {
            "email": f"{prefix}@x.io",
            "first_name": names(prefix),
            "tags": [f"{prefix}{n}" for n in range(MAX_TAGS)],
            "metadata": {f"{prefix}{n}": "x" for n in range(MAX_METADATA_KEYS)},
        }

    customer_id, change = create(call, **everything("old"))["id"], everything("new")

    rehearsed = call("v2/customers/update_customer", id=customer_id, body=change, headers={"X-Dry-Run": "true"}).body[
        "writes"
    ]
    changed = update(call, customer_id, change, headers={"Idempotency-Key": "once"})

    actions = [write["action"] for write in rehearsed]
    moved = MAX_TAGS + MAX_TERMS + INDEXED_METADATA
    assert actions.count("delete") == 1 + moved  # the guard, too
    assert actions.count("put") == 3 + moved + 1  # the row, the guard and the list of all, too; and the event
    assert len(actions) < 100
    assert emails(call, tags="new15,new0", name="newa") == [changed["email"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "jane"}, "email"),
        ({"email": None}, "string_type"),
        ({"first_name": None}, "string_type"),
        ({"last_name": " "}, "not_printable"),
        ({"tags": None}, "list_type"),
        ({"tags": ["Has Blank"]}, "string_pattern_mismatch"),
        ({"tags": [f"t{n}" for n in range(MAX_TAGS + 1)]}, "too_long"),
        ({"metadata": None}, "dict_type"),
        ({"metadata": {"k": 1}}, "string_type"),
        ({"phone": "123"}, "phone"),
        ({"version": 0, "phone": None}, "greater_than_equal"),
        ({"version": "1", "phone": None}, "int_type"),
        ({"version": 1}, "nothing_to_change"),
        ({}, "nothing_to_change"),
        ({"addresses": []}, "unknown_field"),
        ({"id": "cust_mine"}, "unknown_field"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "unknown_field"),
    ],
)
def test_a_bad_change_is_refused_and_nothing_is_written(
    call: Call, table: Any, change: dict[str, Any], code: str
) -> None:
    customer_id = create(call)["id"]
    before = table.scan()["Items"]

    answered = call("v2/customers/update_customer", id=customer_id, body=change)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)
    assert table.scan()["Items"] == before


# Addresses


def flags(address: Any) -> tuple[bool, bool]:
    return address["is_default_shipping"], address["is_default_billing"]


def test_an_added_address_stands_after_the_others_and_changes_no_default(call: Call) -> None:
    created = create(call, addresses=[HOME])

    added = call("v2/customers/add_address", id=created["id"], body=HOME | {"city": "Boston", "country": "gb"})

    assert added.status == 201
    assert (added.body["city"], added.body["country"], flags(added.body)) == ("Boston", "GB", (False, False))
    assert (added.body["customer_id"], added.body["version"]) == (created["id"], 2)
    assert added.headers["ETag"].startswith('"2-')
    first, second = read(call, created["id"])["addresses"]
    assert first == created["addresses"][0]
    assert second | {"customer_id": created["id"], "version": 2} == added.body


def test_the_first_address_that_is_added_is_the_default(call: Call) -> None:
    created = create(call)

    added = call("v2/customers/add_address", id=created["id"], body=HOME).body

    assert flags(added) == (True, True)


@pytest.mark.parametrize(
    ("claims", "first", "second"),
    [
        ({"is_default_billing": True}, (True, False), (False, True)),
        ({"is_default_shipping": True, "is_default_billing": True}, (False, False), (True, True)),
        ({"is_default_shipping": False}, (True, True), (False, False)),
    ],
)
def test_an_added_or_changed_address_takes_the_defaults_it_claims(
    call: Call, claims: dict[str, bool], first: Any, second: Any
) -> None:
    one, two = create(call, addresses=[HOME]), create(call, email="two@x.io", addresses=[HOME, HOME])

    call("v2/customers/add_address", id=one["id"], body=HOME | claims)
    call("v2/customers/update_address", id=two["id"], address_id=two["addresses"][1]["id"], body=claims)

    for customer in (one, two):
        assert [flags(each) for each in read(call, customer["id"])["addresses"]] == [first, second]


def test_a_default_that_is_given_up_goes_to_no_other(call: Call) -> None:
    created = create(call, addresses=[HOME, HOME])
    first = created["addresses"][0]["id"]

    changed = call(
        "v2/customers/update_address", id=created["id"], address_id=first, body={"is_default_billing": False}
    )

    assert flags(changed.body) == (True, False)
    assert [flags(each) for each in read(call, created["id"])["addresses"]] == [(True, False), (False, False)]


@pytest.mark.parametrize(
    "change",
    [
        {"city": "Boston"},
        {"state": None, "country": "GB", "postal_code": "SW1A 1AA"},
        {"company": "Till", "address2": "Apt 4", "phone": "+1-555-0123"},
        {"first_name": "Ann", "last_name": "Lee", "address1": "1 Other St"},
    ],
)
def test_a_change_of_an_address_changes_that_and_nothing_else(call: Call, change: dict[str, Any]) -> None:
    created = create(call, addresses=[HOME, HOME])
    first, second = created["addresses"]

    changed = call("v2/customers/update_address", id=created["id"], address_id=second["id"], body=change)

    assert changed.status == 200
    assert changed.body == second | change | {"customer_id": created["id"], "version": 2}
    assert read(call, created["id"])["addresses"] == [first, second | change]


def test_an_order_keeps_the_address_that_it_was_placed_with(call: Call) -> None:
    created = create(call, addresses=[HOME])
    address_id = created["addresses"][0]["id"]
    product = call("v2/catalog/create_product", body={"name": "Cup", "sku": "CUP", "price": 5}).body
    call("v2/inventory/adjust_inventory", product_id=product["id"], body={"quantity": 2, "reason": "restock"})
    items = {"customer_id": created["id"], "items": [{"product_id": product["id"], "quantity": 1}]}
    order_id = call("admin/orders/create_order", body=items).body["data"]["id"]
    placed = call("admin/orders/get_order", order_id=order_id).body["data"]["shipping_address"]

    call("v2/customers/update_address", id=created["id"], address_id=address_id, body={"city": "Boston"})
    call("v2/customers/remove_address", id=created["id"], address_id=address_id)

    assert placed["city"] == "New York"
    assert call("admin/orders/get_order", order_id=order_id).body["data"]["shipping_address"] == placed


def test_a_removed_default_promotes_no_other_address_and_is_gone_for_good(call: Call) -> None:
    created = create(call, addresses=[HOME, HOME])
    first, second = (each["id"] for each in created["addresses"])

    removed = call("v2/customers/remove_address", id=created["id"], address_id=first)
    again = call("v2/customers/remove_address", id=created["id"], address_id=first)

    assert (removed.status, removed.text) == (204, "")
    assert again.status == 404
    assert [(each["id"], flags(each)) for each in read(call, created["id"])["addresses"]] == [(second, (False, False))]
    third = call("v2/customers/add_address", id=created["id"], body=HOME).body
    assert flags(third) == (False, False)


@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        (None, (False, False), (True, True)),
        ({"type": "shipping"}, (False, True), (True, False)),
        ({"type": "billing"}, (True, False), (False, True)),
    ],
)
def test_one_address_is_the_default_for_what_is_asked_and_asking_again_changes_nothing(
    call: Call, query: dict[str, str] | None, first: Any, second: Any
) -> None:
    created = create(call, addresses=[HOME, HOME])
    path = {"id": created["id"], "address_id": created["addresses"][1]["id"]}

    answers = [call("v2/customers/set_default_address", query=query, **path) for _ in range(2)]

    assert [(each.status, each.body["version"], flags(each.body)) for each in answers] == [(201, 2, second)] * 2
    assert [flags(each) for each in read(call, created["id"])["addresses"]] == [first, second]


@pytest.mark.parametrize(("query", "status"), [({"type": "both"}, 422), ({"kind": "billing"}, 400)])
def test_an_address_is_the_default_for_nothing_else(call: Call, query: dict[str, str], status: int) -> None:
    created = create(call, addresses=[HOME])

    answered = call(
        "v2/customers/set_default_address", query=query, id=created["id"], address_id=created["addresses"][0]["id"]
    )

    assert answered.status == status


def test_a_customer_has_at_most_twenty_addresses(call: Call, table: Any) -> None:
    created = create(call, addresses=[HOME] * MAX_ADDRESSES)
    before = table.scan()["Items"]

    refused = call("v2/customers/add_address", id=created["id"], body=HOME)

    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "too_many_addresses")
    assert table.scan()["Items"] == before
    call("v2/customers/remove_address", id=created["id"], address_id=created["addresses"][7]["id"])
    assert call("v2/customers/add_address", id=created["id"], body=HOME).status == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "nothing_to_change"),
        ({"city": None}, "string_type"),
        ({"country": None}, "string_type"),
        ({"country": "XX"}, "country"),
        ({"is_default_billing": None}, "bool_type"),
        ({"is_default_billing": 1}, "bool_type"),
        ({"id": "addr_mine"}, "unknown_field"),
        ({"phone": "4242 4242 4242 4242"}, "card_number"),
    ],
)
def test_a_bad_change_of_an_address_is_refused(call: Call, table: Any, change: dict[str, Any], code: str) -> None:
    created = create(call, addresses=[HOME])
    before = table.scan()["Items"]

    answered = call(
        "v2/customers/update_address", id=created["id"], address_id=created["addresses"][0]["id"], body=change
    )

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)
    assert table.scan()["Items"] == before


@pytest.mark.parametrize(("file", "body"), VERSIONED)
def test_what_belongs_to_somebody_else_is_not_there(call: Call, table: Any, file: str, body: Any) -> None:
    mine = create(call, addresses=[HOME])
    joe = create(call, email="joe@x.io", addresses=[HOME])
    path = {} if file in ("update_customer", "add_address") else {"address_id": joe["addresses"][0]["id"]}
    before = table.scan()["Items"]

    foreign = call(f"v2/customers/{file}", id=joe["id"], body=body, credential=Credential(tenant=OTHER_TENANT), **path)
    missing = call(f"v2/customers/{file}", id="cust_missing", body=body, **path)

    assert (foreign.status, foreign.body) == (404, missing.body)
    if path:
        anothers = call(f"v2/customers/{file}", id=mine["id"], body=body, **path)
        assert anothers.status == 404
    assert table.scan()["Items"] == before


@pytest.mark.parametrize("path", ["get_customer", "list_customers"])
def test_a_reader_may_keep_customers_for_a_minute_and_need_not_read_them_again(call: Call, path: str) -> None:
    wanted = {"id": create(call)["id"]} if path == "get_customer" else {}
    first = call(f"v2/customers/{path}", **wanted)

    again = call(f"v2/customers/{path}", headers={"If-None-Match": first.headers["ETag"]}, **wanted)

    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert (again.status, again.body) == (304, None)
