"""Queue: stock that arrived, and orders that wait for some

Stock that has arrived is set aside for those who wait for it, in the order in which they ordered. A message that is not
done comes back alone and goes on; it ends in the dead-letter queue after six tries.
"""

import time
from typing import Any

from commerce.access.queries import allows_partial_allocation, find_tenant
from commerce.backorders import allocating
from commerce.backorders.queue import variants_in
from commerce.kernel.caller import Tenant, system
from commerce.observability import logger

SECONDS = 45  # of the function's time, so that the last transaction comes to its end


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed, end = [], time.monotonic() + SECONDS
    for record in event["Records"]:
        try:
            done = _serve(record["body"], lambda: time.monotonic() < end)
        except Exception:  # noqa: BLE001 — one message must not take the rest of its batch down
            logger.exception("stock not allocated", message_id=record["messageId"])
            done = False
        if not done:
            failed.append({"itemIdentifier": record["messageId"]})
    logger.info("arrivals allocated", records=len(event["Records"]), failed=len(failed))
    return {"batchItemFailures": failed}


def _serve(body: str, has_time: allocating.HasTime) -> bool:
    """Whether all who could be served of a message's variants are."""
    tenant_id, mode, variants = variants_in(body)
    variants = allocating.waited_for(Tenant(tenant_id, mode), variants)
    tenant = find_tenant(tenant_id, mode) if variants else None
    if tenant is None:
        return True
    whole = not allows_partial_allocation(tenant_id)
    served = [
        allocating.serve(system(tenant, "allocation"), variant, whole=whole, has_time=has_time) for variant in variants
    ]
    return not any(each.left for each in served)
