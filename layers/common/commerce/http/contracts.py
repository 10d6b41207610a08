"""The base of all wire models, and the field types that every context shares."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from commerce.kernel import ids
from commerce.kernel.countries import COUNTRIES

# ``defer_build``: a model's validator is built when first used. A module of contracts holds models of many endpoints,
# and building them all would be a good part of each one's cold start.


class Says:
    """Adds to the JSON schema of a type what only its validator knows."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, core: Any, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return describe(core) | self._keywords


def changes_something(schema: dict[str, Any]) -> None:
    """Say in a model's JSON schema that it names a field to change; ``version`` is only what a change is based on."""
    schema["minProperties"] = 1
    if "version" in schema["properties"]:
        schema["not"] = {"required": ["version"], "maxProperties": 1}


class Input(BaseModel):
    """What a client sends: unknown fields are refused, text is trimmed of nothing and coerced from nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Changes(Input):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=changes_something)

    @model_validator(mode="after")
    def _changes_something(self) -> "Changes":
        if not self.sent:
            raise PydanticCustomError("nothing_to_change", "Send at least one field that is to change")
        return self

    @property
    def sent(self) -> dict[str, Any]:
        """The new values, by the names of their fields."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Output(BaseModel):
    """What we answer."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Query(BaseModel):
    """Query parameters; unknown ones are refused with 400."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class CamelInput(Input):
    """What a client of the storefront's own API sends, whose names are in camelCase (contract X-05)."""

    model_config = ConfigDict(alias_generator=to_camel)


class CamelOutput(Output):
    """What that API answers."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CamelQuery(Query):
    model_config = ConfigDict(alias_generator=to_camel)


def _well_formed(text: str) -> str:
    if not ids.is_well_formed(text):
        raise ValueError("Not an id")
    return text


Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_well_formed), Says(pattern=ids.PATTERN)]
OrderId = Annotated[Id, AfterValidator(ids.canonical_order_id)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Major = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [59.98]})]
"""An amount going out: decimal major units, a JSON number."""

Instant = Annotated[datetime, WithJsonSchema({"type": "string", "format": "date-time"})]


_PHONE = r"^\+?(?:\([ ()./\-]*)?[0-9](?:[ ()./\-]*[0-9]){3,14}$"


def _phone(text: str) -> str:
    if not re.fullmatch(_PHONE, text):
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


Phone = Annotated[
    str, Field(strict=True, max_length=32, examples=["+1-555-0123"]), AfterValidator(_phone), Says(pattern=_PHONE)
]
Country = Annotated[
    str,
    Field(strict=True, max_length=2, description="ISO 3166-1 alpha-2", examples=["US"]),
    AfterValidator(_country),
    Says(pattern="^[A-Za-z]{2}$"),
]
# More is unprintable than a portable pattern can name: these are ASCII's controls, and blanks alone.
PRINTABLE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
Line = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_printable), Says(pattern=PRINTABLE)
]

# RFC 5321 lengths; the local part as RFC 5322 writes it without quotes (dot-atom), the domain as DNS has it.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*\Z")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|xn--[A-Za-z0-9\-]{{1,58}}[A-Za-z0-9])\Z")


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(local) > 64 or len(domain) > 253 or not _LOCAL.match(local) or not _DOMAIN.match(domain):
        raise PydanticCustomError("email", "Not an e-mail address")
    return text


Email = Annotated[
    str,
    Field(strict=True, max_length=254, examples=["customer@example.com"]),
    AfterValidator(_email),
    Says(format="email"),
]

MAX_METADATA_KEYS, _MAX_NAME, _MAX_VALUE = 50, 40, 500


def _metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MAX_METADATA_KEYS:
        raise ValueError(f"At most {MAX_METADATA_KEYS} keys")
    for name, text in value.items():
        if not 1 <= len(name) <= _MAX_NAME or len(text) > _MAX_VALUE:
            raise ValueError(f"Keys have 1 to {_MAX_NAME} characters, values at most {_MAX_VALUE}")
    return value


Metadata = Annotated[
    dict[str, str],
    AfterValidator(_metadata),
    Says(
        maxProperties=MAX_METADATA_KEYS,
        propertyNames={"minLength": 1, "maxLength": _MAX_NAME},
        additionalProperties={"type": "string", "maxLength": _MAX_VALUE},
    ),
]
"""Free key-value pairs of the merchant (contract X-54)."""
