"""/v1/subscriptions and, for reading, /v1/subscription_items"""

from stripe.params import (
    SubscriptionCancelParams,
    SubscriptionCreateParams,
    SubscriptionItemListParams,
    SubscriptionItemRetrieveParams,
    SubscriptionListParams,
    SubscriptionPauseParams,
    SubscriptionResumeParams,
    SubscriptionRetrieveParams,
    SubscriptionUpdateParams,
)

from ..billing import changes, creation, cycle, ending, items, pausing, status
from ..errors import invalid_request, no_such
from ..listing import page
from ..routing import Call, Route
from ..shapes import JsonObject

ON_BOTH = frozenset({
    "collection_method", "days_until_due", "default_payment_method", "description", "discounts", "items", "metadata",
    "off_session", "payment_behavior", "payment_settings", "proration_behavior", "trial_end", "trial_settings",
    "billing_cycle_anchor",
})  # fmt: skip
ON_CREATE = ON_BOTH | {"customer", "billing_mode", "trial_period_days"}
ON_UPDATE = ON_BOTH | {"cancel_at_period_end", "cancellation_details", "pause_collection", "proration_date"}


def create(call: Call) -> JsonObject:
    """POST /v1/subscriptions"""
    if "customer" not in call.params:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    with call.account.tentative():
        return creation.create(call.account, call.params)


def retrieve(call: Call) -> JsonObject:
    """GET /v1/subscriptions/{subscription}"""
    return call.account.get("subscription", call.path["subscription"])


def update(call: Call) -> JsonObject:
    """POST /v1/subscriptions/{subscription}; a refused change leaves nothing behind."""
    with call.account.tentative():
        subscription = retrieve(call)
        changes.update(call.account, subscription, call.params)
        return subscription


def cancel(call: Call) -> JsonObject:
    """DELETE /v1/subscriptions/{subscription}, with credits if ``prorate`` and a last invoice if ``invoice_now``."""
    account, params = call.account, call.params
    with account.tentative():
        subscription = retrieve(call)
        if subscription["status"] in status.ENDED:
            raise no_such("subscription", subscription["id"], param="id")
        subscription["cancellation_details"] = subscription["cancellation_details"] | params.get(
            "cancellation_details", {}
        )
        if params.get("prorate") and subscription["status"] in {"active", "past_due"}:
            ending.credit_unused(account, subscription)
        elif not params.get("invoice_now"):
            ending.drop_pending(account, subscription)
        invoice = _last_invoice(call, subscription) if params.get("invoice_now") else None
        ending.cancel(account, subscription)
        if invoice is not None:
            ending.release(account, invoice)
        return subscription


def pause(call: Call) -> JsonObject:
    """POST /v1/subscriptions/{subscription}/pause"""
    with call.account.tentative():
        subscription = retrieve(call)
        pausing.pause(call.account, subscription, call.params)
        return subscription


def resume(call: Call) -> JsonObject:
    """POST /v1/subscriptions/{subscription}/resume"""
    with call.account.tentative():
        subscription = retrieve(call)
        pausing.resume(call.account, subscription, call.params)
        return subscription


def list_all(call: Call) -> JsonObject:
    """GET /v1/subscriptions: those not canceled, unless ``status`` says otherwise."""
    found = call.account.newest_first("subscription")
    wanted = call.params.get("status")
    if wanted is None:
        found = [one for one in found if one["status"] != "canceled"]
    elif wanted == "ended":
        found = [one for one in found if one["status"] in status.ENDED]
    elif wanted != "all":
        found = [one for one in found if one["status"] == wanted]
    for name in ("customer", "collection_method"):
        if name in call.params:
            found = [one for one in found if one[name] == call.params[name]]
    if "price" in call.params:
        found = [one for one in found if call.params["price"] in [item["price"]["id"] for item in items.of(one)]]
    return page("/v1/subscriptions", found, call.params)


def list_items(call: Call) -> JsonObject:
    """GET /v1/subscription_items of one subscription."""
    subscription = call.account.get("subscription", call.params["subscription"], param="subscription", status=400)
    return page("/v1/subscription_items", items.of(subscription), call.params)


def retrieve_item(call: Call) -> JsonObject:
    """GET /v1/subscription_items/{item}"""
    for subscription in call.account.newest_first("subscription"):
        for item in items.of(subscription):
            if item["id"] == call.path["item"]:
                return item
    raise no_such("subscription_item", call.path["item"], param="id")


def _last_invoice(call: Call, subscription: JsonObject) -> JsonObject | None:
    period = cycle.period_of(subscription)
    usage = cycle.usage_lines(call.account, subscription, period.start, call.account.now())
    return ending.bill_last(call.account, subscription, [line for line in usage if line["amount"]])


SUBSCRIPTION = "/v1/subscriptions/{subscription}"

ROUTES = (
    Route("POST", "/v1/subscriptions", SubscriptionCreateParams, create, ON_CREATE),
    Route(
        "GET",
        "/v1/subscriptions",
        SubscriptionListParams,
        list_all,
        frozenset({
            "collection_method", "created", "customer", "ending_before", "limit", "price", "starting_after", "status",
        }),
    ),
    Route("GET", SUBSCRIPTION, SubscriptionRetrieveParams, retrieve),
    Route("POST", SUBSCRIPTION, SubscriptionUpdateParams, update, ON_UPDATE),
    Route("DELETE", SUBSCRIPTION, SubscriptionCancelParams, cancel),
    Route("POST", f"{SUBSCRIPTION}/pause", SubscriptionPauseParams, pause),
    Route(
        "POST",
        f"{SUBSCRIPTION}/resume",
        SubscriptionResumeParams,
        resume,
        frozenset({"billing_cycle_anchor", "payment_behavior", "proration_behavior"}),
    ),
    Route("GET", "/v1/subscription_items", SubscriptionItemListParams, list_items),
    Route("GET", "/v1/subscription_items/{item}", SubscriptionItemRetrieveParams, retrieve_item),
)  # fmt: skip
