"""Calls from pages in browsers (the Fetch standard's CORS protocol).

Credentials travel in the ``Authorization`` header, never in cookies, so a page on an allowed origin can do no more
than what its own code was given a token for.
"""

import os
from collections.abc import Mapping

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, orgid, X-Currency, "
    "X-Dry-Run, X-Language-Fallback, X-Region, X-Request-Id, X-Tenant-ID, X-Timezone"
)
_ANSWER_HEADERS = (
    "ETag, Idempotent-Replayed, Location, Retry-After, X-Dry-Run, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-Request-Id"
)
_PREFLIGHT_SECONDS = 7200  # what Chromium keeps at most


def headers(request: Mapping[str, str]) -> dict[str, str]:
    """What an answer says to the browser of a page from elsewhere; nothing where no page asked.

    Args:
        request: headers of the request, names in lower case.
    """
    allowed = _allowed(request.get("origin", ""))
    return {} if allowed is None else {**allowed, "Access-Control-Expose-Headers": _ANSWER_HEADERS}


def preflight(request: Mapping[str, str]) -> dict[str, str]:
    """What a browser is told that asks before it calls; nothing for an origin that may not."""
    allowed = _allowed(request.get("origin", ""))
    if allowed is None:
        return {}
    return {
        **allowed,
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    }


def _allowed(origin: str) -> dict[str, str] | None:
    """CORS_ORIGINS holds ``*``, or origins with commas between them."""
    known = os.environ.get("CORS_ORIGINS", "")
    if not origin or not known:
        return None
    if known == "*":
        return {"Access-Control-Allow-Origin": "*"}
    if origin not in known.split(","):
        return None
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
