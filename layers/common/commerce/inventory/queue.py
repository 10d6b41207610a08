"""The queue of products whose stock, or an alert on it, changed. A rule puts events of the bus there."""

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode, Tenant


def product_in(body: str) -> tuple[Tenant, str]:
    """The product that a message is about; its tenant has no settings."""
    told = wire_json.loads(body)["detail"]
    return Tenant(tenant_id=str(told["tenant"]), mode=Mode(told["mode"])), str(told["data"]["object"]["product_id"])
