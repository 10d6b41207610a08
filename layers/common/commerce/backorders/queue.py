"""The queue of variants whose waiting customers may be served. Rules put events of the bus there."""

from commerce.inventory.model import StockKey
from commerce.kernel import wire_json
from commerce.kernel.caller import Mode


def variants_in(body: str) -> tuple[str, Mode, list[StockKey]]:
    """Tenant, mode, and the variants that a message is about.

    Stock of one has arrived; or an order has just been placed that waits for some, so that whoever comes while stock
    arrives is not overlooked. An event that is too large has no items: the next sweep serves them.
    """
    told = wire_json.loads(body)["detail"]
    about = told["data"]["object"]
    waiting = [item for item in about.get("items", ()) if item["waiting"]]
    found = [about] if told["type"] == "stock.changed" else waiting
    variants = [StockKey(str(each["product_id"]), str(each["variant_id"]), "") for each in found]
    return str(told["tenant"]), Mode(told["mode"]), variants
