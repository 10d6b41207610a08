"""Schedule: every hour

Every shop whose local day is over has it closed: a proof of what it owes in stored value, and the export of that.

Days that were missed are closed too, the oldest first; so is a day whose last attempt failed.
"""

from typing import Any

from commerce.liability import use_cases, workflow
from commerce.observability import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    started, failed = use_cases.close_due(workflow.start)
    logger.info("days being closed", started=started, failed=failed)
    return {"started": started, "failed": failed}
