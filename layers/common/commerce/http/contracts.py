"""The base of all wire models, and the field types that every context shares."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from commerce.kernel import ids
from commerce.kernel.countries import COUNTRIES

# ``defer_build``: a model's validator is built when first used. A module of contracts holds models of many endpoints,
# and building them all would be a good part of each one's cold start.


class Input(BaseModel):
    """What a client sends: unknown fields are refused, text is trimmed of nothing and coerced from nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Output(BaseModel):
    """What we answer."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Query(BaseModel):
    """Query parameters; unknown ones are refused with 400."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


def _well_formed(text: str) -> str:
    if not ids.is_well_formed(text):
        raise ValueError("Not an id")
    return text


Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_well_formed)]
OrderId = Annotated[Id, AfterValidator(ids.canonical_order_id)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Major = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [59.98]})]
"""An amount going out: decimal major units, a JSON number."""

Instant = Annotated[datetime, WithJsonSchema({"type": "string", "format": "date-time"})]


_PHONE = re.compile(r"\+?[0-9(][0-9 ()./\-]*[0-9]\Z")


def _phone(text: str) -> str:
    if not _PHONE.match(text) or not 4 <= sum(char.isdigit() for char in text) <= 15:
        raise PydanticCustomError("phone", "Not a telephone number: 4 to 15 digits (ITU E.164)")
    return text


def _country(text: str) -> str:
    if text.upper() not in COUNTRIES:
        raise PydanticCustomError("country", "Not an ISO 3166-1 alpha-2 country")
    return text.upper()


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise PydanticCustomError("not_printable", "Must be printable text")
    return text


Phone = Annotated[str, Field(strict=True, max_length=32, examples=["+1-555-0123"]), AfterValidator(_phone)]
Country = Annotated[
    str, Field(strict=True, max_length=2, description="ISO 3166-1 alpha-2", examples=["US"]), AfterValidator(_country)
]
Line = Annotated[str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_printable)]

MAX_METADATA_KEYS = 50


def _metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MAX_METADATA_KEYS:
        raise ValueError(f"At most {MAX_METADATA_KEYS} keys")
    for name, text in value.items():
        if not 1 <= len(name) <= 40 or len(text) > 500:
            raise ValueError("Keys have 1 to 40 characters, values at most 500")
    return value


Metadata = Annotated[dict[str, str], AfterValidator(_metadata)]
"""Free key-value pairs of the merchant (contract X-54)."""
