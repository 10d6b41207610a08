"""Schedule: every hour

Stock that nobody set aside when it arrived is set aside now, and who still waits after the promised day is told, once.

A run that dies leaves the rest to the next one.
"""

import time
from typing import Any

from commerce.access.queries import all_tenants, allows_partial_allocation, find_tenant
from commerce.backorders import allocating, store, use_cases
from commerce.backorders.model import Backorder
from commerce.kernel import clock
from commerce.kernel.caller import Tenant, system
from commerce.kernel.cause import Cause
from commerce.kernel.errors import CommerceError
from commerce.observability import logger
from commerce.table.transaction import run

PER_SHARD = 100  # the next run takes the rest
SECONDS = 240


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    told = sum(_told(*each) for each in store.overdue(clock.now(), PER_SHARD))
    end = time.monotonic() + SECONDS
    units = sum(_served(tenant, lambda: time.monotonic() < end) for tenant in all_tenants())
    logger.info("backorders swept", told=told, units=units)
    return {"told": told, "units": units}


def _told(found: Tenant, backorder: Backorder) -> bool:
    """Whether a customer was told; one order must not keep all others from it."""
    try:
        tenant = find_tenant(found.tenant_id, found.mode)
        assert tenant is not None
        return run(lambda tx: use_cases.tell_late(tx, tenant, backorder.backorder_id), Cause("system:backorders"))
    except CommerceError as error:
        logger.info("customer not told", backorder_id=backorder.backorder_id, reason=error.reason)
        return False
    except Exception:  # noqa: BLE001
        logger.exception("customer not told", backorder_id=backorder.backorder_id)
        return False


def _served(tenant: Tenant, has_time: allocating.HasTime) -> int:
    """The units that were set aside; one tenant must not keep all others from it."""
    try:
        whole = not allows_partial_allocation(tenant.tenant_id)
        return allocating.serve_all(system(tenant, "allocation"), whole=whole, has_time=has_time).units
    except Exception:  # noqa: BLE001
        logger.exception("stock not allocated", tenant=tenant.tenant_id)
        return 0
