"""Schedule: every 5 minutes

Requests that nobody decided in time are rejected, and what did not come back in time is taken as missing. Workflows of
returns that missed an event go on, and those that were lost are replaced.

A run that dies leaves the rest to the next one; what is due comes from an index, the longest due first.
"""

from collections.abc import Callable
from typing import Any

from commerce.access.queries import find_tenant
from commerce.kernel import clock
from commerce.kernel.caller import Tenant, system
from commerce.kernel.errors import CommerceError, NotFound
from commerce.observability import logger
from commerce.returns import driving, store, use_cases, workflow_store
from commerce.table.transaction import run

PER_SHARD = 50  # a run ends well within its time-out; the next one takes the rest


def handler(event: dict[str, Any], context: Any) -> dict[str, dict[str, int]]:
    now = clock.now()
    done = {
        "returns": [_done(_decide, *due) for due in store.due(now, PER_SHARD)],
        "workflows": [_done(driving.look_after, *due) for due in workflow_store.due(now, PER_SHARD)],
    }
    counts = {what: {"done": sum(each), "failed": len(each) - sum(each)} for what, each in done.items()}
    logger.info("overdue returns decided", counts=counts)
    return counts


def _decide(tenant: Tenant, return_id: str) -> None:
    shop = find_tenant(tenant.tenant_id, tenant.mode)
    if shop is None:
        raise NotFound("tenant")
    caller = system(shop, "overdue_returns")
    run(lambda tx: use_cases.overdue(tx, caller, return_id), caller.cause())


def _done(deal_with: Callable[[Tenant, str], object], tenant: Tenant, return_id: str) -> bool:
    """Whether it was dealt with; one return must not keep all others waiting."""
    try:
        deal_with(tenant, return_id)
    except CommerceError as error:
        logger.warning("return not dealt with", return_id=return_id, reason=error.reason)
        return False
    except Exception:  # noqa: BLE001
        logger.exception("return not dealt with", return_id=return_id)
        return False
    return True
