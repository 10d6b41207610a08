"""Step Functions task: a return is waited for

The token that ends the waiting is kept. If the return has moved on already, the task is told so at once.
"""

from typing import Any

from commerce.kernel.caller import Mode, Tenant
from commerce.observability import logger
from commerce.returns import driving
from commerce.returns.model import ReturnStatus
from commerce.returns.workflow_model import Waiting


def handler(event: dict[str, Any], context: Any) -> None:
    tenant = Tenant(tenant_id=event["tenant"], mode=Mode(event["mode"]))
    waiting = Waiting.asked(ReturnStatus(event["status"]), event["token"], event["entered_at"], event["retry"])
    driven = driving.wait(tenant, event["return_id"], event["generation"], waiting)
    logger.info("return waited for", return_id=event["return_id"], status=waiting.status, driven=driven)
