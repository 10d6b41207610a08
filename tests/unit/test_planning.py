"""Which lists answer which criteria: the planner alone, on a resource whose families have different indexes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from commerce.kernel import criteria
from commerce.kernel.conditions import Field, Kind
from commerce.kernel.criteria import Sort
from commerce.kernel.errors import CommerceError
from commerce.kernel.planning import METADATA, Family, Plan, Resource, plan

STATES = ("open", "sent", "gone")


@dataclass(frozen=True)
class Parcel:
    state: str = "open"
    tags: tuple[str, ...] = ()
    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    worth: int = 5000  # thousandths
    label: str = "To Jane"
    metadata: dict[str, str] = field(default_factory=dict)


PARCELS = Resource(
    "parcels",
    fields=(
        Field("state", Kind.CHOICE, lambda parcel: (parcel.state,), STATES, assumed=("open", "sent")),
        Field("tag", Kind.CODE, lambda parcel: parcel.tags),
        Field("at", Kind.INSTANT, lambda parcel: (parcel.at,)),
        Field("worth", Kind.AMOUNT, lambda parcel: (parcel.worth,)),
        Field("label", Kind.TEXT, lambda parcel: (parcel.label.casefold(),)),
    ),
    families=(
        Family("paired", (METADATA,), {"at": "gsi3"}),
        Family("tagged", ("tag",), {"at": "gsi2", "worth": "gsi1"}),
        Family("in_state", ("state",), {"at": "gsi1"}),
    ),
    default=Sort("at", descending=True),
)


def planned(text: str, timezone: str = "UTC") -> Plan:
    """The plan for a query string."""
    parameters: dict[str, list[str]] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        parameters.setdefault(name, []).append(value)
    return plan(criteria.read(parameters), PARCELS, timezone)


def lists(found: Plan) -> list[tuple[Any, ...]]:
    return [(each.values[0], each.rank) for each in found.listings]


@pytest.mark.parametrize(
    ("text", "family", "index", "expected"),
    [
        ("", "in_state", "gsi1", [("open", 0), ("sent", 0)]),
        ("filter[state][eq]=gone", "in_state", "gsi1", [("gone", 0)]),
        ("filter[state][in]=gone,open", "in_state", "gsi1", [("gone", 0), ("open", 0)]),
        ("filter[state][ne]=open", "in_state", "gsi1", [("sent", 0)]),
        ("filter[state][ne]=gone", "in_state", "gsi1", [("open", 0), ("sent", 0)]),
        ("filter[state][eq]=open&filter[state][ne]=open", "in_state", "gsi1", []),
        ("sort=-state,at", "in_state", "gsi1", [("sent", 0), ("open", 1)]),
        ("filter[tag][eq]=a", "tagged", "gsi2", [("a", 0)]),
        ("filter[tag][in]=b,a,b", "tagged", "gsi2", [("b", 0), ("a", 0)]),
        ("filter[tag][in]=b,a&filter[tag][eq]=c", "tagged", "gsi2", [("c", 0)]),
        ("filter[tag][in]=b,a&sort=tag,-worth", "tagged", "gsi1", [("a", 0), ("b", 1)]),
        ("filter[tag][eq]=a&filter[worth][gt]=1", "tagged", "gsi1", [("a", 0)]),
        ("filter[tag][eq]=a&metadata[k]=v&sort=worth", "tagged", "gsi1", [("a", 0)]),
        ("filter[tag][in]=a,b&metadata[k]=v", "paired", "gsi3", [(("k", "v"), 0)]),
    ],
)
def test_the_lists_that_are_read(text: str, family: str, index: str, expected: list[Any]) -> None:
    found = planned(text)

    assert (found.family.name, found.index) == (family, index)
    assert sorted(lists(found), key=str) == sorted(expected, key=str)
    assert [rank for _, rank in lists(found)] == sorted(rank for _, rank in lists(found))


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("filter[tag][eq]=a&filter[worth][gte]=1.5", ("000000000000001500", None)),
        ("filter[tag][eq]=a&filter[worth][gt]=1.5", ("000000000000001501", None)),
        ("filter[tag][eq]=a&filter[worth][lt]=1.5", (None, "000000000000001500")),
        ("filter[tag][eq]=a&filter[worth][lte]=1.5", (None, "000000000000001501")),
        ("filter[tag][eq]=a&filter[worth][eq]=1.5", ("000000000000001500", "000000000000001501")),
        ("filter[tag][eq]=a&filter[worth][gt]=1&filter[worth][gt]=2", ("000000000000002001", None)),
        ("filter[at][lte]=2026-03-01", (None, "2026-03-02T00:00:00.000000Z")),
        ("filter[at][eq]=2026-03-01T10:00:00Z", ("2026-03-01T10:00:00.000000Z", "2026-03-01T10:00:01.000000Z")),
        ("filter[at][gt]=2026-03-01T10:00:00.5Z", ("2026-03-01T10:00:00.500001Z", None)),
        ("filter[tag][eq]=a&sort=worth&filter[at][gt]=2026-03-01", (None, None)),
    ],
)
def test_a_range_of_the_order_is_read_from_where_it_begins_to_where_it_ends(text: str, bounds: Any) -> None:
    assert (planned(text).lower, planned(text).upper) == bounds


def test_a_day_of_23_hours_is_a_day() -> None:
    found = planned("filter[at][eq]=2026-03-29", "Europe/Berlin")

    assert (found.lower, found.upper) == ("2026-03-28T23:00:00.000000Z", "2026-03-29T22:00:00.000000Z")


@pytest.mark.parametrize(
    ("text", "narrows"),
    [
        ("filter[tag][eq]=a&filter[state][in]=open,sent,gone", True),
        ("filter[state][eq]=open", False),
        ("filter[state][eq]=open&filter[label][contains]=j", True),
        ("filter[state][eq]=open&filter[at][gt]=2026-03-01", False),
        ("filter[state][eq]=open&filter[at][ne]=2026-03-01", True),
        ("filter[tag][eq]=a", True),  # the assumed states
        ("metadata[k]=v&metadata[l]=w&filter[state][in]=open,sent,gone", True),
    ],
)
def test_what_lists_are_not_kept_by_narrows(text: str, narrows: bool) -> None:
    assert planned(text).narrows == narrows


@pytest.mark.parametrize(
    ("text", "parcel", "shown"),
    [
        ("filter[tag][eq]=a", Parcel(tags=("a",)), True),
        ("filter[tag][eq]=a", Parcel(tags=("a",), state="gone"), False),
        ("filter[tag][eq]=a&filter[state][eq]=gone", Parcel(tags=("a",), state="gone"), True),
        ("filter[tag][eq]=a&filter[tag][eq]=b", Parcel(tags=("a",)), False),
        ("filter[tag][eq]=a&filter[tag][eq]=b", Parcel(tags=("a", "b")), True),
        ("filter[tag][eq]=a&filter[tag][nin]=b,c", Parcel(tags=("a", "c")), False),
        ("metadata[k]=v", Parcel(metadata={"k": "v"}), True),
        ("metadata[k]=v", Parcel(metadata={"k": "v2"}), False),
        ("metadata[k]=v&metadata[l]=w", Parcel(metadata={"k": "v"}), False),
        ("filter[tag][eq]=a&filter[label][starts_with]=TO%20", Parcel(tags=("a",), label="to%20 us"), True),
        ("filter[tag][eq]=a&filter[worth][in]=4,5.000", Parcel(tags=("a",)), True),
        ("filter[tag][eq]=a&filter[worth][ne]=5", Parcel(tags=("a",)), False),
    ],
)
def test_what_a_list_has_is_shown_if_it_meets_all_that_was_asked(text: str, parcel: Parcel, shown: bool) -> None:
    found = planned(text)

    assert found.shows(parcel, found.listings[0]) == shown


def test_what_stands_in_several_lists_is_shown_in_the_first() -> None:
    found = planned("filter[tag][in]=b,a&sort=-tag,worth")
    both, only_a = Parcel(tags=("a", "b")), Parcel(tags=("a",))

    assert [each.values for each in found.listings] == [("b",), ("a",)]
    assert [found.shows(both, each) for each in found.listings] == [True, False]
    assert found.shows(only_a, found.listings[1])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("filter[label][contains]=a", "not_indexed"),
        ("filter[label][eq]=a", "not_indexed"),
        ("filter[worth][gt]=1", "not_indexed"),
        ("sort=worth", "not_indexed"),
        ("sort=tag,worth", "not_indexed"),
        ("sort=at,worth", "not_indexed"),
        ("sort=weight", "not_indexed"),
        ("filter[tag][in]=a,b,c,d,e,f,g,h,i,j,k&sort=worth", "not_indexed"),
        ("filter[tag][eq]=a&metadata[k]=v&sort=tag,at&filter[state][eq]=open", None),
        ("filter[weight][gt]=1", "unknown_filter"),
        ("filter[tag][gt]=1", "unknown_operator"),
        ("filter[state][eq]=lost", "enum"),
        ("filter[worth][gt]=1e3", "bad_value"),
    ],
)
def test_what_no_list_is_kept_by_is_refused(text: str, code: str | None) -> None:
    try:
        planned(text)
        refused = None
    except CommerceError as refusal:
        refused = refusal.reason

    assert refused == code


def test_equal_questions_and_no_others_have_the_same_name() -> None:
    texts = [
        "",
        "sort=at",
        "sort=-at",
        "filter[tag][eq]=a",
        "filter[tag][in]=a",
        "metadata[a]=b",
        "filter[at][gt]=2026-03-01",
    ]
    names = [planned(text).name for text in texts]

    assert len(set(names)) == len(names)
    assert planned("filter[tag][eq]=a&filter[at][gt]=2026-03-01").name == (
        planned("filter[at][gt]=2026-03-01&filter[tag][eq]=a").name
    )
    assert planned(texts[-1]).name != planned(texts[-1], "Europe/Berlin").name
