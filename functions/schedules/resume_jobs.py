"""Schedule: every 5 minutes

Jobs that are not over and stand still are told of again, so that a workflow goes on with them.
"""

from typing import Any

from commerce.jobs import store, use_cases
from commerce.kernel import clock
from commerce.kernel.caller import Tenant
from commerce.observability import logger

PER_RUN = 50


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    still = store.unfinished(clock.now() - use_cases.STILL_FOR, PER_RUN)
    done = sum(_resumed(tenant, job_id) for tenant, job_id in still)
    logger.info("jobs resumed", done=done, failed=len(still) - done)
    return {"done": done, "failed": len(still) - done}


def _resumed(tenant: Tenant, job_id: str) -> bool:
    """Whether the job was told of; one job must not keep the others waiting."""
    try:
        use_cases.resume(tenant, job_id)
    except Exception:  # noqa: BLE001
        logger.exception("job not resumed", job_id=job_id)
        return False
    return True
