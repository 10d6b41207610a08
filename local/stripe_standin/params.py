"""Check a request against the parameter types that ship in the SDK (``stripe.params``).

What the SDK's own types do not name, Stripe does not take, so an unknown name is refused here as it is there.
"""

import types
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions
from stripe import RequestOptions

from .errors import StripeError, invalid_request
from .form import Tree
from .shapes import JsonObject

SDK_OPTIONS = frozenset(RequestOptions.__annotations__)
# The SDK imports these names for type checkers only, so its annotations do not resolve without them.
UNRESOLVED = {"StripeContext": str, "Mapping": Mapping}


@cache
def fields_of(schema: type) -> dict[str, Any]:
    """Give the parameter names of an SDK type with their types, less the SDK's own request options."""
    hints = get_type_hints(schema, localns=UNRESOLVED)
    # A TypedDict does not remember its bases: that the options were mixed in shows by all of them being there.
    if not hints.keys() >= SDK_OPTIONS:
        return hints
    return {name: hint for name, hint in hints.items() if name not in SDK_OPTIONS}


def check(given: Tree, schema: type, extra: Mapping[str, Any] | None = None) -> JsonObject:
    """Give the typed parameters of a request. An emptied parameter is present and None.

    Args:
        given: the request's fields, nested.
        schema: the SDK's TypedDict for this call.
        extra: parameters the SDK's type lacks because only a browser sends them.

    Raises:
        StripeError: 400 with ``parameter_unknown``, ``parameter_missing``, ``parameter_invalid_integer`` or
            ``parameter_invalid_empty``, and ``param`` naming the field in brackets.
    """
    return _object(given, schema, "", extra or {})


def _object(given: Tree, schema: type, prefix: str, extra: Mapping[str, Any]) -> JsonObject:
    fields = fields_of(schema) | dict(extra)
    for name in given:
        if name not in fields:
            param = _inside(prefix, name)
            raise invalid_request(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
    required: frozenset[str] = getattr(schema, "__required_keys__", frozenset())
    for name in sorted(required & fields.keys()):
        if name not in given:
            param = _inside(prefix, name)
            raise invalid_request(f"Missing required param: {param}.", code="parameter_missing", param=param)
    return {name: _value(value, fields[name], _inside(prefix, name)) for name, value in given.items()}


def _inside(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _value(value: str | Tree, hint: Any, param: str) -> Any:
    choices = _alternatives(hint)
    if isinstance(value, dict):
        return _nested(value, choices, param)
    words = _words(choices)
    if value == "":
        if "" in words:
            return None
        raise _empty(param)
    return _scalar(value, choices, words - {""}, param)


def _alternatives(hint: Any) -> list[Any]:
    """Flatten a union into its members."""
    origin = get_origin(hint)
    if origin in {typing_extensions.NotRequired, typing_extensions.Required}:
        return _alternatives(get_args(hint)[0])
    if origin is Union or isinstance(hint, types.UnionType):
        return [choice for member in get_args(hint) for choice in _alternatives(member)]
    return [hint]


def _words(choices: list[Any]) -> set[str]:
    return {word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)}


def _nested(value: Tree, choices: list[Any], param: str) -> Any:
    for choice in choices:
        if is_typeddict(choice) or typing_extensions.is_typeddict(choice):
            return _object(value, choice, param, {})
        if get_origin(choice) is list:
            return _array(value, get_args(choice)[0], param)
        if get_origin(choice) is dict:
            item = get_args(choice)[1]
            # An empty value removes one entry, so it is kept rather than refused.
            return {
                name: "" if entry == "" else _value(entry, item, _inside(param, name)) for name, entry in value.items()
            }
    raise invalid_request(f"Invalid string: {param} must not be an object", param=param)


def _array(value: Tree, item: Any, param: str) -> list[Any]:
    if not all(index.isdecimal() for index in value):
        raise invalid_request("Invalid array", param=param)
    return [_value(value[index], item, _inside(param, index)) for index in sorted(value, key=int)]


def _scalar(value: str, choices: list[Any], words: set[str], param: str) -> Any:
    if bool in choices and value in {"true", "false"}:
        return value == "true"
    if value in words:
        return value
    if int in choices:
        return _integer(value, param)
    if Decimal in choices:
        return _exact(value, param)
    if words:
        # The SDK writes its enumerations as open (``Literal[...]|str``); Stripe itself takes the listed words only.
        listed = ", ".join(sorted(words))
        raise invalid_request(f"Invalid {param}: must be one of {listed}", param=param)
    if float in choices:
        return _decimal(value, param)
    if bool in choices:
        raise invalid_request(f"Invalid boolean: {value}", param=param)
    if str in choices:
        return value
    wanted = "array" if any(get_origin(choice) is list for choice in choices) else "object"
    raise invalid_request(f"Invalid {wanted}", param=param)


def _integer(value: str, param: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise invalid_request(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
    return int(value)


def _exact(value: str, param: str) -> str:
    """Keep an exact decimal as Stripe writes it: in digits, without trailing zeros, at most 12 after the point."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number != round(number, 12):
        raise invalid_request(f"Invalid decimal: {value}", code="parameter_invalid_integer", param=param)
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def _decimal(value: str, param: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise invalid_request(f"Invalid decimal: {value}", param=param) from None


def _empty(param: str) -> StripeError:
    return invalid_request(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty "
        "value.",
        code="parameter_invalid_empty",
        param=param,
    )


def positive(params: JsonObject, name: str) -> int | None:
    """Give an integer parameter that must be at least 1, or None when it was not given."""
    value = params.get(name)
    if value is None:
        return None
    if value < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name
        )
    return int(value)
