"""/v1/refunds"""

from stripe.params import RefundCreateParams, RefundListParams, RefundRetrieveParams, RefundUpdateParams

from .. import payments
from ..accounts import change
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..params import positive
from ..routing import Call, Route
from ..shapes import JsonObject


def create(call: Call) -> JsonObject:
    """POST /v1/refunds of a ``payment_intent`` or a ``charge``; all that is left unless ``amount`` says less."""
    amount = positive(call.params, "amount")
    members = {"reason": call.params.get("reason"), "metadata": merged({}, call.params)}
    return payments.refund(call.account, _charge(call), amount, members)


def retrieve(call: Call) -> JsonObject:
    """GET /v1/refunds/{refund}"""
    return call.account.get("refund", call.path["refund"])


def update(call: Call) -> JsonObject:
    """POST /v1/refunds/{refund}"""
    refund = retrieve(call)
    previous = change(refund, {"metadata": merged(refund["metadata"], call.params)})
    if previous:
        call.account.emit("refund.updated", refund, previous)
        call.account.emit("charge.refund.updated", refund, previous)
    return refund


def list_all(call: Call) -> JsonObject:
    """GET /v1/refunds, by ``payment_intent`` and ``charge`` if given."""
    refunds = call.account.newest_first("refund")
    for name in ("payment_intent", "charge"):
        if name in call.params:
            refunds = [refund for refund in refunds if refund[name] == call.params[name]]
    return page("/v1/refunds", refunds, call.params)


def _charge(call: Call) -> JsonObject:
    intent_id, charge_id = call.params.get("payment_intent"), call.params.get("charge")
    if intent_id is None and charge_id is None:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if intent_id is not None:
        intent = call.account.get("payment_intent", intent_id, param="payment_intent", status=404)
        if intent["status"] != "succeeded":
            raise invalid_request(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
        if charge_id not in {None, intent["latest_charge"]}:
            raise invalid_request(f"The charge {charge_id} does not belong to the PaymentIntent {intent_id}.")
        charge_id = intent["latest_charge"]
    charge = call.account.get("charge", str(charge_id), param="charge")
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise invalid_request(f"The charge {charge_id} was not captured, so there is nothing to refund.")
    return charge


ROUTES = (
    Route(
        "POST",
        "/v1/refunds",
        RefundCreateParams,
        create,
        frozenset({"payment_intent", "charge", "amount", "reason", "metadata"}),
    ),
    Route("GET", "/v1/refunds", RefundListParams, list_all),
    Route("GET", "/v1/refunds/{refund}", RefundRetrieveParams, retrieve),
    Route("POST", "/v1/refunds/{refund}", RefundUpdateParams, update),
)
