"""Counters that many writers share (pattern N1, N2), kept by the stream consumer and read by lists and badges."""

from commerce.kernel.caller import Tenant
from commerce.table import keys
from commerce.table.rows import connection

_PREFIX = "n_"


def read(tenant: Tenant, collection: str) -> dict[str, int]:
    """All counts of a collection by name, ``{}`` when nothing was ever counted (N1)."""
    key = keys.counter(tenant, collection)
    item = connection().get_item(key.pk, key.sk, consistent_read=False).get("Item", {})
    return {name[len(_PREFIX) :]: int(value["N"]) for name, value in item.items() if name.startswith(_PREFIX)}
