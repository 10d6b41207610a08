"""The one table from domain errors to HTTP statuses (contract 4.3)."""

from typing import Any

from commerce.kernel.errors import (
    CommerceError,
    Conflict,
    Detail,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[CommerceError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Invalid: 422,
    RateLimited: 429,
    Unavailable: 503,
}


def status_of(error: CommerceError) -> int:
    """The status of the nearest listed class; 500 for one that nobody listed."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


# What pydantic calls an unreadable parameter, as opposed to a readable one with a value that cannot be.
_UNREADABLE = ("_parsing", "_type")


def from_validation(errors: list[dict[str, Any]]) -> CommerceError:
    """Turn validation errors into one refusal that names fields, and never repeats what was sent."""
    details = tuple(_detail(error) for error in errors[:20])
    parameters_only = all(error["loc"] and error["loc"][0] == "query" for error in errors)
    if parameters_only and any(str(error["type"]).endswith(_UNREADABLE) for error in errors):
        return Malformed("Invalid query parameter", details=details)
    first = details[0]
    return Invalid(f"{first.field}: {first.message}" if first.field else first.message, details=details)


def _detail(error: dict[str, Any]) -> Detail:
    place = [str(part)[:40] for part in error["loc"] if part not in ("body", "query", "path")]
    code = str(error["type"])
    message = "Unknown field" if code == "extra_forbidden" else str(error.get("msg", "Invalid value"))
    return Detail(".".join(place), message, "unknown_field" if code == "extra_forbidden" else code)
