"""The queue of mails to send. A rule puts events of the bus there; their data names what to mail."""

from dataclasses import dataclass

from commerce.kernel import wire_json
from commerce.kernel.caller import Mode, Tenant


@dataclass(frozen=True, slots=True)
class Delivery:
    """A gift card whose PIN of this generation is to be mailed. ``tenant`` has no settings."""

    tenant: Tenant
    serial: str
    generation: int


def delivery_of(body: str) -> Delivery:
    """What a message asks for."""
    told = wire_json.loads(body)["detail"]
    asked = told["data"]["object"]
    return Delivery(
        tenant=Tenant(tenant_id=str(told["tenant"]), mode=Mode(told["mode"])),
        serial=str(asked["serial"]),
        generation=int(asked["generation"]),
    )
