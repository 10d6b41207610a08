"""Which queries answer a list's criteria (contract 4.4, X-53).

A resource says, as data, by which fields it can be filtered and which lists of it are kept. ``plan`` turns criteria
into the lists to read and the part of their order to read, or refuses: a page costs what it shows, however many rows
there are. What no list is kept by can only narrow what another filter finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from commerce.kernel.collation import BELOW
from commerce.kernel.conditions import Condition, Field, Kind, Span, exactly, lower, read, upper
from commerce.kernel.criteria import Criteria, Operator, Sort
from commerce.kernel.errors import Malformed
from commerce.kernel.paging import PageRequest

MAX_LISTS = 10  # that one page is merged from
METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Family:
    """Lists of one make: one for each combination of values of the fields ``by``.

    ``orders`` are the fields that each list is kept in order of, with the index that keeps it (None: the table's own
    sort key). ``groups`` are, by field, the lists that hold several choices; without, each choice has a list.
    """

    name: str
    by: tuple[str, ...]
    orders: Mapping[str, str | None]
    groups: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """What a collection can be asked for. ``families`` stand in order of preference, ``default`` is its own order."""

    name: str
    fields: tuple[Field, ...]
    families: tuple[Family, ...]
    default: Sort

    def field(self, name: str) -> Field:
        return next(each for each in (*self.fields, PAIRS) if each.name == name)


PAIRS = Field(METADATA, Kind.CODE, lambda entity: tuple(entity.metadata.items()))


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its values of the fields that its family is ``by``, and what an entity in it has of them."""

    values: tuple[Any, ...]
    holds: tuple[frozenset[Any], ...]
    rank: int = 0  # the lists of a lower one come first; those of the same one are merged


@dataclass(frozen=True, slots=True)
class Plan:
    """The lists to read, in which order, and the part of it between two keys (None: open).

    ``conditions`` is all that was asked; ``narrows`` says that it is more than the lists are kept by.
    """

    name: str  # of the question: equal for equal questions only
    family: Family
    by: tuple[Field, ...]
    listings: tuple[Listing, ...]
    order: str
    descending: bool
    lower: str | None
    upper: str | None
    conditions: tuple[Condition, ...]
    narrows: bool

    @property
    def index(self) -> str | None:
        return self.family.orders[self.order]

    @property
    def is_one_whole_list(self) -> bool:
        return len(self.listings) == 1 and not self.narrows and self.lower is None and self.upper is None

    def require_countable(self, request: PageRequest) -> None:
        """Raise Malformed for a page by its number where numbers cannot be told: only one list's rows are counted."""
        if request.offset and (self.narrows or len(self.listings) > 1):
            raise Malformed(
                "These filters are not counted by one index; follow next_cursor instead of page",
                field="page",
                reason="not_indexed",
            )

    def shows(self, entity: Any, listing: Listing) -> bool:
        """Whether an entity is shown where ``listing`` has it: it meets the conditions, and no earlier list has it."""
        if not all(condition.is_met_by(entity) for condition in self.conditions):
            return False
        has = [frozenset(each.of(entity)) for each in self.by] if len(self.listings) > 1 else []
        earlier = self.listings[: self.listings.index(listing)]
        return not any(all(a & b for a, b in zip(each.holds, has, strict=True)) for each in earlier)


def plan(criteria: Criteria, resource: Resource, timezone: str = "UTC") -> Plan:
    """Choose the lists that answer ``criteria``.

    Args:
        timezone: in which a date is a day.

    Raises:
        Malformed: an unknown field or operator, a value that is none, and what no list is kept by (``not_indexed``).
        Invalid: a choice that there is not.
    """
    conditions = conditions_of(criteria, resource, timezone)
    asked = conditions[: len(criteria.filters) + len(criteria.metadata)]
    *heads, order = _sorts(criteria.sorts, resource, asked)
    candidates = [
        each for family in resource.families if (each := _candidate(resource, family, conditions, heads, order))
    ]
    if not candidates:
        raise _not_indexed("sort", "These filters and this order are not kept together", resource)
    names = {condition.field.name for condition in asked}
    chosen = max(candidates, key=lambda each: (len(names & set(each.family.by)), -len(each.listings)))
    bounding = [each for each in asked if each.field.name == order.field and each.span is not None]
    narrowing = [each for each in conditions if each not in chosen.served and each not in bounding]
    if narrowing and not bounding and not names & set(chosen.family.by):
        raise _not_indexed(narrowing[0].name, "This only narrows what another filter finds", resource)
    kind = resource.field(order.field).kind
    starts = [lower(kind, each.span.start) for each in bounding if each.span and each.span.start is not None]
    ends = [upper(kind, each.span.end) for each in bounding if each.span and each.span.end is not None]
    return Plan(
        name=f"{resource.name}?{criteria!r}@{timezone}",
        family=chosen.family,
        by=tuple(resource.field(name) for name in chosen.family.by),
        listings=chosen.listings,
        order=order.field,
        descending=order.descending,
        lower=max(starts, default=None),
        upper=min(ends, default=None),
        conditions=conditions,
        narrows=bool(narrowing),
    )


def conditions_of(criteria: Criteria, resource: Resource, timezone: str = "UTC") -> tuple[Condition, ...]:
    """Everything that an entity has to meet: filters, metadata, and what is meant where nothing is said.

    Raises:
        Malformed, Invalid: as ``plan`` does.
    """
    asked = [read(each, resource.fields, timezone) for each in criteria.filters]
    asked += [
        Condition(f"metadata[{pair[0]}]", PAIRS, Operator.EQ, (pair,), (Span(pair, (pair[0], pair[1] + BELOW)),))
        for pair in criteria.metadata
    ]
    return (*asked, *_assumed(resource, asked))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The lists of one family that hold what is asked for, and the conditions that they are kept by."""

    family: Family
    listings: tuple[Listing, ...]
    served: tuple[Condition, ...]


def _assumed(resource: Resource, asked: Sequence[Condition]) -> list[Condition]:
    """What is meant where nothing names a choice: archived things are listed only when asked for."""
    named = {condition.field.name for condition in asked if condition.names_values}
    return [
        Condition(each.name, each, Operator.IN, each.assumed, tuple(exactly(choice) for choice in each.assumed))
        for each in resource.fields
        if each.assumed and each.name not in named
    ]


def _sorts(asked: Sequence[Sort], resource: Resource, conditions: Sequence[Condition]) -> list[Sort]:
    """The fields to sort by; the last one is an order that lists are kept in."""
    kept = {name for family in resource.families for name in family.orders}
    by = {name for family in resource.families for name in family.by}
    for place, sort in enumerate(asked, start=1):
        if sort.field in kept and sort.field not in by and place < len(asked):
            raise _not_indexed("sort", f"{sort.field} has to be the last field to sort by", resource)
        if sort.field not in kept | by:
            raise _not_indexed("sort", f"There is no order by {sort.field}", resource)
    if asked and asked[-1].field in kept:
        return list(asked)
    ranged = [condition.field.name for condition in conditions if condition.span and condition.field.name in kept]
    return [*asked, Sort(ranged[0], descending=False) if ranged else resource.default]


def _candidate(
    resource: Resource, family: Family, conditions: Sequence[Condition], heads: Sequence[Sort], order: Sort
) -> _Candidate | None:
    if order.field not in family.orders or not {head.field for head in heads} <= set(family.by):
        return None
    served: list[Condition] = []
    parts: list[list[tuple[Any, frozenset[Any]]]] = []
    for name in family.by:
        about = [condition for condition in conditions if condition.field.name == name]
        if resource.field(name).kind is Kind.CHOICE:
            wanted = frozenset(each for each in resource.field(name).choices if all(c.is_met((each,)) for c in about))
            groups = family.groups.get(name) or {each: frozenset({each}) for each in wanted}
            if name in {head.field for head in heads}:
                groups = {each: holds for each, holds in groups.items() if holds == {each}}
            if not wanted <= frozenset().union(*groups.values()):
                return None
            part, exact = _cover(wanted, groups)
            served += about if exact else []
        else:
            named = [condition for condition in about if condition.names_values]
            if not named:
                return None
            fewest = min(named, key=lambda condition: len(condition.values))
            part = [(value, frozenset({value})) for value in dict.fromkeys(fewest.values)]
            served.append(fewest)
        parts.append(part)
    listings = [
        Listing(tuple(value for value, _ in each), tuple(holds for _, holds in each)) for each in product(*parts)
    ]
    if len(listings) > MAX_LISTS:
        return None
    return _Candidate(family, _ranked(family, listings, heads), tuple(served))


def _cover(
    wanted: frozenset[str], groups: Mapping[str, frozenset[str]]
) -> tuple[list[tuple[str, frozenset[str]]], bool]:
    """The fewest lists that hold all choices wanted, and whether they hold no others."""
    left, cover = wanted, []
    for name, holds in sorted(groups.items(), key=lambda each: -len(each[1])):
        if holds <= left:
            cover.append((name, holds))
            left -= holds
    wider = [(name, holds) for name, holds in groups.items() if holds & left]
    return cover + wider, not wider


def _ranked(family: Family, listings: list[Listing], heads: Sequence[Sort]) -> tuple[Listing, ...]:
    """In the order of the fields to sort by first; lists with the same values of them have the same rank."""
    places = [family.by.index(head.field) for head in heads]
    for place, head in reversed(list(zip(places, heads, strict=True))):
        listings.sort(key=lambda each: each.values[place], reverse=head.descending)
    firsts = [tuple(each.values[place] for place in places) for each in listings]
    ranks = list(dict.fromkeys(firsts))
    return tuple(replace(each, rank=ranks.index(first)) for each, first in zip(listings, firsts, strict=True))


def _not_indexed(name: str, message: str, resource: Resource) -> Malformed:
    """Refuse, and say what there is."""
    by = dict.fromkeys(name for family in resource.families for name in family.by)
    orders = dict.fromkeys(name for family in resource.families for name in family.orders)
    return Malformed(
        f"{message}. Lists are kept by {', '.join(by)} (eq, or in with lists for at most {MAX_LISTS} values), each in "
        f"order of {' or '.join(orders)}, which a range may be asked of",
        field=name,
        reason="not_indexed",
    )
