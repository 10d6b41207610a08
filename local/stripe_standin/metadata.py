"""Metadata. Source: https://docs.stripe.com/api/metadata."""

from .errors import invalid_request
from .shapes import JsonObject

MAXIMUM_KEYS = 50
MAXIMUM_KEY = 40
MAXIMUM_VALUE = 500


def merged(current: JsonObject, params: JsonObject) -> JsonObject:
    """Give the metadata after a request: named keys are set, emptied ones removed, an emptied whole clears all."""
    if "metadata" not in params:
        return current
    given = params["metadata"]
    if given is None:
        return {}
    for key, value in given.items():
        if len(key) > MAXIMUM_KEY:
            raise invalid_request(f"Metadata keys can be at most {MAXIMUM_KEY} characters long.", param="metadata")
        if len(value) > MAXIMUM_VALUE:
            raise invalid_request(
                f"Metadata values can have up to {MAXIMUM_VALUE} characters.", param=f"metadata[{key}]"
            )
    result = {key: value for key, value in (current | given).items() if value != ""}
    if len(result) > MAXIMUM_KEYS:
        raise invalid_request(f"You can have up to {MAXIMUM_KEYS} metadata keys.", param="metadata")
    return result
