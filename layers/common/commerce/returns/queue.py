"""The queue of returns whose workflow has something to do. A rule puts events of the bus there."""

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode, Tenant


def return_in(body: str) -> tuple[Tenant, str]:
    """The return that a message is about; its tenant has no settings.

    What is told of a return is numbered under the return's own id; what else is told names the return.
    """
    told = wire_json.loads(body)["detail"]
    return_id = told["data"]["object"].get("return_id") or told["ordering_key"]
    return Tenant(tenant_id=str(told["tenant"]), mode=Mode(told["mode"])), str(return_id)
