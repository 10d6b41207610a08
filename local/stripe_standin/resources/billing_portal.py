"""/v1/billing_portal: configurations, and sessions with an address for one customer."""

from stripe.params.billing_portal import (
    ConfigurationCreateParams,
    ConfigurationListParams,
    ConfigurationRetrieveParams,
    ConfigurationUpdateParams,
    SessionCreateParams,
)

from .. import ids
from ..accounts import Account, change
from ..billing import status
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject
from .references import customer_named

CONFIGURATION = "billing_portal.configuration"
SESSION = "billing_portal.session"
NO_DEFAULT = (
    "No configuration provided and your test mode default configuration has not been created. Provide a configuration "
    "or create your default by saving your customer portal settings in test mode at "
    "https://dashboard.stripe.com/test/settings/billing/portal."
)
FEATURES: JsonObject = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
NEEDED = {
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_pause": "subscription_pause",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
"""The feature each flow needs."""


def create(call: Call) -> JsonObject:
    """POST /v1/billing_portal/configurations"""
    return make(call.account, call.params)


def make(account: Account, params: JsonObject, *, is_default: bool = False) -> JsonObject:
    """Store a configuration, and say so."""
    configuration = account.add(
        CONFIGURATION,
        {
            "active": True,
            "application": None,
            "business_profile": _profile(params),
            "default_return_url": params.get("default_return_url"),
            "features": _features(FEATURES, params.get("features", {})),
            "is_default": is_default,
            "login_page": {"enabled": False, "url": None},
            "metadata": merged({}, params),
            "name": params.get("name"),
            "updated": account.now(),
        },
    )
    account.emit(f"{CONFIGURATION}.created", configuration)
    return configuration


def retrieve(call: Call) -> JsonObject:
    """GET /v1/billing_portal/configurations/{configuration}"""
    return call.account.get(CONFIGURATION, call.path["configuration"])


def update(call: Call) -> JsonObject:
    """POST /v1/billing_portal/configurations/{configuration}"""
    configuration, params = retrieve(call), call.params
    if configuration["is_default"] and params.get("active") is False:
        raise invalid_request("You cannot deactivate your default configuration.", param="active")
    members: JsonObject = {name: params[name] for name in ("active", "default_return_url", "name") if name in params}
    members["metadata"] = merged(configuration["metadata"], params)
    members["business_profile"] = configuration["business_profile"] | params.get("business_profile", {})
    members["features"] = _features(configuration["features"], params.get("features", {}))
    previous = change(configuration, members)
    if previous:
        configuration["updated"] = call.account.now()
        call.account.emit(f"{CONFIGURATION}.updated", configuration, previous)
    return configuration


def list_all(call: Call) -> JsonObject:
    """GET /v1/billing_portal/configurations, by ``active`` and ``is_default``."""
    found = call.account.newest_first(CONFIGURATION)
    for name in ("active", "is_default"):
        if name in call.params:
            found = [one for one in found if one[name] == call.params[name]]
    return page("/v1/billing_portal/configurations", found, call.params)


def create_session(call: Call) -> JsonObject:
    """POST /v1/billing_portal/sessions: an address that lets one customer in, for a short time."""
    account, params = call.account, call.params
    if "customer" not in params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = customer_named(account, params["customer"])
    configuration = _configuration(call)
    flow = params.get("flow_data")
    if flow:
        _refuse_flow(account, customer["id"], configuration, flow)
    mode = "live" if account.livemode else "test"
    session = account.add(
        SESSION,
        {
            "after_expiration": None,
            "configuration": configuration["id"],
            "customer": customer["id"],
            "customer_account": None,
            "flow": flow and {"after_completion": {"type": "portal_homepage"}} | flow,
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url", configuration["default_return_url"]),
            "url": f"https://billing.stripe.com/p/session/{mode}_{ids.random_text(60)}",
        },
    )
    del session["metadata"]
    account.emit(f"{SESSION}.created", session)
    return session


def _configuration(call: Call) -> JsonObject:
    named = call.params.get("configuration")
    if named is not None:
        configuration: JsonObject = call.account.get(CONFIGURATION, named, param="configuration", status=400)
        if not configuration["active"]:
            raise invalid_request("The configuration is inactive and cannot be used.", param="configuration")
        return configuration
    default = next((one for one in call.account.newest_first(CONFIGURATION) if one["is_default"]), None)
    if default is None:
        raise invalid_request(NO_DEFAULT)
    return default


def _refuse_flow(account: Account, customer_id: str, configuration: JsonObject, flow: JsonObject) -> None:
    """Refuse a flow the configuration does not allow, or one about another customer's subscription."""
    feature = NEEDED.get(flow["type"])
    if feature is not None and not configuration["features"][feature]["enabled"]:
        raise invalid_request(
            f"This flow cannot be used because the feature `{feature}` is disabled in the portal configuration.",
            param="flow_data[type]",
        )
    if not flow["type"].startswith("subscription_"):
        return
    param = f"flow_data[{flow['type']}][subscription]"
    if flow["type"] not in flow:
        raise invalid_request(f"Missing required param: {param}.", code="parameter_missing", param=param)
    subscription = account.get("subscription", flow[flow["type"]]["subscription"], param=param, status=400)
    if subscription["customer"] != customer_id or subscription["status"] in status.ENDED:
        raise invalid_request(f"No such subscription: '{subscription['id']}'", code="resource_missing", param=param)


def _profile(params: JsonObject) -> JsonObject:
    blank: JsonObject = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
    given: JsonObject = params.get("business_profile", {})
    return blank | given


def _features(current: JsonObject, given: JsonObject) -> JsonObject:
    """Give the features after a request: each named one is laid over what it was."""
    merged_features = {name: feature | (given.get(name) or {}) for name, feature in current.items()}
    cancel = merged_features["subscription_cancel"]
    reason = cancel["cancellation_reason"]
    cancel["cancellation_reason"] = current["subscription_cancel"]["cancellation_reason"] | reason
    update_feature = merged_features["subscription_update"]
    if update_feature["enabled"] and not update_feature["default_allowed_updates"]:
        raise invalid_request(
            "Missing required param: features[subscription_update][default_allowed_updates].",
            code="parameter_missing",
            param="features[subscription_update][default_allowed_updates]",
        )
    return merged_features


HONOURED = frozenset({"business_profile", "default_return_url", "features", "metadata", "name"})
CONFIGURATIONS = "/v1/billing_portal/configurations"

ROUTES = (
    Route("POST", CONFIGURATIONS, ConfigurationCreateParams, create, HONOURED, result=CONFIGURATION),
    Route("GET", CONFIGURATIONS, ConfigurationListParams, list_all, result=CONFIGURATION),
    Route("GET", f"{CONFIGURATIONS}/{{configuration}}", ConfigurationRetrieveParams, retrieve, result=CONFIGURATION),
    Route(
        "POST",
        f"{CONFIGURATIONS}/{{configuration}}",
        ConfigurationUpdateParams,
        update,
        HONOURED | {"active"},
        result=CONFIGURATION,
    ),
    Route(
        "POST",
        "/v1/billing_portal/sessions",
        SessionCreateParams,
        create_session,
        frozenset({"configuration", "customer", "flow_data", "locale", "return_url"}),
        result=SESSION,
    ),
)
