"""Schedule: every 5 minutes

Batches of gift cards that are not issued and stand still are told of again, so that a workflow goes on with them.
"""

from typing import Any

from commerce.gift_cards import batch_jobs, batch_store
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.observability import logger

PER_RUN = 50


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    still = batch_store.unfinished(clock.now() - batch_jobs.STILL_FOR, PER_RUN)
    done = sum(_resumed(tenant, batch_id) for tenant, batch_id in still)
    logger.info("batches resumed", done=done, failed=len(still) - done)
    return {"done": done, "failed": len(still) - done}


def _resumed(tenant: Tenant, batch_id: str) -> bool:
    """Whether the batch was told of; one batch must not keep the others waiting."""
    try:
        batch_jobs.resume(tenant, batch_id)
    except Exception:  # noqa: BLE001
        logger.exception("batch not resumed", batch_id=batch_id)
        return False
    return True
