"""The queue of refunds to ask the payment provider for. A rule puts events of the bus there."""

from dataclasses import dataclass

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode


@dataclass(frozen=True, slots=True)
class Requested:
    """Which refund it is."""

    tenant_id: str
    mode: Mode
    order_id: str
    refund_id: str


def requested(body: str) -> Requested:
    """What a message asks for."""
    told = wire_json.loads(body)["detail"]
    asked = told["data"]["object"]
    return Requested(str(told["tenant"]), Mode(told["mode"]), str(asked["order_id"]), str(asked["refund_id"]))
