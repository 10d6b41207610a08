"""Schedule: every fifteen minutes

Refunds that the payment provider has not answered for a quarter of an hour are asked for again.

The same request gives back once, however often it is made. A run that dies leaves the rest to the next one.
"""

from typing import Any

from commerce.kernel import clock
from commerce.kernel.caller import Mode
from commerce.kernel.errors import CommerceError
from commerce.observability import logger
from commerce.refunds import execution, store

PER_SHARD = 25  # a run ends well within its time-out; the next one takes the rest


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    due = store.unheard_of(clock.now(), PER_SHARD)
    done = sum(_asked(*each) for each in due)
    logger.info("refunds asked for again", done=done, failed=len(due) - done)
    return {"done": done, "failed": len(due) - done}


def _asked(tenant_id: str, mode: Mode, order_id: str, refund_id: str) -> bool:
    """Whether the provider was asked; one refund must not keep all others waiting."""
    try:
        execution.execute(tenant_id, mode, order_id, refund_id)
    except CommerceError as error:
        logger.warning("refund postponed", refund_id=refund_id, reason=error.reason)
        return False
    except Exception:  # noqa: BLE001
        logger.exception("refund failed", refund_id=refund_id)
        return False
    return True
