"""Dates and instants coming in: days, and the bounds of a list."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[+\- ]\d{2}:\d{2})\Z")


def _bound(value: Any) -> Any:
    """A date or an instant; a blank in the offset is a plus sign that the sender forgot to encode."""
    text = str(value)
    try:
        if _DATE.match(text):
            return date.fromisoformat(text)
        if _INSTANT.match(text):
            return datetime.fromisoformat(text[:10] + "T" + text[11:].replace(" ", "+").upper())
    except ValueError:
        pass  # the 30th of February
    raise PydanticCustomError("date_parsing", "Must be a date (2026-03-20) or an RFC 3339 instant")


Bound = Annotated[
    date | datetime,
    BeforeValidator(_bound),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"format": "date"}, {"format": "date-time"}],
            "examples": ["2026-03-20", "2026-03-20T12:00:00Z"],
        }
    ),
]


def _moment(value: date | datetime) -> date | datetime:
    if not date.min.year < value.year < date.max.year:
        raise PydanticCustomError("date_out_of_range", "Must be within the years 2 to 9998")
    return value


Moment = Annotated[Bound, AfterValidator(_moment)]
"""A date or an instant to keep: any time zone's clock can tell it, and there is a day after it."""


def _day(value: Any) -> date:
    """A calendar date that has a day after it."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DATE.match(value) else None
    except ValueError:
        day = None  # the 30th of February
    if day is None:
        raise PydanticCustomError("date_parsing", "Must be a date such as 2026-03-25")
    if day == date.max:
        raise PydanticCustomError("date_out_of_range", "Must be before the last day of the calendar")
    return day


Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-31"]})
]
"""A calendar date coming in, such as a last day on which something is good."""

DayOut = Annotated[str, WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-31"]})]
"""A calendar date going out."""
