"""What a filter demands of an entity: its text read as the field's values are (contract 4.4, X-53)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from commerce.kernel.clock import sortable
from commerce.kernel.collation import BELOW, of_amount, of_text
from commerce.kernel.criteria import Filter, Operator
from commerce.kernel.errors import Invalid, Malformed

_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,3})?\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+\- ]\d{2}:\d{2})\Z", re.ASCII)
_LAST = "\U0010ffff"

_EQUAL = frozenset({Operator.EQ, Operator.NE, Operator.IN, Operator.NIN})
_RANGE = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_PART = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH})


class Kind(StrEnum):
    """What a field's values are, as ``Field.of`` gives them."""

    CHOICE = "choice"  # one of few words
    CODE = "code"  # an exact text
    TEXT = "text"  # a text whatever its case, as ``str.casefold`` leaves it
    AMOUNT = "amount"  # thousandths of the currency's major unit, an integer
    INSTANT = "instant"  # a ``datetime``


OPERATORS = {
    Kind.CHOICE: _EQUAL,
    Kind.CODE: _EQUAL | _PART,
    Kind.TEXT: _EQUAL | _RANGE | _PART,
    Kind.AMOUNT: _EQUAL | _RANGE,
    Kind.INSTANT: _EQUAL | _RANGE,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field to filter by. ``of`` gives an entity's values; ``assumed`` are the choices meant where none is asked."""

    name: str
    kind: Kind
    of: Callable[[Any], Sequence[Any]]
    choices: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Values from ``start`` on and before ``end``; None leaves a side open."""

    start: Any
    end: Any

    def holds(self, value: Any) -> bool:
        return (self.start is None or value >= self.start) and (self.end is None or value < self.end)


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter, read. ``spans`` are what each of its values stands for: a date is a whole day.

    ``name`` is the parameter that asks for it.
    """

    name: str
    field: Field
    operator: Operator
    values: tuple[Any, ...]
    spans: tuple[Span, ...]

    def is_met_by(self, entity: Any) -> bool:
        return self.is_met(self.field.of(entity))

    def is_met(self, found: Sequence[Any]) -> bool:
        """Whether any of the values found meets it; for ``ne`` and ``nin``, whether all do."""
        if self.operator in (Operator.NE, Operator.NIN):
            return not any(span.holds(value) for value in found for span in self.spans)
        if self.operator is Operator.CONTAINS:
            return any(self.values[0] in value for value in found)
        if self.operator is Operator.ENDS_WITH:
            return any(value.endswith(self.values[0]) for value in found)
        return any(span.holds(value) for value in found for span in self.spans)

    @property
    def names_values(self) -> bool:
        return self.operator in (Operator.EQ, Operator.IN)

    @property
    def span(self) -> Span | None:
        """The one span that it asks for, if it asks for one."""
        one = self.operator in _RANGE or self.operator in (Operator.EQ, Operator.STARTS_WITH)
        return self.spans[0] if one and self.field.kind is not Kind.CHOICE else None


def read(asked: Filter, fields: Sequence[Field], timezone: str) -> Condition:
    """Read a filter.

    Raises:
        Malformed: an unknown field, an operator that the field does not take, a value that is none.
        Invalid: a choice that there is not.
    """
    name = f"filter[{asked.field}][{asked.operator}]"
    field = next((each for each in fields if each.name == asked.field), None)
    if field is None:
        known = ", ".join(each.name for each in fields)
        raise Malformed(f"Filter by {known}", field=name, reason="unknown_filter")
    if asked.operator not in OPERATORS[field.kind]:
        known = ", ".join(sorted(OPERATORS[field.kind]))
        raise Malformed(f"{field.name} takes {known}", field=name, reason="unknown_operator")
    read = [_value(field, text, name, timezone) for text in asked.values]
    return Condition(
        name,
        field,
        asked.operator,
        tuple(value for value, _ in read),
        tuple(_asked(asked.operator, value, span) for value, span in read),
    )


def _asked(operator: Operator, value: Any, span: Span) -> Span:
    match operator:
        case Operator.GTE:
            return Span(span.start, None)
        case Operator.GT:
            return Span(span.end, None)
        case Operator.LT:
            return Span(None, span.start)
        case Operator.LTE:
            return Span(None, span.end)
        case Operator.STARTS_WITH:
            return Span(value, value + _LAST)
    return span


def _value(field: Field, text: str, name: str, timezone: str) -> tuple[Any, Span]:
    """A value, and the span of those that count as the same."""
    match field.kind:
        case Kind.CHOICE:
            if text not in field.choices:
                raise Invalid(f"{field.name} is one of {', '.join(field.choices)}", field=name, reason="enum")
            return text, exactly(text)
        case Kind.AMOUNT:
            if not _AMOUNT.match(text):
                raise Malformed("Not an amount in major units", field=name, reason="bad_value")
            whole, _, part = text.partition(".")
            thousandths = int(whole + part.ljust(3, "0"))
            return thousandths, Span(thousandths, thousandths + 1)
        case Kind.INSTANT:
            span = _instants(text, name, timezone)
            return span.start, span
    if not text:
        raise Malformed("An empty text finds nothing", field=name, reason="bad_value")
    value = text.casefold() if field.kind is Kind.TEXT else text
    return value, exactly(value)


def exactly(text: str) -> Span:
    """The span of this text alone."""
    return Span(text, text + BELOW)


def _instants(text: str, name: str, timezone: str) -> Span:
    """A date is that day in ``timezone``, an instant without a fraction its whole second."""
    try:
        if _DATE.match(text):
            day, zone = date.fromisoformat(text), ZoneInfo(timezone)
            first, last = (datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1)))
            return Span(first.astimezone(UTC), last.astimezone(UTC))
        if _INSTANT.match(text):
            instant = datetime.fromisoformat(text.replace(" ", "+")).astimezone(UTC)
            return Span(instant, instant + timedelta(seconds=1) if "." not in text else instant + timedelta.resolution)
    except (ValueError, OverflowError):
        pass  # the 30th of February, the year 0
    raise Malformed("Not a date, nor an RFC 3339 instant", field=name, reason="bad_value")


# Where a value stands among the keys of an index. Keys end with the entity's id, so no key is equal to a bound.


def lower(kind: Kind, value: Any) -> str:
    """At or before every key of ``value`` and of greater ones."""
    if kind is Kind.AMOUNT:
        return of_amount(value)
    return sortable(value) if kind is Kind.INSTANT else of_text(str(value).rstrip(BELOW))


def upper(kind: Kind, value: Any) -> str:
    """At or after every key of lesser values; of texts, which keys cut off, also of the same one."""
    return lower(kind, value) + ("" if kind in (Kind.AMOUNT, Kind.INSTANT) else "\1")
