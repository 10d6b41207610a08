"""Step Functions, last task of return_lifecycle

A return is closed: its refund has arrived where the money came from.
"""

from typing import Any

from commerce.kernel.caller import Mode, Tenant
from commerce.observability import logger
from commerce.returns import workflow_tasks


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    tenant = Tenant(tenant_id=event["tenant"], mode=Mode(event["mode"]))
    status = workflow_tasks.close(tenant, event["return_id"])
    logger.info("return closed", return_id=event["return_id"], status=status)
    return {"status": str(status)}
