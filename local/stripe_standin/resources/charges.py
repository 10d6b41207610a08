"""/v1/charges. Charges are made by payment intents; here they are read."""

from stripe.params import ChargeListParams, ChargeListRefundsParams, ChargeRetrieveParams, ChargeUpdateParams

from ..accounts import change
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject


def retrieve(call: Call) -> JsonObject:
    """GET /v1/charges/{charge}"""
    return call.account.get("charge", call.path["charge"])


def update(call: Call) -> JsonObject:
    """POST /v1/charges/{charge}"""
    charge = retrieve(call)
    members: JsonObject = {name: call.params[name] for name in ("description", "receipt_email") if name in call.params}
    members["metadata"] = merged(charge["metadata"], call.params)
    previous = change(charge, members)
    if previous:
        call.account.emit("charge.updated", charge, previous)
    return charge


def list_all(call: Call) -> JsonObject:
    """GET /v1/charges, by ``payment_intent`` and ``customer`` if given."""
    charges = call.account.newest_first("charge")
    for name in ("payment_intent", "customer"):
        if name in call.params:
            charges = [charge for charge in charges if charge[name] == call.params[name]]
    return page("/v1/charges", charges, call.params)


def list_refunds(call: Call) -> JsonObject:
    """GET /v1/charges/{charge}/refunds"""
    charge = retrieve(call)
    refunds = [refund for refund in call.account.newest_first("refund") if refund["charge"] == charge["id"]]
    return page(f"/v1/charges/{charge['id']}/refunds", refunds, call.params)


ROUTES = (
    Route("GET", "/v1/charges", ChargeListParams, list_all),
    Route("GET", "/v1/charges/{charge}", ChargeRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/charges/{charge}",
        ChargeUpdateParams,
        update,
        frozenset({"description", "metadata", "receipt_email"}),
    ),
    Route("GET", "/v1/charges/{charge}/refunds", ChargeListRefundsParams, list_refunds),
)
