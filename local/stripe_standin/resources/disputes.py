"""/v1/disputes. A test card or the control API makes them; here they are read and answered."""

from stripe.params import DisputeCloseParams, DisputeListParams, DisputeRetrieveParams, DisputeUpdateParams

from .. import disputes
from ..errors import invalid_request
from ..listing import page
from ..metadata import merged
from ..routing import Call, Route
from ..shapes import JsonObject

LONGEST_EVIDENCE = 150_000


def retrieve(call: Call) -> JsonObject:
    """GET /v1/disputes/{dispute}"""
    return call.account.get("dispute", call.path["dispute"])


def update(call: Call) -> JsonObject:
    """POST /v1/disputes/{dispute}: ``evidence``, handed in unless ``submit`` is false."""
    dispute = retrieve(call)
    evidence = call.params.get("evidence", {})
    for name in evidence:
        if name not in disputes.EVIDENCE:
            raise invalid_request(
                f"The local stand-in does not support evidence[{name}] here; Stripe does.",
                code="standin_unsupported_parameter",
                param=f"evidence[{name}]",
            )
    if sum(len(value or "") for value in evidence.values()) > LONGEST_EVIDENCE:
        raise invalid_request(
            f"The combined character count of all evidence fields is limited to {LONGEST_EVIDENCE}.", param="evidence"
        )
    metadata = merged(dispute["metadata"], call.params)
    disputes.answer(call.account, dispute, evidence, metadata, submit=call.params.get("submit", True))
    return dispute


def close(call: Call) -> JsonObject:
    """POST /v1/disputes/{dispute}/close: accept it as lost."""
    dispute = retrieve(call)
    disputes.close(call.account, dispute, "lost")
    return dispute


def list_all(call: Call) -> JsonObject:
    """GET /v1/disputes, by ``charge`` and ``payment_intent``."""
    found = call.account.newest_first("dispute")
    for name in ("charge", "payment_intent"):
        if name in call.params:
            found = [dispute for dispute in found if dispute[name] == call.params[name]]
    return page("/v1/disputes", found, call.params)


ROUTES = (
    Route("GET", "/v1/disputes", DisputeListParams, list_all),
    Route("GET", "/v1/disputes/{dispute}", DisputeRetrieveParams, retrieve),
    Route("POST", "/v1/disputes/{dispute}", DisputeUpdateParams, update, frozenset({"evidence", "metadata", "submit"})),
    Route("POST", "/v1/disputes/{dispute}/close", DisputeCloseParams, close),
)
