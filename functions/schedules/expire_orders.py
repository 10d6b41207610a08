"""Schedule: every minute

Orders that were not paid in time are cancelled and give their stock back.

A run that dies leaves the rest to the next one; what is due comes from an index, the longest due first.
"""

from typing import Any

from commerce.access.use_cases import find_tenant
from commerce.kernel import clock
from commerce.kernel.errors import CommerceError
from commerce.observability import logger
from commerce.orders import store
from commerce.payments import use_cases
from commerce.table.transaction import run

PER_SHARD = 50  # a run ends well within its time-out; the next one takes the rest


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    done = failed = 0
    for named, order_id in store.due(clock.now(), PER_SHARD):
        tenant = find_tenant(named.tenant_id, named.mode)
        if tenant is None:
            continue
        try:
            run(lambda tx, tenant=tenant, order_id=order_id: use_cases.expire(tx, tenant, order_id))
            done += 1
        except CommerceError as error:
            failed += 1
            logger.warning("order not expired", order_id=order_id, reason=error.reason)
        except Exception:  # noqa: BLE001 — one order must not keep all others from expiring
            failed += 1
            logger.exception("order not expired", order_id=order_id)
    logger.info("orders expired", done=done, failed=failed)
    return {"done": done, "failed": failed}
