"""OPTIONS of every route

A browser asks whether a page from elsewhere may call the API.
"""

from typing import Any

from commerce.http import cors
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    allowed = cors.preflight(headers)
    logger.info("preflight", route=event.get("resource"), allowed=bool(allowed))
    return {"statusCode": 204, "headers": {**allowed, "Cache-Control": "no-store"}, "body": ""}
