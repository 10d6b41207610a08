"""Stripe's lists: newest first, paged by object id. Source: https://docs.stripe.com/api/pagination."""

from .errors import invalid_request, no_such
from .shapes import JsonObject

DEFAULT_LIMIT = 10
MAXIMUM_LIMIT = 100


def page(url: str, things: list[JsonObject], params: JsonObject) -> JsonObject:
    """Give one page of ``things`` (newest first) by ``limit``, ``starting_after``, ``ending_before``, ``created``."""
    limit = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise invalid_request(
            f"This value must be between 1 and {MAXIMUM_LIMIT}.", code="parameter_invalid_integer", param="limit"
        )
    if "starting_after" in params and "ending_before" in params:
        raise invalid_request("You may only specify one of these parameters: starting_after, ending_before.")
    chosen = [thing for thing in things if _created_matches(thing, params.get("created"))]
    if "starting_after" in params:
        chosen = chosen[_place(chosen, params["starting_after"], "starting_after") + 1 :]
    if "ending_before" in params:
        before = chosen[: _place(chosen, params["ending_before"], "ending_before")]
        return _list(url, before[-limit:], has_more=len(before) > limit)
    return _list(url, chosen[:limit], has_more=len(chosen) > limit)


def _list(url: str, things: list[JsonObject], *, has_more: bool) -> JsonObject:
    return {"object": "list", "data": [dict(thing) for thing in things], "has_more": has_more, "url": url}


def _place(things: list[JsonObject], object_id: str, param: str) -> int:
    for place, thing in enumerate(things):
        if thing["id"] == object_id:
            return place
    raise no_such("object", object_id, param=param, status=400)


def _created_matches(thing: JsonObject, wanted: int | JsonObject | None) -> bool:
    if wanted is None:
        return True
    # An invoice item's moment goes by another name.
    created: int = thing["created"] if "created" in thing else thing["date"]
    if isinstance(wanted, int):
        return created == wanted
    after: int = max(wanted.get("gt", -1) + 1, wanted.get("gte", 0))
    before: int = min(wanted.get("lt", created + 1) - 1, wanted.get("lte", created))
    return after <= created <= before
