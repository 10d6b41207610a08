"""Step Functions task: all units of a return are accounted for

What came back is refunded, where the shop has decided that this happens by itself. Else its staff refunds.
"""

from typing import Any

from commerce.access.queries import find_tenant
from commerce.kernel.caller import Mode
from commerce.kernel.errors import NotFound
from commerce.observability import logger
from commerce.returns import workflow_tasks


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    tenant = find_tenant(event["tenant"], Mode(event["mode"]))
    if tenant is None:
        raise NotFound("tenant")
    outcome = workflow_tasks.refund_received(tenant, event["return_id"])
    logger.info("received return seen to", return_id=event["return_id"], outcome=outcome)
    return {"outcome": outcome}
