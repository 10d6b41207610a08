"""What callers are told of their limit (contract RL-02): from the authorizer, which counts, to the headers."""

from collections.abc import Mapping
from typing import Any

from commerce.limits.model import Standing

_HEADERS = {"X-RateLimit-Limit": "limit", "X-RateLimit-Remaining": "remaining", "X-RateLimit-Reset": "reset"}


def to_context(standing: Standing) -> dict[str, str]:
    """What the authorizer's context says of it: texts."""
    told = {name: str(getattr(standing, name)) for name in _HEADERS.values()}
    return told | ({"retry_after": str(standing.retry_after)} if standing.retry_after else {})


def from_context(context: Mapping[str, Any]) -> Standing | None:
    """What the authorizer said; None on a route that it does not guard."""
    if "limit" not in context:
        return None
    return Standing(
        limit=int(context["limit"]),
        remaining=int(context["remaining"]),
        reset=int(context["reset"]),
        retry_after=int(context.get("retry_after", 0)),
    )


def headers(standing: Standing | None) -> dict[str, list[str]]:
    """Of every answer to somebody who has a limit, whatever its status."""
    if standing is None:
        return {}
    return {header: [str(getattr(standing, name))] for header, name in _HEADERS.items()}
