"""/v1/coupons, as far as subscriptions need them: a percentage or an amount, once, for some months, or for ever."""

from stripe.params import (
    CouponCreateParams,
    CouponDeleteParams,
    CouponListParams,
    CouponRetrieveParams,
    CouponUpdateParams,
)

from .. import ids
from ..accounts import change
from ..currencies import known
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..params import positive
from ..routing import Call, Route
from ..shapes import JsonObject

HONOURED = frozenset({
    "amount_off", "currency", "duration", "duration_in_months", "id", "max_redemptions", "metadata", "name",
    "percent_off", "redeem_by",
})  # fmt: skip
HUNDRED = 100


def create(call: Call) -> JsonObject:
    """POST /v1/coupons"""
    account, params = call.account, call.params
    _refuse_mixed(params)
    duration = params.get("duration", "once")
    months = positive(params, "duration_in_months")
    if (duration == "repeating") != (months is not None):
        raise invalid_request(
            "`duration_in_months` must be given when `duration` is `repeating`, and only then.",
            param="duration_in_months",
        )
    coupon_id = params.get("id") or ids.random_text(8)
    if account.find("coupon", coupon_id) is not None:
        raise invalid_request("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = account.add(
        "coupon",
        {
            "id": coupon_id,
            "amount_off": positive(params, "amount_off"),
            "currency": known(params["currency"]) if "amount_off" in params else None,
            "duration": duration,
            "duration_in_months": months,
            "max_redemptions": positive(params, "max_redemptions"),
            "metadata": merged({}, params),
            "name": params.get("name"),
            "percent_off": params.get("percent_off"),
            "redeem_by": params.get("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
        },
    )
    account.emit("coupon.created", coupon)
    return coupon


def retrieve(call: Call) -> JsonObject:
    """GET /v1/coupons/{coupon}"""
    return call.account.get("coupon", call.path["coupon"], param="coupon")


def update(call: Call) -> JsonObject:
    """POST /v1/coupons/{coupon}: its name and metadata only."""
    coupon = retrieve(call)
    members: JsonObject = {"metadata": merged(coupon["metadata"], call.params)}
    if "name" in call.params:
        members["name"] = call.params["name"]
    previous = change(coupon, members)
    if previous:
        call.account.emit("coupon.updated", coupon, previous)
    return coupon


def delete(call: Call) -> JsonObject:
    """DELETE /v1/coupons/{coupon}; the discounts it gave stay."""
    coupon = retrieve(call)
    # Kept where the discounts find it, and gone from where it could be redeemed.
    call.account.behind(coupon["id"])["deleted"] = dict(coupon)
    del call.account.objects["coupon"][coupon["id"]]
    call.account.emit("coupon.deleted", coupon)
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def list_all(call: Call) -> JsonObject:
    """GET /v1/coupons"""
    return page("/v1/coupons", call.account.newest_first("coupon"), call.params)


def _refuse_mixed(params: JsonObject) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid_request("You must pass exactly one of: `percent_off`, `amount_off`.", param="percent_off")
    if "percent_off" in params and not 0 < params["percent_off"] <= HUNDRED:
        raise invalid_request("Invalid percent_off: must be greater than 0 and at most 100.", param="percent_off")
    if "amount_off" in params and "currency" not in params:
        raise invalid_request("Missing required param: currency.", code="parameter_missing", param="currency")


ROUTES = (
    Route("POST", "/v1/coupons", CouponCreateParams, create, HONOURED),
    Route("GET", "/v1/coupons", CouponListParams, list_all),
    Route("GET", "/v1/coupons/{coupon}", CouponRetrieveParams, retrieve),
    Route("POST", "/v1/coupons/{coupon}", CouponUpdateParams, update, frozenset({"name", "metadata"})),
    Route("DELETE", "/v1/coupons/{coupon}", CouponDeleteParams, delete),
)
