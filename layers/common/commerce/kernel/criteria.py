"""What a list is asked for beyond its own parameters (contract 4.4): filters, metadata, order.

filter[price][gte]=50 & filter[category][in]=electronics,audio & metadata[warehouse]=west & sort=category,-price
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from commerce.kernel.errors import Malformed

INDEXED_METADATA = 10

_FILTER = re.compile(r"filter\[(\w{1,40})\]\[(\w{1,20})\]\Z")
_METADATA = re.compile(r"metadata\[([^\[\]]{1,40})\]\Z")
_SORT = re.compile(r"-?\w{1,40}(?:,-?\w{1,40}){0,4}\Z")


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"


@dataclass(frozen=True, slots=True)
class Filter:
    """``values`` holds one text, or those of a list for ``in`` and ``nin``."""

    field: str
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Criteria:
    filters: tuple[Filter, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    sorts: tuple[Sort, ...] = ()


def is_criterion(name: str) -> bool:
    """Whether a query parameter of this name belongs to the criteria; ``sort`` may be a list's own."""
    return name.startswith(("filter[", "metadata["))


def read(parameters: Mapping[str, Sequence[str]]) -> Criteria:
    """The criteria among query parameters.

    Raises:
        Malformed: a filter, metadata or sort parameter that does not read.
    """
    filters: list[Filter] = []
    metadata: list[tuple[str, str]] = []
    for name, values in parameters.items():
        if name.startswith("filter["):
            filters += [_filter(name, value) for value in values]
        elif name.startswith("metadata["):
            metadata += [(_key(name), value) for value in values]
    sorts = [each for value in parameters.get("sort", ()) for each in _sorts(value)]
    return Criteria(tuple(sorted(filters, key=_order)), tuple(sorted(metadata)), tuple(sorts))


def _filter(name: str, value: str) -> Filter:
    match = _FILTER.match(name)
    if match is None:
        raise _unreadable(name, "Write filter[field][operator]=value")
    field, operator = match.groups()
    if operator not in set(Operator):
        raise _unreadable(name, f"Operators are {', '.join(Operator)}")
    several = operator in (Operator.IN, Operator.NIN)
    # A comma that belongs to a value is percent-encoded once more, so that it is not one between values.
    values = tuple(unquote(part) for part in value.split(",")) if several else (value,)
    return Filter(field, Operator(operator), values)


def _key(name: str) -> str:
    match = _METADATA.match(name)
    if match is None:
        raise _unreadable(name, "Write metadata[key]=value")
    return match.group(1)


def _sorts(value: str) -> list[Sort]:
    if not _SORT.match(value):
        raise _unreadable("sort", "Write up to five fields with commas between them, - before those that descend")
    return [Sort(part.removeprefix("-"), part.startswith("-")) for part in value.split(",")]


def _order(found: Filter) -> tuple[str, str, tuple[str, ...]]:
    return (found.field, found.operator, found.values)


def _unreadable(name: str, message: str) -> Malformed:
    return Malformed(message, field=name[:80], reason="unknown_parameter")


def indexed_metadata(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The pairs that a list can be filtered by: those of the first ten keys in order of their text."""
    return tuple(sorted(metadata.items())[:INDEXED_METADATA])


def unindexed_metadata(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The keys beyond those."""
    return tuple(sorted(metadata))[INDEXED_METADATA:]


def metadata_name(key: str) -> str:
    """Names a key of metadata in counters."""
    return quote(key, safe="")


def metadata_facet(key: str, value: str) -> str:
    """Names a pair of metadata in keys, whatever characters and however many it has."""
    return "~" + hashlib.sha256(f"{len(key)}:{key}{value}".encode()).hexdigest()[:32]
