"""/v1/events"""

from fnmatch import fnmatchcase

from stripe.params import EventListParams, EventRetrieveParams

from ..listing import page
from ..routing import Call, Route
from ..shapes import JsonObject


def retrieve(call: Call) -> JsonObject:
    """GET /v1/events/{id}"""
    return call.account.get("event", call.path["id"])


def list_all(call: Call) -> JsonObject:
    """GET /v1/events, by ``type`` (``charge.*`` too), ``types`` and ``delivery_success``."""
    events = call.account.newest_first("event")
    wanted = call.params.get("types") or ([call.params["type"]] if "type" in call.params else [])
    if wanted:
        events = [event for event in events if any(fnmatchcase(event["type"], one) for one in wanted)]
    if "delivery_success" in call.params:
        success = call.params["delivery_success"]
        events = [event for event in events if (event["pending_webhooks"] == 0) == success]
    return page("/v1/events", events, call.params)


ROUTES = (
    Route("GET", "/v1/events", EventListParams, list_all),
    Route("GET", "/v1/events/{id}", EventRetrieveParams, retrieve),
)
