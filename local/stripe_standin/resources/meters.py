"""/v1/billing/meters and /v1/billing/meter_events: the usage that metered prices bill."""

from decimal import Decimal, InvalidOperation

from stripe.params.billing import MeterCreateParams, MeterEventCreateParams, MeterListParams, MeterRetrieveParams

from .. import ids
from ..accounts import Account
from ..errors import invalid_request
from ..listing import page
from ..routing import Call, Route
from ..shapes import JsonObject

OLDEST_SECONDS = 35 * 24 * 60 * 60
NEWEST_SECONDS = 5 * 60


def create(call: Call) -> JsonObject:
    """POST /v1/billing/meters"""
    account, params = call.account, call.params
    if any(meter["event_name"] == params["event_name"] for meter in account.newest_first("billing.meter")):
        raise invalid_request(
            f"A meter with the event name {params['event_name']} already exists.", code="resource_already_exists"
        )
    return account.add(
        "billing.meter",
        {
            "customer_mapping": params.get("customer_mapping")
            or {"event_payload_key": "stripe_customer_id", "type": "by_id"},
            "default_aggregation": params["default_aggregation"],
            "display_name": params["display_name"],
            "event_name": params["event_name"],
            "event_time_window": params.get("event_time_window"),
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": account.now(),
            "value_settings": params.get("value_settings") or {"event_payload_key": "value"},
        },
    )


def retrieve(call: Call) -> JsonObject:
    """GET /v1/billing/meters/{id}"""
    return call.account.get("billing.meter", call.path["id"])


def list_all(call: Call) -> JsonObject:
    """GET /v1/billing/meters"""
    return page("/v1/billing/meters", call.account.newest_first("billing.meter"), call.params)


def report(call: Call) -> JsonObject:
    """POST /v1/billing/meter_events; an ``identifier`` counts once."""
    account, params = call.account, call.params
    meter = next(
        (one for one in account.newest_first("billing.meter") if one["event_name"] == params["event_name"]), None
    )
    if meter is None:
        raise invalid_request(f"No active meter found for event name: {params['event_name']}", param="event_name")
    at = params.get("timestamp", account.now())
    if not account.now() - OLDEST_SECONDS <= at <= account.now() + NEWEST_SECONDS:
        raise invalid_request(
            "The timestamp must be within the past 35 days or up to 5 minutes in the future.", param="timestamp"
        )
    identifier = params.get("identifier") or ids.random_text(24)
    if any(event["identifier"] == identifier for event in account.newest_first("billing.meter_event")):
        raise invalid_request(
            f"An event already exists with identifier {identifier}.",
            code="resource_already_exists",
            param="identifier",
        )
    _refuse_payload(meter, params["payload"])
    event = account.add(
        "billing.meter_event",
        {
            "event_name": params["event_name"],
            "identifier": identifier,
            "payload": params["payload"],
            "timestamp": at,
        },
    )
    return {name: value for name, value in event.items() if name not in {"id", "metadata"}}


def usage(account: Account, meter_id: str, customer_id: str, start: int, end: int) -> int:
    """Give a customer's usage from ``start`` up to but not including ``end``, by the meter's formula."""
    meter = account.get("billing.meter", meter_id)
    value_key = meter["value_settings"]["event_payload_key"]
    events = [
        event
        for event in account.objects.get("billing.meter_event", {}).values()
        if event["event_name"] == meter["event_name"]
        and event["payload"][meter["customer_mapping"]["event_payload_key"]] == customer_id
        and start <= event["timestamp"] < end
    ]
    formula = meter["default_aggregation"]["formula"]
    if formula == "count":
        return len(events)
    if formula == "last":
        events = sorted(events, key=lambda event: int(event["timestamp"]))[-1:]
    return int(sum(Decimal(event["payload"][value_key]) for event in events))


def _refuse_payload(meter: JsonObject, payload: JsonObject) -> None:
    wanted = [meter["customer_mapping"]["event_payload_key"]]
    if meter["default_aggregation"]["formula"] != "count":
        wanted.append(meter["value_settings"]["event_payload_key"])
    for name in wanted:
        if name not in payload:
            raise invalid_request(f"Missing required payload key: {name}.", param=f"payload[{name}]")
    try:
        whole = Decimal(payload[wanted[-1]]) % 1 == 0 if len(wanted) > 1 else True
    except InvalidOperation:
        whole = False
    if not whole:
        raise invalid_request("The value of a meter event must be a whole number.", param=f"payload[{wanted[-1]}]")


ROUTES = (
    Route("POST", "/v1/billing/meters", MeterCreateParams, create, result="billing.meter"),
    Route("GET", "/v1/billing/meters", MeterListParams, list_all, result="billing.meter"),
    Route("GET", "/v1/billing/meters/{id}", MeterRetrieveParams, retrieve, result="billing.meter"),
    Route("POST", "/v1/billing/meter_events", MeterEventCreateParams, report, result="billing.meter_event"),
)
