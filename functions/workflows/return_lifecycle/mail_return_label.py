"""Step Functions task: a return was approved

The customer is mailed the label to print, with the RMA number. Whoever cannot be reached finds it with the return.
"""

from typing import Any

from commerce.access.queries import find_tenant
from commerce.kernel.caller import Mode
from commerce.kernel.errors import NotFound
from commerce.observability import logger
from commerce.returns import label_mail


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    tenant = find_tenant(event["tenant"], Mode(event["mode"]))
    if tenant is None:
        raise NotFound("tenant")
    outcome = label_mail.deliver(tenant, event["return_id"])
    logger.info("return label mailed", return_id=event["return_id"], outcome=outcome)
    return {"outcome": str(outcome)}
