"""Schedule: every minute

Orders that were not paid in time are cancelled and give their stock back.

A run that dies leaves the rest to the next one; what is due comes from an index, the longest due first.
"""

from typing import Any

from commerce.access.queries import find_tenant
from commerce.kernel import clock
from commerce.kernel.caller import Mode
from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError, NotFound
from commerce.observability import logger
from commerce.orders import store
from commerce.payments import use_cases
from commerce.table.transaction import run

PER_SHARD = 50  # a run ends well within its time-out; the next one takes the rest


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    due = store.due(clock.now(), PER_SHARD)
    done = sum(_expired(tenant_id, mode, order_id) for tenant_id, mode, order_id in due)
    logger.info("orders expired", done=done, failed=len(due) - done)
    return {"done": done, "failed": len(due) - done}


def _expired(tenant_id: str, mode: Mode, order_id: str) -> bool:
    """Whether the order was dealt with; one order must not keep all others from expiring."""
    try:
        tenant = find_tenant(tenant_id, mode)
        if tenant is None:
            raise NotFound("tenant")
        run(lambda tx: use_cases.expire(tx, tenant, order_id), Cause("system:expiry"))
    except CommerceError as error:
        logger.warning("order not expired", order_id=order_id, reason=error.reason)
        return False
    except Exception:  # noqa: BLE001
        logger.exception("order not expired", order_id=order_id)
        return False
    return True
