"""Any other method of a route

A client learns that a resource is there, and which methods it takes.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from commerce.http import cors
from commerce.http.envelopes import ADMIN, error_object
from commerce.kernel import wire_json
from commerce.observability import logger

_FILE = Path(__file__).with_name("methods.json")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request_id = str((event.get("requestContext") or {}).get("requestId", ""))
    allowed = ", ".join(_methods()[event["resource"]])
    logger.info("refused", route=f"{event.get('httpMethod')} {event['resource']}", request_id=request_id)
    # As what the gateway itself answers: in the envelope that both families of routes can read.
    error = error_object("validation_error", f"This resource takes {allowed}", (), request_id)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {
        "statusCode": 405,
        "headers": {
            **cors.headers(headers),
            "Allow": allowed,
            "Cache-Control": "no-store",
            "Content-Type": "application/json",
            "X-Request-Id": request_id,
        },
        "body": wire_json.dumps(ADMIN.error(error, 405)),
    }


@cache
def _methods() -> dict[str, list[str]]:
    """The methods of every path, as `make openapi` wrote them down."""
    loaded: dict[str, list[str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return loaded
